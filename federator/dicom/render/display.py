"""From stored values to what is shown: 8 bits of grey or colour (PS3.4 N.2, PS3.3 C.11).

highdicom's image pipeline is not used: it leaves bits above Bits Stored in, inverts for a window width of 0, does not
scale 16-bit colours, reads float pixels as integers and refuses big endian files. The tests compare the windows.
Integers are not mapped pixel by pixel but through a table of all values between the lowest and the highest, or by the
line that was found to be the same (see line.py): that is several times faster, and exact.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom import json
from federator.dicom.image.gray import GrayTransformation, is_hounsfield
from federator.dicom.image.header import PixelLayout, palette_of
from federator.dicom.image.tables import LookupTable
from federator.dicom.image.windows import Window, WindowFunction, WindowRequest
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.render.line import Line
from federator.dicom.render.spread import Spread, modality_values
from federator.model import DicomJson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_TABLED = 1 << 17
_WHITE = 255
_BYTE_BITS = 8
_ALL_BYTES = Window.between(0, _WHITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toning:
    """How grey values are shown; `words` says it for the text beside the image.

    Without a VOI (colours) there is nothing to choose.
    """

    voi: Window | LookupTable | None
    words: str


def chosen_toning(frame: EncodedFrame, request: WindowRequest | None) -> Toning | None:
    """The window asked for, else the file's own; None where the file has none and the pixels must decide."""
    if not frame.layout.is_gray:
        refused = ", so the window asked for does not apply" if request else ""
        return Toning(voi=None, words=f"the image's own colours{refused}")
    note = ""
    if request:
        note = _preset_note(frame, request)
        if not note:
            named = f"{request.preset}: " if request.preset else ""
            return Toning(voi=request.window, words=f"{named}{request.window}")
    own = _own_toning(frame)
    return Toning(voi=own.voi, words=own.words + note) if own else None


def scaled_toning(spread: Spread, *, is_inverse: bool = False) -> Toning:
    """The window from the 1st to the 99th percentile of the values; one gray where all of them are the same."""
    low, high = spread.first, spread.last
    if low == high:
        # Almost everything is background: a few bright points.
        low, high = spread.low, spread.high
    if low == high:
        return Toning(voi=_window_of_one(low, is_inverse=is_inverse), words=f"all values are {low:g}")
    return Toning(
        voi=Window.between(low, high),
        words=f"scaled from {low:g} to {high:g} (1st to 99th percentile; the file has no window)",
    )


def _window_of_one(value: float, *, is_inverse: bool) -> Window:
    """Nothing at all is black; any other value is a gray, because one value says nothing of bright or dark."""
    return Window.between(0, 1) if value == 0 and not is_inverse else Window.between(value - 1, value + 1)


def shown(frame: EncodedFrame, stored: "NDArray[Any]", toning: Toning) -> "NDArray[np.uint8]":
    """The pixels to be shown, shaped (rows, columns) or (rows, columns, 3)."""
    if frame.layout.samples_per_pixel > 1:
        return _bytes_of_color(stored, frame.layout)
    if frame.layout.is_gray:
        return _gray(stored, frame.gray, toning)
    return _palette_colors(stored, frame.row)


def _preset_note(frame: EncodedFrame, request: WindowRequest) -> str:
    """Why a preset does not fit this image; empty where it does."""
    if not request.preset or is_hounsfield(frame.row, frame.gray):
        return ""
    modality = json.text(frame.row, "00080060").upper()
    what = f"this is {modality or 'of unknown modality'}" if modality != "CT" else "its values are in other units"
    return (
        f". The preset '{request.preset}' was not applied: it is in Hounsfield units of CT and {what}. "
        "window=CENTER,WIDTH in the image's own values can be used"
    )


def _own_toning(frame: EncodedFrame) -> Toning | None:
    layout, gray = frame.layout, frame.gray
    if gray.voi_tables:
        table = gray.voi_tables[0]
        names = [each.explanation or "unnamed" for each in gray.voi_tables]
        return Toning(voi=table, words=f"the file's VOI table {_first_of(names)}")
    if gray.windows:
        names = [f"{window}{f' {window.explanation}' if window.explanation else ''}" for window in gray.windows]
        return Toning(voi=gray.windows[0], words=f"the file's window {_first_of(names)}")
    if layout.bits_stored == 1:
        return Toning(voi=Window.between(0, 1), words="two values, black and white")
    is_plain = layout.bits_stored <= _BYTE_BITS and layout.pixel_representation == 0 and not gray.is_rescaled
    if is_plain and json.text(frame.row, "00080060").upper() != "SEG":
        # Without a window, 8 bits are meant for the screen as they are: screen captures, ultrasound.
        white = (1 << layout.bits_stored) - 1
        return Toning(voi=Window.between(0, white), words=f"0 to {white} as stored (the file has no window)")
    return None


def _first_of(names: list[str]) -> str:
    others = f" (first of {len(names)}: {'; '.join(names)})" if len(names) > 1 else ""
    return names[0] + others


def _gray(stored: "NDArray[Any]", gray: GrayTransformation, toning: Toning) -> "NDArray[np.uint8]":
    import numpy as np

    if stored.dtype.kind == "f":
        return _tones(np.nan_to_num(stored), gray, toning)
    low, high = int(stored.min()), int(stored.max())
    if high - low >= _MOST_TABLED:
        return _tones(stored, gray, toning)
    table = _tones(np.arange(low, high + 1), gray, toning)
    line = None if isinstance(toning.voi, LookupTable) else Line.of(gray, toning.voi or _ALL_BYTES)
    drawn = line.drawn(stored, low, table) if line else None
    return table.take(_places(stored, low)) if drawn is None else drawn


def _places(stored: "NDArray[Any]", low: int) -> "NDArray[Any]":
    """Each value's distance from the lowest one; unsigned words wrap around to just that."""
    import numpy as np

    word = np.dtype(f"u{stored.dtype.itemsize}")
    places: NDArray[Any] = stored.astype(word, copy=False) - word.type(low % (1 << 8 * word.itemsize))
    return places


def _tones(values: "NDArray[Any]", gray: GrayTransformation, toning: Toning) -> "NDArray[np.uint8]":
    import numpy as np

    measured = modality_values(values, gray)
    if isinstance(toning.voi, LookupTable):
        table = toning.voi
        tones = table.apply(measured) * (_WHITE / ((1 << table.bits) - 1))
        tones = _WHITE - tones if gray.is_inverse else tones
    else:
        tones = _windowed(measured, toning.voi or _ALL_BYTES, is_inverse=gray.is_inverse)
    bytes_: NDArray[np.uint8] = np.clip(np.rint(tones), 0, _WHITE).astype(np.uint8)
    return bytes_


def _windowed(measured: "NDArray[Any]", window: Window, *, is_inverse: bool) -> "NDArray[Any]":
    """The greys of a window, from 0 to white (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    import numpy as np

    if window.function is WindowFunction.LINEAR and window.width == 1:
        above = measured > window.center - 0.5
        return np.where(above != is_inverse, _WHITE, 0)
    values = measured.astype(np.float64)
    if window.function is WindowFunction.SIGMOID:
        # Far below a narrow sigmoid, its exponential overflows to just what it should: the darkest grey.
        with np.errstate(over="ignore"):
            offsets = window.center - values if is_inverse else values - window.center
            return np.asarray(_WHITE / (1 + np.exp(-4 * offsets / window.width)))
    width = window.width - 1 if window.function is WindowFunction.LINEAR else window.width
    black = window.center - window.width / 2
    tones = (black - values) * (_WHITE / width) + _WHITE if is_inverse else (values - black) * (_WHITE / width)
    return np.clip(tones, 0, _WHITE)


def _palette_colors(stored: "NDArray[Any]", row: DicomJson) -> "NDArray[np.uint8]":
    import numpy as np

    low, high = int(stored.min()), int(stored.max())
    occurring = np.arange(low, high + 1)
    palette = np.stack([_to_bytes(table.apply(occurring), table.bits) for table in palette_of(row)], axis=-1)
    return palette.take(_places(stored, low), axis=0)


def _bytes_of_color(stored: "NDArray[Any]", layout: PixelLayout) -> "NDArray[np.uint8]":
    if stored.dtype.itemsize == 1 and layout.bits_stored == _BYTE_BITS:
        return stored
    return _to_bytes(stored, layout.bits_stored)


def _to_bytes(values: "NDArray[Any]", bits: int) -> "NDArray[np.uint8]":
    """The upper 8 of `bits` bits: palettes written as x * 256 and as x * 257 both give x."""
    import numpy as np

    largest = (1 << bits) - 1
    clipped = np.clip(values, 0, largest)
    scaled = clipped >> (bits - _BYTE_BITS) if bits >= _BYTE_BITS else clipped * _WHITE // largest
    bytes_: NDArray[np.uint8] = scaled.astype(np.uint8)
    return bytes_
