"""What the pixels cannot say: the text that goes beside an image."""

from federator.dicom import json
from federator.dicom.image.geometry import orientation_words, spacing_of
from federator.dicom.image.header import functional_group, number_of_frames
from federator.dicom.visible import cell
from federator.model import DicomJson

_LONGEST = 64
_PIXEL_MEASURES, _THICKNESS, _SLICE_LOCATION = "00289110", "00180050", "00201041"
_LATERALITIES = ("00200062", "00200060")
_LOSSY = "00282110"
_BURNED_IN = {
    "YES": "Burned-in annotation: yes, the pixels may name the patient.",
    "NO": "Burned-in annotation: no.",
}


def title(row: DicomJson, frame_number: int) -> str:
    """Modality, series, image and frame, for example `CT, series 3 "Thorax", image 12, frame 1 of 1`."""
    series = " ".join(part for part in (_counted("series", row, "00200011"), _quoted(row, "0008103E")) if part)
    body_part = " ".join(part.lower() for part in (_laterality(row), _line(row, "00180015")) if part)
    parts = (
        _line(row, "00080060") or "modality not told",
        series,
        body_part,
        _view(row),
        _counted("image", row, "00200013"),
        f"frame {frame_number} of {number_of_frames(row)}",
    )
    return ", ".join(part for part in parts if part)


def details(row: DicomJson, frame_number: int) -> list[str]:
    """One sentence each on orientation, spacing, place, burned-in annotation and losses, as far as they are told."""
    spacing = spacing_of(row, frame_number)
    orientation = orientation_words(row, frame_number)
    lines = [
        f"Orientation: {orientation}." if orientation else "Orientation: not told by the file.",
        f"Spacing: {spacing}." if spacing else "Spacing: not told by the file, so nothing can be measured.",
        _place(row, frame_number),
        _BURNED_IN.get(json.text(row, "00280301").upper(), "Burned-in annotation: not told by the file."),
        _losses(row),
    ]
    return [line for line in lines if line]


def _place(row: DicomJson, frame_number: int) -> str:
    measures = functional_group(row, frame_number, _PIXEL_MEASURES) or row
    location, thickness = json.number(row, _SLICE_LOCATION), json.number(measures, _THICKNESS)
    parts = (
        f"slice location {location:g} mm" if location is not None else "",
        f"slice thickness {thickness:g} mm" if thickness is not None else "",
    )
    told = ", ".join(part for part in parts if part)
    return f"{told[0].upper()}{told[1:]}." if told else ""


def _losses(row: DicomJson) -> str:
    if json.text(row, _LOSSY) != "01":
        return ""
    ratio = json.number(row, "00282112")
    return f"Lossy compression before it was stored{f' (ratio {ratio:g})' if ratio else ''}: fine detail may be lost."


def _laterality(row: DicomJson) -> str:
    sides = {"L": "left", "R": "right", "B": "both"}
    return next((side for tag in _LATERALITIES if (side := sides.get(json.text(row, tag).upper(), ""))), "")


def _view(row: DicomJson) -> str:
    view = _line(row, "00185101")
    return f"view {view}" if view else ""


def _counted(word: str, row: DicomJson, tag: str) -> str:
    number = json.integer(row, tag)
    return "" if number is None else f"{word} {number}"


def _quoted(row: DicomJson, tag: str) -> str:
    """Text of the archive's in quotes: it is data."""
    text = _line(row, tag).replace('"', "'")
    return f'"{text}"' if text else ""


def _line(row: DicomJson, tag: str) -> str:
    return cell(json.text(row, tag))[:_LONGEST]
