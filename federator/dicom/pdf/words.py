"""From glyphs to words, whichever way their lines run; afterwards all lines run to the right."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from unicodedata import category, east_asian_width

from federator.dicom.pdf.glyphs import Glyph
from federator.dicom.pdf.layout import Word

_WORD_GAP = 0.1
"""In em. Kerning stays below it (it is mostly negative), spaces of justified lines above; poppler takes 0.1, too."""

_SPACED_LETTERS = 0.05
_SAME_LINE = 0.3
_RIGHT_ANGLE = 90
_MIN_SINE = 0.3
_RAISED = 0.85
_MAX_RAISED = 200
_MIN_DOWN, _MAX_DOWN, _MAX_ASIDE = 0.6, 1.8, 0.35


def by_direction(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """The glyphs in groups whose lines run one way, turned so that they run to the right; upright ones first."""
    groups: dict[int, list[Glyph]] = {0: []}
    for glyph in glyphs:
        groups.setdefault(glyph.angle, []).append(glyph)
    return [[_turned(glyph) for glyph in groups[angle]] for angle in sorted(groups) if groups[angle]]


def _turned(glyph: Glyph) -> Glyph:
    if not glyph.angle:
        return glyph
    width, height = _size(glyph)
    sine, cosine = math.sin(math.radians(glyph.angle)), math.cos(math.radians(glyph.angle))
    x, y = glyph.middle
    along, down = x * cosine - y * sine, x * sine + y * cosine
    return Glyph(
        text=glyph.text,
        x0=along - width / 2,
        x1=along + width / 2,
        top=down - height / 2,
        bottom=down + height / 2,
        angle=0,
    )


def _size(glyph: Glyph) -> tuple[float, float]:
    """Width and height along the line; of a box that stands askew they are not its own."""
    width, height = glyph.x1 - glyph.x0, glyph.bottom - glyph.top
    if glyph.angle % _RIGHT_ANGLE == 0:
        return (height, width) if glyph.angle % (2 * _RIGHT_ANGLE) else (width, height)
    sine, cosine = (abs(f(math.radians(glyph.angle))) for f in (math.sin, math.cos))
    tall = (width - glyph.advance * cosine) / sine if sine > _MIN_SINE else (height - glyph.advance * sine) / cosine
    return glyph.advance, max(tall, 1.0)


def words_of(glyphs: Iterable[Glyph]) -> list[Word]:
    """The words of glyphs that run to the right."""
    lines = [_with_marks(line) for line in _lines(glyphs)]
    return _with_raised([word for line in lines for word in _words(line)])


def _lines(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    """Glyphs of about one height on one level, from left to right."""
    lines: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: (glyph.middle[1], glyph.x0)):
        height = glyph.bottom - glyph.top
        first = lines[-1][0] if lines else None
        if first is not None and glyph.middle[1] - first.middle[1] <= _SAME_LINE * min(
            height, first.bottom - first.top
        ):
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    return [sorted(line, key=lambda glyph: glyph.x0) for line in lines]


def _with_marks(line: list[Glyph]) -> list[Glyph]:
    """The line with each combining mark behind the letter that it stands over, in one glyph."""
    marks = [glyph for glyph in line if glyph.text and all(category(letter) == "Mn" for letter in glyph.text)]
    bases = [glyph for glyph in line if glyph not in marks] if marks else []
    if not bases:
        return line
    added: dict[int, str] = {}
    for mark in marks:
        at = min(range(len(bases)), key=lambda at: abs(bases[at].middle[0] - mark.middle[0]))
        added[at] = added.get(at, "") + mark.text
    return [
        Glyph(text=base.text + added.get(at, ""), x0=base.x0, x1=base.x1, top=base.top, bottom=base.bottom, angle=0)
        for at, base in enumerate(bases)
    ]


def _words(line: list[Glyph]) -> list[Word]:
    """The words of one line: between blanks, and between gaps that are wider than its letters are set apart."""
    shown = [glyph for glyph in line if glyph.text.strip()]
    # Dots that lead to a value are set apart by themselves.
    gaps = [_gap(left, right) for left, right in pairwise(shown) if "." not in {left.text, right.text}]
    usual = median(gaps) if len(gaps) > 1 else 0.0
    widest = _WORD_GAP + (usual if usual > _SPACED_LETTERS else 0.0)
    words: list[list[Glyph]] = [[]]
    before: Glyph | None = None
    for glyph in line:
        if not glyph.text.strip():
            words.append([])
            continue
        if before is not None and words[-1] and _gap(before, glyph) > widest:
            words.append([])
        words[-1].append(glyph)
        before = glyph
    return [_word(glyphs) for glyphs in words if glyphs]


def _gap(left: Glyph, right: Glyph) -> float:
    """The gap between two glyphs in em."""
    return (right.x0 - left.x1) / max(right.bottom - right.top, left.bottom - left.top, 0.1)


def _word(glyphs: Sequence[Glyph]) -> Word:
    parts = tuple(glyph.text for glyph in glyphs)
    return Word(
        text="".join(parts),
        x0=glyphs[0].x0,
        x1=max(glyph.x1 for glyph in glyphs),
        top=min(glyph.top for glyph in glyphs),
        bottom=max(glyph.bottom for glyph in glyphs),
        glyphs=parts,
    )


def _with_raised(words: list[Word]) -> list[Word]:
    """The words with small ones that stand raised or lowered right behind them: `m` and `2` are `m2`."""
    usual = median([word.bottom - word.top for word in words] or [0.0])
    small = [word for word in words if word.bottom - word.top < _RAISED * usual][:_MAX_RAISED]
    for word in sorted(small, key=lambda word: word.x0):
        base = next((base for base in words if _carries(base, word)), None)
        if base is not None:
            words.remove(word)
            words[words.index(base)] = replace(
                base, text=base.text + word.text, x1=word.x1, glyphs=base.glyphs + word.glyphs
            )
    return words


def _carries(base: Word, word: Word) -> bool:
    height, tall = word.bottom - word.top, base.bottom - base.top
    return (
        height < _RAISED * tall
        and -_SAME_LINE * height <= word.x0 - base.x1 <= _WORD_GAP * tall
        and base.top - height / 2 <= (word.top + word.bottom) / 2 <= base.bottom + height / 2
    )


def vertical_text(glyphs: Sequence[Glyph]) -> tuple[list[Glyph], str]:
    """The glyphs that are not set from top to bottom, and the text of those that are, column by column from the right.

    They are told by their order: each stands right below the one before, as Chinese and Japanese are set.
    """
    columns: list[list[Glyph]] = [[]]
    for glyph in glyphs:
        if not columns[-1] or not _is_below(columns[-1][-1], glyph):
            columns.append([])
        columns[-1].append(glyph)
    vertical = [run for run in columns if len(run) > 1 and any(_is_wide(glyph) for glyph in run)]
    if not vertical:
        return list(glyphs), ""
    taken = {id(glyph) for run in vertical for glyph in run}
    vertical.sort(key=lambda run: (-round(run[0].middle[0]), run[0].top))
    rest = [glyph for glyph in glyphs if id(glyph) not in taken]
    return rest, "\n".join("".join(glyph.text for glyph in run).strip() for run in vertical)


def _is_below(above: Glyph, glyph: Glyph) -> bool:
    height = above.bottom - above.top
    (x, y), (to_x, to_y) = above.middle, glyph.middle
    return (
        not above.angle
        and not glyph.angle
        and abs(to_x - x) <= _MAX_ASIDE * height
        and _MIN_DOWN * height <= to_y - y <= _MAX_DOWN * height
    )


def _is_wide(glyph: Glyph) -> bool:
    return any(east_asian_width(letter) in "WF" for letter in glyph.text)
