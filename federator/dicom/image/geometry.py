"""Where an image lies in the patient and how large its pixels are (PS3.3 C.7.6.2, C.10.7.1.3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.image.header import functional_group, numbers
from federator.model import DicomJson

_DIRECTIONS = (("R", "L"), ("A", "P"), ("F", "H"))
"""The letters towards lower and higher x, y and z of the patient (PS3.3 C.7.6.1.1.1)."""
_OPPOSITE = str.maketrans("RLAPFHrlapfh", "LRPAHFLRPAHF")
_PLANES = ("sagittal", "coronal", "axial")
_CENTIMETRES = 3
_SLANT = 0.25
_CLOSE = 0.985
"""Cosine of 10°: planes nearer to an axis than that are not called oblique."""
_ORIENTATION, _POSITION, _SPACING = "00200037", "00200032", "00280030"
_PLANE_ORIENTATION, _PLANE_POSITION, _PIXEL_MEASURES = "00209116", "00209113", "00289110"
_PATIENT_ORIENTATION, _ASPECT_RATIO, _REGIONS = "00200020", "00280034", "00186011"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """Distances between the centers of rows and of columns; `kind` says where they hold, if not in the patient."""

    rows_mm: float
    columns_mm: float
    kind: str = ""

    def __str__(self) -> str:
        shown = f"{self.rows_mm:.4g} × {self.columns_mm:.4g} mm (row × column spacing"
        return f"{shown}, {self.kind})" if self.kind else f"{shown})"


def spacing_of(row: DicomJson, frame_number: int) -> Spacing | None:
    """The pixel spacing; None where the file does not tell one."""
    measures = functional_group(row, frame_number, _PIXEL_MEASURES) or row
    for source, tag, kind in (
        (measures, _SPACING, ""),
        (row, "00181164", "at the detector: distances in the patient are smaller"),
        (row, "00182010", "of the scanned film"),
    ):
        pair = numbers(source, tag)
        if len(pair) == 2 and min(pair) > 0:  # noqa: PLR2004 - rows and columns
            return Spacing(rows_mm=pair[0], columns_mm=pair[1], kind=kind)
    return _ultrasound_spacing(row)


def pixel_aspect(row: DicomJson, frame_number: int) -> float:
    """The height of a pixel divided by its width; 1 where nothing is told."""
    spacing = spacing_of(row, frame_number)
    if spacing is not None:
        return spacing.rows_mm / spacing.columns_mm
    ratio = numbers(row, _ASPECT_RATIO)
    return ratio[0] / ratio[1] if len(ratio) == 2 and min(ratio) > 0 else 1.0  # noqa: PLR2004 - height and width


def orientation_words(row: DicomJson, frame_number: int) -> str:
    """The plane and the patient's directions at the edges of the image; empty where they are not told."""
    cosines = _cosines(row, frame_number)
    if cosines:
        right, down = _letters(cosines[:3]), _letters(cosines[3:])
        return f"{_plane(cosines)}, {_edges(right, down)}"
    told = [text.upper() for text in json.texts(row, _PATIENT_ORIENTATION)]
    is_told = len(told) == 2 and all(set(text) <= set("RLAPFH") for text in told)  # noqa: PLR2004 - row and column
    return _edges(*told) if is_told else ""


def plane_words(row: DicomJson, frame_number: int) -> str:
    """Just the plane: `axial`, `oblique sagittal`; empty where it is not told."""
    cosines = _cosines(row, frame_number)
    return _plane(cosines) if cosines else ""


def place_along_normal(row: DicomJson, frame_number: int = 1) -> float | None:
    """The distance in mm of an image plane from the origin, along its normal; None where it is not told.

    Images sorted by it are in the order in which they lie in the patient.
    """
    cosines, position = _cosines(row, frame_number), position_of(row, frame_number)
    if not cosines or not position:
        return None
    return sum(n * p for n, p in zip(_normal(cosines), position, strict=True))


def position_of(row: DicomJson, frame_number: int) -> tuple[float, ...]:
    """x, y and z in mm of the center of the first pixel (Image Position (Patient)); empty where not told."""
    position = numbers(functional_group(row, frame_number, _PLANE_POSITION) or row, _POSITION)
    return position if len(position) == 3 else ()  # noqa: PLR2004 - x, y, z


def _ultrasound_spacing(row: DicomJson) -> Spacing | None:
    regions = json.items(row, _REGIONS)
    if not regions or json.integer(regions[0], "00186024") != _CENTIMETRES:
        return None
    deltas = json.number(regions[0], "0018602E"), json.number(regions[0], "0018602C")
    rows_cm, columns_cm = (abs(delta) if delta else 0.0 for delta in deltas)
    if not rows_cm or not columns_cm:
        return None
    kind = "in the first ultrasound region" if len(regions) > 1 else "in the ultrasound region"
    return Spacing(rows_mm=10 * rows_cm, columns_mm=10 * columns_cm, kind=kind)


def _cosines(row: DicomJson, frame_number: int) -> tuple[float, ...]:
    cosines = numbers(functional_group(row, frame_number, _PLANE_ORIENTATION) or row, _ORIENTATION)
    is_usable = len(cosines) == 6 and math.hypot(*_normal(cosines)) > 0.5  # noqa: PLR2004 - two directions of x, y, z
    return cosines if is_usable else ()


def _normal(cosines: Sequence[float]) -> tuple[float, float, float]:
    a, b, c, d, e, f = cosines
    return b * f - c * e, c * d - a * f, a * e - b * d


def _letters(direction: Sequence[float]) -> str:
    """Where a direction points, the strongest letter first; slight slants are left out."""
    parts = sorted(
        ((abs(share), pair[share > 0]) for share, pair in zip(direction, _DIRECTIONS, strict=True)), reverse=True
    )
    return "".join(letter for strength, letter in parts if strength > _SLANT) or parts[0][1]


def _plane(cosines: Sequence[float]) -> str:
    normal = [abs(share) for share in _normal(cosines)]
    strongest = max(normal)
    plane = _PLANES[normal.index(strongest)]
    return plane if strongest >= _CLOSE else f"oblique {plane}"


def _edges(right: str, down: str) -> str:
    left, top = right.translate(_OPPOSITE), down.translate(_OPPOSITE)
    return f"edges: left {left}, right {right}, top {top}, bottom {down}"
