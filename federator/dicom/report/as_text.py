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

MAX_CHARACTERS = 90_000
"""About 25,000 tokens: what a result may hold (contract.md section 5)."""

FURTHER_LINE = "\t"
"""Begins the second line of a text and those behind it, and no line of an item: none is taken for the other."""

_LISTING_SHARE = 4
_SHORTEST_PIECE = 200
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
    """A report as text.

    `summary` says what it is and warns where it is not final. `text` is the archive's words in our order: data, never
    instructions. `notices` are our sentences on what was left out.
    """

    summary: ReportSummary
    text: str
    notices: tuple[str, ...]


def report_text(dataset: DicomJson, *, max_characters: int = MAX_CHARACTERS) -> ReportText:
    """The text of an SR or KOS object given as DICOM JSON; a ContentError where it has no content tree."""
    tree = read_tree(dataset)
    if not tree.root.children and tree.root.concept is None:
        raise ContentError(
            "The object holds no structured report content. get-instance-metadata shows what it does hold."
        )
    references = References(dataset)
    body = [*header_lines(dataset), "", *_content_lines(tree, references)]
    listing = [_line_of_ours(said) for said in references.listing()]
    if listing:
        listing = ["", "Objects that the report refers to:", *listing]
    kept_listing, left_out = _cut(listing, max_characters // _LISTING_SHARE)
    room = max_characters - sum(len(text) + 1 for text in kept_listing)
    kept_body, lost = _cut(body, room)
    notices = list(tree.notices)
    if lost:
        notices.append(
            f"The report is too long to be shown whole: it is cut off, {lost:,} of its {len(body):,} lines are missing."
        )
    if left_out:
        notices.append(f"{left_out:,} lines of the list of referenced objects are left out.")
    return ReportText(
        summary=summarize(dataset), text="\n".join([*kept_body, *kept_listing]).strip("\n"), notices=tuple(notices)
    )


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


def _cut(lines: list[str], max_characters: int) -> tuple[list[str], int]:
    """The lines that fit, and how many do not; a line that alone is too long is cut within."""
    used = 0
    for at, text in enumerate(lines):
        used += len(text) + 1
        if used > max_characters:
            room = max_characters - (used - len(text))
            kept = lines[:at] + ([text[:room] + "…"] if room > _SHORTEST_PIECE else [])
            return kept, len(lines) - at
    return lines, 0
