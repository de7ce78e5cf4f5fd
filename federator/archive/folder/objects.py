"""What WADO-RS gives of the files in a folder: metadata, whole instances and bulk data (PS3.18 §10.4)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from federator.archive.encoding.headerless import with_header
from federator.archive.folder.json import to_json
from federator.archive.folder.pixels import PIXEL_TAGS, DamagedFile, damage_told, open_stored, swapped
from federator.dicom import json
from federator.model import Level

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

JsonRow = dict[str, Any]

_WORD_BYTES = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
_PREAMBLE = 128


def header_row(path: Path) -> JsonRow:
    """All attributes of a file up to its pixels as a row; empty where it cannot be read any more."""
    try:
        stored = open_stored(path)
    except (DamagedFile, OSError):
        return {}
    return to_json(stored.dataset, lambda _: "")


def metadata(path: Path, base: str) -> JsonRow:
    """All attributes of a file as DICOM JSON, bulk data by addresses below `base`.

    Standard: PS3.18 §10.4.1.1.2, §F.2
    """
    stored = open_stored(path)
    row = to_json(stored.dataset, lambda _: "")
    address = (
        f"{base}/studies/{json.uid(row, Level.STUDY.uid_tag)}/series/{json.uid(row, Level.SERIES.uid_tag)}"
        f"/instances/{json.uid(row, Level.INSTANCE.uid_tag)}/bulkdata"
    )
    row = to_json(stored.dataset, lambda path: f"{address}/{'/'.join(path)}")
    if stored.pixels:
        row[stored.pixels.tag] = {"vr": stored.pixels.vr, "BulkDataURI": f"{address}/{stored.pixels.tag}"}
    return dict(sorted(row.items()))


def bulk_data(path: Path, place: list[str]) -> list[bytes] | None:
    """The value at a path of tags and item numbers; the frames of compressed pixels; None where there is none.

    Values of several bytes are little endian, whatever the file is (PS3.18 §8.7.3.2).
    """
    stored = open_stored(path)
    if len(place) == 1 and place[0] in PIXEL_TAGS:
        return stored.whole_pixels()
    with damage_told():
        element = _element_at(stored.dataset, place)
    if element is None or not isinstance(element.value, bytes):
        return None
    width = 1 if stored.little_endian else _WORD_BYTES.get(str(element.VR)[:2], 1)
    return [swapped(element.value, width)]


def _element_at(dataset: "Dataset", place: list[str]) -> "DataElement | None":
    for sequence, item in zip(place[:-1:2], place[1:-1:2], strict=True):
        element = dataset.get(int(sequence, 16))
        if element is None or element.VR != "SQ" or int(item) >= len(element.value):
            return None
        dataset = element.value[int(item)]
    found: DataElement | None = dataset.get(int(place[-1], 16))
    return found


def part_10(path: Path) -> tuple[bytes, str] | None:
    """A file as Part 10 has it, and its transfer syntax; one without preamble gets the header that it lacks.

    Standard: PS3.10 §7.1
    """
    content, transfer_syntax = path.read_bytes(), open_stored(path).transfer_syntax
    if content[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return content, transfer_syntax
    headed = with_header(content)
    return None if headed is None else (headed, transfer_syntax)
