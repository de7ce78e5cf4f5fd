"""What get-structured-report-measurements does: the numbers of a report as a table, in text and as structure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom.measures.events import Events, events_of
from federator.dicom.measures.row import Detail, Group, Measurement, Role, Source
from federator.dicom.measures.table import measurements
from federator.dicom.report.summary import ReportSummary, summarize
from federator.dicom.uid import TaggedUID
from federator.model import DicomJson
from federator.server.answers.places import Places
from federator.server.answers.report_text import read_report
from federator.server.shared import App
from federator.server.wording.numbers import count_line, table_lines, title_lines
from federator.server.wording.report_models import EventsTable, MeasurementsRead, Number, NumberGroup
from federator.server.wording.results import MAX_CHARACTERS, both
from federator.server.wording.wording import fenced_lines, one_line, served_by

_ROOM = MAX_CHARACTERS - 4_000
_LONGEST_CELL = 400
_SWELLS = 4
"""A number takes up to three and a half times the memory of the JSON that tells it."""

_LEGEND = (
    "Groups: heading | subject | finding | site, side | tracking | method | facts | image. Below each, its numbers: "
    "measurement: value unit | what differs from the group | derivation | section | facts | image."
)
_EVENTS_LEGEND = "Events: sums first; then what all events share, and a table with one line an event."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The numbers of a report: first what stands outside of its irradiation events, then these."""

    summary: ReportSummary
    pieces: tuple["_Piece", ...]
    places: Places
    events: Events
    count: int
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """The least that an answer can end behind: one number of a group, or one event's line of a table."""

    number: Number | None = None
    group: Group | None = None
    table: int = 0
    cells: tuple[str, ...] = ()
    numbers: int = 1

    @property
    def said(self) -> str:
        """Its values, by which a report that has changed is told from what it was."""
        return " ".join(self.cells) if self.number is None else f"{self.number.path} {self.number.value}"

    @property
    def size(self) -> int:
        """How many characters it takes as structure, which is longer than as text."""
        if self.number is None:
            return sum(len(said) + 4 for said in self.cells) + 4
        return _size(self.number)


async def measurements_of(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID, *, cursor: str
) -> CallToolResult:
    """The numbers behind the place that `cursor` names, as many as fit into one answer."""
    app = ctx.request_context.lifespan_context
    served = await read_report(
        app, study, series, instance, make=partial(_read, instance.uid), kind=_Read, swells=_SWELLS
    )
    read = served.value
    summary, pieces, places = read.summary, read.pieces, read.places
    start = places.start(cursor)
    shown = pieces[start : start + _fitting(pieces[start:], read.events)]
    more = sum(piece.numbers for piece in pieces[start + len(shown) :])
    answer = MeasurementsRead(
        complete=not more and not read.notices,
        served_by=served.archive,
        kind=one_line(summary.kind),
        title=one_line(summary.title),
        date=one_line(summary.date),
        warnings=list(summary.warnings),
        groups=_groups(shown),
        shared_by_events=_facts(read.events.shared),
        events=_tables(shown, read.events),
        notes=list(read.notices),
        known_more=more,
        next_cursor=places.cursor(start + len(shown)) if more else "",
    )
    counts = sum(piece.numbers for piece in shown)
    lines = [*summary.warnings, served_by(served.archive, served.earlier), count_line(answer, read.count, counts)]
    lines += [_LEGEND] if answer.groups else []
    lines += [_EVENTS_LEGEND] if answer.events else []
    lines += fenced_lines([*title_lines(answer), *table_lines(answer)], answer.kind)
    lines += [f"Note: {note}" for note in read.notices]
    if more:
        lines.append(f"More: call get-structured-report-measurements again with cursor={answer.next_cursor}")
    return both(answer, lines)


def _read(sop_instance_uid: str, dataset: DicomJson) -> _Read:
    found = measurements(dataset)
    outside = [row for row in found.rows if row.group.role is not Role.EVENT]
    # A stable sort: sums before everything else, and each in the order of the document.
    outside.sort(key=lambda row: row.group.role is not Role.TOTAL)
    events = events_of([row for row in found.rows if row.group.role is Role.EVENT])
    pieces = tuple(_pieces(outside, events))
    return _Read(
        summary=summarize(dataset),
        pieces=pieces,
        places=Places.of(sop_instance_uid, *(piece.said for piece in pieces), count=len(pieces)),
        events=events,
        count=len(found.rows),
        notices=found.notices,
    )


def _pieces(outside: Sequence[Measurement], events: Events) -> Iterator[_Piece]:
    """Everything to be shown, in its order: what stands outside of the events, then one table after the other."""
    for row in outside:
        yield _Piece(number=_number(row), group=row.group)
    for at, table in enumerate(events.tables):
        for event in table.rows:
            yield _Piece(table=at, cells=event.cells, numbers=event.numbers)


def _fitting(pieces: Sequence[_Piece], events: Events) -> int:
    """How many of the pieces fit into one answer; at least one."""
    used = sum(len(name) + len(value) + 8 for name, value in events.shared)
    before: _Piece | None = None
    for at, piece in enumerate(pieces):
        used += piece.size
        if piece.group and (before is None or before.group is not piece.group):
            used += _size(_group(piece.group))
        if piece.number is None and (before is None or before.number is not None or before.table != piece.table):
            used += sum(len(column) + 4 for column in events.tables[piece.table].columns)
        if used > _ROOM and at:
            return at
        before = piece
    return len(pieces)


def _groups(pieces: Sequence[_Piece]) -> list[NumberGroup]:
    groups: list[NumberGroup] = []
    last: Group | None = None
    for piece in pieces:
        if piece.group is None or piece.number is None:
            continue
        if piece.group is not last:
            groups.append(_group(piece.group))
            last = piece.group
        groups[-1].measurements.append(piece.number)
    return groups


def _tables(pieces: Sequence[_Piece], events: Events) -> list[EventsTable]:
    tables: dict[int, EventsTable] = {}
    for piece in pieces:
        if piece.number is None:
            if piece.table not in tables:
                names = [one_line(name) for name in events.tables[piece.table].columns]
                tables[piece.table] = EventsTable(columns=names, rows=[])
            tables[piece.table].rows.append([one_line(said, max_characters=_LONGEST_CELL) for said in piece.cells])
    return list(tables.values())


def _size(part: Number | NumberGroup) -> int:
    return len(part.model_dump_json(by_alias=True, exclude_defaults=True)) + 2


def _group(group: Group) -> NumberGroup:
    return NumberGroup(
        heading=one_line(group.heading),
        path=group.path,
        subject=one_line(group.subject),
        finding=one_line(group.finding),
        site=one_line(group.site),
        laterality=one_line(group.laterality),
        tracking_identifier=one_line(group.tracking_identifier),
        tracking_uid=one_line(group.tracking_uid),
        method=one_line(group.method),
        facts=_facts(group.details),
        source_images=_images(group.sources),
        measurements=[],
    )


def _number(row: Measurement) -> Number:
    """A number; what it shares with its group is not said twice."""
    group = row.group
    return Number(
        name=one_line(row.name.meaning or str(row.name)),
        code=one_line(f"{row.name.value} {row.name.scheme}".strip()),
        value=one_line(row.value),
        unit=one_line(row.unit),
        unit_meaning=one_line(row.unit_meaning) if row.unit_meaning != row.unit else "",
        unit_scheme=one_line(row.unit_scheme) if row.unit_scheme != "UCUM" else "",
        qualifier=one_line(row.qualifier),
        subject=one_line(row.subject) if row.subject != group.subject else "",
        finding=one_line(row.finding) if row.finding != group.finding else "",
        site=one_line(row.site) if row.site != group.site else "",
        laterality=one_line(row.laterality) if row.laterality != group.laterality else "",
        method=one_line(row.method) if row.method != group.method else "",
        derivation=one_line(row.derivation),
        section=one_line(row.section),
        facts=_facts(row.modifiers),
        source_images=_images(row.sources) if row.sources != group.sources else [],
        path=row.path,
    )


def _facts(details: Sequence[Detail]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for name, value in details:
        key = one_line(name)
        facts[key] = f"{facts[key]}; {one_line(value)}" if key in facts else one_line(value)
    return facts


def _images(sources: Sequence[Source]) -> list[str]:
    return [one_line(source.sop_instance_uid) + _frames(source.frames) for source in sources]


def _frames(frames: Sequence[int]) -> str:
    return f" frame {','.join(map(str, frames))}" if frames else ""
