"""What rows tell of a person beside the Patient ID, and what of it speaks against two being one. Pure.

Nothing here makes two people one: it only finds what parts them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.letters import plain_name
from federator.dicom.query.code_words import codes_for
from federator.federation.identity.patient_ids import is_placeholder
from federator.model import DicomJson

_NAME = "00100010"
_BIRTH_DATE = "00100030"
_SEX = "00100040"
_SEXES = frozenset("MFO")
# What systems fill in where no birth date is known: two people who share it have nothing in common.
_UNTOLD_BIRTH_DATES = frozenset({"00010101", "18000101", "18991230", "18991231", "19000101"})
_FAMILY_AND_GIVEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Names (family and given, without case, marks and delimiters), birth dates and sexes; empty where none is told."""

    names: frozenset[str]
    birth_dates: frozenset[str]
    sexes: frozenset[str]


def person_of(rows: Iterable[DicomJson]) -> Person:
    """What rows of one person tell together."""
    rows = list(rows)
    return Person(
        names=frozenset(name for row in rows for name in _names(row)),
        birth_dates=frozenset(json.date(row, _BIRTH_DATE) for row in rows) - {""},
        sexes=frozenset(_sex(row) for row in rows) & _SEXES,
    )


def contradiction(one: Person, other: Person) -> str:
    """What speaks against the two being one, in words; empty where nothing does.

    Another name alone does not where the birth date agrees: people marry, and names are spelt in many ways.
    """
    against = [
        f"another {noun}"
        for noun, mine, theirs in (
            ("birth date", one.birth_dates, other.birth_dates),
            ("sex", one.sexes, other.sexes),
        )
        if _differ(mine, theirs)
    ]
    if _differ(one.names, other.names):
        if against:
            against.append("another name")
        elif not (one.birth_dates & other.birth_dates) - _UNTOLD_BIRTH_DATES:
            against.append("another name, and no birth date that agrees")
    return " and ".join(against)


def are_two_people(one: Person, other: Person) -> bool:
    """Whether the two are certainly not one: another name and another birth date or sex, or nothing of the name alike.

    One name with two birth dates is as likely a slip of the pen, one given name with two families a marriage.
    """
    if one.names & other.names or not contradiction(one, other):
        return False
    parted = _differ(one.birth_dates, other.birth_dates) or _differ(one.sexes, other.sexes)
    return parted or not {part for name in one.names for part in name.split("^")} & {
        part for name in other.names for part in name.split("^")
    }


def alike(one: Person, other: Person) -> str:
    """What of the two agrees and what does not, in words; empty where there is nothing to compare."""
    told = [
        f"{'another' if _differ(mine, theirs) else 'same'} {noun}"
        for noun, mine, theirs in (
            ("birth date", one.birth_dates, other.birth_dates),
            ("name", one.names, other.names),
        )
        if mine and theirs
    ]
    told += ["another sex"] if told and _differ(one.sexes, other.sexes) else []
    return " and ".join(told)


def _differ(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and not one & other)


def _names(row: DicomJson) -> Iterable[str]:
    """Family and given name of every group, letters only: `O'Brien^Pat^M^Dr` and `OBRIEN^PAT` are one."""
    for name in json.names(row, _NAME):
        for group in name.groups:
            parts = [re.sub(r"[\W_]+", "", part) for part in plain_name(group).split("^")[:_FAMILY_AND_GIVEN]]
            if any(parts) and not is_placeholder(group.replace("^", " ")):
                yield "^".join(parts).rstrip("^")


def _sex(row: DicomJson) -> str:
    told = json.text(row, _SEX).upper()
    return next(iter(codes_for("PatientSex", told)), told)
