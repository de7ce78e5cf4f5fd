"""Facts that stand beside a number in the content tree: findings, sites, methods, images."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from federator.dicom import json
from federator.dicom.codes import Code, dcm, sct
from federator.dicom.measures.row import Detail, Source
from federator.dicom.report.numbers import read_number
from federator.dicom.report.references import References
from federator.dicom.report.tree import Item, Tree
from federator.dicom.report.values import concept_name, value_text

FINDING = dcm("121071", "Finding")
FINDING_SITE = sct("363698007", "Finding Site")
LATERALITY = sct("272741003", "Laterality")
TOPOGRAPHY = sct("106233006", "Topographical modifier")
METHOD = sct("370129005", "Measurement Method")
DERIVATION = dcm("121401", "Derivation")
TRACKING_IDENTIFIER = dcm("112039", "Tracking Identifier")
TRACKING_UID = dcm("112040", "Tracking Unique Identifier")
SUBJECT_CLASS = dcm("121024", "Subject Class")
SUBJECT = (
    Code(value="11951-1", scheme="LN", meaning="Fetus ID"),
    dcm("121037", "Fetus number"),
    dcm("121029", "Subject Name"),
    dcm("121030", "Subject ID"),
    dcm("121041", "Specimen Identifier"),
    dcm("121193", "Device Subject Name"),
)
"""Who or what is observed, for a person to read; UIDs of subjects stand among the other facts (PS3.16 TID 1006)."""

_HOLDING = frozenset({"HAS CONCEPT MOD", "HAS ACQ CONTEXT", "HAS OBS CONTEXT"})
_LANGUAGE = dcm("121049", "Language of Content Item and Descendants")

_COORDINATES = frozenset({"SCOORD", "SCOORD3D", "TCOORD"})
_MAX_FACT_LENGTH = 200
_MAX_DETAILS = 24
_MAX_SOURCES = 16


def value_of(item: Item) -> str:
    """The value of a fact on one line, shortened where it is prose."""
    said = " ".join(value_text(item, References({})).split())
    return said if len(said) <= _MAX_FACT_LENGTH else said[: _MAX_FACT_LENGTH - 1] + "…"


def children_named(item: Item, *concepts: Code) -> tuple[Item, ...]:
    """The facts directly below an item that are named by one of the concepts."""
    return tuple(child for child in item.facts if child.has_concept(*concepts))


def said_once(item: Item, *concepts: Code) -> str:
    """The value of the one fact of that name; empty where there is none, or several that could be meant."""
    found = {value_of(child) for child in children_named(item, *concepts)}
    return found.pop() if len(found) == 1 else ""


def site_of(item: Item) -> str:
    """The finding sites below an item, each with its topographical modifier."""
    sites = []
    for site in children_named(item, FINDING_SITE):
        modifier = said_once(site, TOPOGRAPHY)
        sites.append(f"{value_of(site)}, {modifier}" if modifier else value_of(site))
    return "; ".join(dict.fromkeys(sites))


def laterality_of(item: Item) -> str:
    """The laterality below an item, or below its finding site."""
    sites = children_named(item, FINDING_SITE)
    return said_once(item, LATERALITY) or next(filter(None, (said_once(site, LATERALITY) for site in sites)), "")


def subject_of(item: Item) -> str:
    """The class and the name of the subject that an item says it is of, such as "Fetus A"."""
    named = [*children_named(item, SUBJECT_CLASS), *children_named(item, *SUBJECT), *_numbers_named(item, *SUBJECT)]
    said = [read_number(child.data).written if child.value_type == "NUM" else value_of(child) for child in named]
    return " ".join(dict.fromkeys(said))


def _numbers_named(item: Item, *concepts: Code) -> list[Item]:
    return [child for child in item.children if child.value_type == "NUM" and child.has_concept(*concepts)]


def details_of(item: Item, *, without: Iterable[Code]) -> tuple[Detail, ...]:
    """The other facts directly below an item, in their order; prose is left to the text of the report."""
    left_out = (*without, _LANGUAGE)
    facts = (child for child in item.facts if not child.has_concept(*left_out))
    found = ((concept_name(child) or child.value_type.lower(), value_of(child)) for child in facts)
    return tuple(islice((detail for detail in found if len(detail[1]) < _MAX_FACT_LENGTH), _MAX_DETAILS))


def modifiers_of(item: Item, *, without: Iterable[Code]) -> tuple[Detail, ...]:
    """The facts that hold for everything below an item: its modifiers and its context (PS3.3 C.17.5)."""
    holding = tuple(child for child in item.facts if child.relationship in _HOLDING)
    return details_of(replace(item, facts=holding), without=without)


def sources_of(item: Item, tree: Tree) -> tuple[Source, ...]:
    """The images that an item rests on, also through coordinates and by reference; not those of numbers below it."""
    found = dict.fromkeys(source for image in images_of(item, tree) for source in _named_in(image))
    return tuple(found)[:_MAX_SOURCES]


def images_of(item: Item, tree: Tree) -> Iterator[Item]:
    """The IMAGE items that an item rests on, each once."""
    pending, seen = [item], {item.path}
    while pending:
        for child in pending.pop().children:
            target = tree.resolve(child.reference) if child.reference else child
            if target is None or target.path in seen:
                continue
            seen.add(target.path)
            if target.value_type == "IMAGE":
                yield target
            elif target.value_type in _COORDINATES:
                pending.append(target)


def _named_in(image: Item) -> Iterator[Source]:
    for entry in json.items(image.data, "00081199"):
        frames = (json.as_integer(frame) for frame in json.texts(entry, "00081160"))
        uid = json.uid(entry, "00081155")
        if uid:
            yield Source(
                sop_instance_uid=uid,
                sop_class_uid=json.uid(entry, "00081150"),
                frames=tuple(frame for frame in frames if frame is not None),
            )
