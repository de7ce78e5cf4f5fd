"""Whether a row matches a filter, whatever the archive did with it (contract.md section 2).

Standard: PS3.4 §C.2.2.2
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from functools import lru_cache

from federator.dicom import json
from federator.dicom.json import PersonName
from federator.dicom.letters import folded, plain_name
from federator.dicom.query import dates
from federator.dicom.query.filters import Filter, FilterKind
from federator.model import DicomJson

# Archives compute these from what lies below. An empty one says that the archive did not compute it:
# every series has a modality, so no study is truly without.
_COMPUTED = frozenset({"00080061", "00080062", "00201200", "00201202", "00201204", "00201206", "00201208", "00201209"})
_SHOWN_INSTEAD = {"00080021": "00400244", "00080031": "00400245"}
_NAME_COMPONENTS = 5
_LOST = frozenset("?\ufffd")


class Verdict(Enum):
    """What a row says to one filter; ABSENT: it does not carry the attribute, so it says neither yes nor no.

    UNTOLD: it has a value that it does not tell (bulk data).
    """

    MATCH = auto()
    MISMATCH = auto()
    ABSENT = auto()
    UNTOLD = auto()


def judge(row: DicomJson, filter_: Filter, *, fuzzy: bool = False) -> Verdict:
    """Compare one row with one filter; any value of the attribute and any value of the filter will do.

    An attribute that is there without a value does not match. With `fuzzy` a name that the archive found is taken as
    found: what sounds alike is the archive's knowledge.
    """
    tag = _told_instead(row, filter_.tag)
    if filter_.kind is FilterKind.NAME:
        names = json.names(row, tag)
        present, matched = bool(names), bool(names) and (fuzzy or _any_name_matches(names, filter_.values))
    else:
        texts, compare = json.texts(row, tag), _COMPARISONS[filter_.kind]
        present, matched = bool(texts), any(compare(held, asked) for held in texts for asked in filter_.values)
    if present:
        return Verdict.MATCH if matched else Verdict.MISMATCH
    if json.has_value(row, tag):
        return Verdict.UNTOLD
    empty = json.is_present(row, tag) and tag not in _COMPUTED
    return Verdict.MISMATCH if empty else Verdict.ABSENT


def _told_instead(row: DicomJson, tag: str) -> str:
    """The attribute that answers show in place of one without a value: when a series' procedure step began."""
    instead = _SHOWN_INSTEAD.get(tag, tag)
    return instead if instead != tag and not json.has_value(row, tag) and json.has_value(row, instead) else tag


def matches_name(name: PersonName, pattern: str) -> bool:
    """Whether a name matches a pattern: in one component group, in all groups together, or group by group.

    Case and diacritics do not count, nor do delimiters at the end. A pattern with `=` asks group by group, an empty
    group in it asks nothing.

    Standard: PS3.5 §6.2.1, PS3.4 §C.2.2.2.1 and §C.2.2.2.4
    """
    if "=" in pattern:
        asked = pattern.split("=")
        by_group = zip(name.groups, asked, strict=False)
        if all(not part.strip() or _group_matches(group, part) for group, part in by_group):
            return True
        # Answers show the first two groups that there are, one of them in brackets.
        if len(asked) == 2 and _group_matches(str(name), f"{asked[0]} ({asked[1]})"):  # noqa: PLR2004 - as shown
            return True
    # In brackets may stand what nobody sees.
    if pattern.endswith(")") and _group_matches(str(name), pattern):
        return True
    together = "=".join(name.groups).rstrip("=")
    return any(_group_matches(group, pattern) for group in (*name.groups, together) if group)


def may_match_name(name: PersonName, pattern: str) -> bool:
    """Whether a name of which the archive lost letters may be the one asked for.

    Orthanc before 1.18, in Latin-1, leaves only the delimiters of an ideographic name; others write ? for each letter.
    """
    foreign = not pattern.isascii()
    if foreign and any(group and not group.strip("^ ") for group in name.groups[1:]):
        return True
    asked = _pattern(plain_name(pattern).rstrip("^"), lost=True)
    return any(set(group) & _LOST and asked.fullmatch(plain_name(group)) for group in name.groups)


def matches_text(held: str, pattern: str) -> bool:
    """Whether text matches a pattern with `*` and `?`, without regard to case (PS3.4 §C.2.2.2.4)."""
    return _pattern(folded(pattern)).fullmatch(folded(held)) is not None


def _any_name_matches(names: list[PersonName], patterns: tuple[str, ...]) -> bool:
    return any(matches_name(name, pattern) for name in names for pattern in patterns)


def _group_matches(group: str, pattern: str) -> bool:
    written, asked = plain_name(group), _pattern(plain_name(pattern).rstrip("^"))
    held = written.rstrip("^")
    # Doe^John is Doe^John^^^, so Doe^John^* finds it too.
    padded = held + "^" * (_NAME_COMPONENTS - 1 - held.count("^"))
    return any(asked.fullmatch(form) for form in (held, padded, written))


@lru_cache(maxsize=1024)
def _pattern(written: str, *, lost: bool = False) -> re.Pattern[str]:
    """The expression for a pattern with `*` and `?`; with `lost` a letter also stands where the archive lost one.

    What stands between two stars is taken where it first fits and never tried again (an atomic group): that loses no
    match, and a pattern of many stars cannot make the search take exponential time.
    """
    holes = "".join(_LOST) if lost else ""
    parts = [
        "".join("." if letter == "?" else f"[{re.escape(letter)}{holes}]" for letter in part)
        for part in written.split("*")
    ]
    first, last = parts[0], parts[-1]
    middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    return re.compile(first if len(parts) == 1 else f"{first}{middle}.*{last}", re.DOTALL)


def _in_range(read: Callable[[str], str]) -> Callable[[str, str], bool]:
    def compare(held: str, asked: str) -> bool:
        value = read(held)
        first, last = dates.ends_of(asked)
        return bool(value) and (not first or first <= value) and (not last or value <= last)

    return compare


def _same_number(held: str, asked: str) -> bool:
    value = json.as_number(held)
    return value is not None and value == json.as_number(asked)


def _same_integer(held: str, asked: str) -> bool:
    value = json.as_integer(held)
    return value is not None and value == json.as_integer(asked)


def _same_uid(held: str, asked: str) -> bool:
    return held == asked


_COMPARISONS: dict[FilterKind, Callable[[str, str], bool]] = {
    FilterKind.DATE: _in_range(json.as_date),
    FilterKind.TIME: _in_range(json.as_time),
    FilterKind.DATETIME: _in_range(dates.moment_of),
    FilterKind.UID: _same_uid,
    FilterKind.INTEGER: _same_integer,
    FilterKind.NUMBER: _same_number,
    FilterKind.TEXT: matches_text,
    FilterKind.CODE: matches_text,
}
