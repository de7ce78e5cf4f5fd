"""The pixels of a file, one frame at a time, reading no more of the file than needed (PS3.5 §8 and Annex A)."""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from federator.archive.folder.files.elements import Unusual
from federator.archive.folder.files.json import damaged
from federator.archive.folder.files.opening import NoFile, opened
from federator.archive.folder.files.source import (
    DEFLATED,
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    Head,
    Inflated,
    Plain,
    head_of,
)
from federator.dicom.quiet import quiet_pydicom

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

FLOAT_PIXEL_DATA = "7FE00008"
DOUBLE_FLOAT_PIXEL_DATA = "7FE00009"
PIXEL_DATA = "7FE00010"
PIXEL_TAGS = frozenset({FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA, PIXEL_DATA})

_UNDEFINED_LENGTH = 0xFFFFFFFF
_IMPLICIT_HEADER_BYTES = 8
_EXPLICIT_HEADER_BYTES = 12
_BYTE_BITS = 8
_HEAD_BYTES = 8_192
_WINDOWS = (131_072, 4_194_304, 67_108_864)
_ARRAY_CODES = {2: "H", 4: "I", 8: "Q"}


class GoneFile(Exception):  # noqa: N818 - as below
    """A file of the index that is not there any more."""


class DamagedFile(Exception):  # noqa: N818 - reads as a sentence at the place where it is raised
    """A file of the index that cannot be read after all; the message, if any, says what of its object is missing."""


@contextmanager
def damage_told() -> Iterator[None]:
    """Raise GoneFile or DamagedFile for what comes of reading one file: it is never the folder's fault."""
    try:
        yield
    except FileNotFoundError as error:
        raise GoneFile from error
    except NoFile as error:
        raise DamagedFile("had this object, but a pipe or a device lies where its file was.") from error
    except PermissionError as error:
        raise DamagedFile("has this object, but this account may not read its file.") from error
    except damaged() as error:
        # pydicom raises OSError too, for what it finds in a file; the system's have a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise DamagedFile("has this object, but the disk does not give its file.") from error
        raise DamagedFile from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """Where the pixels of a file are: `start` is the offset of the value, `length` its size in bytes or None."""

    tag: str
    vr: str
    start: int
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file read up to its pixels. A missing transfer syntax is told from how the file is written."""

    path: Path
    dataset: "Dataset"
    transfer_syntax: str
    little_endian: bool
    pixels: Pixels | None
    deflated_from: int | None = None

    @property
    def number_of_frames(self) -> int:
        """How many frames the file declares, at least 1."""
        return max(1, self._number("NumberOfFrames"))

    def frame(self, frame_number: int) -> tuple[bytes, str] | None:
        """One frame as stored, in little endian, and its transfer syntax; None where there is no such frame.

        Standard: PS3.18 §10.4.1.1.6
        """
        if self.pixels is None or not 1 <= frame_number <= self.number_of_frames:
            return None
        with damage_told(), opened(self.path) as file:
            if self.pixels.length is None:
                return self._encapsulated(file, self.pixels, frame_number), self.transfer_syntax
            content = self._native(self._source(file), self.pixels, frame_number)
        return (content, EXPLICIT_LITTLE_ENDIAN) if content is not None else None

    def whole_pixels(self) -> list[bytes] | None:
        """The whole value of native pixels in little endian, or all frames of compressed ones."""
        if self.pixels is None:
            return None
        with damage_told(), opened(self.path) as file:
            if self.pixels.length is None:
                return [self._encapsulated(file, self.pixels, number) for number in range(1, self.number_of_frames + 1)]
            content = self._source(file).part(self.pixels.start, self.pixels.length)
        return [content if self.little_endian else swapped(content, self._word_bytes(self.pixels))]

    def _encapsulated(self, source: BinaryIO, pixels: Pixels, frame_number: int) -> bytes:
        from pydicom.encaps import get_frame

        offsets, lengths = self.dataset.get("ExtendedOffsetTable"), self.dataset.get("ExtendedOffsetTableLengths")
        read = partial(
            get_frame, source, frame_number - 1, extended_offsets=(offsets, lengths) if offsets and lengths else None
        )
        source.seek(pixels.start)
        try:
            frame = read(number_of_frames=self.number_of_frames)
        except damaged():
            held = _frames_held(source, pixels)
            if held < frame_number:
                raise self._lacks(held) from None
            source.seek(pixels.start)
            frame = read(number_of_frames=held)
        if not frame:
            raise self._lacks(_frames_held(source, pixels))
        return frame

    def _lacks(self, held: int) -> DamagedFile:
        """What to say of a frame that is declared, where only `held` are in the file."""
        if held >= self.number_of_frames:
            return DamagedFile()
        return DamagedFile(
            f"has this object, but its file holds only {held} of the {self.number_of_frames} frames that it declares."
        )

    def _native(self, source: Plain | Inflated, pixels: Pixels, frame_number: int) -> bytes | None:
        """The bytes of one frame; where frames are not of whole bytes (1 bit a pixel), its bits."""
        frame_bits = self._frame_bits()
        first_bit = (frame_number - 1) * frame_bits
        end_bit = first_bit + frame_bits
        width = 1 if self.little_endian else self._word_bytes(pixels)
        first, end = first_bit // _BYTE_BITS, -(-end_bit // _BYTE_BITS)
        begin = first // width * width
        stored = source.part(pixels.start + begin, max(0, min(-(-end // width) * width, pixels.length or 0) - begin))
        content = swapped(stored, width)[first - begin : end - begin]
        if not frame_bits:
            return None
        if len(content) < end - first:
            held_bytes = min(source.end - pixels.start, pixels.length or 0)
            raise self._lacks(held_bytes * _BYTE_BITS // frame_bits)
        shift = first_bit % _BYTE_BITS
        if not shift and not frame_bits % _BYTE_BITS:
            return content
        bits = (int.from_bytes(content, "little") >> shift) & ((1 << frame_bits) - 1)
        return bits.to_bytes(-(-frame_bits // _BYTE_BITS), "little")

    def _frame_bits(self) -> int:
        samples = self._number("Rows") * self._number("Columns") * max(1, self._number("SamplesPerPixel"))
        if self.dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
            samples = samples // 3 * 2  # two pixels share their colour (PS3.3 §C.7.6.3.1.2)
        return samples * self._number("BitsAllocated")

    def _word_bytes(self, pixels: Pixels) -> int:
        """How many bytes stand in reverse in a big endian file; bytes in words of 16 bits are swapped in pairs."""
        width = self._number("BitsAllocated") // _BYTE_BITS
        return width if width > 1 else (2 if pixels.vr == "OW" else 1)

    def _number(self, keyword: str) -> int:
        value = self.dataset.get(keyword)
        return int(value) if value is not None and str(value).isdigit() else 0

    def _source(self, file: BinaryIO) -> Plain | Inflated:
        """The bytes in which the place of native pixels counts."""
        return Plain(file, 0) if self.deflated_from is None else Inflated(file, self.deflated_from)


def open_stored(path: Path) -> Stored:
    """Read a file up to its pixels, which stay where they are. Raises DamagedFile, or GoneFile where it is gone."""
    quiet_pydicom()
    with damage_told(), opened(path) as file:
        head = _deflated(file)
        return _read(path, file) if head is None else _read_deflated(path, file, head)


def _deflated(file: BinaryIO) -> Head | None:
    try:
        head = head_of(file.read(_HEAD_BYTES))
    except Unusual:
        return None
    finally:
        file.seek(0)
    return head if head.transfer_syntax == DEFLATED else None


class _AtPixels:
    """Where reading stopped: pydicom asks of each element whether to stop."""

    def __init__(self) -> None:
        self.seen: tuple[str, str | None, int] | None = None

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        if f"{tag:08X}" in PIXEL_TAGS:
            self.seen = (f"{tag:08X}", vr, length)
        return self.seen is not None

    def pixels(self, place: int) -> Pixels | None:
        """The pixels of which the element begins at `place`."""
        if self.seen is None:
            return None
        tag, vr, length = self.seen
        start = place + (_IMPLICIT_HEADER_BYTES if vr is None else _EXPLICIT_HEADER_BYTES)
        return Pixels(tag=tag, vr=vr or "OW", start=start, length=None if length == _UNDEFINED_LENGTH else length)


def _read(path: Path, file: BinaryIO) -> Stored:
    from pydicom.filereader import read_partial

    stop = _AtPixels()
    dataset = read_partial(file, stop, force=True)
    place = file.tell()
    transfer_syntax, little_endian = _written_as(dataset)
    return Stored(
        path=path,
        dataset=dataset,
        transfer_syntax=transfer_syntax,
        little_endian=little_endian,
        pixels=stop.pixels(place),
    )


def _read_deflated(path: Path, file: BinaryIO, head: Head) -> Stored:
    """Inflate as far as the header goes, and no more: a small file may hold most of a gigabyte behind it.

    Standard: PS3.5 §A.5
    """
    from pydicom.filereader import read_dataset

    source = Inflated(file, head.start)
    for size in _WINDOWS:
        stop, content = _AtPixels(), source.part(0, size)
        buffer = BytesIO(content)
        try:
            dataset = read_dataset(buffer, is_implicit_VR=False, is_little_endian=True, stop_when=stop)
        except damaged():
            if len(content) < size:
                raise
            continue
        if stop.seen is not None or len(content) < size:
            return Stored(
                path=path,
                dataset=dataset,
                transfer_syntax=DEFLATED,
                little_endian=True,
                pixels=stop.pixels(buffer.tell()),
                deflated_from=head.start,
            )
    raise DamagedFile("has this object, but its file unfolds to more than is read.")


def _frames_held(source: BinaryIO, pixels: Pixels) -> int:
    """How many encoded frames there are where the declared number is wrong: one for each fragment.

    Standard: PS3.5 §A.4 (a frame has a fragment of its own at least)
    """
    from pydicom.encaps import parse_basic_offsets, parse_fragments

    source.seek(pixels.start)
    offsets = parse_basic_offsets(source)
    fragments, _ = parse_fragments(source)
    return min(len(offsets), fragments) if offsets else fragments


def swapped(content: bytes, width: int) -> bytes:
    """Words of `width` bytes in the other byte order; bytes that fill no word stay."""
    if width not in _ARRAY_CODES:
        return content
    whole = len(content) // width * width
    words = array(_ARRAY_CODES[width], content[:whole])
    words.byteswap()
    return words.tobytes() + content[whole:]


def _written_as(dataset: "FileDataset") -> tuple[str, bool]:
    """The transfer syntax, told from how the file is written where it does not say; whether it is little endian."""
    declared = str(dataset.file_meta.get("TransferSyntaxUID") or "")
    implicit, little_endian = dataset.original_encoding
    told = IMPLICIT_LITTLE_ENDIAN if implicit else EXPLICIT_LITTLE_ENDIAN
    return declared or (told if little_endian else EXPLICIT_BIG_ENDIAN), bool(little_endian)
