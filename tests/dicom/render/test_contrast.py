"""Default windows rest on what was measured, and a picture on which little can be seen says so."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from federator.dicom.image.remarks import archives_fail, left_out, uncertain
from federator.dicom.image.windows import parse
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.contrast import contrast_of
from federator.dicom.render.frame import display
from tests.support.synthetic.images import image_dataset, image_file, written
from tests.support.synthetic.pictures import (
    COLUMN,
    DISC,
    MR,
    RAMP,
    SIZE,
    XA,
    angiography,
    color_ramp,
    lookup_table,
    with_overlay,
)
from tests.support.synthetic.series import slide_level

INSIDE = (COLUMN - 48) ** 2 + (np.mgrid[0:SIZE, 0:SIZE][0] - 48) ** 2 < 44**2


def shown(content: bytes, window: str = "") -> tuple[np.ndarray, str, str]:
    displayed = display(DicomFile(content).frame(1), parse(window))
    return displayed.pixels.astype(int), displayed.toning.words, " ".join(displayed.remarks)


@pytest.mark.parametrize("fill", [-3024, -2000, -1025])
@pytest.mark.parametrize("rescale_type", ["HU", "", None])
def test_what_lies_outside_the_field_of_view_is_no_part_of_a_cts_default_window(
    fill: int, rescale_type: str | None
) -> None:
    """PS3.3 §C.8.2.1: Hounsfield units; nothing is less dense than air."""
    values = np.where(INSIDE, np.where(DISC, 40, -100), fill).astype(np.int16)
    told = {} if rescale_type is None else {"RescaleType": rescale_type}
    pixels, words, _ = shown(image_file(values, RescaleSlope="1", RescaleIntercept="0", **told))
    assert words.startswith("scaled from -100 to 40")
    assert pixels[48, 48] - pixels[48, 10] > 200
    assert pixels[0, 0] == 0


def test_values_of_other_modalities_may_be_as_low_as_they_like() -> None:
    """The rule is of Hounsfield units alone."""
    values = np.where(DISC, -2000, -3000).astype(np.int16)
    assert shown(image_file(values, Modality="MR", SOPClassUID=MR))[1].startswith("scaled from -3000 to -2000")


@pytest.mark.parametrize("limit", [{}, {"PixelPaddingRangeLimit": 60000}])
def test_padding_is_no_part_of_a_default_window(limit: dict[str, int]) -> None:
    """PS3.3 §C.7.5.1.1.2: a value or a range that is no measurement."""
    values = np.where(DISC, COLUMN + 100, 65535 if not limit else 62000).astype(np.uint16)
    words = shown(image_file(values, Modality="MR", PixelPaddingValue=65535, **limit))[1]
    assert words.startswith("scaled from 12")


@pytest.mark.parametrize(
    ("value", "window", "gray"), [(0, {"WindowCenter": "40", "WindowWidth": "400"}, 102), (0, {}, 0), (700, {}, 128)]
)
def test_a_constant_image_is_shown_as_itself_and_says_its_value(value: int, window: dict[str, str], gray: int) -> None:
    """PS3.3 §C.11.2.1.2.1: never white by accident."""
    content = image_file(np.full((SIZE, SIZE), value, np.int16), RescaleSlope="1", RescaleIntercept="0", **window)
    pixels, _, remarks = shown(content)
    assert np.abs(pixels - gray).max() <= 1
    assert remarks.startswith("The whole picture is ")
    assert remarks.endswith(f"all its values are {value}.")


def test_a_constant_image_of_inverted_gray_is_not_white_either() -> None:
    """PS3.3 §C.7.6.3.1.2"""
    content = image_file(np.zeros((SIZE, SIZE), np.uint16), PhotometricInterpretation="MONOCHROME1")
    assert 0 < shown(content)[0].max() < 255


@pytest.mark.parametrize("window", ["32768,65536", "-30000,100", "60000,100", "100,1"])
def test_a_window_that_shows_little_of_an_image_says_where_its_values_lie(window: str) -> None:
    """PS3.3 §C.11.2.1.2: too wide, beside all values, or between black and white."""
    remarks = shown(image_file(RAMP), window)[2]
    assert "its values reach from 0 to 3990" in remarks
    center, _, width = remarks.partition("window=")[2].partition(" ")[0].partition(",")
    assert shown(image_file(RAMP), f"{center},{width}")[2] == ""


@pytest.mark.parametrize("values", [RAMP, DISC * 3000, DISC * 1000 + COLUMN, (COLUMN > 50) * 1])
def test_nothing_is_said_of_a_picture_on_which_its_values_can_be_seen(values: np.ndarray) -> None:
    """An image of two values is black and white by itself."""
    assert shown(image_file(values.astype(np.uint16)))[2] == ""


def test_a_picture_of_one_tone_but_for_a_spot_says_so() -> None:
    """Issue 11: over 99 %."""
    values = np.zeros((SIZE, SIZE), np.uint16)
    values[3:8, 3:8] = 900
    remarks = shown(image_file(values))[2]
    assert remarks.startswith("99.7 % of the picture is black: its values reach from 0 to 900.")
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    assert shown(written(image_dataset(black, is_color=True)))[2] == "The whole picture is black."
    assert shown(written(image_dataset(color_ramp(), is_color=True)))[2] == ""


def test_a_large_picture_is_judged_by_a_sample_first_and_then_by_all_of_it() -> None:
    """House: what is said is true of the whole picture."""
    pixels = np.zeros((2000, 2000), np.uint8)
    pixels[::2, 1::2] = 200
    contrast = contrast_of(pixels)
    assert not contrast.is_one_tone
    assert contrast_of(np.zeros((2000, 2000), np.uint8)).is_one_tone


@pytest.mark.parametrize("relationship", ["LOG", "DISP", "LIN", ""])
def test_the_modality_table_of_an_angiography_is_not_for_display(relationship: str) -> None:
    """PS3.3 §C.8.7.1.1.2; PS3.17 §FFF.2.3.1.3.4: it leads back to X-ray intensity; DCMTK leaves out any of XA."""
    dataset = angiography(PixelIntensityRelationship=relationship)
    pixels, words, remarks = shown(written(dataset))
    assert words == "the file's window center 127.5, width 256"
    assert np.abs(pixels - (COLUMN * 2.6).astype(int)).max() <= 1
    assert "not for display" in remarks
    row = DicomFile(written(dataset)).frame(1).row
    assert "not for display" in archives_fail(row, 1, has_own_window=True)


def test_other_modality_tables_are_applied() -> None:
    """PS3.3 §C.11.1"""
    dataset = angiography(SOPClassUID=MR, Modality="MR")
    pixels, _, remarks = shown(written(dataset))
    assert "not for display" not in remarks
    assert (pixels[:, -10:] == 255).all()


def test_the_rescale_of_an_angiography_in_logarithms_is_not_for_display_either() -> None:
    """PS3.3 §C.8.7.1.1.2"""
    dataset = angiography(RescaleSlope="100", RescaleIntercept="5000")
    del dataset.ModalityLUTSequence
    assert np.abs(shown(written(dataset))[0] - (COLUMN * 2.6).astype(int)).max() <= 1


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"RecommendedViewingMode": "SUB"}, "mask frame subtracted"),
        ({"MaskSubtractionSequence": [_item(MaskOperation="AVG_SUB")]}, "mask frame subtracted"),
        ({"ShutterShape": ["RECTANGULAR", "CIRCULAR"]}, "shutter (rectangular, circular) is not applied"),
        (
            {"SharedFunctionalGroupsSequence": [_item(FrameDisplayShutterSequence=[_item(ShutterShape="POLYGONAL")])]},
            "shutter (polygonal) is not applied",
        ),
        (
            {"RedPaletteColorLookupTableDescriptor": [256, 0, 16], "PixelPresentation": "MIXED"},
            "supplemental colours",
        ),
    ],
    ids=str,
)
def test_what_is_not_applied_is_said(attributes: dict[str, object], says: str) -> None:
    """PS3.3 §C.7.6.10, §C.7.6.11, §C.7.6.16.2.16, §C.7.6.19"""
    content = image_file(RAMP, SOPClassUID=XA, Modality="XA", **attributes)
    assert says in shown(content)[2]
    row = DicomFile(content).frame(1).row
    assert left_out(row, 1)
    assert "whether the archive applied it is not known" in uncertain(row, 1)[0]
    assert not left_out(DicomFile(image_file(RAMP)).frame(1).row, 1)


def test_an_archive_is_not_asked_for_a_picture_that_would_mislead() -> None:
    """contract.md section 4: overlays, and windows that are chosen from padding; not for a window that is known."""
    crossed = DicomFile(written(with_overlay(image_dataset(RAMP), DISC))).frame(1).row
    assert "overlays" in archives_fail(crossed, 1, has_own_window=True)
    without = DicomFile(image_file(RAMP)).frame(1).row
    assert "field of view" in archives_fail(without, 1, has_own_window=False)
    assert archives_fail(without, 1, has_own_window=True) == ""
    magnetic = DicomFile(image_file(RAMP, Modality="MR")).frame(1).row
    assert archives_fail(magnetic, 1, has_own_window=False) == ""
    padded = DicomFile(image_file(RAMP, Modality="MR", PixelPaddingValue=0)).frame(1).row
    assert "field of view" in archives_fail(padded, 1, has_own_window=False)
    assert lookup_table(np.arange(4)).LUTDescriptor == [4, 0, 16]


def test_a_tile_says_where_on_the_slide_it_lies() -> None:
    """PS3.3 §C.8.12.4, §C.7.6.17.3"""
    level = slide_level(1, "VOLUME", 10, matrix=96, tiles=9)
    words = " ".join(left_out(DicomFile(written(level)).frame(5).row, 5))
    assert words.startswith("This is one tile at column 33, row 33 of a slide of 96 × 96 pixels")
    assert uncertain(DicomFile(written(level)).frame(5).row, 5) == [words]
    position = _item(ColumnPositionInTotalImagePixelMatrix=65, RowPositionInTotalImagePixelMatrix=1)
    level.PerFrameFunctionalGroupsSequence = [_item(PlanePositionSlideSequence=[position]) for _ in range(9)]
    assert "at column 65, row 1 of" in left_out(DicomFile(written(level)).frame(5).row, 5)[0]
    whole = slide_level(2, "THUMBNAIL", 40, matrix=32)
    assert not left_out(DicomFile(written(whole)).frame(1).row, 1)
