"""A data set as DICOM JSON straight from its bytes, without a pydicom `Dataset` (PS3.5 §7, PS3.18 §F.2).

A walk over tags and lengths that only looks at the values that are asked for. It is strict: what is not written just as
the standard says is Unusual, and pydicom's business, which knows every habit of every maker.
"""

import codecs
import json
import struct
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from federator.archive.folder.files.json import BINARY, INLINE_MAX_BYTES, as_written, damaged, element_of
from federator.archive.folder.files.values import writer_of
from federator.dicom import dictionary
from federator.dicom.quiet import quiet_pydicom

UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DELIMITERS = 0xFFFE
_CHARACTER_SET = 0x00080005
_LUT_DESCRIPTORS = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})
_MAX_DEPTH = 48
_SHORT = [
    "AE",
    "AS",
    "AT",
    "CS",
    "DA",
    "DS",
    "DT",
    "FD",
    "FL",
    "IS",
    "LO",
    "LT",
    "PN",
    "SH",
    "SL",
    "SS",
    "ST",
    "TM",
    "UI",
    "UL",
    "US",
]
_LONG = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
_VRS = {vr.encode("ascii"): (vr, vr in _LONG) for vr in (*_SHORT, *_LONG)}
_UTF_8 = '{"vr":"CS","Value":["ISO_IR 192"]}'
_UID_HEAD, _UID_TAIL = '{"vr":"UI","Value":["', '"]}'
_DEFAULT_ENCODINGS = ("iso8859",)
# What nearly all files have, as pydicom names it, which need not be loaded for them.
_PLAIN_SETS = {
    b"": "iso8859",
    b"ISO_IR 6": "iso8859",
    b"ISO_IR 100": "latin_1",
    b"ISO_IR 101": "iso8859_2",
    b"ISO_IR 144": "iso_ir_144",
    b"ISO_IR 192": "UTF8",
}

BulkAddress = Callable[[str, int], str]
"""The address of the bulk data at a path such as `54000100/0/54001010`, and with a size in bytes."""


class Unusual(Exception):  # noqa: N818 - says what the bytes are; it never leaves this room
    """The bytes are not written as the standard says, or in a way that is too rare to be read here."""


class MoreNeeded(Exception):  # noqa: N818 - as above
    """The bytes at hand end before what is asked for does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """How elements are written."""

    implicit: bool
    little_endian: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An element at which a walk stopped: its tag, its VR where that is written, where its value is, and its length."""

    tag: int
    vr: str
    start: int
    length: int


class Walk:
    """One walk over the elements in `content`.

    With `wanted`, the others are passed over at the top level. The walk ends before a tag of `stops` or one above
    `beyond`, at the top level.
    """

    def __init__(
        self,
        content: bytes,
        syntax: Syntax,
        *,
        bulk_address: BulkAddress,
        wanted: Container[int] | None = None,
        stops: Container[int] = (),
        beyond: int = UNDEFINED_LENGTH,
    ) -> None:
        self._content, self._syntax, self._address = content, syntax, bulk_address
        self._wanted, self._stops, self._beyond = wanted, stops, beyond
        order = "<" if syntax.little_endian else ">"
        self._explicit = struct.Struct(f"{order}HH2sH").unpack_from
        self._implicit = struct.Struct(f"{order}HHL").unpack_from
        self._number = struct.Struct(f"{order}L").unpack_from
        self.found: dict[int, str] = {}
        self.stopped: Place | None = None

    def top(self, position: int) -> None:
        """Fill `found` with the elements from `position` on, as JSON text by tag; `stopped` is where it ended early.

        Raises Unusual, or MoreNeeded where the bytes end inside of an element.
        """
        self.found, _ = self._elements(position, len(self._content), "", _DEFAULT_ENCODINGS, depth=0)

    def text(self) -> str:
        """What was found, as one JSON object in UTF-8."""
        return object_of(dict(sorted({**self.found, _CHARACTER_SET: _UTF_8}.items())))

    def _elements(  # noqa: C901, PLR0912, PLR0915 - one loop: calls for each element cost a third more
        self, position: int, end: int, prefix: str, encodings: tuple[str, ...], *, depth: int
    ) -> tuple[dict[int, str], int]:
        """The elements from `position` to `end`, or to the end of an item whose length is not known (`end` is 0).

        Also where they end. Standard: PS3.5 §7.1, §7.5.2
        """
        found: dict[int, str] = {}
        content, until, implicit = self._content, end or len(self._content), self._syntax.implicit
        write = writer_of(encodings[0], little_endian=self._syntax.little_endian)
        before, wanted, stops = -1, None if depth else self._wanted, () if depth else self._stops
        creators: dict[int, str] = {}
        vr: str
        while position < until:
            if position + 8 > until:
                raise self._cut(until)
            start, is_long = position + 8, False
            if implicit:
                group, element, length = self._implicit(content, position)
                vr = ""
            else:
                group, element, written, length = self._explicit(content, position)
                known = _VRS.get(written)
                if known is None:
                    if (group, element) == (_DELIMITERS, _ITEM_END & 0xFFFF) and not end:
                        return found, start
                    raise Unusual
                vr, is_long = known
                if is_long:
                    if start + 4 > until:
                        raise self._cut(until)
                    (length,) = self._number(content, start)
                    start += 4
            tag = group << 16 | element
            if tag <= before or group == _DELIMITERS:
                if tag == _ITEM_END and not end:
                    return found, start
                raise Unusual
            before = tag
            if tag in stops or (tag > self._beyond and not depth):
                self.stopped = Place(tag=tag, vr=vr, start=start, length=length)
                return found, position
            passed_over = wanted is not None and tag not in wanted
            if length != UNDEFINED_LENGTH and (passed_over or not element):
                position = start + length
                continue
            vr = vr or _vr_of(tag, creators)
            if vr == "SQ":
                text, position = self._sequence(start, length, f"{prefix}{tag:08X}/", encodings, depth)
                if not passed_over:
                    found[tag] = text
                continue
            if length == UNDEFINED_LENGTH:
                raise Unusual
            position = start + length
            if position > until:
                raise self._cut(until)
            value = content[start:position]
            if tag == _CHARACTER_SET:
                encodings = _encodings_of(value)
                write = writer_of(encodings[0], little_endian=self._syntax.little_endian)
            elif group & 1 and 0x10 <= element <= 0xFF:  # noqa: PLR2004 - PS3.5 §7.8.1
                creators[tag] = value.decode("latin-1").rstrip(" \0")
            if vr == "UN":
                vr = _known_vr(tag, creators)
            plain = write(vr, value) if tag not in _LUT_DESCRIPTORS else None
            found[tag] = plain or self._odd(tag, vr, value, f"{prefix}{tag:08X}", encodings)
        if position > until or not end:
            raise self._cut(until)
        return found, position

    def _sequence(
        self, position: int, length: int, prefix: str, encodings: tuple[str, ...], depth: int
    ) -> tuple[str, int]:
        """The items of a sequence as one element, and where it ends."""
        if depth >= _MAX_DEPTH:
            raise Unusual
        end = len(self._content) if length == UNDEFINED_LENGTH else position + length
        if end > len(self._content):
            raise MoreNeeded
        items: list[str] = []
        while position < end:
            if position + 8 > end:
                raise self._cut(end)
            group, element, size = self._implicit(self._content, position)
            position += 8
            tag = group << 16 | element
            if tag == _SEQUENCE_END and length == UNDEFINED_LENGTH:
                return _sequence_of(items), position
            if tag != _ITEM:
                raise Unusual
            until = 0 if size == UNDEFINED_LENGTH else position + size
            if until > end:
                raise self._cut(end)
            item: dict[int, str] = {}
            if until != position:
                item, position = self._elements(position, until, f"{prefix}{len(items)}/", encodings, depth=depth + 1)
            items.append(object_of(item))
        if length == UNDEFINED_LENGTH:
            raise MoreNeeded
        return _sequence_of(items), position

    def _cut(self, until: int) -> Exception:
        """What it means that an element goes on beyond `until`: it may be no more than the end of what is at hand."""
        return MoreNeeded() if until == len(self._content) else Unusual()

    def _odd(self, tag: int, vr: str, value: bytes, path: str, encodings: tuple[str, ...]) -> str:
        """An element as pydicom reads it."""
        if vr in BINARY and len(value) > INLINE_MAX_BYTES:
            return f'{{"vr":"{vr}","BulkDataURI":{_encode(self._address(path, len(value)))}}}'
        return _encode(_converted(tag, vr, value, encodings, little_endian=self._syntax.little_endian))


def object_of(found: dict[int, str]) -> str:
    """Elements as one JSON object."""
    return f"{{{','.join([_key_of(tag) + text for tag, text in found.items()])}}}"


def encoded_elements(row: dict[str, Any]) -> dict[int, str]:
    """The elements of a row as JSON text by tag."""
    return {int(tag, 16): _encode(element) for tag, element in row.items()}


def uid_in(element: str) -> str:
    """The one UID of an element that is given as JSON text; empty where it is something else."""
    is_one = element.startswith(_UID_HEAD) and element.endswith(_UID_TAIL)
    return element[len(_UID_HEAD) : -len(_UID_TAIL)] if is_one else ""


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@lru_cache(maxsize=4096)
def _key_of(tag: int) -> str:
    return f'"{tag:08X}":'


def _sequence_of(items: list[str]) -> str:
    return f'{{"vr":"SQ","Value":[{",".join(items)}]}}' if items else '{"vr":"SQ"}'


@lru_cache(maxsize=64)
def _encodings_of(value: bytes) -> tuple[str, ...]:
    """What Specific Character Set means for Python (PS3.3 §C.12.1.1.2)."""
    plain = _PLAIN_SETS.get(value.rstrip(b" \0"))
    if plain:
        return (plain,)
    from pydicom.charset import convert_encodings
    from pydicom.values import convert_string

    quiet_pydicom()
    try:
        encodings = tuple(convert_encodings(convert_string(value, True)))  # noqa: FBT003 - pydicom's signature
        codecs.lookup(encodings[0])
    except damaged(LookupError) as error:
        raise Unusual from error
    return encodings


def _vr_of(tag: int, creators: dict[int, str]) -> str:
    """The value representation of an element that is written without one."""
    if tag & 0x10000:
        return _known_vr(tag, creators)
    entry = _entry_of(tag)
    if not entry or " " in entry:
        raise Unusual  # such as "US or SS", which rests on other elements
    return entry


@lru_cache(maxsize=4096)
def _entry_of(tag: int) -> str:
    found = dictionary.entry_of(f"{tag:08X}")
    return found[0] if found else ""


def _known_vr(tag: int, creators: dict[int, str]) -> str:
    """The value representation of what is written as unknown, where the dictionary or a maker's knows it."""
    if not tag & 0x10000:
        known = _entry_of(tag)
        if known == "SQ" or " " in known:
            raise Unusual
        return known or "UN"
    if not tag & 0xFF00:
        return "LO" if tag & 0xFFFF >= 0x10 else "UN"  # noqa: PLR2004 - PS3.5 §7.8.1
    return _private_vr(tag, creators.get(tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8, ""))


@lru_cache(maxsize=4096)
def _private_vr(tag: int, creator: str) -> str:
    from pydicom.datadict import private_dictionary_VR

    try:
        vr = str(private_dictionary_VR(tag, creator)) if creator else "UN"
    except KeyError:
        return "UN"
    if vr == "SQ" or " " in vr:
        raise Unusual
    return vr


def _converted(tag: int, vr: str, value: bytes, encodings: tuple[str, ...], *, little_endian: bool) -> dict[str, Any]:
    from pydicom.dataelem import RawDataElement, convert_raw_data_element
    from pydicom.tag import BaseTag

    quiet_pydicom()
    raw = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, little_endian)  # noqa: FBT003 - a named tuple
    try:
        element = convert_raw_data_element(raw, encoding=list(encodings))
        if element.VR == "SQ":
            raise Unusual
        return element_of(element, lambda _: "", ())
    except damaged():
        return as_written(raw)
