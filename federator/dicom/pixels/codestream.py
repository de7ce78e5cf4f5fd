"""What an encoded image says about itself in its first bytes, read without decoding it."""

import struct
from dataclasses import dataclass
from enum import StrEnum

_FILL, _JPEG_LS_SIZE = 0xFF, 0xF7
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0), _JPEG_LS_SIZE}) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers of JPEG (ITU-T T.81 B.1.1.3) and JPEG-LS (T.87 C.1.1)."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_APP0, _APP14 = 0xE0, 0xEE
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_J2K_START = b"\xff\x4f\xff\x51"
_J2K_STYLE, _J2K_TILE = 0x52, 0x90
_MIN_LENGTH = 24
_RGB_IDS = b"RGB"


class Colors(StrEnum):
    """What the three components of a stream are; UNTOLD where only the header around it can say."""

    UNTOLD = ""
    RGB = "RGB"
    YCC = "YBR_FULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """Width and height in pixels as the stream itself declares them; `media_type` of what is commonly shown.

    `precision` is the number of bits of a sample, 0 where the stream does not tell; `process` the second byte of the
    start-of-frame marker of JPEG and JPEG-LS; `is_signed` is told by JPEG 2000 only.
    """

    media_type: str
    width: int
    height: int
    components: int = 0
    precision: int = 0
    process: int = 0
    is_signed: bool = False
    colors: Colors = Colors.UNTOLD


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
    position, colors = 2, Colors.UNTOLD
    while position + 10 <= len(content) and content[position] == _FILL:
        marker = content[position + 1]
        if marker == _FILL or marker in _STANDALONE:
            position += 1 if marker == _FILL else 2
            continue
        if marker in _JPEG_SIZES:
            return _jpeg_frame(content, position, colors)
        colors = colors or _told_colors(marker, content[position + 4 : position + 16])
        position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4], "big"))
    return None


def _jpeg_frame(content: bytes, position: int, colors: Colors) -> StreamInfo:
    """The frame header (T.81 B.2.2): precision, height, width, then three bytes for each component."""
    process, precision = content[position + 1], content[position + 4]
    height, width, components = struct.unpack_from(">HHB", content, position + 5)
    described = content[position + 10 : position + 10 + 3 * components]
    if components == 3:  # noqa: PLR2004 - colours
        # Only brightness and colour are ever sampled unlike each other.
        sampled_alike = len(set(described[1::3])) == 1
        colors = colors or (Colors.UNTOLD if sampled_alike else Colors.YCC)
        colors = colors or (Colors.RGB if described[0::3] == _RGB_IDS else Colors.UNTOLD)
    return StreamInfo(
        media_type="image/jls" if process == _JPEG_LS_SIZE else "image/jpeg",
        width=width,
        height=height,
        components=components,
        precision=precision,
        process=process,
        colors=colors,
    )


def _told_colors(marker: int, segment: bytes) -> Colors:
    """JFIF is YCbCr by definition; Adobe's segment tells at its end (T.872 6.5.3). JFIF comes first and wins."""
    if marker == _APP0 and segment.startswith(b"JFIF\0"):
        return Colors.YCC
    if marker == _APP14 and segment.startswith(b"Adobe") and len(segment) == 12:  # noqa: PLR2004 - its length
        return Colors.YCC if segment[11] else Colors.RGB
    return Colors.UNTOLD


def _jpeg_2000(content: bytes) -> StreamInfo | None:
    """The SIZ segment (ISO 15444-1 A.5.1); in its Ssiz the upper bit is the sign, the others are the depth less one."""
    start = 0
    if content.startswith(_JP2_SIGNATURE):
        start = content.find(_J2K_START)
    if start < 0 or not content.startswith(_J2K_START, start) or len(content) < start + _MIN_LENGTH:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", content, start + 8)
    components, depth = struct.unpack(">HB", content[start + 40 : start + 43].ljust(3, b"\0"))
    return StreamInfo(
        media_type="image/jp2",
        width=max(right - left, 0),
        height=max(bottom - top, 0),
        components=components,
        precision=(depth & 0x7F) + 1 if components else 0,
        is_signed=bool(depth & 0x80),
        colors=Colors.RGB if _has_color_transform(content, start + 2) else Colors.UNTOLD,
    )


def _has_color_transform(content: bytes, position: int) -> bool:
    """Whether the decoder turns the components back into RGB: the fifth byte of COD (ISO 15444-1 A.6.1)."""
    while position + 9 <= len(content) and content[position] == _FILL and content[position + 1] != _J2K_TILE:
        if content[position + 1] == _J2K_STYLE:
            return content[position + 8] == 1
        position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4], "big"))
    return False
