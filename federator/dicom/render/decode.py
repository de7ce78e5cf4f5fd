"""From the encoded bytes of one frame to its stored pixel values (PS3.5 §8).

pydicom drives the codecs: Pillow (JPEG), pyjpegls (JPEG-LS), openjpeg (JPEG 2000, HTJ2K), its own for RLE, and GDCM in
another process (JPEG lossless, see apart.py). None of them is under the GPL.
"""

from typing import TYPE_CHECKING, Any

from federator.dicom.quiet import READ_FAULTS, quiet_pydicom
from federator.dicom.render.apart import SYNTAXES, decode_apart
from federator.dicom.render.codestream import inspect
from federator.dicom.render.encoded import (
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    EncodedFrame,
    is_encapsulated,
    native_frame,
)
from federator.dicom.render.header import MAX_PIXELS, PixelLayout
from federator.errors import ContentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNDECODABLE = (*READ_FAULTS, RuntimeError, MemoryError)
"""What pydicom and the codecs below it raise on damaged or unsupported pixel data."""
_VIDEO = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
_PLUGINS = {
    **{f"1.2.840.10008.1.2.4.{number}": "pillow" for number in (50, 51)},
    **{f"1.2.840.10008.1.2.4.{number}": "pyjpegls" for number in (80, 81)},
    **{f"1.2.840.10008.1.2.4.{number}": "pylibjpeg" for number in (90, 91, 201, 202, 203)},
    "1.2.840.10008.1.2.5": "pydicom",
}
"""Left to itself, pydicom tries GDCM first."""
_LITTLE_ENDIAN = frozenset({IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN})
_ONE_SAMPLE = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_WORD_BITS = frozenset({8, 16, 32})
_COLORS = 3


def stored_values(frame: EncodedFrame) -> "NDArray[Any]":
    """The stored values, shaped (rows, columns) or (rows, columns, 3); colours are RGB.

    Bits that are not part of a value are masked, since overlays may lie in them; what is signed is signed.
    A ContentError says why a frame cannot be decoded, before anything large is allocated.
    """
    value = _checked(frame)
    if _are_words(frame):
        stored = _words(value, frame)
    elif frame.transfer_syntax in SYNTAXES:
        stored = _words(decode_apart(frame.transfer_syntax, _options(frame.layout), value), frame)
    else:
        stored = _decoded(value, frame)
    return stored[..., :_COLORS] if frame.layout.samples_per_pixel > 1 else _without_other_bits(stored, frame.layout)


def _checked(frame: EncodedFrame) -> bytes:
    """The bytes for the decoder, after everything that can be found out without decoding."""
    if frame.transfer_syntax in _VIDEO:
        raise ContentError(
            "The instance is a video, which is not decoded here. get-instance-metadata describes it; "
            "the viewer link of find-studies plays it."
        )
    if not is_encapsulated(frame.transfer_syntax):
        return native_frame(frame.content, frame.layout, 1)
    if not frame.content:
        raise ContentError("The frame is empty.")
    _check_codestream(frame.content, frame.layout)
    from pydicom.encaps import encapsulate

    return encapsulate([frame.content], has_bot=False)


def _decoded(value: bytes, frame: EncodedFrame) -> "NDArray[Any]":
    from pydicom.pixels.decoders.base import get_decoder

    quiet_pydicom()
    try:
        decoder = get_decoder(frame.transfer_syntax)
        plugin = _PLUGINS.get(frame.transfer_syntax, "")
        decoded, _ = decoder.as_array(value, index=0, decoding_plugin=plugin, **_options(frame.layout))
    except _UNDECODABLE as error:
        raise _undecodable(frame) from error
    return decoded


def _are_words(frame: EncodedFrame) -> bool:
    """Whether the bytes are the values already, one whole word each: a view of them is enough then."""
    layout = frame.layout
    return (
        frame.transfer_syntax in _LITTLE_ENDIAN
        and layout.keyword == "PixelData"
        and layout.photometric_interpretation in _ONE_SAMPLE
        and layout.samples_per_pixel == 1
        and layout.bits_allocated in _WORD_BITS
    )


def _words(values: bytes, frame: EncodedFrame) -> "NDArray[Any]":
    import numpy as np

    layout = frame.layout
    kind = "i" if layout.pixel_representation else "u"
    shape = (layout.rows, layout.columns, *([layout.samples_per_pixel] if layout.samples_per_pixel > 1 else []))
    try:
        return np.frombuffer(values, f"<{kind}{layout.bits_allocated // 8}").reshape(shape)
    except (ValueError, TypeError) as error:
        raise _undecodable(frame) from error


def _undecodable(frame: EncodedFrame) -> ContentError:
    from pydicom.uid import UID

    layout = frame.layout
    return ContentError(
        f"The frame cannot be decoded here (transfer syntax {UID(frame.transfer_syntax).name}, "
        f"{layout.bits_stored} of {layout.bits_allocated} bits, {layout.photometric_interpretation}): "
        "it is damaged or of a kind that no decoder here reads."
    )


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
