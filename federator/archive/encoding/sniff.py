"""What bytes are, told from the bytes alone: labels on DICOMweb answers are wrong too often to be believed."""

import re
from enum import StrEnum
from itertools import pairwise

_PREAMBLE_LENGTH = 128
_LOOK_AHEAD = 1024

_JPEG_MARKER_PREFIX = 0xFF
_JPEG_LS_FRAME = 0xF7
_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {_JPEG_LS_FRAME}
_JPEG_START_OF_SCAN = 0xDA
_JPEG_MAX_MARKERS = 10_000
_RLE_HEADER_LENGTH = 64
_RLE_MAX_SEGMENTS = 15
_RLE_NO_OPERATION = 128
# A preamble of plain text may stand before the first delimiter (RFC 2046 §5.1.1).
_FIRST_PART = re.compile(
    rb"(?:[\t\x20-\x7e]*\r?\n){0,8}?--[\x21-\x7e][\x20-\x7e]{0,199}\r?\n(?:[A-Za-z-]+[ \t]*:|\r?\n)"
)


class Kind(StrEnum):
    """A kind of content, named by its media type where it has one."""

    DICOM = "application/dicom"
    JPEG = "image/jpeg"
    JPEG_LS = "image/jls"
    PNG = "image/png"
    GIF = "image/gif"
    JPEG_2000 = "image/jp2"
    PDF = "application/pdf"
    HTML = "text/html"
    MULTIPART = "multipart/related"
    EMPTY = "empty"
    UNKNOWN = "unknown"


def sniff(content: bytes) -> Kind:
    """The kind of `content`; UNKNOWN for anything without a mark of its own, such as native pixels.

    A JPEG is only called so when its marker segments can be followed to a frame header: native pixels may
    begin with the same three bytes.
    """
    if not content:
        return Kind.EMPTY
    if content[_PREAMBLE_LENGTH : _PREAMBLE_LENGTH + 4] == b"DICM":
        return Kind.DICOM
    if content.startswith(b"\xff\xd8\xff"):
        return _kind_of_jpeg(content)
    for mark, kind in _MARKS:
        if content.startswith(mark):
            return kind
    return _kind_of_text(content)


def jpeg_process(content: bytes) -> int | None:
    """The marker of the first frame header (0xC0 baseline … 0xC3 lossless, 0xF7 JPEG-LS); None if there is none.

    Standard: ITU-T T.81 Table B.1, ITU-T T.87 C.1
    """
    position = 2
    for _ in range(_JPEG_MAX_MARKERS):
        if position + 4 > len(content) or content[position] != _JPEG_MARKER_PREFIX:
            return None
        marker = content[position + 1]
        if marker == _JPEG_MARKER_PREFIX:
            position += 1
        elif marker in _JPEG_STANDALONE:
            position += 2
        elif marker in _JPEG_FRAMES:
            return marker
        elif marker == _JPEG_START_OF_SCAN:
            return None
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return None


def ends_as_begun(content: bytes, kind: Kind) -> bool:
    """Whether content that announces its own end really has it: the proof that an image was not cut short.

    True for kinds that announce none. Padding behind the end (zeros, a line break) is let pass.
    """
    tail = content[-_LOOK_AHEAD:].rstrip(b"\x00\r\n")
    if kind in {Kind.JPEG, Kind.JPEG_LS}:
        return tail.endswith(b"\xff\xd9")
    if kind is Kind.JPEG_2000:
        return tail.endswith(b"\xff\xd9") or not content.startswith(b"\xff\x4f")
    if kind is Kind.PNG:
        return b"IEND\xaeB`\x82" in tail
    if kind is Kind.PDF:
        return b"%%EOF" in tail
    return True


def rle_decoded_bytes(content: bytes) -> int:
    """How many bytes the segments of a frame in RLE decode to, counted without decoding them.

    Segments that overlap, as none do that were not made to, are counted once.

    Standard: PS3.5 §G.3.1
    """
    count = int.from_bytes(content[:4], "little")
    offsets = [
        int.from_bytes(content[4 * i : 4 * i + 4], "little") for i in range(1, min(count, _RLE_MAX_SEGMENTS) + 1)
    ]
    decoded = position = 0
    for start, end in pairwise([*offsets, len(content)]):
        position = max(position, start)
        while position < min(end, len(content)):
            control = content[position]
            if control == _RLE_NO_OPERATION:
                position += 1
            elif control < _RLE_NO_OPERATION:
                decoded += min(control + 1, max(0, min(end, len(content)) - position - 1))
                position += control + 2
            else:
                decoded += 257 - control if position + 1 < len(content) else 0
                position += 2
    return decoded


def is_rle(content: bytes) -> bool:
    """Whether this can be a frame in RLE: a header of 64 bytes that counts its segments, the first right behind it.

    Standard: PS3.5 §G.5
    """
    segments = int.from_bytes(content[:4], "little")
    first_offset = int.from_bytes(content[4:8], "little")
    enough = len(content) > _RLE_HEADER_LENGTH
    return enough and 1 <= segments <= _RLE_MAX_SEGMENTS and first_offset == _RLE_HEADER_LENGTH


_MARKS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"%PDF-", Kind.PDF),
    (b"\xff\x4f\xff\x51", Kind.JPEG_2000),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind.JPEG_2000),
)


def _kind_of_jpeg(content: bytes) -> Kind:
    process = jpeg_process(content)
    if process is None:
        return Kind.UNKNOWN
    return Kind.JPEG_LS if process == _JPEG_LS_FRAME else Kind.JPEG


def _kind_of_text(content: bytes) -> Kind:
    start = content[:_LOOK_AHEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return Kind.HTML
    return Kind.MULTIPART if _FIRST_PART.match(start) else Kind.UNKNOWN
