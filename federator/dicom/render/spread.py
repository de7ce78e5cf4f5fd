"""How the values of a frame are spread: what its default window, and what is said of an unfit one, rest on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom.image.gray import GrayTransformation, is_hounsfield
from federator.model import DicomJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_MOST_SAMPLED = 1 << 20
_SHARES = (0.01, 0.99)
_TABLED_BYTES = 2
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

    values, counts = _tallied(row, gray, stored)
    total = int(counts.sum())
    if not total:
        return Spread()
    reached = np.cumsum(counts)
    first, last = (values[np.searchsorted(reached, round(share * (total - 1)), "right")].item() for share in _SHARES)
    between = int(counts[(values > first) & (values < last)].sum())
    return Spread(
        low=values[0].item(),
        first=first,
        last=last,
        high=values[-1].item(),
        common_share=float(counts.max()) / total,
        between_share=between / total,
        count=total,
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


def _tallied(
    row: DicomJson, gray: GrayTransformation, stored: "NDArray[Any]"
) -> "tuple[NDArray[Any], NDArray[np.int64]]":
    """The modality values that are measurements, in ascending order, and how many pixels have each."""
    import numpy as np

    found, counts = _counted(stored.ravel()[:: -(-stored.size // _MOST_SAMPLED)])
    if gray.padding is not None:
        low, high = gray.padding
        is_measured = (found < low) | (found > high)
        found, counts = found[is_measured], counts[is_measured]
    values = modality_values(found, gray)
    if is_hounsfield(row, gray) and (values >= _LEAST_HU).any():
        values, counts = values[values >= _LEAST_HU], counts[values >= _LEAST_HU]
    values, places = np.unique(values, return_inverse=True)
    return values, np.bincount(places, weights=counts, minlength=values.size).astype(np.int64)


def _counted(sample: "NDArray[Any]") -> "tuple[NDArray[Any], NDArray[np.int64]]":
    """Which values occur, and how often; words are counted in a table, which is ten times faster than sorting them."""
    import numpy as np

    if sample.dtype.kind == "f":
        return np.unique(sample[np.isfinite(sample)], return_counts=True)
    if sample.dtype.itemsize > _TABLED_BYTES or not sample.size:
        return np.unique(sample, return_counts=True)
    lowest = int(sample.min())
    counts = np.bincount(sample.astype(np.int64) - lowest)
    occurring = np.flatnonzero(counts)
    return occurring + lowest, counts[occurring]


def modality_values(values: "NDArray[Any]", gray: GrayTransformation) -> "NDArray[Any]":
    """What the stored values mean: Hounsfield units, counts, optical density (PS3.3 C.11.1)."""
    import numpy as np

    if gray.modality_table is not None:
        return gray.modality_table.apply(values)
    rescaled: NDArray[Any] = np.asarray(values, dtype=np.float64) * gray.slope + gray.intercept
    return rescaled
