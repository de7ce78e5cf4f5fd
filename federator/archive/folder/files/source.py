"""The bytes of a file from the first element of its data set on, and how they are written (PS3.10 §7, PS3.5 §A)."""

import os
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from federator.archive.folder.files.elements import Syntax, Unusual

PREAMBLE = 128
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
MAX_INFLATED_BYTES = 256 * 1024 * 1024
"""A data set that unfolds to more is refused: a file of a quarter of a megabyte can hold as much."""

_STEP = 65_536
_META = struct.Struct("<HH2sH").unpack_from
_LONG = struct.Struct("<L").unpack_from
_META_GROUP = 0x0002
_SOP_CLASS, _SYNTAX = 0x0002, 0x0010
_LONG_VRS = frozenset({b"OB", b"UN", b"UT", b"OW"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands before the data set: where that begins, its transfer syntax and the SOP Class."""

    start: int
    transfer_syntax: str
    sop_class_uid: str

    @property
    def syntax(self) -> Syntax:
        """How the elements of the data set are written."""
        return Syntax(
            implicit=self.transfer_syntax == IMPLICIT_LITTLE_ENDIAN,
            little_endian=self.transfer_syntax != EXPLICIT_BIG_ENDIAN,
        )


def head_of(content: bytes) -> Head:
    """Read the header of a file, of which `content` is the beginning. Raises Unusual where it is not plain.

    Standard: PS3.10 §7.1
    """
    if content[PREAMBLE : PREAMBLE + 4] != b"DICM":
        raise Unusual
    position, found = PREAMBLE + 4, dict[int, str]()
    while True:
        if position + 12 > len(content):
            raise Unusual
        group, element, vr, length = _META(content, position)
        if group != _META_GROUP:
            break
        position += 8
        if vr in _LONG_VRS:
            (length,) = _LONG(content, position)
            position += 4
        if element in {_SOP_CLASS, _SYNTAX}:
            found[element] = content[position : position + length].decode("latin-1").strip(" \0")
        position += length
    if not found.get(_SYNTAX):
        raise Unusual
    return Head(start=position, transfer_syntax=found[_SYNTAX], sop_class_uid=found.get(_SOP_CLASS, ""))


class Inflated:
    """The inflated data set of a deflated file, read forward in pieces: nothing is kept but what is asked for.

    Offsets count in what it inflates to. Standard: PS3.5 §A.5
    """

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(self._start)
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._position = 0
        self._rest = b""

    def part(self, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer at the end. Raises zlib.error for a broken stream."""
        if start < self._position:
            self._rewind()
        while self._position < start:
            if not self._next(min(_STEP, start - self._position)):
                return b""
        pieces: list[bytes] = []
        while size > 0 and (piece := self._next(min(_STEP, size))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    @property
    def end(self) -> int:
        """Where it ends, once a part reached beyond that."""
        return self._position

    def _next(self, size: int) -> bytes:
        while not self._stream.eof:
            fresh = self._rest or self._file.read(_STEP)
            piece = self._stream.decompress(fresh, size)
            self._rest = self._stream.unconsumed_tail
            self._position += len(piece)
            if self._position > MAX_INFLATED_BYTES:
                raise zlib.error("it unfolds to more than is read")
            if piece:
                return piece
            if not fresh:
                raise zlib.error("the stream ends before its end")
        return b""


class Plain:
    """The bytes of a file that is not deflated, from where its data set begins."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start

    def part(self, start: int, size: int) -> bytes:
        """At most `size` bytes from `start` on; fewer at the end."""
        self._file.seek(self._start + start)
        return self._file.read(size)

    @property
    def end(self) -> int:
        """Where the file ends now."""
        return os.fstat(self._file.fileno()).st_size - self._start
