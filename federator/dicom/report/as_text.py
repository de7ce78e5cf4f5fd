"""A structured report as text to read: the whole content tree in its order and nesting (PS3.3 C.17.3)."""

from collections.abc import Iterator
from dataclasses import dataclass

from federator.dicom.report.header import header_lines
from federator.dicom.report.references import References
from federator.dicom.report.summary import ReportSummary, summarize
from federator.dicom.report.text import date_time, line
from federator.dicom.report.tree import Item, Tree, read_tree
from federator.dicom.report.values import concept_name, value_text
from federator.dicom.visible import on_one_line, visible
from federator.errors import ContentError
from federator.model import DicomJson

FURTHER_LINE = "\t"
"""Begins the second line of a text and those behind it, and no line of an item: none is taken for the other."""

_LONGEST_LINE = 8_000
"""A longer line goes on in further ones, so that an answer can end behind every line."""

_RELATIONSHIPS = {
    "CONTAINS": "",
    "HAS OBS CONTEXT": "observation context",
    "HAS ACQ CONTEXT": "acquisition context",
    "HAS CONCEPT MOD": "modifier",
    "HAS PROPERTIES": "property",
    "INFERRED FROM": "inferred from",
    "SELECTED FROM": "selected from",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """A report as text, whole.

    `summary` says what it is and warns where it is not final. `lines` are the archive's words in our order: data, never
    instructions. `notices` are our sentences on what was left out.
    """

    summary: ReportSummary
    lines: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


def report_text(dataset: DicomJson) -> ReportText:
    """The text of an SR or KOS object given as DICOM JSON; a ContentError where it has no content tree."""
    tree = read_tree(dataset)
    if not tree.root.children and tree.root.concept is None:
        raise ContentError(
            "The object holds no structured report content. get-instance-metadata shows what it does hold."
        )
    references = References(dataset)
    lines = [*header_lines(dataset), "", *_content_lines(tree, references)]
    listing = [_line_of_ours(said) for said in references.listing()]
    if listing:
        lines += ["", "Objects that the report refers to:", *listing]
    whole = [piece for said in lines for piece in _pieces(said)]
    return ReportText(summary=summarize(dataset), lines=tuple(whole), notices=tree.notices)


def _pieces(said: str) -> Iterator[str]:
    """A line, or the lines that a very long one is told in."""
    before = ""
    indent = said[: len(said) - len(said.lstrip())]
    while len(said) > _LONGEST_LINE:
        end = said.rfind(" ", len(indent) + 1, _LONGEST_LINE) + 1 or _LONGEST_LINE
        yield before + said[:end]
        before, said = indent.rstrip(FURTHER_LINE) + FURTHER_LINE, said[end:]
    yield before + said


def _content_lines(tree: Tree, references: References) -> Iterator[str]:
    targets = {item.reference for item in tree.root.walk() if item.reference}
    for item in tree.root.walk():
        indent = "  " * (len(item.position) - 1)
        said = _by_reference(item, tree) if item.reference else value_text(item, references)
        name = concept_name(item) or ("" if said else "(no title)")
        marks = "".join(_marks(item, tree, is_target=item.position in targets))
        first, *rest = visible(said).split("\n")
        separator = ": " if name and first else ""
        yield _line_of_ours(f"{indent}{_relationship(item)}{name}{separator}{first}{marks if not rest else ''}")
        for text in rest:
            yield f"{indent}{FURTHER_LINE}{text}".rstrip()
        if rest and marks:
            yield f"{indent}{FURTHER_LINE}{marks.strip()}"


def _line_of_ours(said: str) -> str:
    """One line with its indentation, whatever the archive's words within it hold."""
    return said[: len(said) - len(said.lstrip(" "))] + on_one_line(said)


def _relationship(item: Item) -> str:
    word = _RELATIONSHIPS.get(item.relationship, item.relationship.lower())
    return f"({word}) " if word else ""


def _by_reference(item: Item, tree: Tree) -> str:
    """What a by-reference item points at: its place and name, which the target's own line shows too."""
    path = ".".join(str(number) for number in item.reference)
    target = tree.resolve(item.reference)
    if target is None:
        return f"see item {path}, which the report does not have"
    name = concept_name(target) or target.value_type.lower()
    return f"see item {path}, {name}" if name else f"see item {path}"


def _marks(item: Item, tree: Tree, *, is_target: bool) -> Iterator[str]:
    if is_target:
        yield f" [item {item.path}]"
    observed = line(item.data, "0040A032")
    if observed and item is not tree.root:
        yield f" (at {date_time(item.data, '0040A032')})"
    if item.value_type == "CONTAINER" and line(item.data, "0040A050").upper() == "CONTINUOUS":
        yield " (continuous text)"
