"""From the encoded bytes of one frame to its stored pixel values (PS3.5 §8).

Pillow decodes JPEG, GDCM in another process the kinds of it that Pillow does not (see apart.py), and JPEG-LS where
pyjpegls is missing; pydicom drives the other codecs: pyjpegls (JPEG-LS), openjpeg (JPEG 2000, HTJ2K), its own for RLE.
None of them is under the GPL. Which one it is follows from the stream: transfer syntaxes are mislabelled, too.
"""

from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from federator.dicom.faults import read_faults
from federator.dicom.image.header import MAX_PIXELS, PixelLayout
from federator.dicom.pixels.apart import Samples, decode_apart, is_installed
from federator.dicom.pixels.codestream import Colors, StreamInfo, inspect
from federator.dicom.pixels.encoded import (
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    EncodedFrame,
    is_encapsulated,
    native_frame,
)
from federator.dicom.quiet import quiet_pydicom
from federator.errors import ContentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

"""What pydicom and the codecs below it raise on damaged or unsupported pixel data."""
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
_JPEG_LS, _JPEG_EXTENDED, _JPEG_LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (80, 51, 57))
_LIKE_JPEG_LS = (_JPEG_LS, "1.2.840.10008.1.2.4.81")
_PLUGINS = {
    **dict.fromkeys(_LIKE_JPEG_LS, "pyjpegls"),
    **dict.fromkeys(_JPEG_2000, "pylibjpeg"),
    "1.2.840.10008.1.2.5": "pydicom",
}
"""Left to itself, pydicom tries GDCM first."""
_NEEDED = {"pyjpegls": ("jpeg_ls", "federator[jpeg-ls]"), "pylibjpeg": ("openjpeg", "pylibjpeg-openjpeg")}
"""The module that a plugin needs, and what installs it."""
_HUFFMAN_DCT, _LOSSLESS = frozenset({0xC0, 0xC1, 0xC2}), 0xC3
_DCT_BITS = frozenset({8, 12})
_LITTLE_ENDIAN = frozenset({IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN})
_ONE_SAMPLE = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_WORD_BITS = frozenset({8, 16, 32})
_BYTE_BITS = 8
_COLORS = 3


def stored_values(frame: EncodedFrame) -> "NDArray[Any]":
    """The stored values, shaped (rows, columns) or (rows, columns, 3); colours are RGB.

    Bits that are not part of a value are masked, since overlays may lie in them; what is signed is signed.
    A ContentError says why a frame cannot be decoded, before anything large is allocated.
    """
    return values_in(frame_words(frame), frame)


def values_in(words: "NDArray[Any]", frame: EncodedFrame) -> "NDArray[Any]":
    """The stored values in the words of a frame."""
    return words[..., :_COLORS] if frame.layout.samples_per_pixel > 1 else _without_other_bits(words, frame.layout)


def frame_words(frame: EncodedFrame) -> "NDArray[Any]":
    """The words of a frame with everything that lies in them; raises as `stored_values` does."""
    if not is_encapsulated(frame.transfer_syntax):
        value = native_frame(frame.content, frame.layout, 1)
        return _words(value, frame) if _are_words(frame) else _by_pydicom(value, frame, frame.transfer_syntax)
    if is_video(frame.transfer_syntax):
        raise ContentError(
            "The instance is a video, which is not decoded here. get-instance-metadata describes it; "
            "the viewer link of find-studies plays it."
        )
    if not frame.content:
        raise ContentError("The frame is empty.")
    info = inspect(frame.content)
    _check_codestream(info, frame.layout)
    if info is not None and info.media_type == "image/jpeg":
        return _jpeg(info, frame)
    if info is not None and _syntax_of(info, frame) in _LIKE_JPEG_LS and not _is_there("pyjpegls") and is_installed():
        return _by_gdcm(_syntax_of(info, frame), info.precision, frame)
    return _by_pydicom(_encapsulated(frame.content), frame, _syntax_of(info, frame))


def is_video(transfer_syntax: str) -> bool:
    """MPEG-2, H.264, HEVC and their fragmentable kin (PS3.5 §8.2.5 to §8.2.9)."""
    number = transfer_syntax.removeprefix("1.2.840.10008.1.2.4.").partition(".")[0]
    return number.isdigit() and 100 <= int(number) <= 108  # noqa: PLR2004 - as PS3.6 numbers them


def _jpeg(info: StreamInfo, frame: EncodedFrame) -> "NDArray[Any]":
    if info.process in _HUFFMAN_DCT and info.precision == _BYTE_BITS:
        return _by_pillow(info, frame)
    if info.process != _LOSSLESS and (info.process not in _HUFFMAN_DCT or info.precision not in _DCT_BITS):
        raise _no_decoder(f"JPEG of process SOF{info.process - 0xC0} with {info.precision} bits")
    if not is_installed():
        kind = "lossless JPEG" if info.process == _LOSSLESS else f"JPEG of {info.precision} bits"
        raise _no_decoder(kind, install="python-gdcm")
    decoded = _by_gdcm(_JPEG_LOSSLESS if info.process == _LOSSLESS else _JPEG_EXTENDED, info.precision, frame)
    if frame.layout.photometric_interpretation != Colors.YCC.value:
        return decoded
    from pydicom.pixels.processing import convert_color_space

    return convert_color_space(decoded, Colors.YCC.value, Colors.RGB.value)


def _by_gdcm(transfer_syntax: str, precision: int, frame: EncodedFrame) -> "NDArray[Any]":
    layout = frame.layout
    samples = Samples(
        rows=layout.rows,
        columns=layout.columns,
        samples_per_pixel=layout.samples_per_pixel,
        bits_allocated=layout.bits_allocated,
        bits_stored=precision,
        pixel_representation=layout.pixel_representation,
    )
    return _words(decode_apart(transfer_syntax, samples, frame.content), frame)


def _by_pillow(info: StreamInfo, frame: EncodedFrame) -> "NDArray[Any]":
    """JPEG of 8 bits; where neither stream nor libjpeg's guess says RGB and the header does, the header is believed."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(frame.content), formats=("JPEG",)) as image:
            if info.components == _COLORS and not info.colors and frame.layout.photometric_interpretation == "RGB":
                image.draft("YCbCr", image.size)
                return np.asarray(image)
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except read_faults(RuntimeError, MemoryError) as error:
        raise _undecodable(frame) from error


def _syntax_of(info: StreamInfo | None, frame: EncodedFrame) -> str:
    """The transfer syntax that the stream shows; the label where it shows none."""
    stated = frame.transfer_syntax
    if info is None:
        return stated
    if info.media_type == "image/jp2":
        return stated if stated in _JPEG_2000 else _JPEG_2000[0]
    return _JPEG_LS if info.media_type == "image/jls" else stated


def _encapsulated(content: bytes) -> bytes:
    from pydicom.encaps import encapsulate

    return encapsulate([content], has_bot=False)


def _by_pydicom(value: bytes, frame: EncodedFrame, transfer_syntax: str) -> "NDArray[Any]":
    from pydicom.pixels.decoders.base import get_decoder

    quiet_pydicom()
    try:
        decoder = get_decoder(transfer_syntax)
    except NotImplementedError as error:
        raise _no_decoder(_name_of(transfer_syntax)) from error
    plugin = _PLUGINS.get(transfer_syntax, "")
    if not _is_there(plugin):
        raise _no_decoder(_name_of(transfer_syntax), install=_NEEDED[plugin][1])
    try:
        decoded, _ = decoder.as_array(value, index=0, decoding_plugin=plugin, **_options(frame.layout))
    except read_faults(RuntimeError, MemoryError) as error:
        raise _undecodable(frame) from error
    return decoded


def _is_there(plugin: str) -> bool:
    module, _ = _NEEDED.get(plugin, ("pydicom", ""))
    return find_spec(module) is not None


def _no_decoder(what: str, *, install: str = "") -> ContentError:
    remedy = f"; its operator can install one: pip install '{install}'" if install else ""
    return ContentError(
        f"There is no decoder here for {what}: an archive or a viewer that has one can show the frame{remedy}."
    )


def _name_of(transfer_syntax: str) -> str:
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    return UID(transfer_syntax, validation_mode=IGNORE).name


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
    layout = frame.layout
    return ContentError(
        f"The frame cannot be decoded here (transfer syntax {_name_of(frame.transfer_syntax)}, "
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


def _check_codestream(info: StreamInfo | None, layout: PixelLayout) -> None:
    """Codecs allocate what the stream declares, whatever Rows and Columns say: compare before decoding."""
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
