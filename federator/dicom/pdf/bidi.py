"""What is drawn from left to right, as it is read: Hebrew, Arabic and their like run the other way, numbers do not.

Standard: Unicode UAX 9, in the other direction: pages hold glyphs by their place, readers want them in logical order.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_NUMBERS = frozenset({"EN", "AN"})
_WITHIN_NUMBERS = frozenset({"ES", "CS"})
_BESIDE_NUMBERS = frozenset({"ET", "NSM"})
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def is_right_to_left(text: str) -> bool:
    """Whether more letters run from right to left than from left to right."""
    kinds = [_kind(letter) for letter in text]
    return sum(kind in _RIGHT_TO_LEFT for kind in kinds) > sum(kind == "L" for kind in kinds)


def holds_right_to_left(text: str) -> bool:
    """Whether there is any letter that runs from right to left; most text is answered for at once."""
    return not text.isascii() and any(_kind(letter) in _RIGHT_TO_LEFT for letter in text)


def in_reading_order(glyphs: Sequence[str]) -> str:
    """The text of one line from its glyphs as they stand from left to right; a glyph may be several letters."""
    whole = "".join(glyphs)
    if not holds_right_to_left(whole):
        return whole
    base = 1 if is_right_to_left(whole) else 0
    levels = _levels([_kind(glyph[:1]) for glyph in glyphs], base)
    order = list(range(len(glyphs)))
    # Turning each run of a level or higher around is its own inverse (UAX 9, L2); innermost last here.
    for level in range(1, max(levels) + 1):
        order = _turned(order, levels, level)
    return "".join(glyphs[at].translate(_MIRRORED) if levels[at] % 2 else glyphs[at] for at in order)


def _turned(order: list[int], levels: list[int], level: int) -> list[int]:
    turned: list[int] = []
    for is_run, places in groupby(order, key=lambda at: levels[at] >= level):
        run = list(places)
        turned += reversed(run) if is_run else run
    return turned


def _kind(letter: str) -> str:
    return unicodedata.bidirectional(letter) if letter else "ON"


def _levels(kinds: list[str], base: int) -> list[int]:
    """The embedding level of each glyph, with the simpler rules that do without embedding marks (UAX 9, W and N)."""
    kinds = _with_whole_numbers(kinds)
    strong = [kind if kind in _RIGHT_TO_LEFT | _NUMBERS | {"L"} else "" for kind in kinds]
    own = [1 if kind in _RIGHT_TO_LEFT else 2 if kind in _NUMBERS or (kind == "L" and base) else 0 for kind in strong]
    levels = [level if kind else base for level, kind in zip(own, strong, strict=True)]
    for at, kind in enumerate(strong):
        if kind in _NUMBERS and not base and not _is_in_right_to_left(strong, at):
            levels[at] = 0
    for is_neutral, group in groupby(range(len(strong)), key=lambda at: not strong[at]):
        places = list(group)
        if is_neutral and places[0] > 0 and places[-1] + 1 < len(strong):
            ends = (places[0] - 1, places[-1] + 1)
            level = _between([strong[at] for at in ends], [levels[at] for at in ends], base)
            levels[places[0] : places[-1] + 1] = [level] * len(places)
    return levels


def _between(kinds: list[str], levels: list[int], base: int) -> int:
    """Neutral glyphs take the direction of both neighbours, or the line's; numbers count as right to left here."""
    if "L" not in kinds and all(levels):
        return 1
    return min(levels) if kinds == ["L", "L"] else base


def _is_in_right_to_left(strong: list[str], at: int) -> bool:
    """Whether the nearest letters on both sides of a number run from right to left."""
    before = next((kind for kind in reversed(strong[:at]) if kind and kind not in _NUMBERS), "")
    after = next((kind for kind in strong[at + 1 :] if kind and kind not in _NUMBERS), "")
    return before in _RIGHT_TO_LEFT and after in _RIGHT_TO_LEFT


def _with_whole_numbers(kinds: list[str]) -> list[str]:
    """Separators between two digits, and signs beside a digit, belong to the number (UAX 9, W4 and W5)."""
    whole = list(kinds)
    for at in range(1, len(kinds) - 1):
        if kinds[at] in _WITHIN_NUMBERS and kinds[at - 1] in _NUMBERS and kinds[at + 1] in _NUMBERS:
            whole[at] = "EN"
    ahead, behind = range(1, len(whole)), range(len(whole) - 2, -1, -1)
    for places, step in ((ahead, -1), (behind, 1)):
        for at in places:
            if whole[at] in _BESIDE_NUMBERS and whole[at + step] in _NUMBERS:
                whole[at] = "EN"
    return whole
