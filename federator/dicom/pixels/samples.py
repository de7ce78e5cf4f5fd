"""The layout of compressed samples: where the codestream tells, it knows better than the header around it.

Headers are rewritten on the way by programs that never look into the stream: they declare planes that are interleaved,
colours that are others, more or fewer bits, and forget the sign. A decoder goes by the stream, so its samples are what
the stream says.
"""

from dataclasses import replace

from federator.dicom.image.header import PixelLayout
from federator.dicom.pixels.codestream import StreamInfo

_JPEG_2000 = "image/jp2"
_COLORS = 3
_TURNED_BACK = frozenset({"RGB", "YBR_ICT", "YBR_RCT"})
"""What decoders hand out as RGB (PS3.5 §8.2.4)."""
_WORDS = (8, 16, 32)


def as_encoded(layout: PixelLayout, info: StreamInfo, *, holds_overlays: bool) -> PixelLayout:
    """The layout of the samples that a decoder hands out, always colour by pixel.

    `holds_overlays` says that bits above the values of interest are overlay planes and no part of them.

    Standard: PS3.5 §8.2.1, §8.2.3, §8.2.4; ISO 15444-1 A.5.1
    """
    precision = info.precision
    if not precision or precision > _WORDS[-1]:
        return replace(layout, planar_configuration=0)
    is_signed = info.is_signed or bool(layout.pixel_representation)
    allocated = next(word for word in _WORDS if precision <= word)
    # A header that leaves out upper bits is believed where these may be copies of the sign, or overlays.
    is_cut = layout.bits_stored < precision and (holds_overlays or (is_signed and info.media_type != _JPEG_2000))
    stored, high_bit = (layout.bits_stored, layout.high_bit) if is_cut else (precision, precision - 1)
    return replace(
        layout,
        samples_per_pixel=info.components,
        photometric_interpretation=_photometric(layout, info),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=min(high_bit, allocated - 1),
        pixel_representation=int(is_signed),
        planar_configuration=0,
    )


def _photometric(layout: PixelLayout, info: StreamInfo) -> str:
    written = layout.photometric_interpretation
    if info.components == 1:
        return written if layout.samples_per_pixel == 1 else "MONOCHROME2"
    if info.components != _COLORS:
        return written
    if info.colors:
        return info.colors.value
    if written in _TURNED_BACK or not written.startswith("YBR"):
        return "RGB"
    return "YBR_FULL"
