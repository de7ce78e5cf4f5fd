"""Where an image lies and how large its pixels are, in words."""

import pytest

from federator.dicom.image.describe import details, title
from federator.dicom.image.geometry import orientation_words, pixel_aspect, place_along_normal, spacing_of
from federator.dicom.pixels.part10 import DicomFile
from tests.support.dicom_files import file


def _ds(*values: object) -> dict[str, object]:
    return {"vr": "DS", "Value": list(values)}


@pytest.mark.parametrize(
    ("cosines", "words"),
    [
        ((1, 0, 0, 0, 1, 0), "axial, edges: left R, right L, top A, bottom P"),
        ((1, 0, 0, 0, 0, -1), "coronal, edges: left R, right L, top H, bottom F"),
        ((0, 1, 0, 0, 0, -1), "sagittal, edges: left A, right P, top H, bottom F"),
        ((-1, 0, 0, 0, -1, 0), "axial, edges: left L, right R, top P, bottom A"),
        ((0.8, 0.6, 0, -0.6, 0.8, 0), "axial, edges: left RA, right LP, top AL, bottom PR"),
        ((1, 0, 0, 0, 0.8, -0.6), "oblique axial, edges: left R, right L, top AH, bottom PF"),
        ((0.9998, 0.02, 0, -0.02, 0.9998, 0), "axial, edges: left R, right L, top A, bottom P"),
    ],
)
def test_the_edges_of_an_image_are_named_by_the_patients_directions(cosines: tuple[float, ...], words: str) -> None:
    """PS3.3 C.7.6.2.1.1: x to the patient's left, y to posterior, z to the head."""
    assert orientation_words({"00200037": _ds(*cosines)}, 1) == words


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"00200020": {"vr": "CS", "Value": ["L", "F"]}}, "edges: left R, right L, top H, bottom F"),
        ({"00200020": {"vr": "CS", "Value": ["A\\F"]}}, "edges: left P, right A, top H, bottom F"),
        ({"00200020": {"vr": "CS", "Value": ["X", "F"]}}, ""),
        ({"00200037": _ds(0, 0, 0, 0, 0, 0)}, ""),
        ({"00200037": _ds(1, 0, 0)}, ""),
        ({"00200037": {"vr": "DS", "Value": None}}, ""),
        ({}, ""),
    ],
)
def test_orientation_is_told_by_letters_where_there_are_no_cosines_and_else_not_at_all(
    row: dict[str, object], words: str
) -> None:
    """PS3.3 C.7.6.1.1.1."""
    assert orientation_words(row, 1) == words


def test_images_lie_along_the_normal_of_their_plane() -> None:
    """PS3.3 C.7.6.2.1.1: tilted stacks are sorted by it, not by z alone."""
    tilted = {"00200037": _ds(1, 0, 0, 0, 0.8, -0.6), "00200032": _ds(10, 3, 4)}
    assert place_along_normal(tilted) == pytest.approx(0.6 * 3 + 0.8 * 4)
    assert place_along_normal({"00200032": _ds(1, 2, 3)}) is None


@pytest.mark.parametrize(
    ("row", "shown", "aspect"),
    [
        ({"00280030": _ds(0.5, 0.25)}, "0.5 × 0.25 mm (row × column spacing)", 2.0),
        ({"00181164": _ds("0.1", "0.1")}, "0.1 × 0.1 mm (row × column spacing, at the detector", 1.0),
        ({"00280034": {"vr": "IS", "Value": [3, 2]}}, None, 1.5),
        ({"00280030": _ds(0, 0)}, None, 1.0),
        ({"00280030": _ds("abc")}, None, 1.0),
        ({}, None, 1.0),
    ],
)
def test_spacing_is_told_with_what_it_refers_to_and_gives_the_aspect_of_a_pixel(
    row: dict[str, object], shown: str | None, aspect: float
) -> None:
    """PS3.3 C.10.7.1.3: rows first; at the detector it is not the patient's."""
    spacing = spacing_of(row, 1)
    assert (str(spacing).startswith(shown) if shown else spacing is None) is True
    assert pixel_aspect(row, 1) == aspect


def test_the_spacing_of_an_ultrasound_region_is_told() -> None:
    """PS3.3 C.8.5.5: physical units of centimetres."""
    row = DicomFile(file("examples_palette.dcm")).frame(1).row
    assert str(spacing_of(row, 1)) == "0.2623 × 0.2623 mm (row × column spacing, in the first ultrasound region)"


def test_the_text_beside_an_image_says_what_the_pixels_cannot() -> None:
    """contract.md section 4: series, frame n of N, orientation, spacing, burned-in annotation flag."""
    row = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "0008103E": {"vr": "LO", "Value": ['Axial "thin"\n1.0']},
        "00200011": {"vr": "IS", "Value": [3]},
        "00200013": {"vr": "IS", "Value": [12]},
        "00180015": {"vr": "CS", "Value": ["CHEST"]},
        "00200060": {"vr": "CS", "Value": ["R"]},
        "00280008": {"vr": "IS", "Value": [30]},
        "00280301": {"vr": "CS", "Value": ["YES"]},
        "00201041": _ds(-12.5),
        "00180050": _ds(1),
        "00282110": {"vr": "CS", "Value": ["01"]},
        "00282112": _ds(12),
    }
    assert title(row, 7) == "CT, series 3 \"Axial 'thin' 1.0\", right chest, image 12, frame 7 of 30"
    assert details(row, 7) == [
        "Orientation: not told by the file.",
        "Spacing: not told by the file, so nothing can be measured.",
        "Slice location -12.5 mm, slice thickness 1 mm.",
        "Burned-in annotation: yes, the pixels may name the patient.",
        "Lossy compression before it was stored (ratio 12): fine detail may be lost.",
    ]
    assert title({}, 1) == "modality not told, frame 1 of 1"
