"""What an encoded image says about itself in its first bytes, read without decoding it."""

import struct
from dataclasses import dataclass

_FILL, _JPEG_LS_SIZE = 0xFF, 0xF7
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0), _JPEG_LS_SIZE}) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers of JPEG (ITU-T T.81 B.1.1.3) and JPEG-LS (T.87 C.1.1)."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_J2K_START = b"\xff\x4f\xff\x51"
_MIN_LENGTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """Width and height in pixels as the stream itself declares them; `media_type` of what is commonly shown."""

    media_type: str
    width: int
    height: int


def inspect(content: bytes) -> StreamInfo | None:
    """Kind and size of a JPEG, JPEG-LS, JPEG 2000, PNG or GIF stream; None for anything else."""
    if len(content) < _MIN_LENGTH:
        return None
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        width, height = struct.unpack_from(">II", content, 16)
        return StreamInfo(media_type="image/png", width=width, height=height)
    if content[:6] in {b"GIF87a", b"GIF89a"}:
        width, height = struct.unpack_from("<HH", content, 6)
        return StreamInfo(media_type="image/gif", width=width, height=height)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    return _jpeg_2000(content)


def _jpeg(content: bytes) -> StreamInfo | None:
    position = 2
    while position + 9 <= len(content) and content[position] == _FILL:
        marker = content[position + 1]
        if marker == _FILL or marker in _STANDALONE:
            position += 1 if marker == _FILL else 2
            continue
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            media_type = "image/jls" if marker == _JPEG_LS_SIZE else "image/jpeg"
            return StreamInfo(media_type=media_type, width=width, height=height)
        position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4], "big"))
    return None


def _jpeg_2000(content: bytes) -> StreamInfo | None:
    start = 0
    if content.startswith(_JP2_SIGNATURE):
        start = content.find(_J2K_START)
    if start < 0 or not content.startswith(_J2K_START, start) or len(content) < start + _MIN_LENGTH:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", content, start + 8)
    return StreamInfo(media_type="image/jp2", width=max(right - left, 0), height=max(bottom - top, 0))
