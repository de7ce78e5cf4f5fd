"""How the values of a frame are spread: what its default window, and what is said of an unfit one, rest on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom.image.header import GrayTransformation, is_hounsfield
from federator.model import DicomJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_SAMPLED = 1 << 20
_PERCENTILES = (1.0, 99.0)
_LEAST_HU = -1024.0
"""Nothing is less dense than air; below it scanners write what lies outside the field of view."""
_BLANK_SHARE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The lowest and highest modality value, the 1st and 99th percentile, and how many share the commonest value.

    `between_share` is the share of values strictly between the two percentiles: none in images of two values.
    Padding is left out, and so is what no CT can measure. `count` is 0 where nothing is left.
    """

    low: float = 0.0
    first: float = 0.0
    last: float = 0.0
    high: float = 0.0
    common_share: float = 1.0
    between_share: float = 0.0
    count: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether all values are one."""
        return self.low == self.high

    @property
    def is_blank(self) -> bool:
        """Whether there is next to nothing to see: such a frame gives no window to others."""
        return self.common_share >= _BLANK_SHARE


def spread_of(row: DicomJson, gray: GrayTransformation, stored: "NDArray[Any]") -> Spread:
    """The spread of a frame's values, of large frames that of a regular sample."""
    import numpy as np

    values = measured(row, gray, stored)
    if not values.size:
        return Spread()
    ordered = np.sort(values, axis=None)
    first, last = np.percentile(ordered, _PERCENTILES, method="nearest").tolist()
    return Spread(
        low=ordered[0].item(),
        first=first,
        last=last,
        high=ordered[-1].item(),
        common_share=_common_share(ordered),
        between_share=_between_share(ordered, first, last),
        count=int(ordered.size),
    )


def together(spreads: "Sequence[Spread]") -> Spread:
    """The spread of several frames that one window is to show."""
    held = [spread for spread in spreads if spread.count]
    if not held:
        return Spread()
    return Spread(
        low=min(spread.low for spread in held),
        first=min(spread.first for spread in held),
        last=max(spread.last for spread in held),
        high=max(spread.high for spread in held),
        common_share=min(spread.common_share for spread in held),
        between_share=max(spread.between_share for spread in held),
        count=sum(spread.count for spread in held),
    )


def measured(row: DicomJson, gray: GrayTransformation, stored: "NDArray[Any]") -> "NDArray[Any]":
    """The modality values that are measurements; of large frames a regular sample."""
    import numpy as np

    values = stored.ravel()[:: -(-stored.size // _MOST_SAMPLED)]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if gray.padding is not None:
        low, high = gray.padding
        values = values[(values < low) | (values > high)]
    values = modality_values(values, gray)
    if is_hounsfield(row, gray):
        inside = values[values >= _LEAST_HU]
        values = inside if inside.size else values
    return values


def modality_values(values: "NDArray[Any]", gray: GrayTransformation) -> "NDArray[Any]":
    """What the stored values mean: Hounsfield units, counts, optical density (PS3.3 C.11.1)."""
    import numpy as np

    if gray.modality_table is not None:
        return gray.modality_table.apply(values)
    rescaled: NDArray[Any] = np.asarray(values, dtype=np.float64) * gray.slope + gray.intercept
    return rescaled


def _common_share(ordered: "NDArray[Any]") -> float:
    """The share of the commonest value: where it is above one half, it is the median."""
    import numpy as np

    middle = ordered[ordered.size // 2]
    start, end = np.searchsorted(ordered, middle, "left"), np.searchsorted(ordered, middle, "right")
    return float(end - start) / ordered.size


def _between_share(ordered: "NDArray[Any]", first: float, last: float) -> float:
    import numpy as np

    start, end = np.searchsorted(ordered, first, "right"), np.searchsorted(ordered, last, "left")
    return max(float(end - start), 0.0) / ordered.size
