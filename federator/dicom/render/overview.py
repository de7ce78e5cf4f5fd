"""The contact sheet: several images as one picture, with numbered cells laid out to be read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from federator.dicom.render.picture import JPEG, Picture, encode_image, square_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageFont

MAX_EDGE = 1568
"""What vision models take in without scaling it down themselves."""

_GAP = 4
_MOST_ENLARGED = 2.0
_READABLE_EDGE = 256
_LABEL_SHARE = 0.08
_SMALLEST_LABEL = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One image of the sheet; `pixel_aspect` is the height of a pixel divided by its width.

    `scaled` is the image in the size that it has on a sheet of its equals; see `prepared`. `remarks` are sentences on
    what cannot be seen on it.
    """

    pixels: "NDArray[np.uint8]"
    pixel_aspect: float = 1.0
    remarks: tuple[str, ...] = ()
    scaled: "Image.Image | None" = None

    @property
    def square_size(self) -> tuple[int, int]:
        """Width and height with square pixels."""
        return square_size(self.pixels.shape[1], self.pixels.shape[0], self.pixel_aspect)

    def prepared(self, count: int) -> "Cell":
        """The same, made ready for a sheet of `count` images of its size, as those of a series mostly are.

        So the scaling is done while others are still on their way; the sheet looks the same as without it.
        """
        _, width, height = _grid([self.square_size] * count)
        return replace(self, scaled=self.in_size(_shown_size(self.square_size, width, height)))

    def packed(self) -> "PackedCell":
        """The same as plain data, as it can come out of another process."""
        rows, columns = self.pixels.shape[:2]
        scaled = self.scaled
        return PackedCell(
            size=(columns, rows),
            is_gray=self.pixels.ndim == 2,  # noqa: PLR2004 - grey has no third axis
            pixels=self.pixels.tobytes(),
            pixel_aspect=self.pixel_aspect,
            remarks=self.remarks,
            scaled_size=scaled.size if scaled is not None else (0, 0),
            scaled=scaled.tobytes() if scaled is not None else b"",
        )

    def in_size(self, size: tuple[int, int]) -> "Image.Image":
        """The image in this width and height."""
        from PIL import Image

        if self.scaled is not None and self.scaled.size == size:
            return self.scaled
        # Hamming averages over what lies below one pixel of the sheet: as sharp as bicubic here, in half the time.
        return Image.fromarray(self.pixels).resize(size, Image.Resampling.HAMMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedCell:
    """A `Cell` in bytes; sizes are width and height, `scaled` is empty where it was not prepared."""

    size: tuple[int, int]
    is_gray: bool
    pixels: bytes
    pixel_aspect: float
    remarks: tuple[str, ...]
    scaled_size: tuple[int, int]
    scaled: bytes

    def unpacked(self) -> Cell:
        """The cell; ValueError where the bytes are not as many as the sizes say."""
        import numpy as np
        from PIL import Image

        shape = (self.size[1], self.size[0], *(() if self.is_gray else (3,)))
        scaled = Image.frombytes("L" if self.is_gray else "RGB", self.scaled_size, self.scaled) if self.scaled else None
        return Cell(
            pixels=np.frombuffer(self.pixels, np.uint8).reshape(shape),
            pixel_aspect=self.pixel_aspect,
            remarks=self.remarks,
            scaled=scaled,
        )


def cell_edge(count: int) -> int:
    """About the longest edge in pixels that one of `count` images has on the sheet."""
    return MAX_EDGE // math.isqrt(max(count, 1))


def shrunk(pixels: "NDArray[np.uint8]", factor: int) -> "NDArray[np.uint8]":
    """The image at a fraction of its size, each pixel the mean of `factor` × `factor`."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).reduce(factor))


def contact_sheet(cells: Sequence[Cell]) -> Picture:
    """One picture of all cells, row by row, numbered from 1. At least one cell; each fills its place on the sheet."""
    from PIL import Image, ImageFont

    sizes = [cell.square_size for cell in cells]
    columns, width, height = _grid(sizes)
    rows = math.ceil(len(cells) / columns)
    mode = "L" if all(cell.pixels.ndim == 2 for cell in cells) else "RGB"  # noqa: PLR2004 - grey has no third axis
    sheet = Image.new(
        mode, (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP), 60 if mode == "L" else (60,) * 3
    )
    label_size = max(_SMALLEST_LABEL, round(min(width, height) * _LABEL_SHARE))
    font = ImageFont.load_default(label_size)
    for index, (cell, size) in enumerate(zip(cells, sizes, strict=True)):
        left, top = index % columns * (width + _GAP), index // columns * (height + _GAP)
        _place(sheet, cell.in_size(_shown_size(size, width, height)), (left, top, width, height))
        _number(sheet, index + 1, (left, top), label_size, font)
    return encode_image(sheet, media_type=JPEG, max_edge=MAX_EDGE)


def _grid(sizes: Sequence[tuple[int, int]]) -> tuple[int, int, int]:
    """Number of columns, width and height of a cell: the grid that shows the images largest, then the squarest."""
    width, height = (max(size[axis] for size in sizes) for axis in (0, 1))
    most = max(_MOST_ENLARGED, _READABLE_EDGE / max(width, height))
    grids = []
    for columns in range(1, len(sizes) + 1):
        rows = math.ceil(len(sizes) / columns)
        scale = min((MAX_EDGE - _GAP * (columns - 1)) / columns / width, (MAX_EDGE - _GAP * (rows - 1)) / rows / height)
        slimness = abs(math.log(columns * width / (rows * height)))
        grids.append((min(scale, most), -slimness, columns))
    scale, _, columns = max(grids)
    return columns, max(1, int(width * scale)), max(1, int(height * scale))


def _shown_size(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    scale = min(width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _place(sheet: "Image.Image", image: "Image.Image", box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    sheet.paste(0 if sheet.mode == "L" else (0, 0, 0), (left, top, left + width, top + height))
    sheet.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))


def _number(
    sheet: "Image.Image",
    number: int,
    corner: tuple[int, int],
    size: int,
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
) -> None:
    """White on black, in the corner: readable on any image, and covering little of it."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(sheet)
    left, top, right, bottom = draw.textbbox((0, 0), f"{number}", font=font)
    margin = size // 4
    box = (*corner, corner[0] + int(right - left) + 2 * margin, corner[1] + int(bottom - top) + 2 * margin)
    draw.rectangle(box, fill=0 if sheet.mode == "L" else (0, 0, 0))
    place = corner[0] + margin - left, corner[1] + margin - top
    draw.text(place, f"{number}", font=font, fill=255 if sheet.mode == "L" else (255, 255, 255))
