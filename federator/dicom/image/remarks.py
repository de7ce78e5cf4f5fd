"""What a picture leaves out of what the file's maker meant to be seen, one sentence each."""

from federator.dicom import json
from federator.dicom.image.gray import is_hounsfield, is_intensity_only, is_rescaled, transformation_of
from federator.dicom.image.header import functional_group
from federator.dicom.image.overlays import overlays_of
from federator.dicom.image.tables import TableElsewhere
from federator.model import DicomJson

_SHUTTERS, _FRAME_SHUTTER = "00181600", "00189472"
_VIEWING_MODE, _MASKS = "00281090", "00286100"
_SUBTRACTED = frozenset({"SUB"})
_FIRST_PALETTE, _PIXEL_PRESENTATION = "00281101", "00089205"
_COLORED = frozenset({"COLOR", "MIXED", "TRUE_COLOR", "COLOR_RANGE", "COLOR_REF"})
_TILE_POSITION = "0048021A"
_LONGEST = 40


def left_out(row: DicomJson, frame_number: int) -> list[str]:
    """Shutters, subtraction, colours and tables that are not applied; empty for nearly all images."""
    applied = (_shutter(row, frame_number), _subtraction(row), _colors(row), _intensity(row, frame_number))
    return [sentence for sentence in (*applied, _tile(row, frame_number)) if sentence]


def uncertain(row: DicomJson, frame_number: int) -> list[str]:
    """The same for a picture that an archive made, which may have applied them."""
    whats = (
        ("a display shutter", _shutter(row, frame_number)),
        ("a mask frame to subtract", _subtraction(row)),
        ("supplemental colours", _colors(row)),
    )
    said = [f"The file has {what}: whether the archive applied it is not known." for what, told in whats if told]
    return [*said, *([tile] if (tile := _tile(row, frame_number)) else [])]


def archives_fail(row: DicomJson, frame_number: int, *, has_own_window: bool) -> str:
    """Why a picture that an archive makes of this would mislead, in a clause; empty where it can be asked for one.

    `has_own_window` says that a window is asked for or in the file, so that the archive need not choose one.
    """
    if is_intensity_only(row) and is_rescaled(row, frame_number):
        return "archives apply its Modality LUT, which is not for display"
    if overlays_of(row, frame_number):
        return "archives leave overlays out"
    if not has_own_window and _has_fill(row, frame_number):
        return "archives choose the window from what lies outside the field of view, too"
    return ""


def _has_fill(row: DicomJson, frame_number: int) -> bool:
    """Whether values that are no measurement are to be expected: padding, or what CT has outside its circle."""
    try:
        gray = transformation_of(row, frame_number)
    except TableElsewhere:
        return False
    return gray.padding is not None or is_hounsfield(row, gray)


def _shutter(row: DicomJson, frame_number: int) -> str:
    """PS3.3 C.7.6.11, C.7.6.16.2.16"""
    source = functional_group(row, frame_number, _FRAME_SHUTTER) or row
    shapes = [text.lower()[:_LONGEST] for text in json.texts(source, _SHUTTERS)]
    if not shapes:
        return ""
    return f"The file's display shutter ({', '.join(shapes[:4])}) is not applied: what it would cover is shown."


def _subtraction(row: DicomJson) -> str:
    """PS3.3 C.7.6.10"""
    if json.text(row, _VIEWING_MODE).upper() not in _SUBTRACTED and not json.items(row, _MASKS):
        return ""
    return "The file is meant to be seen with a mask frame subtracted (digital subtraction): it is shown unsubtracted."


def _tile(row: DicomJson, frame_number: int) -> str:
    """PS3.3 C.8.12.4, C.7.6.17.3: where tiles are all there, they follow each other row by row."""
    columns, rows = json.integer(row, "00280011") or 0, json.integer(row, "00280010") or 0
    wide, high = json.integer(row, "00480006") or 0, json.integer(row, "00480007") or 0
    if not columns or not rows or (wide <= columns and high <= rows):
        return ""
    across, down = -(-wide // columns), -(-high // rows)
    place = functional_group(row, frame_number, _TILE_POSITION)
    if place is not None:
        left, top = json.integer(place, "0048021E"), json.integer(place, "0048021F")
    else:
        index = (frame_number - 1) % (across * down)
        left, top = index % across * columns + 1, index // across * rows + 1
    at = f" at column {left}, row {top}" if left is not None and top is not None else ""
    return f"This is one tile{at} of a slide of {wide} × {high} pixels: render-series-overview shows the slide."


def _colors(row: DicomJson) -> str:
    """PS3.3 C.7.6.19"""
    is_gray = json.text(row, "00280004").upper().startswith("MONOCHROME")
    if not is_gray or not json.is_present(row, _FIRST_PALETTE):
        return ""
    if json.text(row, _PIXEL_PRESENTATION).upper() not in _COLORED:
        return ""
    return "The file's supplemental colours (of flow or of a map) are not shown: all is gray."


def _intensity(row: DicomJson, frame_number: int) -> str:
    if not is_intensity_only(row) or not is_rescaled(row, frame_number):
        return ""
    return "The file's Modality LUT leads back to X-ray intensity and is not for display: the stored values are shown."
