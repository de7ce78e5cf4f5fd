"""Dates and ranges as people and other languages write them, and what they would be here. Pure.

They are proposed, never read: 01/03/2024 is January in one country and March in another.
"""

import datetime as dt
import re

from federator.dicom.query import dates

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january",
            "feb februar february",
            "mar mrz mär märz march",
            "apr april",
            "may mai",
            "jun june juni",
            "jul july juli",
            "aug august",
            "sep sept september",
            "oct okt october oktober",
            "nov november",
            "dec dez december dezember",
        ),
        start=1,
    )
    for name in names.split()
}
_WORDS = {
    "heute": ("today",),
    "gestern": ("yesterday",),
    "now": ("today",),
    "week": ("last-7-days",),
    "month": ("last-1-months",),
    "year": ("last-1-years",),
}
_UNITS = {"d": "days", "w": "weeks", "m": "months", "y": "years"}
_YEAR_FIRST = re.compile(r"([0-9]{4})[-./]([0-9]{1,2})[-./]([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-./])([0-9]{1,2})\2([0-9]{4})")
_NAMED = re.compile(r"(?:([0-9]{1,2})[-. ]*)?([^\W\d_]{3,9})\.?[-., ]*(?:([0-9]{1,2})[-., ]+)?([0-9]{4})")
_AFTER_DAY = re.compile(
    r"(?<=[0-9]{2})[T ][0-9]{1,2}:?[0-9]{2}.*|(?<=^[0-9]{8})[0-9]{4,6}(?:\.[0-9]+)?$", re.IGNORECASE
)
_RELATIVE = re.compile(r"(?:now|last|past|previous)?[-_ ]?([0-9]{1,4})[-_ ]?(d|w|m|y)[a-z]*", re.IGNORECASE)
_UNIT_WORD = re.compile(r"(?:last|this|past|previous|current)[-_ ]?(week|month|year)", re.IGNORECASE)
_COMPARED = re.compile(r"(>=?|<=?|after|since|from|before|until|to)[:\s]*(.+)", re.IGNORECASE)
_DASHES = re.compile(
    r"\.{2,3}|\s*[–—~:]\s*|\s+(?:to|bis|and|und|-)\s+|(?<=[./][0-9]{4})-(?=[0-9]{1,2}[./])", re.IGNORECASE
)
_ENDS = 2


def meant(written: str) -> tuple[str, ...]:
    """What the language writes for this date or range; several where it may be either, none where it is no date."""
    text = written.strip(" '\"")
    compared = _COMPARED.fullmatch(text)
    if compared:
        before = compared[1][0] == "<" or compared[1].lower() in {"before", "until", "to"}
        return tuple(f"-{one}" if before else f"{one}-" for one in _one(compared[2]))
    ends = _DASHES.split(text)
    if len(ends) == _ENDS and any(ends) and not all(ends):
        return tuple(f"{one}-" if ends[0] else f"-{one}" for one in _one(ends[0] or ends[1]))
    if len(ends) == _ENDS and all(ends):
        first, last = _one(ends[0]), _one(ends[1])
        return tuple(f"{begin}/{end}" for begin, end in zip(first, last, strict=False))
    return _one(text)


def _one(text: str) -> tuple[str, ...]:
    text = _AFTER_DAY.sub("", text.strip())
    if dates.date_value(text, dt.date(2000, 1, 1)) is not None:
        return (text,)
    if year_first := _YEAR_FIRST.fullmatch(text):
        return _days((year_first[1], year_first[2], year_first[3]))
    if year_last := _YEAR_LAST.fullmatch(text):
        first, sign, second, year = year_last.groups()
        other = () if sign == "." else ((year, first, second),)
        return _days((year, second, first), *other)
    if named := _NAMED.fullmatch(text):
        return _named(*named.groups())
    if relative := _RELATIVE.fullmatch(text):
        return (f"last-{relative[1]}-{_UNITS[relative[2].lower()]}",)
    unit = _UNIT_WORD.fullmatch(text)
    return _WORDS.get(unit[1].lower() if unit else text.lower(), ())


def _named(day: str | None, name: str, other_day: str | None, year: str) -> tuple[str, ...]:
    month = _MONTHS.get(name.lower())
    if month is None:
        return ()
    told = day or other_day
    return _days((year, str(month), told)) if told else (f"{year}-{month:02}",)


def _days(*candidates: tuple[str, str, str]) -> tuple[str, ...]:
    """The days that there are, each once."""
    found: list[str] = []
    for year, month, day in candidates:
        try:
            found.append(dt.date(int(year), int(month), int(day)).isoformat())
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))
