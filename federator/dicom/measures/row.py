"""What a measurement is: one number of a report, with everything that says what it measures."""

from dataclasses import dataclass
from enum import Enum, auto

from federator.dicom.codes import Code

Detail = tuple[str, str]
"""A name and a value, as the report words them."""


class Role(Enum):
    """What a group is in its report: dose reports tell sums and the single irradiation events."""

    OTHER = auto()
    TOTAL = auto()
    EVENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An image that a number was measured on; frames count from 1 and are empty where all or the only one is meant."""

    sop_instance_uid: str
    sop_class_uid: str = ""
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What numbers of one place in the report have in common: a lesion, an irradiation event, a section.

    `path` is the position in the content tree and tells groups of the same heading apart. `subject` is whom or what
    the numbers are of, where that is told below the whole report: a fetus, a specimen. `details` are further facts of
    the group: qualitative evaluations, times, protocols.
    """

    path: str
    heading: str
    role: Role = Role.OTHER
    subject: str = ""
    finding: str = ""
    site: str = ""
    laterality: str = ""
    tracking_identifier: str = ""
    tracking_uid: str = ""
    method: str = ""
    details: tuple[Detail, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number of a report.

    `value` is the number as the archive sent it, empty where the report gives a `qualifier` instead; `number` is
    the same as a float. `unit` is the code, of UCUM nearly always; `unit_meaning` its name. `finding`, `site`,
    `laterality` and `method` are the nearest ones: the number's own, else those of a section around it, else its
    group's. `section` is the heading
    between group and number, `modifiers` are further coded facts of the number. `path` is its position in the tree.
    """

    group: Group
    path: str
    name: Code
    value: str
    number: float | None
    unit: str
    unit_meaning: str
    unit_scheme: str
    qualifier: str = ""
    subject: str = ""
    finding: str = ""
    site: str = ""
    laterality: str = ""
    method: str = ""
    derivation: str = ""
    section: str = ""
    modifiers: tuple[Detail, ...] = ()
    sources: tuple[Source, ...] = ()
