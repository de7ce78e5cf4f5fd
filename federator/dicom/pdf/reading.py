"""One page from pdfplumber's characters, lines and pictures to its text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from federator.dicom.pdf.annotations import Entry
from federator.dicom.pdf.drawn import DrawnPage
from federator.dicom.pdf.glyphs import Glyph, drawn_once
from federator.dicom.pdf.layout import RuledTable, Word, cell_text, page_text
from federator.dicom.pdf.words import by_direction, vertical_text, words_of

_MAX_RULES = 2_000
_MIN_HEIGHT_PT = 1.0
"""Nobody reads letters of a third of a millimetre."""

_MOST = 0.5
_ENTRY_HEIGHT_PT = 12.0
_LETTER_WIDTH = 0.5
_SAME_SIZE_PT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """The text of a page. `hidden` is text that cannot be seen there and was left out, `hidden_share` how much it was.

    Where that is most of it, the fonts may be to blame, and it is not left out.
    """

    text: str
    hidden: str
    hidden_share: float


def read_page(
    page: Any,  # noqa: ANN401 - pdfplumber ships no types
    glyphs: Sequence[Glyph],
    entries: Sequence[Entry],
    shown: DrawnPage | None,
) -> PageRead:
    """What stands on a page of these glyphs and values of forms; `shown` is the page as drawn, where it can be."""
    visible, hidden, share = _told_apart(page, drawn_once(glyphs), shown)
    horizontal, vertical = vertical_text(visible)
    blocks = []
    for at, turned in enumerate(by_direction(horizontal) or [[]]):
        is_upright = not at and (not horizontal or any(not glyph.angle for glyph in horizontal))
        words = words_of(turned)
        tables = _tables(page, turned) if is_upright else []
        blocks.append(page_text([*words, *_entered(page, entries)] if not at else words, tables))
    blocks.append(vertical)
    return PageRead(text="\n\n".join(block for block in blocks if block), hidden=hidden, hidden_share=share)


def _told_apart(
    page: Any,  # noqa: ANN401 - pdfplumber ships no types
    glyphs: list[Glyph],
    shown: DrawnPage | None,
) -> tuple[list[Glyph], str, float]:
    """The glyphs that can be seen; the text of the others, and their share."""
    x0, top, x1, bottom = page.cropbox
    runs = _runs(glyphs)
    on_page = [run for run in runs if _is_within(run, page.cropbox) and run[0].bottom - run[0].top >= _MIN_HEIGHT_PT]
    seen = on_page
    if shown is not None and on_page and _is_drawn_alike(shown, x1 - x0, bottom - top):
        drawn = [glyph for run in on_page for glyph in run]
        boxes = [(glyph.x0 - x0, glyph.top - top, glyph.x1 - x0, glyph.bottom - top) for glyph in drawn]
        found = {id(glyph) for glyph, is_seen in zip(drawn, shown.seen(boxes), strict=True) if is_seen}
        seen = [run for run in on_page if any(id(glyph) in found for glyph in run)]
    share = 1 - sum(map(len, seen)) / sum(map(len, on_page)) if on_page else 0.0
    kept = {id(glyph) for run in (seen if share <= _MOST else on_page) for glyph in run}
    left = [glyph.text for run in runs for glyph in run if id(glyph) not in kept]
    if not left:
        return glyphs, "", share
    return [glyph for glyph in glyphs if id(glyph) in kept or not glyph.text.strip()], "".join(left), share


def _runs(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Letters that were drawn one after the other and side by side: a thin one is seen if its neighbours are."""
    runs: list[list[Glyph]] = []
    before: Glyph | None = None
    for glyph in glyphs:
        if glyph.text.strip():
            if before is None or not _touch(before, glyph):
                runs.append([])
            runs[-1].append(glyph)
            before = glyph
        else:
            before = None
    return runs


def _touch(one: Glyph, other: Glyph) -> bool:
    reach = max(one.x1 - one.x0, one.bottom - one.top)
    (x, y), (to_x, to_y) = one.middle, other.middle
    return one.angle == other.angle and abs(to_x - x) <= reach and abs(to_y - y) <= reach


def _is_within(run: Sequence[Glyph], box: tuple[float, float, float, float]) -> bool:
    x0, top, x1, bottom = box
    return any(x0 <= glyph.middle[0] <= x1 and top <= glyph.middle[1] <= bottom for glyph in run)


def _is_drawn_alike(shown: DrawnPage, width: float, height: float) -> bool:
    """Whether both readers mean the same part of the page."""
    drawn_width, drawn_height = shown.size_pt()
    return abs(drawn_width - width) <= _SAME_SIZE_PT and abs(drawn_height - height) <= _SAME_SIZE_PT


def _tables(page: Any, glyphs: Sequence[Glyph]) -> list[RuledTable]:  # noqa: ANN401 - pdfplumber ships no types
    """The ruled tables of at least two rows and two columns; drawings of thousands of lines hold none."""
    if len(page.edges) > _MAX_RULES:
        return []
    found = []
    for table in page.find_tables():
        rows = tuple(_row(row, glyphs) for row in table.rows)
        if len(rows) > 1 and max(len(row) for row in rows) > 1:
            found.append(RuledTable(box=table.bbox, rows=rows))
    return found


def _row(row: Any, glyphs: Sequence[Glyph]) -> tuple[str, ...]:  # noqa: ANN401 - pdfplumber ships no types
    _, top, _, bottom = row.bbox
    beside = [glyph for glyph in glyphs if top <= glyph.middle[1] <= bottom]
    return tuple(cell_text(words_of(_within(cell, beside))) if cell else "" for cell in row.cells)


def _within(box: tuple[float, float, float, float], glyphs: Sequence[Glyph]) -> list[Glyph]:
    x0, top, x1, bottom = box
    return [glyph for glyph in glyphs if x0 <= glyph.middle[0] <= x1 and top <= glyph.middle[1] <= bottom]


def _entered(page: Any, entries: Sequence[Entry]) -> list[Word]:  # noqa: ANN401 - pdfplumber ships no types
    """The values of a form as words at their places."""
    words = []
    for entry in entries:
        x0, top, x1, bottom = _on_page(page, entry.box)
        height = min(bottom - top, _ENTRY_HEIGHT_PT)
        middle = (top + bottom) / 2
        width = min(x1 - x0, _LETTER_WIDTH * height * len(entry.text))
        words.append(
            Word(
                text=entry.text,
                x0=x0,
                x1=x0 + width,
                top=middle - height / 2,
                bottom=middle + height / 2,
                # What a form holds is in reading order, whatever letters it has.
                glyphs=(entry.text,),
            )
        )
    return words


def _on_page(page: Any, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:  # noqa: ANN401 - pdfplumber ships no types
    """A box of the page's own coordinates as pdfplumber has them: turned as the page is, from the upper left corner."""
    left, low, right, high = page.page_obj.mediabox
    a, b, c, d, e, f = {
        90: (0, -1, 1, 0, -low, right),
        180: (-1, 0, 0, -1, right, high),
        270: (0, 1, -1, 0, high, -left),
    }.get(page.page_obj.rotate, (1, 0, 0, 1, -left, -low))
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (box[0], box[2]) for y in (box[1], box[3])]
    across, up = [x for x, _ in corners], [y for _, y in corners]
    x, y = page.bbox[0], page.bbox[1] + page.height
    return x + min(across), y - max(up), x + max(across), y - min(up)
