"""What a DICOM file is and whether all of it is there, without building a `Dataset` (PS3.10 §7, PS3.5 §7)."""

import zlib
from dataclasses import dataclass

_HEADER_END = 132
_UNDEFINED = 0xFFFFFFFF
_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_LONG_VALUE_REPRESENTATIONS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_MAX_DEPTH = 64
_DEFLATED = "1.2.840.10008.1.2.1.99"
_DEFLATED_STEP = 1_048_576
_DEFLATED_MAX_STEPS = 256
_MEDIA_STORAGE_INSTANCE = 0x00020003
_TRANSFER_SYNTAX = 0x00020010
_SOP_INSTANCE = 0x00080018


class _CutShort(Exception):  # noqa: N818 - never leaves this module
    """The bytes end inside of an element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What the bytes of a DICOM file tell: the SOP Instance UIDs of its header and data set, and if it is whole.

    `whole` is false only where the bytes are known to end inside of an element; a cut exactly between two
    elements cannot be seen from the inside.
    """

    sop_instance_uids: frozenset[str]
    transfer_syntax: str
    whole: bool


def inspect(content: bytes) -> FileFacts:
    """Look through a DICOM file from its first to its last element; the values themselves are skipped."""
    found: dict[int, str] = {}
    whole = True
    try:
        start = _Elements(content, implicit=False, little_endian=True, found=found).walk(_HEADER_END, header_only=True)
        transfer_syntax = found.get(_TRANSFER_SYNTAX, "")
        if transfer_syntax == _DEFLATED:
            whole = _inflates_to_its_end(content[start:])
        else:
            little_endian = transfer_syntax != "1.2.840.10008.1.2.2"
            # The first value representation is believed before the transfer syntax: some files lie about it.
            implicit = not content[start + 4 : start + 6].isupper()
            _Elements(content, implicit=implicit, little_endian=little_endian, found=found).walk(start)
    except _CutShort:
        whole = False
    uids = {found.get(_MEDIA_STORAGE_INSTANCE, ""), found.get(_SOP_INSTANCE, "")} - {""}
    return FileFacts(sop_instance_uids=frozenset(uids), transfer_syntax=found.get(_TRANSFER_SYNTAX, ""), whole=whole)


class _Elements:
    """Walks over elements; keeps the few values that are asked for in `found`."""

    def __init__(self, content: bytes, *, implicit: bool, little_endian: bool, found: dict[int, str]) -> None:
        self._content = content
        self._implicit = implicit
        self._order = "little" if little_endian else "big"
        self._found = found

    def walk(self, position: int, *, header_only: bool = False) -> int:
        """From element to element to the end of the bytes, or of group 0002; the position behind it."""
        while position < len(self._content):
            if header_only and self._number(position, 2) != 0x0002:  # noqa: PLR2004 - the group of the file's header
                return position
            if not any(self._content[position : position + _HEADER_END]):
                return position  # zeros behind the last element are padding
            position = self._element(position, depth=0)
        return position

    def _number(self, position: int, size: int) -> int:
        if position + size > len(self._content):
            raise _CutShort
        return int.from_bytes(self._content[position : position + size], self._order)  # type: ignore[arg-type]

    def _tag(self, position: int) -> int:
        return self._number(position, 2) << 16 | self._number(position + 2, 2)

    def _element(self, position: int, *, depth: int) -> int:
        tag = self._tag(position)
        value, length, implicit = self._value_of(position)
        if length == _UNDEFINED:
            return self._items(value, depth=depth + 1, implicit=implicit)
        if value + length > len(self._content):
            raise _CutShort
        if depth == 0 and tag in {_MEDIA_STORAGE_INSTANCE, _TRANSFER_SYNTAX, _SOP_INSTANCE}:
            self._found[tag] = self._content[value : value + length].decode("ascii", "replace").strip(" \0")
        return value + length

    def _value_of(self, position: int) -> tuple[int, int, bool]:
        """Where the value starts, its length, and whether the element is written without value representation."""
        representation = self._content[position + 4 : position + 6]
        if self._implicit or not representation.isupper():
            return position + 8, self._number(position + 4, 4), True
        if representation in _LONG_VALUE_REPRESENTATIONS:
            # UN of undefined length holds implicit items (PS3.5 §6.2.2 note 4).
            return position + 12, self._number(position + 8, 4), representation == b"UN"
        return position + 8, self._number(position + 6, 2), False

    def _items(self, position: int, *, depth: int, implicit: bool) -> int:
        """Over items (or the fragments of encapsulated pixels) to the delimiter behind the last of them."""
        before, self._implicit = self._implicit, implicit
        while (tag := self._tag(position)) != _SEQUENCE_END:
            length = self._number(position + 4, 4)
            position += 8
            if tag != _ITEM or depth > _MAX_DEPTH:
                self._implicit = before
                return len(self._content)  # not built as the standard says: nothing can be told about its end
            if length != _UNDEFINED:
                position += length
                continue
            while self._tag(position) != _ITEM_END:
                position = self._element(position, depth=depth)
            position += 8
        self._implicit = before
        self._number(position, 8)
        return position + 8


def _inflates_to_its_end(deflated: bytes) -> bool:
    """Whether a deflated data set has its end; what inflates to more than 256 MiB gets the benefit of the doubt."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = deflated
    try:
        for _ in range(_DEFLATED_MAX_STEPS):
            stream.decompress(rest, _DEFLATED_STEP)
            rest = stream.unconsumed_tail
            if stream.eof or not rest:
                return stream.eof
    except zlib.error:
        return False
    return True
