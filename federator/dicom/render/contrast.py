"""What is to be said of a picture on which little can be seen: that it is so, and where the values lie."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from federator.dicom.render.spread import Spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ONE_TONE = 0.99
_SUSPICIOUS = 0.98
_FEW_TONES = 32
_FEW_BETWEEN = 0.02
_SAMPLED = 1 << 16
_WHITE = 255
_NAMES = {0: "black", _WHITE: "white"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How many pixels share the commonest tone; whether all but a few are nearly the same, or just black and white."""

    share: float
    tone: int
    is_flat: bool
    is_split: bool

    @property
    def is_poor(self) -> bool:
        """Whether the values have to be looked at."""
        return self.is_one_tone or self.is_flat or self.is_split

    @property
    def is_one_tone(self) -> bool:
        """Whether over 99 % of the picture are one tone."""
        return self.share > _ONE_TONE

    @property
    def share_words(self) -> str:
        """For example `99.6 % of the picture is black`."""
        name = _NAMES.get(self.tone, f"one gray ({self.tone} of {_WHITE})")
        if self.share == 1:
            return f"The whole picture is {name}"
        return f"{min(self.share * 100, 99.9):.1f} % of the picture is {name}"


def contrast_of(pixels: "NDArray[np.uint8]") -> Contrast:
    """The contrast of a picture in 8 bits; of large ones a regular sample decides whether to look at all of it."""
    tones = pixels if pixels.ndim == 2 else pixels[..., 1]  # noqa: PLR2004 - of colours the green, which is brightest
    sampled = _counted(tones.ravel()[:: -(-tones.size // _SAMPLED)])
    if sampled.share < _SUSPICIOUS:
        return sampled
    return _counted(tones.ravel()) if pixels.ndim == 2 else _of_colors(pixels)  # noqa: PLR2004 - gray


def words_of(contrast: Contrast, spread: Spread) -> str:
    """One sentence with the range of the values; empty where enough can be seen."""
    # An image of two values is black and white by itself.
    is_split = contrast.is_split and spread.between_share > _FEW_BETWEEN
    if not contrast.is_one_tone and not contrast.is_flat and not is_split:
        return ""
    if spread.is_constant:
        values = f"all its values are {spread.low:g}" if spread.count else "it holds nothing but padding"
    else:
        values = f"its values reach from {spread.low:g} to {spread.high:g}"
        if spread.first != spread.last:
            values += f", most of them from {spread.first:g} to {spread.last:g}"
    said = contrast.share_words if contrast.is_one_tone else "This window shows little of this image"
    return f"{said}: {values}.{_advice(spread)}"


def _advice(spread: Spread) -> str:
    low, high = (spread.first, spread.last) if spread.first != spread.last else (spread.low, spread.high)
    if low == high:
        return ""
    return f" window={(low + high) / 2:.6g},{max(high - low, 1e-6):.6g} shows them."


def _counted(tones: "NDArray[np.uint8]") -> Contrast:
    import numpy as np

    counts = np.bincount(tones, minlength=_WHITE + 1)
    commonest, total = int(counts.argmax()), max(int(counts.sum()), 1)
    reached = np.cumsum(counts)
    first, last = (int(np.searchsorted(reached, total * share)) for share in (0.01, 0.99))
    between = int(counts[1:_WHITE].sum())
    return Contrast(
        share=float(counts[commonest]) / total,
        tone=commonest,
        is_flat=last - first < _FEW_TONES,
        is_split=between < _FEW_BETWEEN * total,
    )


def _of_colors(pixels: "NDArray[np.uint8]") -> Contrast:
    import numpy as np

    packed = pixels[..., 0].astype(np.uint32) << 16 | pixels[..., 1].astype(np.uint32) << 8 | pixels[..., 2]
    colors, counts = np.unique(packed, return_counts=True)
    commonest = int(colors[counts.argmax()])
    channels = {commonest >> 16, commonest >> 8 & _WHITE, commonest & _WHITE}
    tone = channels.pop() if len(channels) == 1 else -1
    return Contrast(share=float(counts.max()) / packed.size, tone=tone, is_flat=False, is_split=False)
