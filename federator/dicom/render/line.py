"""A window as arithmetic: in most windows the grey of a value is a straight line, cut off at black and at white.

Reckoning such a line for a whole frame takes half the time of looking up every pixel in a table, because it runs in
the processor's vector units. It is rounded otherwise than the table, so it counts only where it was tried on every
value that may occur, in the very same arithmetic, and gave what the table gives. Elsewhere the table is used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom.image.gray import GrayTransformation
from federator.dicom.image.windows import Window, WindowFunction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WHITE = 255
_HALF = 0.5
_EXACT_BYTES = 2
_MOST = 1e30
"""Files may say what no arithmetic of 32 bits holds."""
_AT_ONCE = 1 << 16
"""Pixels that stay in the processor's cache from step to step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The grey of a stored value: `slope` times the value plus `intercept`, cut off at 0 and 255, then rounded."""

    slope: float
    intercept: float

    @classmethod
    def of(cls, gray: GrayTransformation, window: Window) -> "Line | None":
        """The line of a window; None where it is a curve or a step, or the values come from a table.

        Standard: PS3.3 C.11.1, C.11.2.1.2.1, C.11.2.1.3.2
        """
        is_linear = window.function is WindowFunction.LINEAR
        width, center = (window.width - 1, window.center - _HALF) if is_linear else (window.width, window.center)
        if gray.modality_table is not None or window.function is WindowFunction.SIGMOID or width == 0:
            return None
        steepness = -_WHITE / width if gray.is_inverse else _WHITE / width
        line = cls(slope=gray.slope * steepness, intercept=(gray.intercept - center) * steepness + _WHITE / 2)
        return line if abs(line.slope) < _MOST and abs(line.intercept) < _MOST else None

    def drawn(self, stored: "NDArray[Any]", low: int, table: "NDArray[np.uint8]") -> "NDArray[np.uint8] | None":
        """What `table` gives for each value, its first entry being for `low`; None where the line differs from it."""
        import numpy as np

        if stored.dtype.kind not in "iu" or stored.dtype.itemsize > _EXACT_BYTES:
            return None
        occurring = np.arange(low, low + table.size, dtype=stored.dtype)
        return self._of(stored) if np.array_equal(self._of(occurring), table) else None

    def _of(self, stored: "NDArray[Any]") -> "NDArray[np.uint8]":
        """Each step on its own: that each is rounded alike for all values is what the trial rests on."""
        import numpy as np

        slope, intercept = np.float32(self.slope), np.float32(self.intercept + _HALF)
        values, tones = stored.reshape(-1), np.empty(stored.shape, np.uint8)
        flat, room = tones.reshape(-1), np.empty(min(values.size, _AT_ONCE), np.float32)
        for start in range(0, values.size, _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            reckoned = room[: part.size]
            np.copyto(reckoned, part)
            np.multiply(reckoned, slope, out=reckoned)
            np.add(reckoned, intercept, out=reckoned)
            np.clip(reckoned, 0, _WHITE + _HALF, out=reckoned)
            np.copyto(flat[start : start + _AT_ONCE], reckoned, casting="unsafe")
        return tones
