"""Dates and times as people ask for them, brought into the strict forms that archives match (PS3.4 §C.2.2.2.5).

The functions return None for what they cannot read; a range that ends before it begins is None too.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable

from federator.dicom import json

DATE_FORMS = (
    "Write 20240131, 2024-01-31, 2024-01, 2024, a range such as 20240101-20240131, 20240101- or -20240131, "
    "or today, yesterday, last-7-days, last-2-weeks, last-3-months, last-1-years"
)
TIME_FORMS = "Write 1030, 103000 or 10:30, or a range such as 0800-1200, 0800- or -1200"
MOMENT_FORMS = "Write 20240131103000, 20240131, or a range such as 20240131-20240201"

# A year alone has a century that people live in, or else the end of '2024-0131' would be read as the year 131.
_DAYS = (
    r"today|yesterday|[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}\.[0-9]{2}\.[0-9]{2}|"
    r"(?:18|19|20|21)[0-9]{2}-[0-9]{2}|(?:18|19|20|21)[0-9]{2}"
)
_DATE = re.compile(rf"(?P<one>{_DAYS})|(?P<first>{_DAYS})?[-/](?P<last>{_DAYS})?", re.IGNORECASE)
_LAST = re.compile(r"last-([0-9]{1,5})-(day|week|month|year)s?", re.IGNORECASE)
_CLOCK = r"[0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
_TIME = re.compile(rf"(?P<one>{_CLOCK})|(?P<first>{_CLOCK})?[-/](?P<last>{_CLOCK})?")
_INSTANT = r"[0-9]{8}(?:[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?)?"
_MOMENT = re.compile(rf"(?P<one>{_INSTANT})|(?P<first>{_INSTANT})?[-/](?P<last>{_INSTANT})?")
# What differs from UTC is not compared. No end of a range is as short, so a dash before four digits begins none.
_OFFSET = re.compile(r"(?<=[0-9]{10})(?P<fraction>\.[0-9]{1,6})?[+-][0-9]{4}$")
_DAY_DIGITS = 8

_Ends = tuple[str, str]


def date_value(written: str, today: dt.date) -> str | None:
    """`YYYYMMDD`, `A-B`, `A-` or `-B`. `last-7-days` begins seven days before today and ends today."""
    back = _LAST.fullmatch(written)
    if back:
        first = _days_back(today, int(back[1]), back[2].lower())
        return f"{first}-{today.year:04}{today:%m%d}" if first else None
    return _range(_DATE.fullmatch(written), lambda part: _days(part.lower(), today))


def time_value(written: str) -> str | None:
    """`A-B`, `A-`, `-B` with ends as `HHMMSS.ffffff`; what leaves seconds out means all of them (PS3.5 §6.2, TM)."""
    return _range(_TIME.fullmatch(written), _clock)


def moment_value(written: str) -> str | None:
    """`A-B`, `A-`, `-B` with ends as `YYYYMMDDHHMMSS.ffffff`, local time; what is left out means all of it."""
    return _range(_MOMENT.fullmatch(_OFFSET.sub(r"\g<fraction>", written)), _instant)


def moment_of(written: str) -> str:
    """`YYYYMMDDHHMMSS.ffffff` of a DT value, without its offset from UTC; empty if there is no such moment."""
    local = re.split("[+-]", written, maxsplit=1)[0]
    if re.fullmatch(r"[0-9]{4}|[0-9]{6}", local):
        local = f"{local}0101"[:_DAY_DIGITS]
    ends = _instant(local) if re.fullmatch(_INSTANT, local) else None
    return ends[0] if ends else ""


def ends_of(value: str) -> tuple[str, str]:
    """The first and the last of a value as the functions above return it; an open end is empty."""
    first, dash, last = value.partition("-")
    return (first, last) if dash else (first, first)


def _range(matched: re.Match[str] | None, read: Callable[[str], _Ends | None]) -> str | None:
    """The matched value or range in strict form; `read` gives the first and the last instant that a part covers."""
    if not matched:
        return None
    first, last = matched["one"] or matched["first"] or "", matched["one"] or matched["last"] or ""
    begin, end = (read(first) if first else ("", "")), (read(last) if last else ("", ""))
    if begin is None or end is None or not (first or last):
        return None
    if begin[0] and begin[0] == end[1]:
        return begin[0]
    if first and last and begin[0] > end[1]:
        return None
    return f"{begin[0]}-{end[1]}"


def _days(written: str, today: dt.date) -> _Ends | None:
    if written in {"today", "yesterday"}:
        day = _days_back(today, 0 if written == "today" else 1, "day")
        return (day, day) if day else None
    digits = re.sub("[-.]", "", written)
    year, month = digits[:4], digits[4:6]
    if len(digits) == _DAY_DIGITS:
        day = json.as_date(digits)
        return (day, day) if day else None
    if not month:
        return f"{year}0101", f"{year}1231"
    if not 1 <= int(month) <= 12:  # noqa: PLR2004 - months of a year
        return None
    return f"{year}{month}01", f"{year}{month}{calendar.monthrange(int(year), int(month))[1]}"


def _days_back(today: dt.date, count: int, unit: str) -> str | None:
    """The day so long before `today`; the last day of a shorter month stands for the days that it lacks."""
    try:
        if unit in {"day", "week"}:
            day = today - dt.timedelta(days=count * (7 if unit == "week" else 1))
        else:
            months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
            year, month = divmod(months, 12)
            day = dt.date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        return None
    return f"{day.year:04}{day:%m%d}"


def _clock(written: str) -> _Ends | None:
    begin = json.as_time(written)
    if not begin:
        return None
    digits = written.replace(":", "")
    rest = {2: "5959.999999", 4: "59.999999", 6: ".999999"}.get(len(digits))
    return begin, (digits + rest if rest else begin)


def _instant(written: str) -> _Ends | None:
    day, clock = json.as_date(written[:_DAY_DIGITS]), written[_DAY_DIGITS:]
    ends = _clock(clock) if clock else ("000000.000000", "235959.999999")
    return (day + ends[0], day + ends[1]) if day and ends else None
