"""Overlay planes are drawn where they lie, on the frames that they are for, and said."""

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset

from federator.archive.retrieve.metadata import row_of_file
from federator.dicom.image.overlays import is_elsewhere, overlays_of
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.frame import display, render_frame
from tests.support.synthetic.images import image_dataset, written
from tests.support.synthetic.pictures import COLUMN, DISC, SIZE, color_ramp, with_embedded_overlay, with_overlay

needs_dcmtk = pytest.mark.skipif(shutil.which("dcmj2pnm") is None, reason="needs Debian's dcmtk")
CROSS = np.zeros((SIZE, SIZE), bool)
CROSS[18:24, :] = CROSS[:, 44:48] = True
PLAIN = (DISC * 1000 + COLUMN).astype(np.uint16)
WINDOWED = {"WindowCenter": "1000", "WindowWidth": "4000"}


def shown(dataset: Dataset, frame_number: int = 1) -> tuple[np.ndarray, tuple[str, ...]]:
    displayed = display(DicomFile(written(dataset)).frame(frame_number))
    return displayed.pixels.astype(int), displayed.remarks


def is_drawn(pixels: np.ndarray, mask: np.ndarray) -> bool:
    return bool((pixels[mask] == 255).all() and (pixels[~mask] < 255).all())


@pytest.mark.parametrize("group", [0x6000, 0x6002, 0x601E])
def test_an_overlay_is_drawn_in_white_and_said_with_its_name(group: int) -> None:
    """PS3.3 §C.9.2, any of the sixteen groups."""
    pixels, remarks = shown(with_overlay(image_dataset(PLAIN, **WINDOWED), CROSS, group=group))
    assert is_drawn(pixels, CROSS)
    assert remarks == (f'Drawn over it in white: overlay "outline" (group {group:04X}).',)


def test_an_overlay_in_unused_bits_is_drawn_and_is_no_part_of_the_values() -> None:
    """PS3.3 §C.9.2 of 2003: Overlay Bits Allocated 16, Overlay Bit Position 12."""
    pixels, remarks = shown(with_embedded_overlay(PLAIN, CROSS, **WINDOWED))
    plain, _ = shown(image_dataset(PLAIN, **WINDOWED))
    assert is_drawn(pixels, CROSS)
    assert np.array_equal(pixels[~CROSS], plain[~CROSS])
    assert "overlay" in remarks[0]


@pytest.mark.parametrize("origin", [(11, 21), (-9, 1), (1, -19), (90, 90), (200, 1)])
def test_an_overlay_lies_where_its_origin_says_and_is_cut_off_at_the_edge(origin: tuple[int, int]) -> None:
    """PS3.3 §C.9.2.1.1: row and column of its first bit, from 1; it may lie outside."""
    mask = np.ones((30, 40), bool)
    pixels, remarks = shown(with_overlay(image_dataset(PLAIN, **WINDOWED), mask, origin=origin))
    expected = np.zeros((SIZE, SIZE), bool)
    top, left = origin[0] - 1, origin[1] - 1
    expected[max(top, 0) : max(top + 30, 0), max(left, 0) : max(left + 40, 0)] = True
    assert is_drawn(pixels, expected)
    assert bool(remarks) == bool(expected.any())


def test_the_planes_of_a_multi_frame_overlay_lie_on_their_frames() -> None:
    """PS3.3 §C.9.3: Number of Frames in Overlay, Image Frame Origin; odd sizes do not end at a byte."""
    frames = np.stack([PLAIN[:33, :31]] * 5)
    planes = [np.zeros((33, 31), bool) for _ in range(2)]
    planes[0][3], planes[1][:, 7] = True, True
    dataset = with_overlay(image_dataset(frames, **WINDOWED), *planes, first_frame=3)
    for number, mask in ((1, None), (2, None), (3, planes[0]), (4, planes[1]), (5, None)):
        pixels, remarks = shown(dataset, number)
        assert is_drawn(pixels, mask if mask is not None else np.zeros((33, 31), bool))
        assert any("overlay" in remark for remark in remarks) == (mask is not None)


def test_one_plane_lies_on_all_frames_and_on_colours() -> None:
    """PS3.3 §C.9.2: without Number of Frames in Overlay."""
    loop = with_overlay(image_dataset(np.stack([PLAIN] * 3), **WINDOWED), CROSS)
    assert all(is_drawn(shown(loop, number)[0], CROSS) for number in (1, 2, 3))
    pixels, _ = shown(with_overlay(image_dataset(color_ramp(), is_color=True), CROSS))
    assert (pixels[CROSS] == 255).all()


def test_a_region_is_drawn_as_its_outline() -> None:
    """PS3.3 §C.9.2.1.2: a region of interest; filled in white it would hide what it marks."""
    pixels, _ = shown(with_overlay(image_dataset(PLAIN, **WINDOWED), DISC, kind="R"))
    assert (pixels[48, 22 + 1 : 74] != 255).any()
    assert pixels[48, 48] != 255
    assert (pixels == 255).sum() > 100
    assert not (pixels == 255)[~DISC].any()


def test_an_overlay_without_its_data_is_said_and_not_drawn() -> None:
    """contract.md section 4: nothing is hidden silently."""
    dataset = with_overlay(image_dataset(PLAIN, **WINDOWED), CROSS)
    dataset[0x60003000].value = b"\0" * 8
    pixels, remarks = shown(dataset)
    assert (pixels < 255).all()
    assert remarks == ('Not drawn, because its data are not there: overlay "outline" (group 6000).',)


@pytest.mark.parametrize("damage", [{0x60000010: 0}, {0x60000050: [7]}, {0x60000011: 60000}])
def test_a_damaged_overlay_never_hides_the_image(damage: dict[int, object]) -> None:
    """House: one bad element."""
    dataset = with_overlay(image_dataset(PLAIN, **WINDOWED), CROSS)
    for tag, value in damage.items():
        dataset[tag].value = value
    assert shown(dataset)[0].shape == PLAIN.shape


def test_overlays_in_metadata_alone_are_known_to_be_elsewhere() -> None:
    """PS3.18 §F.2.2: binary values are bulk data, or left out."""
    content = written(with_overlay(image_dataset(PLAIN, **WINDOWED), CROSS))
    row = dict(row_of_file(content))
    (overlay,) = overlays_of(row, 1)
    for element in ({"vr": "OW", "BulkDataURI": "../bulk/1"}, None):
        lacking = {tag: value for tag, value in row.items() if tag != "60003000"}
        if element:
            lacking["60003000"] = element
        assert is_elsewhere(lacking, overlay)
        frame = DicomFile(content).frame(1)
        alone = EncodedFrame.of(lacking, 1, content=frame.content, transfer_syntax=frame.transfer_syntax)
        rendered = render_frame(alone, request=None, media_type="image/png", max_edge=512)
        assert rendered.remarks[0].startswith("Not drawn")


@pytest.mark.dcmtk
@needs_dcmtk
@pytest.mark.parametrize("kind", ["separate", "embedded", "multi-frame", "shifted"])
def test_overlays_look_as_dcmtk_draws_them(kind: str, tmp_path: Path) -> None:
    """DCMTK's `dcmj2pnm`, which draws all overlays unless told otherwise."""
    dataset = image_dataset(PLAIN, **WINDOWED)
    if kind == "embedded":
        dataset = with_embedded_overlay(PLAIN, CROSS, **WINDOWED)
    elif kind == "multi-frame":
        dataset = with_overlay(image_dataset(np.stack([PLAIN] * 2), **WINDOWED), CROSS, ~CROSS, first_frame=1)
    else:
        dataset = with_overlay(dataset, CROSS, origin=(1, 1) if kind == "separate" else (-8, 11))
    path, target = tmp_path / "file.dcm", tmp_path / "theirs.png"
    path.write_bytes(written(dcmread(BytesIO(written(dataset)))))
    subprocess.run(["dcmj2pnm", "+on", "+F", "1", "+Wi", "1", str(path), str(target)], check=True, capture_output=True)
    with Image.open(target) as image:
        theirs = np.asarray(image.convert("L")).astype(int)
    assert np.abs(shown(dataset)[0] - theirs).max() <= 1
