"""How a filter is written on the wire so that no archive loses a row that matches.

What is sent may find too much: every row is checked again here. It must never find too little. So names go out in upper
case with an open end, letters that some archives cannot decode become wild cards, and what cannot be asked safely is
not asked at all.
"""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from federator.archive.habits.known import Known
from federator.archive.habits.naming import Naming
from federator.dicom.letters import bearable
from federator.dicom.query.filters import Filter, FilterKind

PATIENT_NAME = "00100010"
STUDY_DATE = "00080020"
STUDY_TIME = "00080030"
STUDY_UID = "0020000D"
MODALITIES_IN_STUDY = "00080061"

PERSON_NAMES = "person names"
ACCENTS = "accents in names"
DATES = "study dates"
UID_LISTS = "lists of UIDs"

CAPITALS = "capitals in"
ONE_LETTER = "wild cards for one letter"

_MAX_REQUESTS = 12
_LONGEST_TEXT = 256
_LETTER = re.compile(r"[A-Za-z]")
_MAX_LIST_LENGTH = 4_000
_LONGEST_NAME = 1_024
# Orthanc 1.10 decodes no escapes; these arrive everywhere as they are.
_ARRIVES = re.compile(r"[^A-Za-z0-9*?^.,=_:/~@!$'();-]+")
# Letters that carry marks in Latin scripts: an archive may index Müller without its ü, or only with it.
_MARKED = re.compile(r"[ACDEGIKLNORSTUYZ]+")
_STARS = re.compile(r"\*[*?]*")


Terms = list[tuple[str, str]]
"""What one request asks for: tags and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One filter as it is sent: `sent` holds the values as written, `kind` names what must be sound for it.

    `marked` says that it finds letters with marks only where the archive takes them for those without. `capitals` is
    the kind that must be sound besides, where it finds other capitals only at an archive that folds case.
    """

    sent: Filter
    kind: str
    marked: bool = False
    capitals: str = ""


def terms(
    filters: Sequence[Filter], known: Known, naming: Naming, *, fuzzy: bool, opened: bool = False
) -> tuple[Term, ...]:
    """What of `filters` can be sent; the study's date is not among it, since windows speak of it themselves.

    `opened` writes text without its letters where it is not known whether the archive folds case.
    """
    found = [
        _name(filter_, known, naming, fuzzy=fuzzy)
        if filter_.kind is FilterKind.NAME
        else _plain(filter_, opened=_opens(filter_, known, naming, otherwise=opened))
        for filter_ in filters
        if filter_.tag not in {STUDY_DATE, STUDY_TIME}
    ]
    return tuple(term for term in found if term is not None)


def _name(filter_: Filter, known: Known, naming: Naming, *, fuzzy: bool) -> Term | None:
    if fuzzy:
        return Term(sent=filter_, kind="")
    broaden = known.sound.get((naming, ACCENTS)) is False
    values = tuple(name_pattern(value, broaden=broaden) for value in filter_.values)
    if any(not value.strip("*?^=") for value in values):
        return None
    kind = PERSON_NAMES if filter_.tag == PATIENT_NAME else f"{PERSON_NAMES} in {filter_.keyword}"
    marked = values != tuple(name_pattern(value, broaden=True) for value in filter_.values)
    return Term(sent=replace(filter_, values=values), kind=kind, marked=marked)


def name_pattern(value: str, *, broaden: bool = False) -> str:
    """A person name as a pattern that finds at least what it means, whatever the archive folds or indexes.

    Component groups may follow the name, and delimiters at its end may be missing (Doe is Doe^^^^), so its end is open
    (PS3.5 §6.2.1). Letters outside ASCII become wild cards. `broaden` also opens the letters that can carry marks, for
    archives that do not find Müller by MULLER.
    """
    first_group = unicodedata.normalize("NFC", bearable(value[:_LONGEST_NAME])).partition("=")[0].upper()
    pattern = _ARRIVES.sub("*", first_group).replace("?", "*")
    opened = _MARKED.sub("*", pattern) if broaden else pattern
    return _STARS.sub("*", opened.rstrip("*^") + "*")


def needs_pattern(text: str) -> bool:
    """Whether some letter of `text` may not arrive as it is."""
    return _ARRIVES.search(text) is not None


def capitals_in(filter_: Filter) -> str:
    """The kind of filter that is sound where text is found in whatever case it was written."""
    return f"{CAPITALS} {filter_.keyword}"


def _opens(filter_: Filter, known: Known, naming: Naming, *, otherwise: bool) -> bool:
    """Whether text goes without its letters: a standard archive compares it by case (PS3.4 §C.2.2.2.4)."""
    folds = known.trusted or known.sound.get((naming, capitals_in(filter_)))
    return otherwise if folds is None else not folds


def _plain(filter_: Filter, *, opened: bool) -> Term | None:
    """Dates, UIDs, numbers and codes go as they are; text goes with wild cards for what may not arrive."""
    if filter_.kind is not FilterKind.TEXT:
        return Term(sent=filter_, kind=filter_.keyword)
    values = tuple(text_pattern(value, opened=opened) for value in filter_.values)
    if any(not value.strip("*") for value in values):
        return None
    sent = replace(filter_, values=values)
    kind = filter_.keyword
    if sent.has_wildcard:
        kind = f"{ONE_LETTER if single_wildcard(sent) else 'wild cards'} in {filter_.keyword}"
    has_letters = any(_LETTER.search(value) for value in values)
    return Term(sent=sent, kind=kind, capitals=capitals_in(filter_) if has_letters else "")


def single_wildcard(sent: Filter) -> bool:
    """Whether a question mark stands for one letter: some archives know the asterisk alone."""
    return any("?" in value for value in sent.values)


def is_opened(sent: Filter, asked: Filter) -> bool:
    """Whether more is found by what went out than was asked for: text without its letters, a name with an open end."""
    if asked.kind is FilterKind.NAME:
        return sent.values != tuple(value.upper() for value in asked.values)
    return asked.kind is FilterKind.TEXT and sent.values != tuple(text_pattern(value) for value in asked.values)


def text_pattern(value: str, *, opened: bool = False) -> str:
    """Text as a pattern that finds at least what it means; `opened`, any letter stands where one stands.

    What is longer than text can be is found by its beginning.
    """
    written = _LETTER.sub("?", value) if opened else value
    pattern = _STARS.sub("*", _ARRIVES.sub("*", written))
    return pattern if len(pattern) <= _LONGEST_TEXT else pattern[:_LONGEST_TEXT].rstrip("*") + "*"


def combinations(asked: Sequence[Term], known: Known, naming: Naming) -> list[Terms]:
    """One list of (tag, value) per request: no archive can be trusted with several values in one key.

    Lists of UIDs are the exception (PS3.18 §8.3.4.1), unless the archive was found not to take them. What would need
    too many requests is left out and checked on the rows instead, the filter with the most values first; never the
    UIDs of studies, for they narrow most.
    """
    choices = {term.sent.tag: _choices(term, known.sound.get((naming, UID_LISTS))) for term in asked}
    dispensable = set(choices) - {STUDY_UID}
    while dispensable and _product(choices) > _MAX_REQUESTS:
        widest = max(sorted(dispensable), key=lambda tag: len(choices[tag]))
        dispensable.discard(widest)
        del choices[widest]
    keys = list(choices)
    return [list(zip(keys, chosen, strict=True)) for chosen in itertools.product(*choices.values())]


def _product(choices: dict[str, list[str]]) -> int:
    product = 1
    for values in choices.values():
        product *= len(values)
    return product


def _choices(term: Term, lists: bool | None) -> list[str]:  # noqa: FBT001 - a finding, None while it is none
    # Of studies' UIDs a list is sent at once, and tried beside the question where it was not tried yet.
    believed = term.sent.tag == STUDY_UID if lists is None else lists
    if believed and is_list(term.sent):
        return uid_lists(term.sent.values)
    return list(term.sent.values)


def is_list(sent: Filter) -> bool:
    """Whether a filter names several UIDs."""
    return sent.kind is FilterKind.UID and len(sent.values) > 1


def uid_lists(uids: Sequence[str]) -> list[str]:
    """UIDs joined by commas, in lists that fit into a URL."""
    lists: list[str] = []
    for uid in uids:
        if lists and len(lists[-1]) + len(uid) < _MAX_LIST_LENGTH:
            lists[-1] += f",{uid}"
        else:
            lists.append(uid)
    return lists
