"""What the attributes say about the pixels of one frame: their layout, its functional groups, its palette.

Read from DICOM JSON, whatever an archive made of it. Enhanced multi-frame objects keep most of it in functional groups,
per frame or shared by all of them (PS3.3 C.7.6.16).
"""

from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.image.tables import Palette, plain_palette, segmented_palette
from federator.dicom.objects.kinds import kind_of
from federator.dicom.report.sop_classes import class_name
from federator.dicom.uid import is_uid
from federator.errors import ContentError, RequestError
from federator.model import DicomJson

MAX_PIXELS = 8192 * 8192
"""The largest frame that is decoded. Mammograms have up to 24 million pixels, whole-slide images come in tiles."""

SHARED_GROUPS, FRAME_GROUPS = "52009229", "52009230"
PIXEL_KEYWORDS = {"7FE00010": "PixelData", "7FE00008": "FloatPixelData", "7FE00009": "DoubleFloatPixelData"}
_COLORS = 3
_ONE_SAMPLE = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """The image pixel module (PS3.3 C.7.6.3): how the stored values of every frame are laid out."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    planar_configuration: int
    number_of_frames: int
    keyword: str

    @property
    def is_gray(self) -> bool:
        """One sample per pixel that is a brightness and not an index of colours."""
        return self.samples_per_pixel == 1 and self.photometric_interpretation != "PALETTE COLOR"

    @property
    def frame_bits(self) -> int:
        """How many bits one native frame takes; YBR_FULL_422 shares its colours between two pixels."""
        pixels = self.rows * self.columns
        samples = 2 if self.photometric_interpretation == "YBR_FULL_422" else self.samples_per_pixel
        return pixels * samples * self.bits_allocated


def no_image(row: DicomJson) -> ContentError:
    """The instance is no image; the message says what it is, and what to call instead."""
    sop_class_uid = json.uid(row, "00080016")
    kind = kind_of(sop_class_uid)
    if kind is not None:
        return ContentError(
            f'This is no image: it is of the class "{kind.name}", {kind.purpose}. {kind.tool} reads it.'
        )
    named = f' It is of the class "{class_name(sop_class_uid)}".' if is_uid(sop_class_uid) else ""
    return ContentError(f"The instance has no pixels to show.{named} get-instance-metadata shows what it holds.")


def number_of_frames(row: DicomJson) -> int:
    """Number of Frames (0028,0008), at least 1."""
    return max(json.integer(row, "00280008") or 1, 1)


def check_frame(row: DicomJson, frame_number: int) -> None:
    """A RequestError says how many frames there are where `frame_number` is none of them."""
    count = number_of_frames(row)
    if not 1 <= frame_number <= count:
        frames = "one frame" if count == 1 else f"{count} frames"
        raise RequestError(f"frame: there is no frame {frame_number}. This instance has {frames}, counted from 1.")


def layout_of(row: DicomJson) -> PixelLayout:
    """The layout of the pixels; a ContentError where there is none or it cannot be true.

    Standard: PS3.3 C.7.6.3
    """
    keyword = next((PIXEL_KEYWORDS[tag] for tag in PIXEL_KEYWORDS if json.is_present(row, tag)), "PixelData")
    bits_allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or _whole(row, "00280100")
    bits_stored = json.integer(row, "00280101") or bits_allocated
    if not 0 < bits_stored <= bits_allocated:
        bits_stored = bits_allocated
    samples = json.integer(row, "00280002") or 1
    photometric = _photometric(json.text(row, "00280004").upper(), samples)
    layout = PixelLayout(
        rows=_whole(row, "00280010"),
        columns=_whole(row, "00280011"),
        samples_per_pixel=samples,
        photometric_interpretation=photometric,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=_high_bit(row, bits_allocated=bits_allocated, bits_stored=bits_stored),
        pixel_representation=1 if json.integer(row, "00280103") == 1 else 0,
        planar_configuration=1 if json.integer(row, "00280006") == 1 else 0,
        number_of_frames=number_of_frames(row),
        keyword=keyword,
    )
    _check(layout)
    return layout


def palette_of(row: DicomJson) -> Palette:
    """The red, green and blue table of PALETTE COLOR; a ContentError where one is missing.

    Raises TableElsewhere where a table is not in `row`. Standard: PS3.3 C.7.6.3.1.5
    """
    palette = plain_palette(row) or segmented_palette(row)
    if palette is None:
        raise ContentError("The image is in palette colours, but its palette is missing or broken: it cannot be shown.")
    return palette


def functional_group(row: DicomJson, frame_number: int, tag: str) -> DicomJson | None:
    """The macro `tag` that holds for a frame: its own before the shared one; None outside enhanced objects.

    Standard: PS3.3 C.7.6.16.1
    """
    frames = json.items(row, FRAME_GROUPS)
    own = frames[frame_number - 1 : frame_number] if len(frames) >= number_of_frames(row) else []
    for group in [*own, *json.items(row, SHARED_GROUPS)[:1]]:
        if items := json.items(group, tag):
            return items[0]
    return None


def numbers(row: DicomJson, tag: str) -> tuple[float, ...]:
    """All values as numbers; empty where one of them is none."""
    found = [json.as_number(text) for text in json.texts(row, tag)]
    return tuple(value for value in found if value is not None) if None not in found else ()


def _whole(row: DicomJson, tag: str) -> int:
    value = json.integer(row, tag)
    if value is None:
        raise no_image(row)
    return value


def _check(layout: PixelLayout) -> None:
    faults = {
        "Rows": layout.rows > 0,
        "Columns": layout.columns > 0,
        "BitsAllocated": layout.bits_allocated in {1, 8, 16, 32, 64},
        "SamplesPerPixel": layout.samples_per_pixel in {1, _COLORS, 4},
    }
    for keyword, is_sound in faults.items():
        if not is_sound:
            raise ContentError(f"The image cannot be shown: its {keyword} makes no sense. See get-instance-metadata.")
    if layout.rows * layout.columns > MAX_PIXELS:
        raise ContentError(
            f"The image declares {layout.columns} × {layout.rows} pixels, more than the {MAX_PIXELS} that are decoded "
            "here. A whole-slide image has smaller instances in the same series: render one of those."
        )


def _photometric(written: str, samples: int) -> str:
    """The photometric interpretation, where it can be true of so many samples."""
    is_gray = written in _ONE_SAMPLE
    if samples == 1:
        return written if is_gray else "MONOCHROME2"
    return written if written and not is_gray else "RGB"


def _high_bit(row: DicomJson, *, bits_allocated: int, bits_stored: int) -> int:
    high_bit = json.integer(row, "00280102")
    if high_bit is None or not bits_stored - 1 <= high_bit < bits_allocated:
        return bits_stored - 1
    return high_bit
