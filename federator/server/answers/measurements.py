"""What get-structured-report-measurements does: the numbers of a report as a table, in text and as structure."""

from collections.abc import Sequence
from itertools import groupby

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom.measures.row import Detail, Group, Measurement, Source
from federator.dicom.measures.table import measurements
from federator.dicom.report.summary import summarize
from federator.dicom.uid import TaggedUID
from federator.dicom.visible import cell
from federator.errors import RequestError
from federator.server.answers.report_text import retrieve_report
from federator.server.shared import App
from federator.server.wording.report_models import MeasurementsRead, Number, NumberGroup
from federator.server.wording.results import MAX_CHARACTERS, both
from federator.server.wording.wording import columns, counted, fenced_lines, one_line, served_by

_ROOM = MAX_CHARACTERS - 4_000
_LEGEND = (
    "Groups: heading | finding | site, side | tracking | method | facts | image. Below each, its numbers: "
    "measurement: value unit | what differs from the group | derivation | section | facts | image."
)


async def measurements_of(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID, *, cursor: str
) -> CallToolResult:
    """The numbers behind the place that `cursor` names, as many as fit into one answer."""
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    served = await retrieve_report(federation, study, series, instance)
    app.note(served.earlier)
    read = await app.in_calm_worker(measurements, served.value)
    summary = summarize(served.value)
    left = _behind(read.rows, cursor)
    groups, shown = _fitting(left)
    more = len(left) - shown
    answer = MeasurementsRead(
        complete=not more and not read.notices,
        served_by=served.archive,
        kind=one_line(summary.kind),
        title=one_line(summary.title),
        date=one_line(summary.date),
        warnings=list(summary.warnings),
        groups=groups,
        notes=list(read.notices),
        known_more=more,
        next_cursor=left[shown - 1].path if more else "",
    )
    lines = [*summary.warnings, served_by(served.archive, served.earlier), _count_line(answer, len(read.rows), shown)]
    lines += [_LEGEND] if groups else []
    lines += fenced_lines([*_title(answer), *(line for group in groups for line in _group_lines(group))], answer.kind)
    lines += [f"Note: {note}" for note in read.notices]
    if more:
        lines.append(f"More: call get-structured-report-measurements again with cursor={answer.next_cursor}")
    return both(answer, lines)


def _behind(rows: Sequence[Measurement], cursor: str) -> Sequence[Measurement]:
    if not cursor:
        return rows
    places = [row.path for row in rows]
    if cursor not in places:
        raise RequestError("cursor: this report has no such place. Call the tool without cursor to start again.")
    return rows[places.index(cursor) + 1 :]


def _fitting(rows: Sequence[Measurement]) -> tuple[list[NumberGroup], int]:
    """The groups with as many numbers as fit, and how many these are; at least one."""
    groups: list[NumberGroup] = []
    used = shown = 0
    for _, members in groupby(rows, key=lambda row: row.group.path):
        for at, row in enumerate(members):
            number = _number(row)
            group = _group(row.group) if at == 0 else None
            used += _size(number) + (_size(group) if group else 0)
            if used > _ROOM and shown:
                return groups, shown
            if group:
                groups.append(group)
            groups[-1].measurements.append(number)
            shown += 1
    return groups, shown


def _size(part: Number | NumberGroup) -> int:
    return len(part.model_dump_json(by_alias=True, exclude_defaults=True)) + 2


def _group(group: Group) -> NumberGroup:
    return NumberGroup(
        heading=one_line(group.heading),
        path=group.path,
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


def _count_line(answer: MeasurementsRead, total: int, shown: int) -> str:
    if not total:
        return f"{answer.kind}: no numbers in this report. get-structured-report-text shows what it says."
    of = f" of {total:,}" if shown != total else ""
    numbers = f"{shown:,}{of} {'number' if total == 1 else 'numbers'}"
    return f"{answer.kind}: {numbers} in {counted(len(answer.groups), 'group')}."


def _title(answer: MeasurementsRead) -> list[str]:
    return [cell(", ".join(part for part in (answer.title, answer.date) if part))]


def _group_lines(group: NumberGroup) -> list[str]:
    head = [
        group.heading,
        group.finding,
        ", ".join(part for part in (group.site, group.laterality) if part),
        f"tracking: {' '.join(part for part in (group.tracking_identifier, group.tracking_uid) if part)}"
        if group.tracking_identifier or group.tracking_uid
        else "",
        f"method: {group.method}" if group.method else "",
        *(f"{name}: {value}" for name, value in group.facts.items()),
        *(f"on {image}" for image in group.source_images),
    ]
    return [columns(*head), *(f"  {_number_line(number)}" for number in group.measurements)]


def _number_line(number: Number) -> str:
    missing = f"no value: {number.qualifier or 'not told'}"
    value = f"{number.value} {_unit(number)}".strip() if number.value else missing
    return columns(
        f"{number.name}: {value}",
        number.qualifier if number.value else "",
        number.finding,
        ", ".join(part for part in (number.site, number.laterality) if part),
        f"method: {number.method}" if number.method else "",
        number.derivation,
        number.section,
        *(f"{name}: {value}" for name, value in number.facts.items()),
        *(f"on {image}" for image in number.source_images),
    )


def _unit(number: Number) -> str:
    """The unit's code; with its meaning where the code is cryptic or not of UCUM."""
    if not number.unit_meaning or not (number.unit_scheme or set(number.unit) & set("[]{}'1")):
        return number.unit
    of = f", {number.unit_scheme}" if number.unit_scheme else ""
    return f"({number.unit_meaning})" if number.unit == "1" else f"{number.unit} ({number.unit_meaning}{of})"
