"""Which group a number belongs to, by the shape of the content tree alone.

This is right for every template, echocardiography (TID 5200, 5300) among them: there the nearest container is the
measurement group, and the finding site and image mode stand as modifiers on it or on the section around it.
"""

from collections import Counter

from federator.dicom.codes import Code, dcm
from federator.dicom.measures.facts import (
    DERIVATION,
    FINDING,
    FINDING_SITE,
    LATERALITY,
    METHOD,
    SUBJECT,
    SUBJECT_CLASS,
    TRACKING_IDENTIFIER,
    TRACKING_UID,
    details_of,
    modifiers_of,
    said_once,
    sources_of,
    subject_of,
    value_of,
)
from federator.dicom.measures.place import place_of, with_context
from federator.dicom.measures.row import Group, Measurement
from federator.dicom.report.tree import Item, Position, Tree
from federator.dicom.report.values import concept_name

Line = tuple[Item, ...]
"""An item's ancestors, from the root down to its parent."""

MEASUREMENT_GROUP = dcm("125007", "Measurement Group")
KNOWN_FACTS = (
    *(FINDING, FINDING_SITE, LATERALITY, METHOD, DERIVATION, TRACKING_IDENTIFIER, TRACKING_UID),
    *(SUBJECT_CLASS, *SUBJECT),
)
_BEARING = frozenset({"CONTAINER", "CODE", "TEXT"})


class Titles:
    """Names items, and numbers those whose siblings are called the same."""

    def __init__(self) -> None:
        self._known: dict[Position, dict[Position, str]] = {}

    def of(self, item: Item, line: Line) -> str:
        """The item's own title, for example "Measurement Group 2"."""
        if not line:
            return concept_name(item)
        parent = line[-1]
        if parent.position not in self._known:
            self._known[parent.position] = _numbered(parent)
        return self._known[parent.position].get(item.position, "")

    def heading(self, item: Item, line: Line) -> str:
        """The titles from the first section down to the item."""
        chain = [*line, item]
        titles = [self.of(inner, tuple(chain[:at])) for at, inner in enumerate(chain) if at]
        return " › ".join(title for title in titles if title) or concept_name(item) or "Report"


class GenericReader:
    """Groups numbers by the nearest item that bears them; readers of certain templates refine what they know better."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.titles = Titles()

    def group_item(self, line: Line) -> Item:
        """The nearest container or finding above a number: numbers of different ones are never put together."""
        return next((item for item in reversed(line) if item.value_type in _BEARING), line[0])

    def read_group(self, item: Item, line: Line) -> Group:
        """What is told of a group: by itself, else by the nearest item around it that tells exactly one thing.

        `line` are the ancestors of `item`. A finding is not taken from a section that names several: which one is
        meant cannot be known. What the report says of itself as a whole is no context of a group.
        """
        around = (item, *reversed(line))
        inherited = [modifiers_of(above, without=KNOWN_FACTS) for above in reversed(line[1:])]
        place = place_of(around)
        borne = value_of(item) if item.value_type != "CONTAINER" else ""
        return Group(
            path=item.path,
            heading=self.titles.heading(item, line),
            subject=next(filter(None, (subject_of(above) for above in around)), ""),
            finding=borne or _nearest(around, FINDING),
            site=place.site,
            laterality=place.laterality,
            tracking_identifier=_nearest(around, TRACKING_IDENTIFIER),
            tracking_uid=_nearest(around, TRACKING_UID),
            method=_nearest(around, METHOD),
            details=with_context((*details_of(item, without=KNOWN_FACTS), *place.within), inherited),
            sources=sources_of(item, self.tree) if item.has_concept(MEASUREMENT_GROUP) else (),
        )

    def refine(self, row: Measurement, item: Item) -> Measurement:  # noqa: ARG002 - for readers that know more
        """The row of one number, with what only this template's reader knows."""
        return row


def _numbered(parent: Item) -> dict[Position, str]:
    names = [(child.position, concept_name(child)) for child in parent.children]
    alike = Counter(name for _, name in names)
    met: Counter[str] = Counter()
    titles = {}
    for position, name in names:
        met[name] += 1
        titles[position] = f"{name} {met[name]}" if name and alike[name] > 1 else name
    return titles


def _nearest(around: tuple[Item, ...], concept: Code) -> str:
    """The fact as the nearest item tells it; nothing if that one tells several."""
    for item in around:
        if any(child.has_concept(concept) for child in item.facts):
            return said_once(item, concept)
    return ""
