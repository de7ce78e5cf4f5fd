"""What WADO-RS gives of the files in a folder: metadata, whole instances and bulk data (PS3.18 §10.4)."""

import json
import os
from collections.abc import Collection, Container
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from federator.archive.encoding.headerless import with_header
from federator.archive.folder.files.elements import MoreNeeded, Unusual, Walk, encoded_elements
from federator.archive.folder.files.json import encoded, to_json
from federator.archive.folder.files.opening import opened
from federator.archive.folder.files.pixels import PIXEL_TAGS, DamagedFile, GoneFile, damage_told, open_stored, swapped
from federator.archive.folder.files.source import DEFLATED, head_of

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

JsonRow = dict[str, Any]

_WORD_BYTES = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
_PREAMBLE = 128
_CHARACTER_SET = 0x00080005
_PIXELS = frozenset(int(tag, 16) for tag in PIXEL_TAGS)
_WINDOWS = (65_536, 1_048_576, 16_777_216, 268_435_456)


def header_row(path: Path, tags: Collection[str] = ()) -> JsonRow:
    """The attributes of a file up to its pixels as a row, or just those with these tags; empty where it is unreadable.

    A report holds megabytes in one sequence: what is not asked for is passed over.
    """
    wanted = {_CHARACTER_SET, *(int(tag, 16) for tag in tags)}
    # To know a private attribute one has to know who reserved its block.
    is_plain = bool(tags) and not any(tag >> 16 & 1 for tag in wanted)
    try:
        with damage_told(), opened(path) as file:
            row: JsonRow = json.loads(_walked(file, "", wanted=wanted if is_plain else None).text())
            return row
    except Unusual:
        pass
    except (DamagedFile, GoneFile):
        return {}
    try:
        return to_json(open_stored(path).dataset, lambda _: "")
    except (DamagedFile, GoneFile):
        return {}


def metadata(path: Path, address: str) -> str:
    """All attributes of a file as a JSON object, bulk data by addresses below `address`.

    Standard: PS3.18 §10.4.1.1.2, §F.2
    """
    try:
        with damage_told(), opened(path) as file:
            walk = _walked(file, address)
    except Unusual:
        return _read_otherwise(path, address)
    if walk.stopped:
        pixels = {"vr": walk.stopped.vr or "OW", "BulkDataURI": f"{address}/{walk.stopped.tag:08X}"}
        walk.found |= encoded_elements({f"{walk.stopped.tag:08X}": pixels})
    return walk.text()


def _walked(file: BinaryIO, address: str, *, wanted: Container[int] | None = None) -> Walk:
    """The walk over a file up to its pixels."""
    content = file.read(_WINDOWS[0])
    head = head_of(content)
    if head.transfer_syntax == DEFLATED:
        raise Unusual
    for size in _WINDOWS:
        content += file.read(size - len(content))
        is_whole = len(content) < size
        walk = Walk(
            content, head.syntax, bulk_address=lambda path, _: f"{address}/{path}", wanted=wanted, stops=_PIXELS
        )
        try:
            walk.top(head.start)
        except MoreNeeded:
            if is_whole:
                raise Unusual from None
            continue
        if walk.stopped or is_whole:
            return walk
    raise Unusual


def _read_otherwise(path: Path, address: str) -> str:
    """The metadata as pydicom reads them, which knows what is not as the standard says."""
    stored = open_stored(path)
    row = to_json(stored.dataset, lambda path: f"{address}/{'/'.join(path)}")
    if stored.pixels:
        row[stored.pixels.tag] = {"vr": stored.pixels.vr, "BulkDataURI": f"{address}/{stored.pixels.tag}"}
    return encoded(dict(sorted(row.items())))


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
    with damage_told(), opened(path) as file:
        # No more than it had when it was opened: some files go on for ever.
        content = file.read(os.fstat(file.fileno()).st_size)
    transfer_syntax = _syntax_of(path, content)
    if content[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return content, transfer_syntax
    headed = with_header(content)
    return None if headed is None else (headed, transfer_syntax)


def _syntax_of(path: Path, content: bytes) -> str:
    try:
        return head_of(content).transfer_syntax
    except Unusual:
        return open_stored(path).transfer_syntax
