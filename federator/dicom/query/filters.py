"""One filter of a query: its values checked by VR and brought into the form that archives match.

Standard: PS3.5 §6.2 (what a VR may hold), PS3.4 §C.2.2.2 (what a key may hold)
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from federator.dicom import json
from federator.dicom.query import dates, written_dates
from federator.dicom.uid import is_uid
from federator.errors import RequestError


class FilterKind(StrEnum):
    """How the values of an attribute are compared."""

    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    NAME = "name"
    UID = "uid"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    CODE = "code"


_KINDS = {
    "DA": FilterKind.DATE,
    "TM": FilterKind.TIME,
    "DT": FilterKind.DATETIME,
    "PN": FilterKind.NAME,
    "UI": FilterKind.UID,
    "DS": FilterKind.NUMBER,
    "FL": FilterKind.NUMBER,
    "FD": FilterKind.NUMBER,
    "CS": FilterKind.CODE,
    **dict.fromkeys(("IS", "SL", "SS", "SV", "UL", "US", "UV"), FilterKind.INTEGER),
    **dict.fromkeys(("AE", "AS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"), FilterKind.TEXT),
}
_INTEGER_BITS = {"IS": (32, True), "SL": (32, True), "SS": (16, True), "SV": (64, True)} | {
    "UL": (32, False),
    "US": (16, False),
    "UV": (64, False),
}

# In these a backslash is a character of the value and not a delimiter (PS3.5 §6.2).
_ONE_VALUE = frozenset({"LT", "ST", "UR", "UT"})
# No value of these can hold a comma, so a comma divides them. Names and descriptions do hold commas ("CHEST, ABDOMEN"),
# so there it is a letter. Accession numbers, study IDs (SH) and Patient ID may hold one by the letter of the
# standard, but what people write with a comma there is a list; a quoted value keeps its comma.
_LISTED = frozenset({"CS", "UI", "IS", "DS", "AS", "AE", "SH", "FD", "FL"} | set(_INTEGER_BITS))
_LISTED_TAGS = frozenset({"00100020"})

_CODE = re.compile(r"[A-Z0-9 _*?]{1,16}")
_AGE = re.compile(r"[0-9]{3}[DWMY]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_MAX_CODE_LENGTH = 16
_MAX_TOKEN_SHOWN = 80
_SHOWN_NAME = re.compile(r"([^=]*\S) \(([^=]*[^=\s][^=]*)\)")
# No answer shows less than this of a value that it cuts short; an ellipsis of the value's own is left alone.
_CUT_SHORT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One attribute and the values of which one must match, in strict form (PS3.4 §C.2.2.2).

    DATE: one of `YYYYMMDD`, `A-B`, `A-`, `-B`. TIME: the same with `HHMMSS.ffffff`, DATETIME with
    `YYYYMMDDHHMMSS.ffffff`. NAME, TEXT and CODE may hold the wild cards `*` and `?`. There is at least one value.
    """

    tag: str
    keyword: str
    vr: str
    kind: FilterKind
    values: tuple[str, ...]

    @property
    def has_wildcard(self) -> bool:
        """Whether a value is a pattern (PS3.4 §C.2.2.2.4)."""
        wild = self.kind in {FilterKind.NAME, FilterKind.TEXT, FilterKind.CODE} and self.vr != "AS"
        return wild and any("*" in value or "?" in value for value in self.values)

    @property
    def date_range(self) -> tuple[str, str]:
        """The first and the last day of a DATE filter as `YYYYMMDD`, empty where it is open."""
        return dates.ends_of(self.values[0])


def is_searchable(tag: str) -> bool:
    """Whether the attribute's VR can be compared with text; sequences, bulk data and tags as values cannot."""
    return json.vr_of(tag) in _KINDS


def read_filter(tag: str, written: str, *, key: str, quoted: bool, today: dt.date) -> Filter | None:
    """The filter on one attribute, or None where the value is `*`, which also finds what has no value at all.

    `key` is how the attribute was written. Raises RequestError.

    Standard: PS3.4 §C.2.2.2.3
    """
    vr, keyword = json.vr_of(tag), json.keyword_of(tag)
    kind = _KINDS[vr]
    if not written.strip():
        raise RequestError(
            f"'{key}=' has no value. Write {keyword}=VALUE, or leave {keyword} out to find every value of it."
        )
    parts = [_whole(part.strip()) for part in _divided(tag, vr, written, quoted=quoted)]
    if kind is FilterKind.NAME and quoted and len(parts) > 1:
        parts = [*(part for part in parts if part), written]  # a backslash may be the name's own in some archives
    if not all(parts):
        raise _refusal(key, written, f"one value of the list is empty. Write {keyword}=A,B with a value on each side")
    if kind is FilterKind.CODE and quoted:
        values = tuple(dict.fromkeys(form for part in parts for form in _as_shown(part)))
    else:
        values = tuple(dict.fromkeys(_read(part, key, vr, kind, today) for part in parts))
    if kind in {FilterKind.NAME, FilterKind.TEXT, FilterKind.CODE} and any(not value.strip("*") for value in values):
        return None
    return Filter(tag=tag, keyword=keyword, vr=vr, kind=kind, values=values)


def list_of(tag: str, values: Sequence[str]) -> str:
    """Several values of an attribute as one value: with commas where no value holds one, else with backslashes."""
    commas = json.vr_of(tag) in _LISTED or tag in _LISTED_TAGS
    return ("," if commas else "\\").join(dict.fromkeys(value.strip() for value in values if value.strip()))


def shortened(text: str) -> str:
    """A token as it is quoted in a message: not longer than helps to recognise it."""
    return text if len(text) <= _MAX_TOKEN_SHOWN else text[: _MAX_TOKEN_SHOWN - 1] + "…"


def _whole(shown: str) -> str:
    """A value as it stands, or the beginning of one that an answer cut short with an ellipsis."""
    return f"{shown[:-1]}*" if shown.endswith("…") and len(shown) >= _CUT_SHORT else shown


def _two_groups(name: str) -> str:
    """A name as answers show it, `Yamada^Tarou (山田^太郎)`, with its groups as the standard parts them.

    Where the brackets belong to the name itself, it is still found: matching compares the shown form as well.
    """
    shown = _SHOWN_NAME.fullmatch(name)
    return f"{shown[1]}={shown[2]}" if shown and shown[1].strip("*?^ ") else name


def is_code(written: str) -> bool:
    """Whether `written` may be a code string, in letters of any case."""
    return _CODE.fullmatch(written.upper()) is not None


def _as_shown(code: str) -> tuple[str, ...]:
    """A quoted code: as the standard writes it, and as it stands, for it may be quoted from an answer."""
    return (code.upper(), code)


def _divided(tag: str, vr: str, written: str, *, quoted: bool) -> list[str]:
    if vr in _ONE_VALUE:
        return [written]
    listed = not quoted and (vr in _LISTED or tag in _LISTED_TAGS)
    return re.split(r"[\\,]" if listed else r"\\", written)


def _read(part: str, key: str, vr: str, kind: FilterKind, today: dt.date) -> str:
    if kind in {FilterKind.DATE, FilterKind.TIME, FilterKind.DATETIME}:
        return _read_moment(part, key, kind, today)
    if kind in {FilterKind.INTEGER, FilterKind.NUMBER}:
        return _read_number(part, key, vr)
    if kind is FilterKind.UID:
        return _read_uid(part, key)
    if kind is FilterKind.CODE:
        if not is_code(part):
            why = f"is no code: at most {_MAX_CODE_LENGTH} of A-Z, 0-9, space and _"
            raise _refusal(key, part, f"{why}. Write for example {key}=CT, or {key}=CT,MR for several")
        return part.upper()
    if kind is FilterKind.NAME:
        return _two_groups(part)
    if vr == "AS" and not _AGE.fullmatch(part.upper()):
        raise _refusal(
            key, part, f"is no age. Write three digits and D, W, M or Y: {age_meant(part)}; no wild cards or ranges"
        )
    return part.upper() if vr == "AS" else part


def age_meant(written: str) -> str:
    """The age that was probably meant, and an example."""
    years = re.search(r"(?<![0-9])([0-9]{1,3})\s*([DWMY]?)", written.upper())
    meant = f"{int(years[1]):03}{years[2] or 'Y'}" if years else "045Y"
    return " or ".join(dict.fromkeys((meant, "045Y")))


def _read_moment(part: str, key: str, kind: FilterKind, today: dt.date) -> str:
    if kind is FilterKind.DATE:
        value, forms, noun = dates.date_value(part, today), dates.DATE_FORMS, "date"
    elif kind is FilterKind.TIME:
        value, forms, noun = dates.time_value(part), dates.TIME_FORMS, "time"
    else:
        value, forms, noun = dates.moment_value(part), dates.MOMENT_FORMS, "date and time"
    if value is not None:
        return value
    meant = written_dates.meant(part) if kind is FilterKind.DATE else ()
    if meant:
        forms = f"Write {' or '.join(f'{key}={one}' for one in meant)}. {forms.replace('Write', 'Dates are')}"
    if "*" in part or "?" in part:
        raise _refusal(key, part, f"a {noun} takes no wild cards. {forms}")
    if "," in part:
        raise _refusal(key, part, f"only one {noun} or range can be asked for at a time. {forms}")
    raise _refusal(key, part, f"there is no such {noun}, or the range ends before it begins. {forms}")


def _read_number(part: str, key: str, vr: str) -> str:
    if vr in _INTEGER_BITS:
        bits, signed = _INTEGER_BITS[vr]
        least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        if not _WHOLE.fullmatch(part) or not least <= int(part) <= most:
            raise _refusal(
                key, part, f"is no whole number from {least} to {most}. Write digits only: no range, no wild card"
            )
        return str(int(part))
    if json.as_number(part) is None:
        raise _refusal(key, part, "is no number. Write for example 2.5; no range, no wild card")
    return part


def _read_uid(part: str, key: str) -> str:
    if "*" in part or "?" in part:
        raise _refusal(key, part, "a UID takes no wild cards (PS3.4 C.2.2.2.4). Write whole UIDs, several with commas")
    if not is_uid(part):
        raise _refusal(
            key, part, "is no UID. Write digits and dots, at most 64 characters, as an earlier answer gave it"
        )
    return part


def _refusal(key: str, value: str, reason: str) -> RequestError:
    return RequestError(f"'{shortened(f'{key}={value}')}': {reason}.")
