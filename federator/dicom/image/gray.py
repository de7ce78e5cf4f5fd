"""How the stored values of one frame become gray, and what the file offers as values of interest."""

from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.image.header import functional_group, numbers
from federator.dicom.image.tables import LookupTable, item_table
from federator.dicom.image.windows import Window, WindowFunction
from federator.model import DicomJson

_VALUE_TRANSFORMATION, _FRAME_VOI = "00289145", "00289132"
_RESCALE_INTERCEPT, _RESCALE_SLOPE, _RESCALE_TYPE = "00281052", "00281053", "00281054"
_MODALITY_LUT, _VOI_LUT = "00283000", "00283010"
_CENTER, _WIDTH, _EXPLANATION, _FUNCTION = "00281050", "00281051", "00281055", "00281056"
_PADDING, _PADDING_LIMIT = "00280120", "00280121"
_PRESENTATION_SHAPE = "20500020"
_INTENSITY_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.12.{number}" for number in (1, 2, 3))
"""X-Ray angiography, radiofluoroscopy, and biplane angiography as long as there was such a class."""
_HOUNSFIELD = frozenset({"", "HU", "US"})
"""Rescale Types of CT: "unspecified" is what many scanners write and mean Hounsfield units with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrayTransformation:
    """From stored values to grey: the modality transformation, and what the file offers as values of interest.

    `padding` are the first and the last stored value that are no measurement.
    """

    slope: float = 1.0
    intercept: float = 0.0
    rescale_type: str = ""
    modality_table: LookupTable | None = None
    windows: tuple[Window, ...] = ()
    voi_tables: tuple[LookupTable, ...] = ()
    padding: tuple[int, int] | None = None
    is_inverse: bool = False

    @property
    def is_rescaled(self) -> bool:
        """Whether the values shown differ from the stored ones."""
        return self.modality_table is not None or (self.slope, self.intercept) != (1.0, 0.0)


def transformation_of(row: DicomJson, frame_number: int) -> GrayTransformation:
    """How the stored values of one frame become grey. Raises TableElsewhere where a table is not in `row`."""
    values = {} if is_intensity_only(row) else functional_group(row, frame_number, _VALUE_TRANSFORMATION) or row
    voi = functional_group(row, frame_number, _FRAME_VOI) or row
    tables = [item_table(item) for item in json.items(values, _MODALITY_LUT)[:1]]
    return GrayTransformation(
        # A slope of 0 would make every pixel the same: it is written by devices that mean "none".
        slope=json.number(values, _RESCALE_SLOPE) or 1.0,
        intercept=json.number(values, _RESCALE_INTERCEPT) or 0.0,
        rescale_type=json.text(values, _RESCALE_TYPE),
        modality_table=tables[0] if tables else None,
        windows=_windows(voi),
        voi_tables=tuple(table for item in json.items(voi, _VOI_LUT) if (table := item_table(item))),
        padding=_padding(row),
        is_inverse=_is_inverse(row),
    )


def is_intensity_only(row: DicomJson) -> bool:
    """Whether a modality transformation leads from what is to be displayed back to X-ray intensity.

    Standard: PS3.3 C.8.7.1.1.2; PS3.17 FFF.2.3.1.3.4
    """
    return json.uid(row, "00080016") in _INTENSITY_CLASSES


def is_hounsfield(row: DicomJson, gray: GrayTransformation) -> bool:
    """Whether the modality values are Hounsfield units (PS3.3 C.8.2.1.1.2)."""
    return json.text(row, "00080060").upper() == "CT" and gray.rescale_type.upper() in _HOUNSFIELD


def is_rescaled(row: DicomJson, frame_number: int) -> bool:
    """Whether the file has a modality transformation that changes anything."""
    values = functional_group(row, frame_number, _VALUE_TRANSFORMATION) or row
    line = json.number(values, _RESCALE_SLOPE) or 1.0, json.number(values, _RESCALE_INTERCEPT) or 0.0
    return bool(json.items(values, _MODALITY_LUT)) or line != (1.0, 0.0)


def _windows(row: DicomJson) -> tuple[Window, ...]:
    centers, widths, explanations = numbers(row, _CENTER), numbers(row, _WIDTH), json.texts(row, _EXPLANATION)
    written = json.text(row, _FUNCTION).upper()
    function = WindowFunction.__members__.get(written, WindowFunction.LINEAR)
    named = len(explanations) == len(centers)
    windows = (
        Window(center=center, width=width, function=function, explanation=explanations[index] if named else "")
        for index, (center, width) in enumerate(zip(centers, widths, strict=False))
    )
    return tuple(window for window in windows if window.is_valid)


def _padding(row: DicomJson) -> tuple[int, int] | None:
    """Pixel Padding Value and Range Limit (PS3.3 C.7.5.1.1.2), with the sign that the pixels have."""
    bounds = [json.integer(row, tag) for tag in (_PADDING, _PADDING_LIMIT)]
    bits, is_signed = json.integer(row, "00280100") or 16, json.integer(row, "00280103") == 1
    known = [_signed(bound, bits) if is_signed else bound % (1 << bits) for bound in bounds if bound is not None]
    return (min(known), max(known)) if bounds[0] is not None else None


def _signed(value: int, bits: int) -> int:
    """Archives and files write the padding of signed pixels as US or SS at random."""
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def _is_inverse(row: DicomJson) -> bool:
    """MONOCHROME1 shows its lowest value as white; Presentation LUT Shape says the same in newer objects.

    Where they contradict each other, the shape decides as the younger attribute.

    Standard: PS3.3 C.7.6.3.1.2, C.11.6.1
    """
    shape = json.text(row, _PRESENTATION_SHAPE).upper()
    if shape in {"INVERSE", "IDENTITY"}:
        return shape == "INVERSE"
    return json.text(row, "00280004").upper() == "MONOCHROME1"
