"""Overlay planes: drawings and regions of one bit a pixel, beside the image or in unused bits of its words.

Standard: PS3.3 C.9.2, C.9.3; the planes in unused bits are retired, and old files have them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom import json
from federator.dicom.image.tables import TableElsewhere, inline_binary
from federator.dicom.visible import on_one_line
from federator.model import DicomJson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ELEMENTS = ("0010", "0011", "0015", "0022", "0040", "0050", "0051", "0100", "0102", "1500", "3000")
"""What of a group 60xx is read: size, frames, description, type, origin, first frame, bits, label, data."""
GROUPS = tuple(f"{group:04X}" for group in range(0x6000, 0x6020, 2))

_MOST_PIXELS = 1 << 26
_LONGEST = 40
_REGION = "R"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One overlay: `top` and `left` are the row and column of the image, from 0, on which its first bit lies.

    `first_frame` and `frames` say for which frames of the image it has planes; `frames` 0 is one plane for all.
    `bit` is its place in the words of the pixel data, 0 where it has data of its own.
    """

    group: str
    rows: int
    columns: int
    top: int
    left: int
    first_frame: int
    frames: int
    bit: int
    is_region: bool
    label: str

    @property
    def words(self) -> str:
        """For example `"outline" (group 6000)`; what stands in quotes is the archive's."""
        return f'"{self.label}" (group {self.group})' if self.label else f"of group {self.group}"

    def plane_number(self, frame_number: int) -> int | None:
        """Which of its planes, from 0, lies on a frame; None where none does."""
        if not self.frames:
            return 0
        plane = frame_number - self.first_frame
        return plane if 0 <= plane < self.frames else None


def overlays_of(row: DicomJson, frame_number: int) -> tuple[Overlay, ...]:
    """The overlays that lie on a frame, as far as they are described soundly."""
    found = [_overlay(row, group) for group in GROUPS if json.is_present(row, f"{group}0010")]
    return tuple(one for one in found if one is not None and one.plane_number(frame_number) is not None)


def holds_embedded(row: DicomJson) -> bool:
    """Whether overlays lie in bits of the pixel data's words that are none of the image's."""
    return any(one is not None and one.bit for one in (_overlay(row, group) for group in GROUPS))


def is_elsewhere(row: DicomJson, overlay: Overlay) -> bool:
    """Whether the planes are not in `row`: as bulk data, or left out as some archives leave out all binary values."""
    if overlay.bit:
        return False
    try:
        return not inline_binary(row, f"{overlay.group}3000")
    except TableElsewhere:
        return True


def mask_of(row: DicomJson, overlay: Overlay, frame_number: int, words: "NDArray[Any]") -> "NDArray[np.bool_] | None":
    """Where the overlay draws on the image, shaped (rows, columns); None where its data do not suffice.

    `words` are the frame's pixel data with everything that lies in them. Regions are drawn as their outline.
    """
    import numpy as np

    plane = _embedded(overlay, words) if overlay.bit else _separate(row, overlay, frame_number)
    if plane is None:
        return None
    rows, columns = words.shape[0], words.shape[1]
    mask = np.zeros((rows, columns), bool)
    top, left = max(overlay.top, 0), max(overlay.left, 0)
    seen = plane[top - overlay.top :, left - overlay.left :][: max(rows - top, 0), : max(columns - left, 0)]
    mask[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return _outline(mask) if overlay.is_region else mask


def _overlay(row: DicomJson, group: str) -> Overlay | None:
    size = json.integer(row, f"{group}0010"), json.integer(row, f"{group}0011")
    rows, columns = size[0] or 0, size[1] or 0
    if rows < 1 or columns < 1 or rows * columns > _MOST_PIXELS:
        return None
    origin = [json.as_integer(text) or 1 for text in json.texts(row, f"{group}0050")]
    top, left = origin if len(origin) == 2 else (1, 1)  # noqa: PLR2004 - row and column
    has_data = json.is_present(row, f"{group}3000")
    position = json.integer(row, f"{group}0102") or 0
    label = json.text(row, f"{group}1500") or json.text(row, f"{group}0022")
    return Overlay(
        group=group,
        rows=rows,
        columns=columns,
        top=top - 1,
        left=left - 1,
        first_frame=json.integer(row, f"{group}0051") or 1,
        frames=max(json.integer(row, f"{group}0015") or 0, 0),
        bit=0 if has_data else position,
        is_region=json.text(row, f"{group}0040").upper() == _REGION,
        label=on_one_line(label.replace('"', "'"))[:_LONGEST],
    )


def _embedded(overlay: Overlay, words: "NDArray[Any]") -> "NDArray[np.bool_] | None":
    import numpy as np

    if words.ndim != 2 or words.dtype.kind not in "iu" or overlay.bit >= words.dtype.itemsize * 8:  # noqa: PLR2004 - gray
        return None
    plane: NDArray[np.bool_] = (words >> overlay.bit & 1).astype(bool)
    return plane


def _separate(row: DicomJson, overlay: Overlay, frame_number: int) -> "NDArray[np.bool_] | None":
    """The bits of one plane; planes follow each other without a gap, the first bit is the lowest of the first byte."""
    import numpy as np

    try:
        packed = inline_binary(row, f"{overlay.group}3000")
    except TableElsewhere:
        return None
    size = overlay.rows * overlay.columns
    start = (overlay.plane_number(frame_number) or 0) * size
    held = np.frombuffer(packed, np.uint8)[start // 8 : (start + size + 7) // 8]
    bits = np.unpackbits(held, bitorder="little")[start % 8 : start % 8 + size]
    return bits.astype(bool).reshape(overlay.rows, overlay.columns) if bits.size == size else None


def _outline(mask: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """The pixels of a region that have a neighbour outside of it; at the edge of the image it is closed."""
    import numpy as np

    around = np.pad(mask, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inner
