"""A sheet shows the images that a person would choose, says of each what it is, and gives each kind its own window."""

import re
from pathlib import Path

import numpy as np
import pytest
from mcp.types import CallToolResult
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from federator.config import Archive
from tests.server.answers.test_images import call, picture, said, stored
from tests.support.synthetic.images import image_dataset
from tests.support.synthetic.no_images import item, segmentation
from tests.support.synthetic.series import (
    COLUMN,
    DISC,
    SERIES,
    STUDY,
    enhanced,
    places_times,
    slice_of,
    slide_level,
)

pytestmark = pytest.mark.anyio


async def overview(folder: Path, *held: Dataset, series: str = SERIES, **arguments: object) -> CallToolResult:
    archive = Archive(name="here", folder=stored(folder / "held", *held))
    return await call(
        [archive], "render-series-overview", studyInstanceUid=STUDY, seriesInstanceUid=series, **arguments
    )


def cells(result: CallToolResult) -> list[str]:
    return re.findall(r"^\d+: (.*)$", said(result), re.MULTILINE)


def quarters(result: CallToolResult) -> list[np.ndarray]:
    """The middles of the cells of a square sheet, by row and column."""
    sheet = picture(result)
    edge = 3 if len(cells(result)) > 4 else 2
    height, width = sheet.shape[0] / edge, sheet.shape[1] / edge
    return [
        sheet[
            int((row + 0.35) * height) : int((row + 0.65) * height), int((c + 0.35) * width) : int((c + 0.65) * width)
        ]
        for row in range(edge)
        for c in range(edge)
    ]


async def test_a_blank_middle_gives_no_window_and_is_black(tmp_path: Path) -> None:
    """PS3.3 §C.11.2.1.2; contract.md section 4."""
    held = [slice_of(n, (n != 5) * DISC * (300 + COLUMN), place=5.0 * n) for n in range(1, 10)]
    result = await overview(tmp_path, *held)
    middles = [part.mean() for part in quarters(result)]
    assert middles[4] == 0
    assert all(180 < middle < 255 for place, middle in enumerate(middles) if place != 4)
    assert "at 25.0 mm. The whole picture is black: all its values are 0." in cells(result)[4]


async def test_the_window_of_a_blank_image_is_not_the_series_either(tmp_path: Path) -> None:
    """Writers give a blank slice a window of its own, around nothing."""
    windows = [("400", "800") if n != 5 else ("0", "1") for n in range(1, 10)]
    held = [
        slice_of(n, (n != 5) * DISC * 400, place=5.0 * n, WindowCenter=center, WindowWidth=width)
        for n, (center, width) in enumerate(windows, start=1)
    ]
    assert "All in one window: the file's window center 400, width 800." in said(await overview(tmp_path, *held))


async def test_a_series_that_is_all_blank_is_shown_as_such(tmp_path: Path) -> None:
    """contract.md section 6: it is there, and it is empty."""
    result = await overview(tmp_path, *[slice_of(n, DISC * 0) for n in range(1, 5)])
    assert not result.is_error
    assert [part.max() for part in quarters(result)] == [0] * 4
    assert "Of all: The whole picture is black: all its values are 0." in said(result)


async def test_one_dim_slice_in_the_middle_does_not_make_the_others_white(tmp_path: Path) -> None:
    """A window from several slices that hold something."""
    held = [slice_of(n, DISC * (1000 if n != 5 else 20) + COLUMN, place=5.0 * n) for n in range(1, 10)]
    assert "scaled from 0 to 10" in said(await overview(tmp_path, *held))


async def test_each_b_value_is_told_and_has_a_window_of_its_own(tmp_path: Path) -> None:
    """PS3.3 §C.8.13.5.9; contract.md section 4: never mixed without saying which is which."""
    kinds = [{"DiffusionBValue": b} for b in (0.0, 500.0, 1000.0)]
    result = await overview(tmp_path, *places_times(4, kinds, [3000, 1500, 300]))
    assert [line.rpartition(", ")[2] for line in cells(result)] == ["b 0"] * 3 + ["b 500"] * 3 + ["b 1000"] * 3
    windows = re.findall(r"^Window of (\S+): scaled from \d+ to (\d+)", said(result), re.MULTILINE)
    assert [numbers for numbers, _ in windows] == ["1–3", "4–6", "7–9"]
    assert [round(int(high), -2) for _, high in windows] == [3000, 1500, 300]
    assert all(part.mean() > 200 for part in quarters(result))


@pytest.mark.parametrize("window", ["1000,2000", ""])
async def test_echoes_are_told_also_where_one_window_was_asked_for(tmp_path: Path, window: str) -> None:
    """PS3.3 §C.8.3.1"""
    kinds = [{"EchoTime": echo, "WindowCenter": "500", "WindowWidth": "900"} for echo in ("4.6", "80")]
    result = await overview(tmp_path, *places_times(2, kinds, [900, 500]), window=window)
    assert [line.rpartition(", ")[2] for line in cells(result)] == ["echo time 4.6 ms"] * 2 + ["echo time 80 ms"] * 2
    assert "They differ in kind, as their lines say." in said(result)


async def test_phases_are_told_and_share_a_window(tmp_path: Path) -> None:
    """PS3.3 §C.7.6.18: the same anatomy at other moments."""
    kinds = [{"TriggerTime": f"{100 * phase}"} for phase in range(9)]
    result = await overview(tmp_path, *places_times(1, kinds, [900] * 9))
    assert cells(result)[8].endswith("trigger time 800 ms")
    assert "All in one window: " in said(result)


async def test_localizers_stand_apart(tmp_path: Path) -> None:
    """PS3.3 §C.7.6.1.1.2"""
    scout = slice_of(99, DISC * 90, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    result = await overview(tmp_path, scout, *places_times(20, [kind], [3000]), frames=4)
    assert [line.endswith("localizer") for line in cells(result)].count(True) == 1
    assert said(result).count("Window of ") == 2


async def test_frames_of_an_enhanced_object_are_chosen_and_told_by_their_groups(tmp_path: Path) -> None:
    """PS3.3 §C.7.6.16: the same rules for each frame."""
    groups = [
        {"place": 5.0 * place, "MRDiffusionSequence": [item(DiffusionBValue=b)]}
        for place in range(6)
        for b in (0.0, 800.0)
    ]
    result = await overview(tmp_path, enhanced(groups, [2000, 200] * 6), frames=4)
    assert [line.partition(" frame ")[2] for line in cells(result)] == [
        "1, image 1, at 0.0 mm, b 0",
        "11, image 1, at 25.0 mm, b 0",
        "2, image 1, at 0.0 mm, b 800",
        "12, image 1, at 25.0 mm, b 800",
    ]
    assert said(result).count("Window of ") == 2
    assert all(part.mean() > 200 for part in quarters(result))


async def test_masks_have_the_label_of_their_segment(tmp_path: Path) -> None:
    """PS3.3 §C.8.20"""
    result = await overview(tmp_path, segmentation(), series=f"{STUDY}.6")
    assert [line.rpartition(", ")[2] for line in cells(result)] == ['segment 1 "Liver"', 'segment 2 "Spleen"']
    assert "These are masks and no images" in said(result)


async def test_of_a_slide_the_slide_is_shown_and_not_its_tiles(tmp_path: Path) -> None:
    """PS3.3 §C.8.12.4.1.1"""
    result = await overview(
        tmp_path,
        slide_level(1, "VOLUME", 10, matrix=320, tiles=100),
        slide_level(2, "THUMBNAIL", 40, matrix=32),
        slide_level(3, "OVERVIEW", 50, matrix=32),
        slide_level(4, "LABEL", 60, matrix=32),
    )
    lines = cells(result)
    assert [re.search(r"derived (\w+)", line)[1] for line in lines] == ["overview", "thumbnail", "label"]
    assert "3 images of a series of 4 instances" in said(result)


async def test_the_frames_that_are_there_are_shown_where_a_file_lacks_the_others(tmp_path: Path) -> None:
    """PS3.5 §A.4: forty frames declared, three encoded."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray((COLUMN * 5).astype(np.uint8)).save(buffer, "JPEG")
    cut = image_dataset(np.zeros((40, 48, 48), np.uint8), Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1")
    cut.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    cut.PixelData = encapsulate([buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2)] * 3, has_bot=False)
    cut["PixelData"].is_undefined_length = True
    cut.SOPInstanceUID = f"{SERIES}.1"
    result = await overview(tmp_path, cut)
    assert [line.split(",")[0].rpartition(" ")[2] for line in cells(result)] == ["1", "2", "3"]
    assert said(result).count("Not shown: ") == 1
