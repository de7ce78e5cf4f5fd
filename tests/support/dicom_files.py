"""The public DICOM files that two packages bring along; pydicom's own finder would try to download the missing ones."""

from functools import cache
from pathlib import Path

import data_store
import pydicom.data


@cache
def all_files() -> tuple[Path, ...]:
    """Every file that may be DICOM, in pydicom's wheel and in pydicom-data."""
    roots = [Path(str(module.__file__)).parent for module in (pydicom.data, data_store)]
    found = (path for root in roots for path in root.rglob("*") if path.is_file() and path.suffix in {".dcm", ""})
    return tuple(sorted(found, key=lambda path: (path.name, str(path))))


def file(name: str) -> bytes:
    """The content of the file with this name."""
    return next(path for path in all_files() if path.name == name).read_bytes()
