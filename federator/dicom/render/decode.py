"""From the encoded bytes of one frame to its stored pixel values (PS3.5 §8).

pydicom drives the codecs: Pillow (JPEG), pyjpegls (JPEG-LS), openjpeg (JPEG 2000, HTJ2K), GDCM (JPEG lossless, 12 bits)
and its own for RLE. None of them is under the GPL.
"""

import zlib
from typing import TYPE_CHECKING, Any

from federator.dicom.quiet import READ_FAULTS, quiet_pydicom
from federator.dicom.render.codestream import inspect
from federator.dicom.render.encoded import EncodedFrame, is_encapsulated, native_frame
from federator.dicom.render.header import MAX_PIXELS, PixelLayout
from federator.errors import ContentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNDECODABLE = (*READ_FAULTS, RuntimeError, MemoryError, zlib.error)
"""What pydicom and the codecs below it raise on damaged or unsupported pixel data."""
_VIDEO = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
_COLORS = 3


def stored_values(frame: EncodedFrame) -> "NDArray[Any]":
    """The stored values, shaped (rows, columns) or (rows, columns, 3); colours are RGB.

    Bits that are not part of a value are masked, since overlays may lie in them; what is signed is signed.
    A ContentError says why a frame cannot be decoded, before anything large is allocated.
    """
    layout = frame.layout
    _check_syntax(frame.transfer_syntax)
    if is_encapsulated(frame.transfer_syntax):
        _check_codestream(frame.content, layout)
        value = _encapsulated(frame.content)
    else:
        value = native_frame(frame.content, layout, 1)
    stored = _decoded(value, layout, frame.transfer_syntax)
    return _without_other_bits(stored, layout) if stored.ndim == 2 else stored[..., :_COLORS]  # noqa: PLR2004 - axes


def _decoded(value: bytes, layout: PixelLayout, transfer_syntax: str) -> "NDArray[Any]":
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    quiet_pydicom()
    try:
        decoded, _ = get_decoder(transfer_syntax).as_array(value, index=0, **_options(layout))
    except _UNDECODABLE as error:
        raise ContentError(
            f"The frame cannot be decoded here (transfer syntax {UID(transfer_syntax).name}, "
            f"{layout.bits_stored} of {layout.bits_allocated} bits, {layout.photometric_interpretation}): "
            "it is damaged or of a kind that no decoder here reads."
        ) from error
    return decoded


def _options(layout: PixelLayout) -> dict[str, Any]:
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples_per_pixel,
        "photometric_interpretation": layout.photometric_interpretation,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": layout.pixel_representation,
        "planar_configuration": layout.planar_configuration,
        "number_of_frames": 1,
        "pixel_keyword": layout.keyword,
        "pixel_vr": "OB",
        "view_only": True,
        # pydicom shifts as if High Bit were always Bits Stored - 1.
        "correct_unused_bits": False,
    }


def _check_syntax(transfer_syntax: str) -> None:
    if transfer_syntax in _VIDEO:
        raise ContentError(
            "The instance is a video, which is not decoded here. get-instance-metadata describes it; "
            "the viewer link of find-studies plays it."
        )


def _check_codestream(content: bytes, layout: PixelLayout) -> None:
    """Codecs allocate what the stream declares, whatever Rows and Columns say: compare before decoding."""
    info = inspect(content)
    if info is None:
        return
    if info.width * info.height > MAX_PIXELS:
        raise ContentError(f"The frame is compressed from {info.width} × {info.height} pixels: too many for here.")
    if (info.width, info.height) != (layout.columns, layout.rows):
        raise ContentError(
            f"The frame is damaged: it is described as {layout.columns} × {layout.rows} pixels, "
            f"but compressed from {info.width} × {info.height}."
        )


def _encapsulated(codestream: bytes) -> bytes:
    from pydicom.encaps import encapsulate

    return encapsulate([codestream], has_bot=False)


def _without_other_bits(stored: "NDArray[Any]", layout: PixelLayout) -> "NDArray[Any]":
    """Values of Bits Stored bits below High Bit, sign extended; the other bits of a word may hold anything.

    Standard: PS3.5 §8.1.1
    """
    import numpy as np

    if layout.keyword != "PixelData" or layout.bits_allocated in {1, layout.bits_stored}:
        return stored
    width = stored.dtype.itemsize * 8
    above = width - 1 - layout.high_bit
    shifted = np.left_shift(stored, above) if above > 0 else stored
    values: NDArray[Any] = np.right_shift(shifted, width - layout.bits_stored)
    return values
