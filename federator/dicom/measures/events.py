"""Irradiation events as tables: one row an event, first what a physicist reads (PS3.16 TID 10003, 10013, 10042).

Every number of every event stands in some cell. What all events share is said once; what all cells of a column share
stands in its heading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from federator.dicom.measures.row import Detail, Group, Measurement

_MAX_COLUMNS = 16
_UID = "Event UID"
_FACTS_FIRST: tuple[str, ...] = (
    *("DateTime Started", "Irradiation Event Type", "CT Acquisition Type", "Acquisition Protocol"),
    *("Target Region", "Acquisition Plane", "Laterality", "Image View"),
)
_NUMBERS_FIRST: tuple[str, ...] = (
    *("113830", "113838"),  # CTDIvol, DLP
    *("122130", "113738"),  # dose area product, dose at the reference point
    *("111631", "111636"),  # glandular dose, entrance exposure
    *("113825", "113733", "113734", "113735", "113824", "113736", "113828", "113768", "113791"),  # how
    *("111633", "111647", "111634"),  # compression, half value layer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event's cells; `numbers` says how many numbers of the report stand in them."""

    cells: tuple[str, ...]
    numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """Some of what is told of every event: the first column counts the events, from 1."""

    columns: tuple[str, ...]
    rows: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What all events share, and tables of what they do not."""

    shared: tuple[Detail, ...]
    tables: tuple[EventTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    heading: str
    cells: tuple[str, ...]
    numbers: tuple[int, ...]


def events_of(rows: Sequence[Measurement]) -> Events:
    """The events among the rows of a report, in the order of the document."""
    events = [tuple(members) for _, members in groupby(rows, key=lambda row: row.group.path)]
    if not events:
        return Events(shared=(), tables=())
    facts = [dict(_facts(event[0].group)) for event in events]
    names = list(dict.fromkeys(name for told in facts for name in told))
    names.sort(key=lambda name: _FACTS_FIRST.index(name) if name in _FACTS_FIRST else len(_FACTS_FIRST))
    shared, columns = _divided(names, facts)
    numbers = _number_columns(events)
    uid = [column for column in columns if column.heading == _UID]
    ordered = [*(column for column in columns if column.heading != _UID), *numbers, *uid]
    tables = [_table(ordered[at : at + _MAX_COLUMNS]) for at in range(0, len(ordered), _MAX_COLUMNS)]
    return Events(shared=shared, tables=tuple(tables))


def _facts(group: Group) -> list[Detail]:
    told = [*group.details, ("Target Region", group.site), ("Laterality", group.laterality), (_UID, group.tracking_uid)]
    found: dict[str, str] = {}
    for name, value in told:
        found[name] = f"{found[name]}; {value}" if found.get(name) else value
    return [(name, value) for name, value in found.items() if value]


def _divided(names: Sequence[str], facts: Sequence[dict[str, str]]) -> tuple[tuple[Detail, ...], list[_Column]]:
    """What all events say alike, and columns of the rest; UIDs share their beginning."""
    shared: list[Detail] = []
    columns: list[_Column] = []
    for name in names:
        values = [told.get(name, "") for told in facts]
        if len(set(values)) == 1:
            shared.append((name, values[0]))
            continue
        beginning = _beginning(values) if name == _UID else ""
        shared += [(f"{name} begins with", beginning)] if beginning else []
        cells = tuple(value.removeprefix(beginning) for value in values)
        columns.append(_Column(heading=name, cells=cells, numbers=(0,) * len(cells)))
    return tuple(shared), columns


def _beginning(uids: Sequence[str]) -> str:
    first, last = min(uids), max(uids)
    alike = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return first[: first.rfind(".", 0, alike) + 1]


def _number_columns(events: Sequence[Sequence[Measurement]]) -> list[_Column]:
    """One column for each kind of number, those that are read most first."""
    kinds: dict[tuple[str, ...], dict[int, list[Measurement]]] = {}
    for at, event in enumerate(events):
        for row in event:
            kinds.setdefault(_kind(row), {}).setdefault(at, []).append(row)
    ranks = {code: rank for rank, code in enumerate(_NUMBERS_FIRST)}
    ordered = sorted(kinds.items(), key=lambda kind: ranks.get(kind[0][0], len(ranks)))
    named = [kind[1:4:2] for kind, _ in ordered]
    return [_column(kind, held, len(events), is_twice=named.count(kind[1:4:2]) > 1) for kind, held in ordered]


def _kind(row: Measurement) -> tuple[str, ...]:
    return (row.name.value, row.name.meaning or str(row.name), row.section, row.unit)


def _column(kind: tuple[str, ...], held: dict[int, list[Measurement]], count: int, *, is_twice: bool) -> _Column:
    extras = {at: [_extras(row) for row in rows] for at, rows in held.items()}
    distinct = {said for told in extras.values() for said in told}
    common = distinct.pop() if len(distinct) == 1 else ""
    _, name, section, unit = kind
    heading = [name, unit or "no unit given", section if is_twice else "", common]
    cells = []
    for at in range(count):
        told = zip(held.get(at, ()), extras.get(at, ()), strict=True)
        cells.append("; ".join(_cell(row, "" if common else said) for row, said in told))
    return _Column(
        heading=", ".join(part for part in heading if part),
        cells=tuple(cells),
        numbers=tuple(len(held.get(at, ())) for at in range(count)),
    )


def _cell(row: Measurement, extras: str) -> str:
    value = row.value or f"no value: {row.qualifier or 'not told'}"
    return f"{value} ({extras})" if extras else value


def _extras(row: Measurement) -> str:
    """What is told of a number beyond its event."""
    group = row.group
    told = [
        row.qualifier if row.value else "",
        row.finding if row.finding != group.finding else "",
        row.site if row.site != group.site else "",
        row.laterality if row.laterality != group.laterality else "",
        row.method if row.method != group.method else "",
        row.derivation,
        *(f"{name}: {value}" for name, value in row.modifiers),
    ]
    return "; ".join(part for part in told if part)


def _table(columns: Sequence[_Column]) -> EventTable:
    rows = [
        EventRow(
            cells=(str(at + 1), *(column.cells[at] for column in columns)),
            numbers=sum(column.numbers[at] for column in columns),
        )
        for at in range(len(columns[0].cells))
    ]
    return EventTable(columns=("event", *(column.heading for column in columns)), rows=tuple(rows))
