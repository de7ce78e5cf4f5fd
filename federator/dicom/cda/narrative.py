"""The header's few facts and the narrative blocks of a clinical document as lines of text (HL7 CDA R2 §4.3)."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from federator.dicom.cda.tables import Table, cell_spans
from federator.dicom.cda.xml import Enough
from federator.dicom.report.text import clean, readable_date_time

_BLOCKS = frozenset({"paragraph", "br", "caption", "title", "list", "table", "text", "section"})
_CELLS = frozenset({"td", "th"})
_PEOPLE = {
    "patientRole": "Patient",
    "assignedAuthor": "Author",
    "legalAuthenticator": "Signed by",
    "representedCustodianOrganization": "Kept by",
}
_RAISED = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")
_LOWERED = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")
_MAX_ADDRESS = 200


@dataclass(slots=True)
class _Cell:
    """A cell, an item or a note that is being read: what was read before it waits."""

    pending: list[str]
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Narrative:
    """Listens to a document. `body` is what a nonXMLBody holds, with the attributes of its text."""

    max_characters: int
    body: list[str] = field(default_factory=list)
    body_attributes: dict[str, str] = field(default_factory=dict)
    body_address: str = ""
    has_body: bool = False
    has_deletions: bool = False
    has_wide_rows: bool = False
    pictures: int = 0
    _path: list[str] = field(default_factory=list)
    _within: Counter[str] = field(default_factory=Counter)
    _facts: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _length: int = 0
    _pending: list[str] = field(default_factory=list)
    _revised: list[str] = field(default_factory=list)
    _deleted: int = 0
    _tables: list[Table] = field(default_factory=list)
    _cells: list[_Cell] = field(default_factory=list)
    _lists: list[int] = field(default_factory=list)
    _captured: list[_Cell] = field(default_factory=list)
    _notes: dict[str, int] = field(default_factory=dict)
    _note_lines: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Hear of the beginning of an element."""
        self._begin_revision(attributes.get("revised", ""))
        if name in _BLOCKS and not (name == "caption" and self._path[-1:] == ["item"]):
            self._break()
        if name == "table":
            self._tables.append(Table())
        elif name == "tr" and self._tables:
            self._break()
            self._tables[-1].begin_row()
        elif name in _CELLS:
            self._cells.append(_Cell(pending=self._pending, attributes=attributes))
            self._pending = []
        elif name == "list":
            self._lists.append(1 if attributes.get("listType") == "ordered" else 0)
        elif name == "item":
            self._begin_item()
        elif name in {"sup", "sub", "footnote", "linkHtml"}:
            self._captured.append(_Cell(pending=self._pending, attributes=attributes))
            self._pending = []
        elif name == "footnoteRef":
            self._add(f"[note {self._note(attributes.get('IDREF', ''))}]")
        elif name == "renderMultiMedia" and not self._deleted:
            self.pictures += 1
            self._add(f"[picture {self.pictures}]")
        self._begin_other(name, attributes)
        self._path.append(name)
        self._within[name] += 1

    def _begin_other(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "effectiveTime" and len(self._path) == 1 and attributes.get("value"):
            self._facts.append(f"Date: {readable_date_time(attributes['value'])}")
        elif name == "text" and self._path[-1:] == ["nonXMLBody"]:
            self.has_body, self.body_attributes = True, dict(attributes)
        elif name == "reference" and self._within["nonXMLBody"]:
            self.body_address = attributes.get("value", "")

    def end(self, name: str) -> None:
        """Hear of the end of an element."""
        self._path.pop()
        self._within[name] -= 1
        if name in _CELLS and self._cells:
            self._end_cell()
        elif name == "tr" and self._tables:
            self._end_row()
        elif name == "table" and self._tables:
            self.has_wide_rows |= self._tables.pop().is_cut
        elif name == "list" and self._lists:
            self._break()
            self._lists.pop()
        elif name == "item":
            self._break()
        elif name == "caption" and self._path[-1:] == ["item"]:
            self._add(": ")
        elif name in {"sup", "sub", "footnote", "linkHtml"} and self._captured:
            self._end_captured(name)
        elif name == "name" and (person := self._person()):
            self._facts.append(f"{person}: {self._taken()}")
        elif name in _BLOCKS:
            self._break(is_heading=name == "title")
        if name in {"text", "section"}:
            self._end_notes()
        self._end_revision()

    def characters(self, data: str) -> None:
        """Hear text."""
        if self._within["nonXMLBody"]:
            self.body.append(data)
        elif self._is_read():
            self._add(data)

    def text(self) -> str:
        """All that was heard."""
        with suppress(Enough):
            self._break()
            self._end_notes()
        return clean("\n".join([*self._facts, *([""] if self._facts and self._lines else []), *self._lines])).strip()

    def _is_read(self) -> bool:
        """Whether characters here are for people: titles, narrative blocks, and the names of the header."""
        if self._within["entry"]:
            return False
        return bool(self._within["text"] or self._path[-1:] == ["title"] or (self._within["name"] and self._person()))

    def _person(self) -> str:
        return next((word for around, word in _PEOPLE.items() if self._within[around]), "")

    def _add(self, data: str) -> None:
        if not self._deleted:
            self._pending.append(data)

    def _begin_revision(self, revised: str) -> None:
        self._revised.append(revised)
        if revised == "delete":
            self._deleted += 1
            self.has_deletions = True
        elif revised == "insert":
            self._add("[inserted: ")

    def _end_revision(self) -> None:
        revised = self._revised.pop()
        if revised == "delete":
            self._deleted -= 1
        elif revised == "insert":
            self._add("]")

    def _begin_item(self) -> None:
        self._break()
        if self._lists and self._lists[-1]:
            self._add(f"{self._lists[-1]}. ")
            self._lists[-1] += 1
        else:
            self._add("- ")

    def _end_cell(self) -> None:
        cell = self._cells.pop()
        text = self._taken().rstrip("; ")
        self._pending = cell.pending
        if self._tables and not self._deleted:
            rows, columns = cell_spans(cell.attributes)
            # What looks like the mark between two cells is not to be taken for it.
            self._tables[-1].add(text.replace("|", "¦"), rows=rows, columns=columns)

    def _end_row(self) -> None:
        row = self._tables[-1].row()
        if row and self._cells:
            self._add(row + "; ")
        elif row:
            self._put(row)

    def _end_captured(self, name: str) -> None:
        captured = self._captured.pop()
        text = self._taken()
        self._pending = captured.pending
        if not text:
            return
        if name == "footnote":
            number = self._note(captured.attributes.get("ID", ""))
            self._add(f"[note {number}]")
            self._note_lines.append(f"Note {number}: {text}")
        elif name == "linkHtml":
            address = captured.attributes.get("href", "")
            self._add(text if not address or address.startswith("#") else f"{text} <{address[:_MAX_ADDRESS]}>")
        else:
            self._add(_moved(text, _RAISED, "^") if name == "sup" else _moved(text, _LOWERED, "_"))

    def _note(self, name: str) -> int:
        return self._notes.setdefault(name or f"note {len(self._notes)}", len(self._notes) + 1)

    def _end_notes(self) -> None:
        notes, self._note_lines = self._note_lines, []
        for line in notes:
            self._put(line)

    def _taken(self) -> str:
        taken = " ".join("".join(self._pending).split())
        self._pending.clear()
        return taken

    def _break(self, *, is_heading: bool = False) -> None:
        """End a line; within a cell or a note, which are one line, a semicolon stands for it."""
        if self._cells or self._captured:
            while self._pending and not self._pending[-1].strip():
                self._pending.pop()
            if self._pending and self._pending[-1] not in {"; ", "- "}:
                self._add("; ")
            return
        taken = self._taken()
        if taken.strip(" |-[]:") and taken != "[inserted:":
            self._put(taken, is_heading=is_heading)

    def _put(self, line: str, *, is_heading: bool = False) -> None:
        depth = self._within["section"] + max(len(self._lists) - 1, 0)
        self._lines.append("  " * (depth - 1 if is_heading and depth else depth) + line)
        self._length += len(line) + 1
        if self._length > self.max_characters:
            raise Enough


def _moved(text: str, table: dict[int, int], mark: str) -> str:
    """Raised or lowered text: 10⁻³ is not 10-3."""
    moved = text.translate(table)
    if all(one != other for one, other in zip(text, moved, strict=True)):
        return moved
    return f"{mark}{text}" if len(text) == 1 or text.isalnum() else f"{mark}({text})"
