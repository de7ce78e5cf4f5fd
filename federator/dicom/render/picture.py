"""Pixels → a JPEG or PNG that fits: edge, bytes, square pixels, and a label that is true."""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from federator.dicom.image.header import MAX_PIXELS
from federator.dicom.pixels.codestream import StreamInfo, inspect
from federator.dicom.render.contrast import contrast_of
from federator.errors import ContentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

JPEG, PNG = "image/jpeg", "image/png"
MAX_BYTES = 700_000
"""MCP clients refuse results above 1 MB, base64 included (contract.md section 5)."""

_QUALITIES = (90, 80, 70, 60)
_LEAST_EDGE = 32
_ASPECT_RANGE = (0.05, 20.0)
_SQUARE = 0.01
_PIXELS_A_BYTE = 16
"""In pictures of something, JPEG and PNG spend more than a byte on as many pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded image and its size in pixels; `note` says what fitting it took (empty: nothing)."""

    content: bytes
    media_type: str
    width: int
    height: int
    note: str = ""


def encode(
    pixels: "NDArray[np.uint8]", *, media_type: str, max_edge: int, pixel_aspect: float = 1.0, icc_profile: bytes = b""
) -> Picture:
    """Encode 8-bit pixels, shaped (rows, columns) or (rows, columns, 3), at most `max_edge` long and MAX_BYTES large.

    `pixel_aspect` is the height of a pixel divided by its width: pixels become square. Nothing is enlarged otherwise.
    """
    from PIL import Image

    image = _in_srgb(Image.fromarray(pixels), icc_profile)
    return encode_image(image, media_type=media_type, max_edge=max_edge, pixel_aspect=pixel_aspect)


def encode_image(image: "Image.Image", *, media_type: str, max_edge: int, pixel_aspect: float = 1.0) -> Picture:
    """The same for an image in grey (L) or colour (RGB)."""
    width, height = square_size(image.width, image.height, pixel_aspect)
    return _encode(image, media_type, _within(width, height, max_edge))


def as_it_is(
    content: bytes, *, media_type: str, max_edge: int, stored_size: tuple[int, int] = (0, 0), pixel_aspect: float = 1.0
) -> Picture | None:
    """An image from an archive, if it is of the kind asked for and fits; None otherwise. Its pixels are not decoded.

    An image that has just the stored size (width, height) was not made square by the archive: it does not fit.
    """
    info = inspect(content) if len(content) <= MAX_BYTES else None
    if info is None or info.media_type != media_type:
        return None
    size = info.width, info.height
    if max(size) > max_edge or _squared(info, stored_size, pixel_aspect) != size:
        return None
    return Picture(content=content, media_type=media_type, width=info.width, height=info.height)


def fit(
    content: bytes, *, media_type: str, max_edge: int, stored_size: tuple[int, int] = (0, 0), pixel_aspect: float = 1.0
) -> Picture:
    """An image from an archive `as_it_is`, if it fits; re-encoded, and made square, otherwise.

    A ContentError says what is wrong with what is no image.
    """
    fitting = as_it_is(
        content, media_type=media_type, max_edge=max_edge, stored_size=stored_size, pixel_aspect=pixel_aspect
    )
    if fitting is not None:
        return fitting
    info = inspect(content)
    if info is None:
        raise ContentError("The archive sent something that is not an image.")
    whole = _squared(info, stored_size, pixel_aspect)
    if info.width * info.height > MAX_PIXELS:
        raise ContentError(f"The archive sent an image of {info.width} × {info.height} pixels: too large to decode.")
    image = _opened(content)
    if (image.width, image.height) != (info.width, info.height):
        whole = image.width, image.height
    return _encode(image, media_type, _within(*whole, max_edge))


def may_be_empty(content: bytes) -> bool:
    """Whether a picture took suspiciously few bytes for its size: then `looks_empty` has to decode it."""
    info = inspect(content)
    return info is not None and len(content) * _PIXELS_A_BYTE < info.width * info.height <= MAX_PIXELS


def looks_empty(content: bytes) -> bool:
    """Whether a picture shows next to nothing."""
    import numpy as np

    if not may_be_empty(content):
        return False
    contrast = contrast_of(np.asarray(_opened(content)))
    return contrast.is_one_tone or contrast.is_flat


def square_size(width: int, height: int, pixel_aspect: float) -> tuple[int, int]:
    """The size at which pixels of this aspect are square; no edge gets shorter. Absurd aspects count as 1."""
    least, most = _ASPECT_RANGE
    if not least <= pixel_aspect <= most or abs(pixel_aspect - 1) < _SQUARE:
        return width, height
    return (width, round(height * pixel_aspect)) if pixel_aspect > 1 else (round(width / pixel_aspect), height)


def _squared(info: StreamInfo, stored_size: tuple[int, int], pixel_aspect: float) -> tuple[int, int]:
    is_as_stored = (info.width, info.height) == stored_size
    return square_size(info.width, info.height, pixel_aspect if is_as_stored else 1.0)


def _opened(content: bytes) -> "Image.Image":
    from PIL import Image, ImageOps

    try:
        opened = Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF", "JPEG2000"))
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ContentError("The archive sent an image that is damaged.") from error
    return _in_srgb(_eight_bits(upright), opened.info.get("icc_profile") or b"")


def _eight_bits(image: "Image.Image") -> "Image.Image":
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode.startswith("I"):
        # PNG and JPEG 2000 of 16 bits: Pillow's own conversion would clip instead of scale.
        return image.point(lambda value: value / 256).convert("L")
    return image.convert("L" if image.mode in {"1", "LA"} else "RGB")


def _in_srgb(image: "Image.Image", icc_profile: bytes) -> "Image.Image":
    """Colours as a screen expects them; an unusable profile leaves them as they are."""
    from PIL import ImageCms

    if not icc_profile or image.mode != "RGB":
        return image
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _within(width: int, height: int, max_edge: int) -> tuple[int, int]:
    scale = min(1.0, max_edge / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _encode(image: "Image.Image", media_type: str, whole: tuple[int, int]) -> Picture:
    """The best encoding that is small enough: first at lower quality (JPEG), then smaller."""
    size = whole
    while True:
        resized = _resized(image, size)
        content = b""
        for quality in _QUALITIES if media_type == JPEG else _QUALITIES[:1]:
            content = _saved(resized, media_type, quality)
            if len(content) <= MAX_BYTES or max(size) <= _LEAST_EDGE:
                note = _note(media_type, quality, size, whole)
                return Picture(content=content, media_type=media_type, width=size[0], height=size[1], note=note)
        # Bytes grow with the area, so the last try tells how far to go.
        scale = min(0.9, math.sqrt(MAX_BYTES / len(content)) * 0.97)
        size = max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _saved(image: "Image.Image", media_type: str, quality: int) -> bytes:
    buffer = BytesIO()
    if media_type == JPEG:
        # Full colour resolution: coloured text and Doppler edges smear without it.
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    else:
        image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _note(media_type: str, quality: int, size: tuple[int, int], whole: tuple[int, int]) -> str:
    lowered = f"JPEG quality {quality}" if media_type == JPEG and quality != _QUALITIES[0] else ""
    reduced = f"made smaller than {whole[0]} × {whole[1]}" if size != whole else ""
    did = " and ".join(part for part in (lowered, reduced) if part)
    return f"{did} to stay under 700 kB" if did else ""


def _resized(image: "Image.Image", size: tuple[int, int]) -> "Image.Image":
    from PIL import Image

    # Bicubic with antialiasing: Lanczos draws halos along sharp edges, which look like findings.
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)
