"""The icon of a state: told apart by outline and glyph, in any colour vision and in grey."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from tray.icon.menu import Shape

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

# Okabe and Ito's colours: told apart with every kind of colour vision.
_GREEN, _AMBER, _VERMILION, _BLUE, _GREY = "#009E73", "#E69F00", "#D55E00", "#0072B2", "#7F7F7F"
_OVERSAMPLING = 8
_MAX_PX = 512

Point = tuple[float, float]


def draw(shape: Shape, *, size_px: int) -> "Image.Image":
    """A square RGBA image with a transparent background."""
    if not 1 <= size_px <= _MAX_PX:
        raise ValueError(f"an icon of {size_px} px: it must have 1 to {_MAX_PX}")
    from PIL import Image, ImageDraw

    large = Image.new("RGBA", (size_px * _OVERSAMPLING,) * 2, (0, 0, 0, 0))
    _PAINTERS[shape](_Pen(ImageDraw.Draw(large), size_px * _OVERSAMPLING))
    return large.resize((size_px, size_px), Image.Resampling.LANCZOS)


class _Pen:
    """Draws in a square from 0 to 1."""

    def __init__(self, canvas: "ImageDraw.ImageDraw", scale: int) -> None:
        self._canvas = canvas
        self._scale = scale

    def circle(self, centre: Point, radius: float, fill: str) -> None:
        box = [(centre[0] - radius, centre[1] - radius), (centre[0] + radius, centre[1] + radius)]
        self._canvas.ellipse([self._at(point) for point in box], fill=fill)

    def ring(self, radius: float, width: float, colour: str) -> None:
        box = [(0.5 - radius, 0.5 - radius), (0.5 + radius, 0.5 + radius)]
        self._canvas.ellipse([self._at(point) for point in box], outline=colour, width=round(width * self._scale))

    def polygon(self, points: list[Point], fill: str) -> None:
        self._canvas.polygon([self._at(point) for point in points], fill=fill)

    def stroke(self, points: list[Point], fill: str, width: float = 0.13) -> None:
        """A line with round ends and corners."""
        self._canvas.line([self._at(point) for point in points], fill=fill, width=round(width * self._scale))
        for point in points:
            self.circle(point, width / 2, fill)

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale


def _ok(pen: _Pen) -> None:
    pen.circle((0.5, 0.5), 0.48, _GREEN)
    pen.stroke([(0.27, 0.52), (0.44, 0.69), (0.74, 0.33)], "white")


def _warn(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.03), (0.99, 0.95), (0.01, 0.95)], _AMBER)
    pen.stroke([(0.5, 0.38), (0.5, 0.63)], "black")
    pen.circle((0.5, 0.82), 0.07, "black")


def _error(pen: _Pen) -> None:
    corners = [
        (0.5 + 0.5 * math.cos(math.pi * (n + 0.5) / 4), 0.5 + 0.5 * math.sin(math.pi * (n + 0.5) / 4)) for n in range(8)
    ]
    pen.polygon(corners, _VERMILION)
    pen.stroke([(0.32, 0.32), (0.68, 0.68)], "white")
    pen.stroke([(0.68, 0.32), (0.32, 0.68)], "white")


def _off(pen: _Pen) -> None:
    pen.ring(0.48, 0.13, _GREY)
    pen.stroke([(0.34, 0.5), (0.66, 0.5)], _GREY)


def _busy(pen: _Pen) -> None:
    pen.circle((0.5, 0.5), 0.48, _BLUE)
    for x in (0.26, 0.5, 0.74):
        pen.circle((x, 0.5), 0.085, "white")


def _setup(pen: _Pen) -> None:
    pen.polygon([(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)], _BLUE)
    pen.stroke([(0.5, 0.3), (0.5, 0.7)], "white")
    pen.stroke([(0.3, 0.5), (0.7, 0.5)], "white")


_PAINTERS: dict[Shape, Callable[[_Pen], None]] = {
    Shape.OK: _ok,
    Shape.WARN: _warn,
    Shape.ERROR: _error,
    Shape.OFF: _off,
    Shape.BUSY: _busy,
    Shape.SETUP: _setup,
}
