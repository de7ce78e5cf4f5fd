"""QIDO-RS over the index of a folder: full PS3.4 matching at every level, newest first (PS3.18 §10.6)."""

import json as text_json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from federator.archive.folder.files.header import indexed_tags
from federator.archive.folder.index.database import Remade
from federator.archive.folder.index.index import FolderIndex
from federator.archive.folder.objects import header_row
from federator.archive.folder.query import MAX_ROWS, FolderQuery
from federator.dicom import json
from federator.dicom.letters import plain_name
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.matching import Verdict, judge
from federator.model import Level

_MANY = 500
_NUMBERS = frozenset({"IS", "DS", "US", "UL", "SS", "SL", "FL", "FD"})
_STUDY_DATE = "00080020"
_RETRIEVE_URL = "00081190"
_ALWAYS: dict[str, dict[str, Any]] = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080056": {"vr": "CS", "Value": ["ONLINE"]},
}
# PS3.18 Tables 10.6.3-3, -4 and -5, with the descriptions that everybody asks for.
_STUDY_TAGS = frozenset(
    [
        "00080020",
        "00080030",
        "00080050",
        "00080061",
        "00080062",
        "00080090",
        "00080201",
        "00081030",
        "00100010",
        "00100020",
        "00100021",
        "00100030",
        "00100040",
        "0020000D",
        "00200010",
        "00201206",
        "00201208",
    ]
)
_SERIES_TAGS = frozenset(
    [
        "00080021",
        "00080031",
        "00080060",
        "00080201",
        "0008103E",
        "00180015",
        "0020000D",
        "0020000E",
        "00200011",
        "00201209",
        "00400244",
        "00400245",
        "00400275",
    ]
)
_INSTANCE_TAGS = frozenset(
    [
        "00080016",
        "00080018",
        "00080201",
        "0020000D",
        "0020000E",
        "00200013",
        "00280008",
        "00280010",
        "00280011",
        "00280100",
        "00083002",
    ]
)
_DEFAULT_ORDER = {
    Level.STUDY: (("00080020", True), ("00080030", True), ("0020000D", False)),
    Level.SERIES: (
        ("00080020", True),
        ("00080030", True),
        ("0020000D", False),
        ("00200011", False),
        ("0020000E", False),
    ),
    Level.INSTANCE: (
        ("00080020", True),
        ("00080030", True),
        ("0020000D", False),
        ("00200011", False),
        ("0020000E", False),
        ("00200013", False),
        ("00080018", False),
    ),
}

# The rows that make up a row of each level, and where they are.
_SOURCES = {
    Level.STUDY: ("x'', studies.row, '', '', ''", "studies"),
    Level.SERIES: ("x'', studies.row, series.row, '', ''", "series JOIN studies USING (study)"),
    Level.INSTANCE: (
        "files.path, studies.row, series.row, uppers.content, files.row",
        "files JOIN series USING (study, series) JOIN studies USING (study) JOIN uppers ON files.upper = uppers.id",
    ),
}

JsonRow = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A row that may match, and at the instance level the file that it stands for."""

    row: JsonRow
    path: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The rows of one page, and how many matching ones were left out because an answer holds no more."""

    rows: list[JsonRow]
    left_out: int


def search(index: FolderIndex, query: FolderQuery, base: str) -> Found:
    """The matching rows, newest first or as asked. Blocks. `base` is the address that Retrieve URLs begin with."""
    matching = _sorted([found for found in _candidates(index, query) if _matches(index, found, query)], query)
    end = query.offset + query.limit
    page = matching[query.offset : end]
    left_out = max(0, len(matching) - end) if query.limit == MAX_ROWS else 0
    return Found(rows=[_shown(index, found, query, base) for found in page], left_out=left_out)


def _candidates(index: FolderIndex, query: FolderQuery) -> Iterator[Candidate]:
    """The rows that the database can tell apart cheaply: by UIDs and by the date of the study."""
    parse = lru_cache(maxsize=1024)(_row)
    conditions, values = _conditions(query)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    columns, tables = _SOURCES[query.level]
    # Only names of columns and question marks are joined here; values go in by themselves.
    found = index.rows(f"SELECT {columns} FROM {tables}{where}", values)  # noqa: S608
    for path, study, series, shared, instance in found:
        try:
            row = {**parse(study), **(parse(series) if series else {})}
            if instance:
                row = {**row, **parse(shared), **_row(instance)}
        except ValueError as error:
            index.database.distrust()
            raise Remade from error
        yield Candidate(row=row, path=path)


def _row(content: str) -> JsonRow:
    """A row as the index holds it; a ValueError where that is none, so that more than the row is to be doubted."""
    row = text_json.loads(content)
    if not isinstance(row, dict) or not all(isinstance(element, dict) for element in row.values()):
        raise ValueError("no row")
    return row


def _conditions(query: FolderQuery) -> tuple[list[str], list[str]]:
    table = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "files"}[query.level]
    conditions, values = (["files.used"] if query.level is Level.INSTANCE else []), []
    for uid, column in ((query.study, "study"), (query.series, "series")):
        if uid:
            conditions.append(f"{table}.{column} = ?")
            values.append(uid)
    for filter_ in query.filters:
        column = {"0020000D": "study", "0020000E": "series", "00080018": "instance"}.get(filter_.tag, "")
        if column and len(filter_.values) <= _MANY:
            conditions.append(f"{table}.{column} IN ({','.join('?' * len(filter_.values))})")
            values += filter_.values
        elif filter_.tag == _STUDY_DATE:
            first, last = filter_.date_range
            conditions.append("studies.date BETWEEN ? AND ?")
            values += [first or "0", last or "9"]
    return conditions, values


def _matches(index: FolderIndex, found: Candidate, query: FolderQuery) -> bool:
    known = indexed_tags()
    for filter_ in sorted(query.filters, key=lambda asked: asked.tag not in known):
        if filter_.tag not in known and filter_.tag not in found.row and found.path:
            found.row = {**header_row(index.place(found.path), [asked.tag for asked in query.filters]), **found.row}
        if not _agrees(found.row, filter_, fuzzy=query.fuzzy):
            return False
    return True


def _agrees(row: JsonRow, filter_: Filter, *, fuzzy: bool) -> bool:
    if judge(row, filter_) is Verdict.MATCH:
        return True
    if not fuzzy or filter_.kind is not FilterKind.NAME:
        return False
    held = [_words(group) for name in json.names(row, filter_.tag) for group in name.groups]
    return any(_begin_alike(words, _words(asked)) for words in held for asked in filter_.values)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s^=,*?]+", plain_name(text)) if word]


def _begin_alike(held: list[str], asked: list[str]) -> bool:
    """Whether every word asked for is the beginning of a word of the name: what fuzzy matching means here."""
    return bool(asked) and all(any(word.startswith(part) for word in held) for part in asked)


def _sorted(found: list[Candidate], query: FolderQuery) -> list[Candidate]:
    """The rows by the order asked for and, where that leaves it open, by the default; rows without a value last."""
    for tag, downwards in reversed((*query.order, *_DEFAULT_ORDER[query.level])):
        keyed = [(_sort_key(candidate.row, tag), candidate) for candidate in found]
        with_value = [pair for pair in keyed if pair[0] is not None]
        with_value.sort(key=lambda pair: pair[0] or (0.0, ""), reverse=downwards)
        found = [candidate for _, candidate in with_value] + [candidate for key, candidate in keyed if key is None]
    return found


def _sort_key(row: JsonRow, tag: str) -> tuple[float, str] | None:
    vr = json.vr_of(tag)
    if vr in _NUMBERS:
        value = json.number(row, tag)
        return None if value is None else (value, "")
    text = {"DA": json.date, "TM": json.time}.get(vr, json.text)(row, tag)
    return (0.0, text.casefold()) if text else None


def _shown(index: FolderIndex, found: Candidate, query: FolderQuery, base: str) -> JsonRow:
    row = found.row
    if found.path and (query.shows_all or not query.shown <= indexed_tags()):
        row = {**header_row(index.place(found.path), () if query.shows_all else query.shown), **row}
    tags = _INSTANCE_TAGS if query.level is Level.INSTANCE else frozenset()
    if query.level is not Level.STUDY and not query.series:
        tags |= _SERIES_TAGS
    if not query.study:
        tags |= _STUDY_TAGS
    if query.level is Level.SERIES:
        tags |= _SERIES_TAGS
    shown = row if query.shows_all else {tag: row[tag] for tag in sorted(tags | query.shown) if tag in row}
    path = f"{base}/studies/{json.uid(row, Level.STUDY.uid_tag)}"
    if query.level is not Level.STUDY:
        path += f"/series/{json.uid(row, Level.SERIES.uid_tag)}"
    if query.level is Level.INSTANCE:
        path += f"/instances/{json.uid(row, Level.INSTANCE.uid_tag)}"
    return dict(sorted({**shown, **_ALWAYS, _RETRIEVE_URL: {"vr": "UR", "Value": [path]}}.items()))
