"""The contact sheet: evenly spaced, laid out to be read, numbered in order."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from federator.dicom.image.windows import parse
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.frame import overview_cell, overview_toning
from federator.dicom.render.overview import MAX_EDGE, Cell, cell_edge, contact_sheet
from federator.dicom.render.picture import MAX_BYTES
from tests.support.dicom_files import file
from tests.support.synthetic.images import image_file


def _gray(value: int, height: int = 100, width: int = 100) -> Cell:
    return Cell(pixels=np.full((height, width), value, np.uint8))


def _opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)).convert("L")).astype(int)


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (9, 3, 3), (12, 4, 3), (16, 4, 4), (36, 6, 6)]
)
def test_square_images_lie_in_a_grid_that_is_about_square(count: int, columns: int, rows: int) -> None:
    """contract.md section 4: laid out to be read."""
    sheet = contact_sheet([Cell(pixels=np.full((512, 512), 90, np.uint8)) for _ in range(count)])
    assert max(sheet.width, sheet.height) <= MAX_EDGE
    assert (
        abs(sheet.width / sheet.height - columns / rows) < 0.02
        or abs(sheet.width / sheet.height - rows / columns) < 0.02
    )


def test_the_grid_fits_the_shape_of_the_images() -> None:
    """contract.md section 4: tall images stand side by side, wide ones above each other."""
    tall = contact_sheet([_gray(90, 1000, 250) for _ in range(4)])
    wide = contact_sheet([_gray(90, 250, 1000) for _ in range(4)])
    assert abs(tall.width / tall.height - 1) < 0.1
    assert abs(wide.width / wide.height - 1) < 0.1


def test_cells_stand_in_order_row_by_row() -> None:
    """contract.md section 4: the numbers map to UIDs in the text."""
    values = [30, 70, 110, 150, 190, 230]
    sheet = contact_sheet([_gray(value, 256, 256) for value in values])
    pixels = _opened(sheet.content)
    rows, columns = (2, 3) if sheet.width > sheet.height else (3, 2)
    for index, value in enumerate(values):
        row, column = divmod(index, columns)
        y, x = int((row + 0.6) * sheet.height / rows), int((column + 0.6) * sheet.width / columns)
        assert abs(pixels[y, x] - value) <= 3


def test_every_cell_has_its_number_in_white_on_black_in_its_corner() -> None:
    """contract.md section 4: numbered."""
    for value in (0, 255, 120):
        pixels = _opened(contact_sheet([_gray(value, 300, 300) for _ in range(4)]).content)
        height, width = pixels.shape
        for row in range(2):
            for column in range(2):
                top, left = row * (height + 4) // 2, column * (width + 4) // 2
                corner = pixels[top : top + 40, left : left + 40]
                assert corner.max() > 200
                assert corner.min() < 50


def test_pixels_that_are_not_square_are_square_on_the_sheet() -> None:
    """PS3.3 C.7.6.3.1.7."""
    sheet = contact_sheet([Cell(pixels=np.full((300, 300), 90, np.uint8), pixel_aspect=2.0)])
    assert abs(sheet.height / sheet.width - 2) < 0.02


def test_grey_and_colour_images_may_share_a_sheet_and_noise_stays_within_the_limits() -> None:
    """contract.md section 4: under 700 kB."""
    random = np.random.default_rng(0)
    cells = [Cell(pixels=random.integers(0, 256, (400, 400, 3), dtype=np.uint8)) for _ in range(15)]
    sheet = contact_sheet([*cells, _gray(90)])
    assert len(sheet.content) <= MAX_BYTES
    assert Image.open(BytesIO(sheet.content)).mode == "RGB"


@pytest.mark.parametrize(
    "sizes", [[(300, 300)] * 5, [(512, 400)] * 16, [(300, 300), (200, 500), (90, 80)], [(64, 64)], [(300, 1)] * 2]
)
@pytest.mark.parametrize("pixel_aspect", [1.0, 2.0])
def test_a_sheet_of_prepared_images_is_the_same_to_the_byte(sizes: list[tuple[int, int]], pixel_aspect: float) -> None:
    """Issue 5: images are scaled while others are on their way, for a sheet of their equals; they need not be equal."""
    random = np.random.default_rng(0)
    cells = [Cell(pixels=random.integers(0, 256, size, dtype=np.uint8), pixel_aspect=pixel_aspect) for size in sizes]
    prepared = [cell.prepared(len(cells)) for cell in cells]
    assert all(cell.scaled is not None for cell in prepared)
    assert contact_sheet(prepared) == contact_sheet(cells)


def test_one_window_holds_for_all_cells() -> None:
    """contract.md section 4: a slice that is brighter must look brighter."""
    frames = [
        DicomFile(image_file(np.full((64, 64), value, np.uint16) + np.arange(64, dtype=np.uint16))).frame(1)
        for value in (1000, 1010, 1020)
    ]
    toning = overview_toning(frames[1], None)
    assert toning.words.startswith("scaled from 1010 to 1073")
    means = [overview_cell(frame, toning, max_edge=500).pixels.mean() for frame in frames]
    assert means[1] - means[0] > 30
    assert means[2] - means[1] > 30
    asked = overview_toning(frames[0], parse("40,400"))
    assert asked.words == "center 40, width 400"


def test_frames_far_larger_than_their_place_are_made_smaller_at_once() -> None:
    """House, async: no unbounded memory; 36 mammograms would take gigabytes."""
    frame = DicomFile(file("RG1_UNCR.dcm")).frame(1)
    cell = overview_cell(frame, overview_toning(frame, None), max_edge=cell_edge(16))
    assert max(cell.pixels.shape) < 4 * cell_edge(16)
    assert abs(cell.pixels.shape[0] / cell.pixels.shape[1] - frame.layout.rows / frame.layout.columns) < 0.01
