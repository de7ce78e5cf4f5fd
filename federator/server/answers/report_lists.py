"""What the tools that find reports do: the reports of a study as text and as structure."""

from collections.abc import Callable, Sequence

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom import json
from federator.dicom.report.sop_classes import is_encapsulated_document, is_structured_report
from federator.dicom.uid import TaggedUID
from federator.dicom.visible import cell
from federator.errors import RequestError
from federator.federation import cursor as cursors
from federator.federation.reports import FoundReport, FoundReports
from federator.model import Row
from federator.server.progress import reporter
from federator.server.shared import App
from federator.server.wording import listing
from federator.server.wording.models import Holder
from federator.server.wording.present import outcome_of
from federator.server.wording.report_models import Report, ReportsFound
from federator.server.wording.results import both, fitting
from federator.server.wording.wording import columns, fenced_lines, one_line

_LEGEND = "Lines: date | title | kind | state | holders; then sopInstanceUid and seriesInstanceUid."


async def structured_reports(ctx: Context[App], study: TaggedUID, *, cursor: str) -> CallToolResult:
    """Every SR and KOS of a study."""
    return await _found(
        ctx,
        study,
        is_structured_report,
        cursor=cursor,
        tool="find-structured-reports",
        noun="structured report",
        plural="structured reports",
    )


async def encapsulated_documents(ctx: Context[App], study: TaggedUID, *, cursor: str) -> CallToolResult:
    """Every encapsulated PDF and CDA of a study."""
    return await _found(
        ctx,
        study,
        is_encapsulated_document,
        cursor=cursor,
        tool="find-encapsulated-pdf-reports",
        noun="PDF or clinical document",
        plural="PDFs and clinical documents",
    )


async def _found(
    ctx: Context[App],
    study: TaggedUID,
    is_wanted: Callable[[str], bool],
    *,
    cursor: str,
    tool: str,
    noun: str,
    plural: str,
) -> CallToolResult:
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    found = await federation.find_reports(study, is_wanted, on_outcome=reporter(ctx))
    app.note(found.outcomes)
    # The list is that of these archives together: a place in it is none in the list of others.
    asked = study.archives or tuple(archive.name for archive in federation.archives)
    digest = cursors.digest_of([tool, study.uid])
    left = _behind(found, cursors.decode(cursor, digest, asked)[2] if cursor else "")
    items = [report_of(report) for report in left]
    shown = items[: fitting(items)]
    more = len(items) - len(shown)
    answer = ReportsFound(
        complete=all(outcome.complete for outcome in found.outcomes),
        archives=[outcome_of(outcome) for outcome in found.outcomes],
        notes=[federation.config_note] if federation.config_note else [],
        known_more=more,
        next_cursor=cursors.encode(digest, (0, 0, left[len(shown) - 1].entry.uid), asked) if more else "",
        reports=shown,
    )
    lines = listing.head(answer, found.outcomes, count=len(shown), noun=noun, plural=plural, order="newest first")
    if shown:
        lines += [_LEGEND, *fenced_lines(_lines(shown), plural)]
    return both(answer, [*lines, *listing.tail(answer, found.outcomes, tool=tool)])


def _behind(found: FoundReports, uid: str) -> Sequence[FoundReport]:
    """The reports behind the one that the cursor names."""
    if not uid:
        return found.reports
    places = [report.entry.uid for report in found.reports]
    if uid not in places:
        raise RequestError("cursor: this list has no such place any more. Leave it out to start from the top.")
    return found.reports[places.index(uid) + 1 :]


def report_of(report: FoundReport) -> Report:
    """A report as the model gets it."""
    entry, summary = report.entry, report.summary
    first = entry.rows[0].data
    return Report(
        held_by=[_holder(row) for row in entry.rows],
        conflicts={
            keyword: {archive: one_line(value) for archive, value in said.items()}
            for keyword, said in entry.conflicts.items()
        },
        sop_instance_uid=str(TaggedUID.of(entry.uid, entry.holders)),
        series_instance_uid=str(TaggedUID.of(report.series_instance_uid, entry.holders)),
        kind=one_line(summary.kind),
        title=one_line(summary.title),
        date=one_line(summary.date),
        completion=one_line(summary.completion),
        verification=one_line(summary.verification),
        preliminary=one_line(summary.preliminary),
        superseded_by=[one_line(str(uid)) for uid in report.superseded_by],
        replaces=[one_line(str(uid)) for uid in report.replaces],
        modality=one_line(json.text(first, "00080060")),
        series_description=one_line(json.text(first, "0008103E")),
        instance_number=json.integer(first, "00200013"),
    )


def _holder(row: Row) -> Holder:
    return Holder(archive=row.archive)


def _lines(reports: Sequence[Report]) -> list[str]:
    lines: list[str] = []
    for number, report in enumerate(reports, start=1):
        state = " ".join(part for part in (report.completion, report.verification, report.preliminary) if part)
        holders = ", ".join(holder.archive for holder in report.held_by)
        title = report.title or report.series_description or "untitled"
        lines.append(f"{number}. {columns(report.date or 'undated', title, report.kind, state, holders)}")
        lines.append(f"   {report.sop_instance_uid} in series {report.series_instance_uid}")
        if report.superseded_by:
            lines.append(f"   SUPERSEDED by {', '.join(report.superseded_by)}: read that one")
        if report.replaces:
            lines.append(f"   replaces {', '.join(report.replaces)}")
        lines += [
            "   " + cell(f"differs: {keyword}: " + ", ".join(f"{name} '{value}'" for name, value in said.items()))
            for keyword, said in report.conflicts.items()
        ]
    return lines
