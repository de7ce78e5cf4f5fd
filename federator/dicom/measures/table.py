"""Every number of a structured report as a row of its own, with all that says what it measures.

The walk over the content tree finds the numbers, so none is lost and none is doubled, whatever the template; the
template's reader only says which group a number belongs to and what is known of that group.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from federator.dicom.codes import Code, dcm
from federator.dicom.measures.cad import CadReader
from federator.dicom.measures.dose import DoseReader
from federator.dicom.measures.facts import (
    DERIVATION,
    FINDING,
    METHOD,
    details_of,
    said_once,
    sources_of,
    subject_of,
    value_of,
)
from federator.dicom.measures.generic import KNOWN_FACTS, GenericReader, Line
from federator.dicom.measures.place import Place, place_of, with_context
from federator.dicom.measures.row import Detail, Group, Measurement
from federator.dicom.measures.tid1500 import MeasurementGroupReader
from federator.dicom.report.numbers import read_number
from federator.dicom.report.tree import Item, Position, Tree, read_tree
from federator.dicom.report.values import concept_name
from federator.model import DicomJson

_READERS: tuple[tuple[type[GenericReader], tuple[Code, ...]], ...] = (
    (
        DoseReader,
        (
            dcm("113701", "X-Ray Radiation Dose Report"),
            dcm("113500", "Radiopharmaceutical Radiation Dose Report"),
            dcm("128401", "Patient Radiation Dose Report"),
        ),
    ),
    (CadReader, (dcm("111036", "Mammography CAD Report"), dcm("112000", "Chest CAD Report"))),
    (MeasurementGroupReader, (dcm("126000", "Imaging Measurement Report"),)),
)
_NO_NAME = Code(value="", scheme="", meaning="(no name)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """The numbers of a report in the order of the document; `notices` say what was too deep or too much to read."""

    rows: tuple[Measurement, ...]
    notices: tuple[str, ...]


def measurements(dataset: DicomJson) -> Measurements:
    """Every NUM item of an SR object given as DICOM JSON, one row each."""
    tree = read_tree(dataset)
    reader = _reader(tree)
    groups: dict[Position, Group] = {}
    rows = []
    for item, line in _numbers(tree.root):
        holder = reader.group_item(line)
        if holder.position not in groups:
            groups[holder.position] = reader.read_group(holder, line[: line.index(holder)])
        row = _row(item, line[line.index(holder) + 1 :], groups[holder.position], tree)
        rows.append(reader.refine(row, item))
    return Measurements(rows=tuple(rows), notices=tree.notices)


def _reader(tree: Tree) -> GenericReader:
    found = (reader for reader, titles in _READERS if tree.root.has_concept(*titles))
    return next(found, GenericReader)(tree)


def _numbers(root: Item) -> Iterator[tuple[Item, Line]]:
    """The NUM items in the order of the document, each with its ancestors. A root that is itself one has none."""
    pending: list[tuple[Item, Line]] = [(root, ())]
    while pending:
        item, line = pending.pop()
        if item.value_type == "NUM" and line:
            yield item, line
        below = (*line, item)
        pending.extend((child, below) for child in reversed(item.children))


def _row(item: Item, between: Line, group: Group, tree: Tree) -> Measurement:
    """The row of a number. `between` are the items below its group and above itself."""
    number = read_number(item.data)
    unit = number.unit
    sections = [part for part in between if part.value_type == "CONTAINER"]
    bearers = [part for part in between if part.value_type != "CONTAINER"]
    nearer = (item, *reversed(between))
    place = place_of(nearer)
    context = [details_of(part, without=KNOWN_FACTS) for part in reversed(between)]
    own = (*details_of(item, without=KNOWN_FACTS), *_numbers_below(item), *place.within, *_wider(place, group))
    return Measurement(
        group=group,
        path=item.path,
        name=item.concept or _NO_NAME,
        value=number.written,
        number=number.value,
        unit=unit.value or unit.meaning if unit else "",
        unit_meaning=unit.meaning if unit else "",
        unit_scheme=unit.scheme if unit else "",
        qualifier=str(number.qualifier or ""),
        subject=next(filter(None, map(subject_of, nearer)), "") or group.subject,
        finding=said_once(item, FINDING) or _borne_by(bearers) or _told(sections, FINDING) or group.finding,
        site=place.site or group.site,
        laterality=place.laterality or ("" if place.site else group.laterality),
        method=_told(nearer, METHOD) or group.method,
        derivation=_told(nearer, DERIVATION),
        section=" › ".join(name for name in map(concept_name, sections) if name),
        modifiers=tuple(dict.fromkeys((*with_context(own, context), *_numbers_above(bearers)))),
        sources=sources_of(item, tree) or group.sources,
    )


def _told(around: Iterable[Item], concept: Code) -> str:
    """A fact as the nearest item tells it."""
    return next(filter(None, (said_once(part, concept) for part in around)), "")


def _wider(place: Place, group: Group) -> Iterator[Detail]:
    """The group's place, where the number's own is another and tells no side."""
    if place.site and not place.laterality and group.laterality and group.site != place.site:
        yield "Within", ", ".join(part for part in (group.site, group.laterality) if part)


def _numbers_below(item: Item) -> Iterator[Detail]:
    """What is told of a number by numbers: its range, its deviation (PS3.16 TID 310, 311, 312)."""
    for child in item.children:
        if child.value_type == "NUM":
            yield concept_name(child) or "number", str(read_number(child.data))


def _borne_by(bearers: list[Item]) -> str:
    """What a number was inferred from or is a property of, where that is itself a finding and no container."""
    return next((value_of(item) for item in reversed(bearers) if item.value_type in {"CODE", "TEXT"}), "")


def _numbers_above(bearers: list[Item]) -> Iterator[Detail]:
    for item in bearers:
        if item.value_type == "NUM":
            yield concept_name(item) or "of", str(read_number(item.data))
