"""Windows: which values of an image become black, which white (PS3.3 C.11.2)."""

import difflib
import math
import re
from dataclasses import dataclass
from enum import StrEnum

from federator.errors import RequestError

_NUMBERS = re.compile(r"\s*(?P<center>[-+]?\d{1,9}(\.\d{1,9})?)\s*[,/;\\]\s*(?P<width>\d{1,9}(\.\d{1,9})?)\s*")


class WindowFunction(StrEnum):
    """VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Center and width in modality values (Hounsfield units for CT); `explanation` is what the file calls it.

    A width that its function does not allow makes no window: see `is_valid`.

    Standard: PS3.3 C.11.2.1.2
    """

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR
    explanation: str = ""

    @property
    def is_valid(self) -> bool:
        """LINEAR needs a width of at least 1, the others one above 0; zeros are written by real devices."""
        least = 1 if self.function is WindowFunction.LINEAR else math.ulp(0)
        return math.isfinite(self.center) and math.isfinite(self.width) and self.width >= least

    @classmethod
    def between(cls, low: float, high: float) -> "Window":
        """The window that shows `low` as black and `high` as white, exactly."""
        return cls(center=(low + high) / 2, width=high - low, function=WindowFunction.LINEAR_EXACT)

    def __str__(self) -> str:
        shown = f"center {self.center:g}, width {self.width:g}"
        return shown if self.function is WindowFunction.LINEAR else f"{shown} ({self.function.value.lower()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRequest:
    """What the caller asked for; `preset` is the name where one was given, which holds for CT only."""

    window: Window
    preset: str = ""


# Center and width in Hounsfield units, as radiology departments commonly set them.
PRESETS = {
    "abdomen": (40, 400),
    "angio": (300, 600),
    "bone": (400, 1800),
    "brain": (40, 80),
    "liver": (60, 160),
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
    "soft-tissue": (40, 400),
    "spine": (50, 250),
    "stroke": (32, 8),
    "subdural": (75, 215),
    "temporal-bone": (600, 2800),
}


def parse(text: str) -> WindowRequest | None:
    """Read a preset's name or `CENTER,WIDTH`; None where nothing was asked for.

    A RequestError quotes what is neither and lists the names.
    """
    asked = text.strip()
    if not asked:
        return None
    if numbers := _NUMBERS.fullmatch(asked):
        return WindowRequest(window=_window(asked, float(numbers["center"]), float(numbers["width"])))
    name = "-".join(asked.lower().replace("_", " ").replace("-", " ").split())
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RequestError(
            f"window: '{asked[:40]}' is neither a preset nor CENTER,WIDTH.{hint} "
            f"Presets: {', '.join(PRESETS)}. Numbers look like 40,400 or -600,1500."
        )
    center, width = PRESETS[name]
    return WindowRequest(window=Window(center=center, width=width), preset=name)


def _window(asked: str, center: float, width: float) -> Window:
    if width == 0:
        raise RequestError(f"window: the width in '{asked}' must be above 0. Write CENTER,WIDTH, for example 40,400.")
    function = WindowFunction.LINEAR if width >= 1 else WindowFunction.LINEAR_EXACT
    return Window(center=center, width=width, function=function)
