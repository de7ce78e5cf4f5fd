"""Words on a page in the order in which people read them: columns one after the other, tables row by row."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

from federator.dicom.pdf.bidi import in_reading_order, is_right_to_left

_GUTTER_PT = 10.0
_MIN_COLUMN_LINES = 4
_MIN_PROSE_CHARACTERS = 22
_MIN_FILL = 0.6
_MIN_GOING_ON = 0.25
_MAX_DIVIDED = 0.34
_WIDE_GAP_LETTERS = 2.0
_MAX_COLUMN = 160
_LEADER = re.compile(r"(?: ?\.){5,} ?")
"""Dots that lead from a label to its value: three tell as much as eighty."""

_MAX_COLUMN_CUTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word and its box in points from the upper left corner of the page; its glyphs stand from left to right."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    glyphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledTable:
    """A table with drawn lines: its box (x0, top, x1, bottom) and the text of its cells, row by row."""

    box: tuple[float, float, float, float]
    rows: tuple[tuple[str, ...], ...]

    def holds(self, word: Word) -> bool:
        """Whether the middle of the word lies inside."""
        x0, top, x1, bottom = self.box
        return x0 <= (word.x0 + word.x1) / 2 <= x1 and top <= (word.top + word.bottom) / 2 <= bottom

    def lines(self) -> list[str]:
        """One line of text a row; empty rows are left out. Where text runs from right to left, columns do, too."""
        step = -1 if is_right_to_left("".join(cell for row in self.rows for cell in row)) else 1
        return [" | ".join(row[::step]) for row in self.rows if any(row)]


Line = tuple[Word, ...]


def page_text(words: Sequence[Word], tables: Sequence[RuledTable]) -> str:
    """The text of a page. What stands side by side stays on one line, unless it is prose in columns."""
    free = [word for word in words if not any(table.holds(word) for table in tables)]
    blocks: list[str] = []
    for table in sorted(tables, key=lambda table: table.box[1]):
        above = [word for word in free if (word.top + word.bottom) / 2 < table.box[1]]
        free = [word for word in free if (word.top + word.bottom) / 2 >= table.box[1]]
        blocks += [*_flow(above), *table.lines(), ""]
    blocks += _flow(free)
    return "\n".join(blocks).strip("\n")


def _flow(words: Sequence[Word]) -> list[str]:
    """The lines of a region without ruled tables."""
    return _written(_read_columns(_lines(words), cuts=_MAX_COLUMN_CUTS))


def _lines(words: Sequence[Word]) -> list[Line]:
    """Words put together into lines: each line takes the words whose middle lies within its first word's height."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: ((word.top + word.bottom) / 2, word.x0)):
        middle = (word.top + word.bottom) / 2
        if lines and lines[-1][0].top <= middle <= lines[-1][0].bottom:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [tuple(sorted(line, key=lambda word: word.x0)) for line in lines]


def _read_columns(lines: list[Line], *, cuts: int) -> list[Line]:
    """The lines in reading order: where a stretch of them is prose in two columns, first the left one, then the right.

    What stands above and below is looked at again; `cuts` bounds the work. Prose in three columns stays line by line.
    """
    found = _widest_stretch(lines) if cuts > 0 else None
    if found is None:
        return lines
    start, end, gutter = found
    left = [part for line in lines[start:end] if (part := tuple(word for word in line if word.x1 <= gutter))]
    right = [part for line in lines[start:end] if (part := tuple(word for word in line if word.x0 >= gutter))]
    parts = (lines[:start], left, right, lines[end:])
    return [line for part in parts for line in _read_columns(part, cuts=cuts // 2)]


def _widest_stretch(lines: list[Line]) -> tuple[int, int, float] | None:
    """The longest run of lines that some gutter divides into two columns of prose: first line, end, x of the gutter."""
    if len(lines) < _MIN_COLUMN_LINES:
        return None
    best: tuple[int, int, float] | None = None
    for gutter in _candidates(lines):
        start = 0
        for at in range(len(lines) + 1):
            if at < len(lines) and _is_clear(lines[at], gutter):
                continue
            is_longer = best is None or at - start > best[1] - best[0]
            if is_longer and _are_prose_columns(lines[start:at], gutter):
                best = (start, at, gutter)
            start = at + 1
    return best


def _candidates(lines: list[Line]) -> list[float]:
    """Where a gutter may be: the middles of wide gaps, within a line or between neighbours, to the nearest points."""
    gaps = [(left.x1, right.x0) for line in lines for left, right in pairwise(line)]
    for above, below in pairwise(lines):
        # Columns whose lines do not stand at the same height.
        gaps += [(above[-1].x1, below[0].x0), (below[-1].x1, above[0].x0)]
    wide = {round((left + right) / 2 / _GUTTER_PT) * _GUTTER_PT for left, right in gaps if right - left >= _GUTTER_PT}
    return sorted(wide)


def _is_clear(line: Line, gutter: float) -> bool:
    return not any(word.x0 < gutter < word.x1 for word in line) and not _runs_across(line, gutter)


def _runs_across(line: Line, gutter: float) -> bool:
    """Whether the words left and right of the gutter are set as one text, with no more than a space between."""
    left = max((word.x1 for word in line if word.x1 <= gutter), default=None)
    right = min((word.x0 for word in line if word.x0 >= gutter), default=None)
    return left is not None and right is not None and right - left < _GUTTER_PT


def _are_prose_columns(lines: list[Line], gutter: float) -> bool:
    """Whether both sides are running text. In any doubt they are not: a value must stay on the line of its label."""
    sides = (
        [part for line in lines if (part := tuple(word for word in line if word.x1 <= gutter))],
        [part for line in lines if (part := tuple(word for word in line if word.x0 >= gutter))],
    )
    return all(_is_prose(side) for side in sides)


def _is_prose(side: list[Line]) -> bool:
    """Long lines that fill their column, are not divided, and go on in the next: many begin with a small letter."""
    if len(side) < _MIN_COLUMN_LINES:
        return False
    widest = max(line[-1].x1 for line in side) - min(line[0].x0 for line in side)
    filled = mean(line[-1].x1 - line[0].x0 for line in side) / widest if widest else 0.0
    characters = median(sum(len(word.text) + 1 for word in line) for line in side)
    going_on = mean(line[0].text[:1].islower() for line in side)
    divided = mean(any(right.x0 - left.x1 >= _GUTTER_PT for left, right in pairwise(line)) for line in side)
    return (
        filled >= _MIN_FILL
        and characters >= _MIN_PROSE_CHARACTERS
        and going_on >= _MIN_GOING_ON
        and divided <= _MAX_DIVIDED
    )


def _written(lines: list[Line]) -> list[str]:
    """Lines as text. A blank line stands where the page leaves one; what is set in columns stands in columns."""
    words = [word for line in lines for word in line]
    letter = median([(word.x1 - word.x0) / max(len(word.text), 1) for word in words] or [1.0])
    margin = min((word.x0 for word in words), default=0.0)
    written: list[str] = []
    before: Line | None = None
    for line in lines:
        height = line[0].bottom - line[0].top
        if before and not -height <= line[0].top - before[0].bottom <= height:
            written.append("")
        written.append(_spaced(line, margin=margin, letter=max(letter, 1.0)))
        before = line
    return written


def _spaced(line: Line, *, margin: float, letter: float) -> str:
    """One line; after a wide gap the next word stands where it stands on the page, so that cells keep their columns."""
    cells = _cells(line, letter)
    if is_right_to_left("".join(word.text for word in line)):
        return "  ".join(line_text(cell) for cell in reversed(cells))
    text = ""
    for cell in cells:
        column = min(round((cell[0].x0 - margin) / letter), _MAX_COLUMN)
        text += " " * (max(column - len(text), 2) if text else 0) + line_text(cell)
    return text


def _cells(line: Line, letter: float) -> list[list[Word]]:
    """The words of a line, parted where the gap is wide."""
    cells = [[line[0]]]
    for left, right in pairwise(line):
        if right.x0 - left.x1 > _WIDE_GAP_LETTERS * letter:
            cells.append([])
        cells[-1].append(right)
    return cells


def line_text(words: Sequence[Word]) -> str:
    """Words that stand side by side, in the order in which they are read."""
    text = in_reading_order([glyph for word in words for glyph in (" ", *word.glyphs)][1:])
    return _LEADER.sub(" ... ", text).strip()


def cell_text(words: Iterable[Word]) -> str:
    """The text of a cell of a table: its lines one after the other."""
    return " ".join(line_text(line) for line in _lines(list(words)))
