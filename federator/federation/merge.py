"""The rows of several archives as one list: deduplicated by UID, ordered, conflicts kept side by side. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import anyio.to_thread

from federator.archive.collector import collector_at_rest
from federator.dicom import json
from federator.federation.order import Rank, rank
from federator.model import DicomJson, Entry, Level, Row

_MANY = 500
_INSTANCES = {Level.STUDY: "00201208", Level.SERIES: "00201209"}
# What two copies of the same object should agree on. Counts differ rightly, and modalities are united.
_AGREED = {
    Level.STUDY: (
        "00080020", "00080030", "00080050", "00080090", "00081030", "00100010", "00100020", "00100030", "00100040",
        "00200010",
    ),
    Level.SERIES: ("00080021", "00080031", "00080060", "0008103E", "00180015", "00200011"),
    Level.INSTANCE: ("00080016", "00200013", "00280010", "00280011", "00280008"),
}  # fmt: skip


def merge(level: Level, rows: Iterable[Row], archives: Sequence[str]) -> list[Entry]:
    """One entry per UID, in the order of the level; `archives` is the order of the configuration.

    An entry stands where its earliest copy stands, so that it has one place whichever archive answers.
    """
    held: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    tag = level.uid_tag
    with collector_at_rest():
        for row in rows:
            held[json.uid(row.data, tag)][row.archive] = row
        entries = [entry(level, uid, list(copies.values()), archives) for uid, copies in held.items()]
        return sorted(entries, key=place)


async def merged(level: Level, rows: Iterable[Row], archives: Sequence[str], *, count: int) -> list[Entry]:
    """The same; of a `count` of many rows beside the event loop, where an iterator makes them as well."""
    if count <= _MANY:
        return merge(level, rows, archives)
    return await anyio.to_thread.run_sync(merge, level, rows, archives)


def entry(level: Level, uid: str, copies: Sequence[Row], archives: Sequence[str]) -> Entry:
    """The copies of one object; the fullest first, then as configured."""
    if len(copies) == 1:
        return Entry(level=level, uid=uid, rows=(copies[0],), conflicts={})
    tag = _INSTANCES.get(level)
    ordered = sorted(
        copies,
        key=lambda row: (-(json.integer(row.data, tag) or 0) if tag else 0, archives.index(row.archive)),
    )
    return Entry(level=level, uid=uid, rows=tuple(ordered), conflicts=_conflicts(level, ordered))


def place(entry: Entry) -> Rank:
    """Where an entry stands: where its earliest copy stands."""
    if len(entry.rows) == 1:
        return rank(entry.level, entry.rows[0].data)
    return min(rank(entry.level, row.data) for row in entry.rows)


def _conflicts(level: Level, copies: Sequence[Row]) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for tag in _AGREED[level]:
        told = {row.archive: shown for row in copies if (shown := _shown(row.data, tag))}
        if len({_comparable(row.data, tag) for row in copies if row.archive in told}) > 1:
            found[json.keyword_of(tag)] = told
    return found


def _shown(row: DicomJson, tag: str) -> str:
    if json.vr_of(tag) == "PN":
        return "; ".join(str(name) for name in json.names(row, tag))
    return "\\".join(json.texts(row, tag))


def _comparable(row: DicomJson, tag: str) -> str:
    """The value without what makes no difference: padding, separators of dates, delimiters at a name's end."""
    match json.vr_of(tag):
        case "DA":
            return json.date(row, tag) or json.text(row, tag)
        case "TM":
            return json.time(row, tag) or json.text(row, tag)
        case "PN":
            return ";".join("=".join(group.rstrip("^ ") for group in name.groups) for name in json.names(row, tag))
        case "IS":
            number = json.integer(row, tag)
            return json.text(row, tag) if number is None else str(number)
        case _:
            return "\\".join(json.texts(row, tag))
