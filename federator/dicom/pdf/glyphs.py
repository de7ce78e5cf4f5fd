"""The glyphs of a page: what each means, where it stands; each once, however often it was drawn."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for a glyph of which nobody can tell what letter it is."""

_CODE = re.compile(r"\(cid:\d+\)")
_RIGHT_ANGLE = 90
_NEARLY_RIGHT = 3
_OBLIQUE_STEP = 5
_SAME_PLACE = 0.35
_SHADOW = 0.12
"""In em: the two of 11 or ll are at least 0.2 em apart, a shadow hardly ever more than 0.1."""

_CELL_PT = 4.0

# Glyphs that word processors take from fonts of symbols: bullets and marks of check boxes.
_SYMBOLS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓", 0xF0FB: "✗", 0xF0FE: "☑", 0xF0A8: "☐", 0xF06F: "☐"}
_DINGBATS_FIRST, _DINGBATS_LAST, _DINGBATS_BLOCK = 0x21, 0x7E, 0x2701
_DINGBATS_ELSEWHERE = dict(zip(map(ord, "%*+Hlnstuw"), "☎☛☞★●■▲▼◆◗", strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One glyph and its box in points from the upper left corner; `angle` is the way its line runs, in degrees.

    0 runs to the right, 90 upwards, 180 to the left and upside down.
    """

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    angle: int
    advance: float = 0.0

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of its box."""
        return (self.x0 + self.x1) / 2, (self.top + self.bottom) / 2


def glyphs_of(page: Any) -> list[Glyph]:  # noqa: ANN401 - pdfplumber ships no types
    """The glyphs of a pdfplumber page in the order in which they were drawn, blanks among them.

    They are taken out of the page: pdfplumber would turn each into a dictionary, which takes as long as all the rest.
    """
    across, down = page.mediabox[0], page.mediabox[1] + page.height
    return [
        Glyph(
            text=_meaning(letter.get_text(), str(letter.fontname)),
            x0=across + letter.x0,
            x1=across + letter.x1,
            top=down - letter.y1,
            bottom=down - letter.y0,
            angle=_angle(letter.matrix),
            advance=abs(letter.adv) * math.hypot(*letter.matrix[:2]),
        )
        for letter in _taken_from(page.layout)
    ]


def _taken_from(container: Any) -> Iterator[Any]:  # noqa: ANN401 - a container of pdfminer
    from pdfminer.layout import LTChar, LTContainer

    letters: list[Any] = []
    rest: list[Any] = []
    for found in container:
        (letters if isinstance(found, LTChar) else rest).append(found)
    # Only its own list, as a page's objects may be in others, too.
    container._objs = rest  # noqa: SLF001 - there is no other way to leave letters out
    yield from letters
    for found in rest:
        if isinstance(found, LTContainer):
            yield from _taken_from(found)


def _angle(matrix: tuple[float, ...]) -> int:
    """The direction of a line: right angles as such, others to 5 degrees, so that a line stays together."""
    degrees = math.degrees(math.atan2(matrix[1], matrix[0])) if matrix[0] or matrix[1] else 0.0
    right = round(degrees / _RIGHT_ANGLE) * _RIGHT_ANGLE
    if abs(degrees - right) <= _NEARLY_RIGHT:
        return right % 360
    return round(degrees / _OBLIQUE_STEP) * _OBLIQUE_STEP % 360


def _meaning(text: str, font: str) -> str:
    """What a glyph means to a reader: ligatures and presentation forms as their letters, what means nothing as such."""
    if len(text) == 1 and " " < text <= "~":
        return _dingbat(text) if "Dingbats" in font else text
    if not text or _CODE.fullmatch(text):
        return UNREADABLE
    return "".join(_letter(letter) for letter in text)


def _dingbat(text: str) -> str:
    """A glyph of ZapfDingbats, which readers of PDF take for a letter: 4 is a check mark (ISO 32000-1 §D.6)."""
    code = ord(text)
    return _DINGBATS_ELSEWHERE.get(code) or chr(_DINGBATS_BLOCK + code - _DINGBATS_FIRST)


def _letter(letter: str) -> str:
    if letter == "\N{SOFT HYPHEN}":
        # Drawn, it is a hyphen like any other.
        return "-"
    kind = unicodedata.category(letter)
    if kind in {"Co", "Cn", "Cc", "Cs"}:
        return _SYMBOLS.get(ord(letter), " " if letter in "\t\n\r" else UNREADABLE)
    if kind == "Zs":
        return " "
    is_form = "\ufb00" <= letter <= "\ufdff" or "\ufe70" <= letter <= "\ufefc"
    return unicodedata.normalize("NFKC", letter) if is_form else letter


def drawn_once(glyphs: Iterable[Glyph]) -> list[Glyph]:
    """The glyphs without those drawn a second time at nearly the same place, for bold letters or a shadow."""
    kept: list[Glyph] = []
    known: dict[tuple[str, int, int, int], list[Glyph]] = {}
    for glyph in glyphs:
        column, row = (int(place // _CELL_PT) for place in glyph.middle)
        # Letters are wider than their doubles are apart; what is small lies within the neighbouring cells.
        near = (
            other
            for x in (column - 1, column, column + 1)
            for y in (row - 1, row, row + 1)
            for other in known.get((glyph.text, glyph.angle, x, y), ())
        )
        if any(_covers(other, glyph) for other in near):
            continue
        known.setdefault((glyph.text, glyph.angle, column, row), []).append(glyph)
        kept.append(glyph)
    return kept


def _covers(one: Glyph, other: Glyph) -> bool:
    """Whether two like glyphs are one: neighbours such as the two of 11 are a whole width apart."""
    (x, y), (to_x, to_y) = one.middle, other.middle
    return (
        abs(x - to_x) <= max(_SAME_PLACE * (one.x1 - one.x0), _SHADOW * (one.bottom - one.top))
        and abs(y - to_y) <= _SAME_PLACE * max(one.bottom - one.top, 0.01)
        and abs((one.bottom - one.top) - (other.bottom - other.top)) <= _SAME_PLACE * (one.bottom - one.top)
    )
