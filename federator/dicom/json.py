"""DICOM JSON as archives really send it: tolerant accessors that never raise (PS3.18 Annex F).

An element may be missing, null, a bare scalar, a list with nulls, or carry the wrong VR; one bad element
must not lose a row. So nothing here builds a pydicom `Dataset`, and the value representation comes from the dictionary,
not from the archive.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Self

from federator.dicom import dictionary
from federator.dicom.uid import checked_uid
from federator.model import DicomJson

_TAG = re.compile(r"[0-9A-F]{8}")
_DATE = re.compile(r"([0-9]{4})([.-]?)([0-9]{2})\2([0-9]{2})")
_TIME = re.compile(r"([01][0-9]|2[0-3])(?::?([0-5][0-9])(?::?([0-5][0-9]|60)(?:\.([0-9]{1,6})[0-9]*)?)?)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MAX_NUMBER_LENGTH = 40
_LONGEST_DATE = 10
_MOST_NAMES = 1_000
_MOST_VALUES = 100_000
_TAG_LENGTH = 8
_PADDING = " \0\t\r\n"

# In these a backslash is a character and not a delimiter (PS3.5 §6.2).
_ONE_VALUE = frozenset({"LT", "ST", "UR", "UT"})
_INTEGERS = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
_NUMBERS = _INTEGERS | {"DS", "FD", "FL"}
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_CARRIERS = ("Value", "BulkDataURI", "InlineBinary")


class WrittenNumber(float):
    """A JSON number that knows how it was written: `25.40` stays `25.40` (contract.md section 5)."""

    __slots__ = ("_written",)

    _written: str

    def __new__(cls, written: str) -> Self:
        """The number that `written` stands for."""
        number = super().__new__(cls, written)
        number._written = written
        return number

    def __repr__(self) -> str:
        return self._written

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A person name in its up to three component groups, each with `^` between its components (PS3.5 §6.2.1)."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""

    @property
    def groups(self) -> tuple[str, str, str]:
        """The groups in the order of the standard, empty ones included."""
        return (self.alphabetic, self.ideographic, self.phonetic)

    def __bool__(self) -> bool:
        return any(self.groups)

    def __str__(self) -> str:
        written = [group.rstrip("^") for group in self.groups if group.rstrip("^")]
        if not written:
            return ""
        # The phonetic group repeats how the ideographs are said; it is shown only where it stands alone.
        return written[0] if len(written) == 1 else f"{written[0]} ({written[1]})"


def values(row: DicomJson, tag: str) -> list[Any]:
    """The values that are not null; a bare scalar is a list of one."""
    element = _element(row, tag)
    held = element.get("Value") if isinstance(element, Mapping) else element
    if held is None:
        return []
    if isinstance(held, list | tuple):
        return [value for value in held if value is not None]
    return [held]


def texts(row: DicomJson, tag: str) -> list[str]:
    """All values as stripped text, empty ones left out; several in one string are told apart at the backslash."""
    divided = vr_of(tag) not in _ONE_VALUE
    found: list[str] = []
    for value in values(row, tag):
        whole = _as_text(value)
        found += [part.strip(_PADDING) for part in (_parted(whole, _MOST_VALUES) if divided else [whole])]
    return [part for part in found if part]


def text(row: DicomJson, tag: str) -> str:
    """The first value as stripped text; empty where there is none."""
    element = row.get(tag)
    if isinstance(element, dict):
        # As nearly all elements are: without building lists, since a search does this for every key of every row.
        held = element.get("Value")
        if isinstance(held, list) and held and isinstance(held[0], str) and "\\" not in held[0]:
            stripped = held[0].strip(_PADDING)
            if stripped:
                return stripped
    return next(iter(texts(row, tag)), "")


def uid(row: DicomJson, tag: str) -> str:
    """The first value where it is a UID, without the padding that some archives leave in; else empty.

    Whatever else stands there is no address: it must never come into a request, or before a tag.
    """
    held = values(row, tag)
    return checked_uid(held[0]) if held and isinstance(held[0], str) else ""


def number(row: DicomJson, tag: str) -> float | None:
    """The first value as a finite number, however it was written; None where it is no number."""
    return as_number(text(row, tag))


def integer(row: DicomJson, tag: str) -> int | None:
    """The first value as a whole number, however it was written (`12`, `"12"`, `"12.0"`); None otherwise."""
    return as_integer(text(row, tag))


def date(row: DicomJson, tag: str) -> str:
    """The first value as `YYYYMMDD`; empty where there is none or no such day exists."""
    return as_date(text(row, tag))


def time(row: DicomJson, tag: str) -> str:
    """The first value as `HHMMSS.ffffff`, padded with zeros; empty where there is none or it is no time."""
    return as_time(text(row, tag))


def names(row: DicomJson, tag: str) -> list[PersonName]:
    """The person names, whether the archive sent objects (PS3.18 F.2.2) or one string with `=` between groups."""
    found: list[PersonName] = []
    for value in values(row, tag):
        if isinstance(value, Mapping):
            name = _name([_as_text(value.get(group)) for group in ("Alphabetic", "Ideographic", "Phonetic")])
            found += [name] if name else []
        else:
            several = [_name(part.split("=", 3)) for part in _parted(_as_text(value), _MOST_NAMES)]
            found += [name for name in several if name]
    return found


def _parted(whole: str, most: int) -> list[str]:
    """The values that stand in one string; of what is nothing but delimiters, not all."""
    return whole.split("\\", most)[:most]


def items(row: DicomJson, tag: str) -> list[DicomJson]:
    """The items of a sequence; whatever is no item is left out."""
    element = row.get(tag)
    if isinstance(element, dict) and isinstance(held := element.get("Value"), list):
        # As nearly all sequences are: a report has a hundred thousand of them.
        return [value for value in held if isinstance(value, (dict, Mapping))]
    return [value for value in values(row, tag) if isinstance(value, Mapping)]


def is_present(row: DicomJson, tag: str) -> bool:
    """Whether the row has the attribute at all, be it with an empty value."""
    return _element(row, tag) is not None


def has_value(row: DicomJson, tag: str) -> bool:
    """Whether the attribute has at least one value that is not empty, or points to bulk data."""
    element = _element(row, tag)
    if isinstance(element, Mapping) and (element.get("BulkDataURI") or element.get("InlineBinary")):
        return True
    return bool(items(row, tag) or texts(row, tag) or names(row, tag))


def faults(row: DicomJson) -> int:
    """How many elements of the row are not as the standard says (PS3.18 F.2.2); items are not looked into."""
    return sum(not _is_sound(tag, element) for tag, element in row.items())


def as_number(written: str) -> float | None:
    """The finite number that `written` says, or None."""
    if len(written) > _MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(written):
        return None
    value = float(written)
    return value if math.isfinite(value) else None


def as_integer(written: str) -> int | None:
    """The whole number that `written` says, or None."""
    value = as_number(written)
    if value is None or not value.is_integer():
        return None
    # Through the text where it can be: a float has no room for the digits of a 64-bit integer.
    return int(written) if re.fullmatch(r"[+-]?[0-9]+", written) else int(value)


def as_date(written: str) -> str:
    """`YYYYMMDD` of a DA value, also with the old dots or with dashes; empty if there is no such day."""
    # What is kept for later must not be of any length.
    return _as_date(written) if len(written) <= _LONGEST_DATE else ""


@lru_cache(maxsize=4096)
def _as_date(written: str) -> str:
    matched = _DATE.fullmatch(written)
    if not matched:
        return ""
    year, month, day = (int(matched[group]) for group in (1, 3, 4))
    try:
        dt.date(year, month, day)
    except ValueError:
        return ""
    return f"{year:04}{month:02}{day:02}"


def as_time(written: str) -> str:
    """`HHMMSS.ffffff` of a TM value, also with colons; empty if there is no such time."""
    matched = _TIME.fullmatch(written)
    if not matched:
        return ""
    hour, minute, second, fraction = matched.groups()
    return f"{hour}{minute or '00'}{second or '00'}.{fraction or '':0<6}"


def keyword_of(tag: str) -> str:
    """The keyword of an 8-digit tag; empty where the dictionary has none."""
    return _keyword_of(tag) if len(tag) == _TAG_LENGTH else ""


@lru_cache(maxsize=4096)
def _keyword_of(tag: str) -> str:
    entry = dictionary.entry_of(tag)
    return "" if entry is None else entry[1]


def tag_of(keyword: str) -> str:
    """The tag of a keyword as 8 upper-case digits; empty where the dictionary does not know it."""
    tag = dictionary.tag_of_any_case(keyword)
    return tag if keyword_of(tag) == keyword else ""


def vr_of(tag: str) -> str:
    """The value representation by the dictionary; empty where it is unknown, the first where there are several."""
    return _vr_of(tag) if len(tag) == _TAG_LENGTH else ""


@lru_cache(maxsize=4096)
def _vr_of(tag: str) -> str:
    entry = dictionary.entry_of(tag)
    return "" if entry is None or entry[0] == "NONE" else entry[0].split(" or ")[0]


def _element(row: DicomJson, tag: str) -> Any:  # noqa: ANN401 - nothing is known of what an archive sends
    element = row.get(tag)
    return row.get(tag.lower()) if element is None else element


def _as_text(value: object) -> str:
    """A scalar as text; the readable form of a person name; nothing of lists and of what is no value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        # Python refuses to write integers of thousands of digits; no attribute holds one.
        return str(value) if value.bit_length() <= 128 else ""  # noqa: PLR2004 - twice the longest VR
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return str(_name([_plain(value.get(group)) for group in ("Alphabetic", "Ideographic", "Phonetic")]))
    return ""


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(groups: Sequence[str]) -> PersonName:
    """The name; where one group holds them all with `=` between them, which parts groups, each goes to its place."""
    if groups and "=" in groups[0]:
        joined = groups[0].split("=")
        told = zip_longest(groups[1:], joined[1:], fillvalue="")
        groups = [joined[0], *(given or part for given, part in told)]
    alphabetic, ideographic, phonetic = ([group.strip(_PADDING) for group in groups] + ["", "", ""])[:3]
    return PersonName(alphabetic=alphabetic, ideographic=ideographic, phonetic=phonetic)


def _is_sound(tag: object, element: object) -> bool:
    if not isinstance(tag, str) or not _TAG.fullmatch(tag) or not isinstance(element, Mapping):
        return False
    vr = element.get("vr")
    if not isinstance(vr, str) or not re.fullmatch(r"[A-Z]{2}", vr):
        return False
    carriers = [name for name in _CARRIERS if name in element]
    if not carriers:
        return True
    if len(carriers) > 1 or (carriers[0] != "Value" and vr in _NUMBERS | {"PN"}):
        return False
    held = element[carriers[0]]
    if carriers[0] != "Value":
        return isinstance(held, str)
    known = vr_of(tag) or vr
    return isinstance(held, list) and all(value is None or _is_value(known, value) for value in held)


def _is_value(vr: str, value: object) -> bool:
    if vr in {"SQ", "PN"}:
        return isinstance(value, Mapping)
    if vr in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        written = _as_text(value).strip(_PADDING)
        return (as_integer(written) if vr in _INTEGERS else as_number(written)) is not None
    if vr in _BINARY:
        return False
    return isinstance(value, str) and (vr in _ONE_VALUE or "\\" not in value)
