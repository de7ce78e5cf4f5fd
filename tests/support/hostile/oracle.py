"""What the answer has to be: everything that matches, sorted, each UID once (contract.md sections 2 and 3).

Written without a look at federator's own matching and merging, and as slow and plain as possible.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from tests.support.hostile.records import (
    ATTRIBUTES,
    INSTANCE_NUMBER,
    PERFORMED_DATE,
    PERFORMED_TIME,
    SERIES_DATE,
    SERIES_NUMBER,
    SERIES_TIME,
    STUDY_DATE,
    STUDY_TIME,
    UID_OF,
    Record,
    first,
)

Wanted = Mapping[str, Sequence[str]]
"""Tag to the values of which one has to match; a date value may be a range A-B, A- or -B."""


def union(archives: Iterable[Iterable[Record]], wanted: Wanted, level: str = "study") -> list[str]:
    """The UIDs of all records that match in any archive, in the order of the contract.

    Where copies differ in what they are sorted by, the one that comes first counts.
    """
    matching = [record for records in archives for record in records if fits(record, wanted)]
    return list(dict.fromkeys(first(record, UID_OF[level]) for record in in_order(matching, level)))


def in_order(records: Iterable[Record], level: str = "study") -> list[Record]:
    """The records of one level as the contract sorts them: stable sorts, the least important key first."""
    rows = sorted(records, key=lambda row: first(row, UID_OF[level]))
    if level == "instance":
        return _numbered(rows, INSTANCE_NUMBER)
    if level == "series":
        rows = _numbered(rows, SERIES_NUMBER)
        dated = {id(row): _series_moment(row) for row in rows}
        rows.sort(key=lambda row: dated[id(row)][1], reverse=True)
        rows.sort(key=lambda row: dated[id(row)][0], reverse=True)
        return rows
    # A time says something of its day only, so without a date it says nothing.
    rows.sort(key=lambda row: _time(first(row, STUDY_TIME)) if first(row, STUDY_DATE) else "", reverse=True)
    rows.sort(key=lambda row: first(row, STUDY_DATE), reverse=True)
    return rows


def fits(record: Record, wanted: Wanted) -> bool:
    """Whether a record matches every attribute asked for; case counts nowhere (contract.md section 2)."""
    return all(any(_fits(record, tag, value) for value in values) for tag, values in wanted.items())


def _series_moment(row: Record) -> tuple[str, str]:
    if first(row, SERIES_DATE):
        return first(row, SERIES_DATE), _time(first(row, SERIES_TIME))
    return first(row, PERFORMED_DATE), _time(first(row, PERFORMED_TIME))


def _numbered(rows: list[Record], tag: str) -> list[Record]:
    numbered = sorted((row for row in rows if row.get(tag)), key=lambda row: int(first(row, tag)))
    return numbered + [row for row in rows if not row.get(tag)]


def _time(text: str) -> str:
    """A time that sorts: 0930 is 093000; none sorts below every other."""
    whole, _, fraction = text.partition(".")
    return f"{whole.ljust(6, '0')}.{fraction.ljust(6, '0')}" if text else ""


def _fits(record: Record, tag: str, wanted: str) -> bool:
    vr = ATTRIBUTES[tag][1]
    values = record.get(tag, ())
    if vr == "DA":
        return any(_in_range(str(value), wanted) for value in values)
    if vr == "TM":
        return any(_in_time(str(value), wanted) for value in values)
    if vr == "PN":
        texts = [text for groups in values for text in (*groups, "=".join(groups).rstrip("=")) if text]
        return any(_like(plain(text), plain(wanted)) for text in texts)
    if vr in {"UI", "IS"}:
        return wanted in {str(value) for value in values}
    return any(_like(str(value).strip().casefold(), wanted.casefold()) for value in values)


def _in_range(value: str, wanted: str) -> bool:
    low, dash, high = wanted.partition("-")
    if not dash:
        return value == low
    return (not low or value >= low) and (not high or value <= high)


def _in_time(value: str, wanted: str) -> bool:
    low, dash, high = wanted.partition("-")
    if not dash:
        return value.startswith(low)
    return (not low or value >= low) and (not high or value[: len(high)] <= high)


def plain(text: str) -> str:
    """Without case and diacritics."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def _like(text: str, pattern: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None
