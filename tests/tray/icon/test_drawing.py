"""The icon's shapes are told apart in grey at the smallest size (facts/tray section 8.3)."""

import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from tray.icon.drawing import draw
from tray.icon.menu import Shape

SIZES_PX = (16, 22, 64)


def grey_on(shape: Shape, size_px: int, background: str) -> Image.Image:
    icon = draw(shape, size_px=size_px)
    panel = Image.new("RGBA", icon.size, background)
    return Image.alpha_composite(panel, icon).convert("L")


def black_and_white(shape: Shape, size_px: int) -> Image.Image:
    """The outline and the glyph with every colour taken away: filled, or not, or the glyph's white or black."""
    icon = draw(shape, size_px=size_px)
    return icon.getchannel("A").point(lambda value: 255 if value > 127 else 0)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Shape, 2)))
@pytest.mark.parametrize("background", ["#f0f0f0", "#202020"])
def test_any_two_states_differ_in_grey_at_16_pixels(one: Shape, other: Shape, background: str) -> None:
    """Facts 8.3: no state is told by its colour alone."""
    difference = ImageChops.difference(grey_on(one, 16, background), grey_on(other, 16, background))
    clearly = difference.point(lambda value: 255 if value > 48 else 0)
    assert ImageStat.Stat(clearly).sum[0] / 255 >= 10  # of 256 pixels


@pytest.mark.parametrize(
    ("one", "other"), list(itertools.combinations([Shape.OK, Shape.WARN, Shape.OFF, Shape.SETUP], 2))
)
def test_good_bad_unknown_and_new_differ_by_outline_alone(one: Shape, other: Shape) -> None:
    """Facts 8.3: circle, triangle, hollow ring, diamond."""
    difference = ImageChops.difference(black_and_white(one, 22), black_and_white(other, 22))
    assert ImageStat.Stat(difference).sum[0] / 255 >= 60  # of 484 pixels


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("size_px", SIZES_PX)
def test_an_icon_is_square_transparent_around_and_filled_inside(shape: Shape, size_px: int) -> None:
    """A tray draws it on a panel of any colour."""
    icon = draw(shape, size_px=size_px)
    assert icon.mode == "RGBA"
    assert icon.size == (size_px, size_px)
    assert icon.getpixel((0, 0))[3] < 64
    assert icon.getpixel((size_px // 2, size_px // 2))[3] > 128


@pytest.mark.parametrize("size_px", [0, -1, 100_000])
def test_a_size_without_sense_is_refused(size_px: int) -> None:
    """Everything is bounded."""
    with pytest.raises(ValueError, match="px"):
        draw(Shape.OK, size_px=size_px)
