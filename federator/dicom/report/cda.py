"""Clinical documents (HL7 CDA) as plain text: title, people, sections, tables; nothing is resolved or loaded.

Entities and document types are refused altogether, so no document can reach out or blow itself up.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from federator.dicom.report.text import clean, readable_date_time
from federator.errors import ContentError

MAX_BYTES = 20_000_000
MAX_CHARACTERS = 90_000
MAX_DEPTH = 200

_NARRATIVE = "text"
_ENDS_LINE = frozenset({"paragraph", "br", "item", "caption", "tr", "title", "list", "table", "text", "section"})
_CELLS = frozenset({"td", "th"})
_PEOPLE = {
    ("patientRole", "name"): "Patient",
    ("assignedAuthor", "name"): "Author",
    ("legalAuthenticator", "name"): "Signed by",
    ("representedCustodianOrganization", "name"): "Kept by",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CdaText:
    """A clinical document as text; `notices` say what was left out."""

    text: str
    notices: tuple[str, ...]


def read_cda(content: bytes, *, max_characters: int = MAX_CHARACTERS) -> CdaText:
    """The text of a CDA document; a ContentError says why it cannot be read."""
    if len(content) > MAX_BYTES:
        raise ContentError(f"The document has {len(content):,} bytes; more than {MAX_BYTES:,} are not read.")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.buffer_text = True
    try:
        # The object holds the document padded to an even length (PS3.5 §6.2).
        parser.Parse(content.rstrip(b"\0"), True)  # noqa: FBT003 - expat takes it by position only
    except expat.ExpatError as fault:
        raise ContentError("The document is labelled a clinical document (CDA) but is no sound XML.") from fault
    text = reader.text()
    if not text:
        raise ContentError("The clinical document holds no text." + reader.embedded_kind())
    if len(text) > max_characters:
        return CdaText(text=text[:max_characters] + "…", notices=("The document is too long: it is cut off.",))
    return CdaText(text=text, notices=())


def _refuse_document_type(*_: object) -> None:
    raise ContentError("The document declares a document type, which is refused: it could make the reader load files.")


@dataclass(slots=True)
class _Reader:
    """Collects the header's few facts and the narrative blocks, and tells sections by their titles."""

    _path: list[str] = field(default_factory=list)
    _facts: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _pending: list[str] = field(default_factory=list)
    _cells: int = 0
    _media_type: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if len(self._path) >= MAX_DEPTH:
            raise ContentError(f"The clinical document is nested deeper than {MAX_DEPTH} levels.")
        if name in _ENDS_LINE:
            self._break()
        if name == "tr":
            self._cells = 0
        if name in _CELLS:
            # An empty cell counts too, so that what follows stays below its heading.
            self._pending.append(" | " if self._cells else "")
            self._cells += 1
        if name == "item":
            self._pending.append("- ")
        if name == "effectiveTime" and len(self._path) == 1 and attributes.get("value"):
            self._facts.append(f"Date: {readable_date_time(attributes['value'])}")
        if name == _NARRATIVE and "nonXMLBody" in self._path:
            is_coded = attributes.get("representation") == "B64"
            self._media_type = attributes.get("mediaType", "text/plain") + (" in base64" if is_coded else "")
        self._path.append(name)

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        self._path.pop()
        person = next((word for (around, what), word in _PEOPLE.items() if what == name and around in self._path), "")
        if person:
            self._facts.append(f"{person}: {self._taken()}")
        elif name in _ENDS_LINE:
            self._break(heading=name == "title")

    def characters(self, data: str) -> None:
        if self._is_read():
            self._pending.append(data)

    def text(self) -> str:
        self._break()
        return clean("\n".join([*self._facts, *([""] if self._facts and self._lines else []), *self._lines])).strip()

    def embedded_kind(self) -> str:
        return f" Its body is of the type {self._media_type[:40]}." if self._media_type else ""

    def _is_read(self) -> bool:
        """Whether characters here are for people: titles, narrative blocks, and the names of the header."""
        if "nonXMLBody" in self._path:
            return self._media_type == "text/plain" and self._path[-1] == _NARRATIVE
        in_header = any(around in self._path for around, _ in _PEOPLE) and "name" in self._path
        return _NARRATIVE in self._path or self._path[-1] == "title" or in_header

    def _taken(self) -> str:
        taken = " ".join("".join(self._pending).split())
        self._pending.clear()
        return taken

    def _break(self, *, heading: bool = False) -> None:
        taken = self._taken()
        if taken.strip(" |-"):
            depth = self._path.count("section")
            self._lines.append("  " * (depth - 1 if heading and depth else depth) + taken)
