"""Tables row by row, each cell below its heading whatever spans rows and columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_COLUMNS = 200
_MAX_ROWS = 10_000


def span(written: str, limit: int) -> int:
    """A number of rows or columns as a document gives it; 1 where it is none, at most `limit`."""
    return max(1, min(int(written), limit)) if written.isascii() and written.isdigit() and len(written) < 9 else 1  # noqa: PLR2004 - no number of rows


@dataclass(slots=True)
class Table:
    """A table that is being read. A cell that spans rows is repeated in each: a row is to be understood by itself."""

    is_cut: bool = False
    _row: dict[int, str] = field(default_factory=dict)
    _spanning: dict[int, tuple[str, int]] = field(default_factory=dict)
    _at: int = 0

    def begin_row(self) -> None:
        """Begin a row with what reaches into it from above."""
        self._row, self._at = {column: text for column, (text, _) in self._spanning.items()}, 0
        self._spanning = {column: (text, left - 1) for column, (text, left) in self._spanning.items() if left > 1}

    def add(self, text: str, *, rows: int, columns: int) -> None:
        """Put a cell into the next free columns: its text into the first one."""
        while self._at in self._row:
            self._at += 1
        for place in range(self._at, min(self._at + columns, MAX_COLUMNS)):
            shown = text if place == self._at else ""
            self._row[place] = shown
            if rows > 1:
                self._spanning[place] = (shown, rows - 1)
        self._at += columns
        self.is_cut |= self._at > MAX_COLUMNS

    def row(self) -> str:
        """The row as one line; empty where no cell holds anything."""
        if not any(self._row.values()):
            return ""
        return " ".join(" | ".join(self._row.get(column, "") for column in range(max(self._row) + 1)).split())


def cell_spans(attributes: Mapping[str, str]) -> tuple[int, int]:
    """How many rows and columns a cell takes."""
    return span(attributes.get("rowspan", ""), _MAX_ROWS), span(attributes.get("colspan", ""), MAX_COLUMNS)
