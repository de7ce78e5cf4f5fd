"""pydicom's data dictionary without pydicom: tags, keywords and value representations (PS3.6).

Importing any part of pydicom brings NumPy and every pixel decoder along: 40 MB and half a second that a search has no
use for. Its dictionary is a file of plain data, so that file alone is read, and not at all where pydicom is there.
"""

import importlib.util
import re
import sys
from functools import cache, lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

_TAG = re.compile(r"[0-9A-F]{8}")
_MODULE = "pydicom._dicom_dict"

Entry = tuple[str, str, str, str, str]
"""Value representation, multiplicity, name, whether it is retired, keyword."""


@cache
def keywords() -> dict[str, str]:
    """Every keyword of the dictionary with its tag as 8 upper-case digits; repeating groups are not among them."""
    entries: dict[int, Entry] = _data().DicomDictionary
    return {entry[4]: f"{tag:08X}" for tag, entry in entries.items() if entry[4]}


@lru_cache(maxsize=4096)
def entry_of(tag: str) -> Entry | None:
    """What the dictionary says of an 8-digit tag; None where it does not know it."""
    if not _TAG.fullmatch(tag):
        return None
    found: Entry | None = _data().DicomDictionary.get(int(tag, 16))
    return found or next((entry for pattern, entry in _repeating() if pattern.fullmatch(tag)), None)


@cache
def _repeating() -> list[tuple[re.Pattern[str], Entry]]:
    """Groups that repeat, such as 60xx of overlays (PS3.5 §7.6)."""
    repeaters: dict[str, Entry] = _data().RepeatersDictionary
    return [(re.compile(mask.upper().replace("X", "[0-9A-F]")), entry) for mask, entry in repeaters.items()]


@cache
def _data() -> ModuleType:
    if _MODULE in sys.modules:
        return sys.modules[_MODULE]
    package = importlib.util.find_spec("pydicom")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pydicom is not installed", name="pydicom")
    module = ModuleType(_MODULE)
    SourceFileLoader(_MODULE, str(Path(package.origin).with_name("_dicom_dict.py"))).exec_module(module)
    return module
