"""The content tree of a structured report, read tolerantly from DICOM JSON (PS3.3 C.17.3).

One bad element costs that element, never the report: value types are guessed from what is there, unknown ones
stay in the tree, and a tree that is too deep or too large is cut with a notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from federator.dicom import json
from federator.dicom.codes import Code, first_code
from federator.model import DicomJson

MAX_DEPTH = 64
MAX_ITEMS = 50_000

_CONTENT_SEQUENCE = "0040A730"
_REFERENCED_ITEM = "0040DB73"
_TYPE_BY_ATTRIBUTE = {
    "0040A160": "TEXT",
    "0040A300": "NUM",
    "0040A168": "CODE",
    "0040A120": "DATETIME",
    "0040A121": "DATE",
    "0040A122": "TIME",
    "0040A123": "PNAME",
    "0040A124": "UIDREF",
    "00700023": "SCOORD",
    "0040A130": "TCOORD",
    "0040A801": "TABLE",
    "00081199": "COMPOSITE",
    _CONTENT_SEQUENCE: "CONTAINER",
}

FACT_TYPES = frozenset({"CODE", "TEXT", "UIDREF", "DATE", "TIME", "DATETIME", "PNAME"})

Position = tuple[int, ...]
"""Where an item stands, counted from 1 with the root as (1,): what by-reference relationships name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One content item and what stands below it.

    `relationship` is the one to its parent, in the standard's words; `reference` is set on by-reference items,
    which have no value of their own. `data` is the item as the archive sent it. `facts` are those of its children that
    say one thing each: a root has hundreds of sections and few facts.
    """

    position: Position
    relationship: str
    value_type: str
    concept: Code | None
    data: DicomJson
    children: tuple["Item", ...] = ()
    facts: tuple["Item", ...] = ()
    reference: Position = ()

    @property
    def path(self) -> str:
        """The position as text, for example "1.4.2"."""
        return ".".join(str(number) for number in self.position)

    def walk(self) -> "Iterator[Item]":
        """This item and everything below it, in the order of the document."""
        pending = [self]
        while pending:
            item = pending.pop()
            yield item
            pending.extend(reversed(item.children))

    def has_concept(self, *codes: Code) -> bool:
        """Whether its concept name means the same as one of `codes`."""
        return self.concept is not None and self.concept.is_one_of(codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A whole content tree; `notices` say in words what was cut."""

    root: Item
    notices: tuple[str, ...]

    def resolve(self, reference: Position) -> Item | None:
        """The item at a position, None where the report points at nothing."""
        if reference[:1] != (1,):
            return None
        item: Item | None = self.root
        for number in reference[1:]:
            item = next((child for child in item.children if child.position[-1] == number), None) if item else None
        return item


@dataclass(slots=True)
class _Budget:
    items: int = MAX_ITEMS
    too_many: bool = False
    too_deep: bool = False
    notices: list[str] = field(default_factory=list)


def read_tree(dataset: DicomJson) -> Tree:
    """The content tree of an SR object. Objects without one give a root without children."""
    budget = _Budget()
    root = _read(dataset, (1,), budget)
    if budget.too_deep:
        budget.notices.append(f"The report is nested deeper than {MAX_DEPTH} levels; what lies deeper is left out.")
    if budget.too_many:
        budget.notices.append(f"The report has more than {MAX_ITEMS:,} content items; the rest is left out.")
    return Tree(root=root, notices=tuple(budget.notices))


def _read(data: DicomJson, position: Position, budget: _Budget) -> Item:
    budget.items -= 1
    children: list[Item] = []
    entries = json.items(data, _CONTENT_SEQUENCE)
    if entries and len(position) >= MAX_DEPTH:
        budget.too_deep = True
        entries = []
    for number, entry in enumerate(entries, start=1):
        if budget.items <= 0:
            budget.too_many = True
            break
        children.append(_read(entry, (*position, number), budget))
    reference = _reference(data)
    return Item(
        position=position,
        relationship=json.text(data, "0040A010").upper(),
        value_type="" if reference else _value_type(data),
        concept=first_code(data, "0040A043"),
        data=data,
        children=tuple(children),
        facts=tuple(child for child in children if child.value_type in FACT_TYPES),
        reference=reference,
    )


def _reference(data: DicomJson) -> Position:
    numbers = []
    for value in json.values(data, _REFERENCED_ITEM):
        try:
            numbers.append(int(value))
        except (TypeError, ValueError, OverflowError):
            return ()
    return tuple(numbers)


def _value_type(data: DicomJson) -> str:
    stated = json.text(data, "0040A040").upper()
    if stated:
        return stated
    return next((name for tag, name in _TYPE_BY_ATTRIBUTE.items() if tag in data), "")
