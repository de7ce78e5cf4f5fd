"""How a simulated archive matches one attribute (PS3.4 C.2.2.2), with the quirks of its switches."""

import re
from collections.abc import Sequence

from tests.support.hostile.records import (
    ATTRIBUTES,
    MODALITIES,
    PATIENT_ID,
    STUDY_DATE,
    STUDY_TIME,
    Record,
    first,
)
from tests.support.hostile.switches import Fuzzy, Switches

WILD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""The value representations that have wild cards (PS3.4 C.2.2.2.4)."""

_DAY = re.compile(r"\d{8}")
_RANGE = re.compile(r"(\d{8})?-(\d{8})?")


class BadValue(Exception):  # noqa: N818 - an answer, not a failure of the test
    """The archive answers this value with an error."""


def matches(record: Record, tag: str, wanted: Sequence[str], switches: Switches, *, fuzzy: bool = False) -> bool:
    """Whether any value of the attribute matches any value asked for."""
    vr = ATTRIBUTES[tag][1]
    if vr == "DA":
        return any(_date(record, tag, value, switches) for value in wanted)
    if vr == "TM":
        return any(_time(first(record, tag), value) for value in wanted)
    if vr == "UI":
        return any(value in wanted for value in record.get(tag, ()))
    if vr == "IS":
        return any(str(value) in wanted for value in record.get(tag, ()))
    if vr == "PN":
        return any(_name(groups, value, switches, fuzzy=fuzzy) for groups in record.get(tag, ()) for value in wanted)
    fold = switches.text_case_folded and tag == PATIENT_ID
    texts = [str(value) for value in record.get(tag, ())] or [""]
    return any(_text(text, value, vr, switches, fold=fold) for text in texts for value in wanted)


def matches_instants(record: Record, dates: str, times: str) -> bool:
    """Whether date and time together lie in the one range that dcm4chee makes of both parameters."""
    moment = first(record, STUDY_DATE) + (first(record, STUDY_TIME) or "000000")[:6]
    if not first(record, STUDY_DATE):
        return False
    days, hours = _ends(dates), _ends(times)
    if not days or not hours:
        return False
    earliest = (days[0] or "00000000") + (hours[0] or "0").ljust(6, "0")
    latest = (days[1] or "99999999") + (hours[1] or "235959").ljust(6, "9")
    return earliest <= moment <= latest


def date_window(value: str) -> tuple[str, str] | None:
    """The two ends of a well-formed date value, for looking it up in an index; None for any other value."""
    if _DAY.fullmatch(value):
        return value, value
    if value != "-" and (found := _RANGE.fullmatch(value)):
        return found[1] or "", found[2] or "99999999"
    return None


def _ends(value: str) -> tuple[str, str] | None:
    low, dash, high = value.partition("-")
    return (low, high) if dash else (value, value)


def _date(record: Record, tag: str, wanted: str, switches: Switches) -> bool:
    have = first(record, tag)
    if wanted in {"", "-"}:
        return True
    window = date_window(wanted)
    if window is None:
        if switches.bad_date_refused:
            raise BadValue
        return False
    if not have:
        return switches.undated_match_open_ranges and wanted.startswith("-") and not switches.absent_if_empty
    return window[0] <= have <= window[1]


def _time(have: str, wanted: str) -> bool:
    if wanted in {"", "-"}:
        return True
    low, dash, high = wanted.partition("-")
    if not have:
        return False
    if not dash:
        return have.startswith(low)
    return (not low or have >= low) and (not high or have[: len(high)] <= high)


def _name(groups: tuple[str, str, str], wanted: str, switches: Switches, *, fuzzy: bool) -> bool:
    texts = [group for group in groups if group]
    if switches.names_whole_with_groups:
        texts = ["=".join(groups).rstrip("=")]
    if fuzzy and switches.fuzzy is Fuzzy.SUPPORTED:
        words = re.split(r"[\s^=,]+", wanted.casefold().strip("*"))
        have = re.split(r"[\s^=]+", "^".join(groups).casefold())
        return all(any(part.startswith(word) for part in have) for word in words)
    if switches.non_ascii_not_indexed:
        texts = [text.encode("ascii", "ignore").decode() for text in texts]
    fold = not switches.names_case_sensitive
    if switches.names_folded_in_upper_case_only:
        fold = wanted == wanted.upper()
    if switches.names_substring:
        return any((wanted.casefold() in text.casefold()) if fold else (wanted in text) for text in texts)
    return any(_text(text, wanted, "PN", switches, fold=fold) for text in texts)


def _text(have: str, wanted: str, vr: str, switches: Switches, *, fold: bool) -> bool:
    if fold:
        have, wanted = have.casefold(), wanted.casefold()
    if not wanted:
        return True
    if vr not in WILD or switches.wildcards_literal or not set("*?") & set(wanted):
        return have.strip() == wanted.strip()
    pattern = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in wanted)
    return re.fullmatch(pattern, have, re.DOTALL) is not None


def separates(tag: str, switches: Switches) -> bool:
    """Whether a comma separates values of this attribute: of UIDs by the standard, of anything in Orthanc."""
    if ATTRIBUTES[tag][1] == "UI":
        return not switches.one_uid_only
    return switches.commas_everywhere and tag == MODALITIES
