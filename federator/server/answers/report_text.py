"""What the tool that reads structured reports does: the object from whichever archive serves it, and its text."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.retrieve import (
    Attributes,
    attributes_of_file,
    retrieve_attributes,
    retrieve_instance,
)
from federator.dicom import json
from federator.dicom.report.as_text import ReportText, report_text
from federator.dicom.report.sop_classes import (
    class_name,
    is_encapsulated_document,
    is_structured_report,
)
from federator.dicom.uid import TaggedUID
from federator.errors import ContentError, FederatorError
from federator.federation.federation import Federation
from federator.federation.retrieval import Served
from federator.federation.target import Target
from federator.model import DicomJson
from federator.server.answers.places import Places
from federator.server.shared import App
from federator.server.wording.results import MAX_CHARACTERS, text_only
from federator.server.wording.wording import fenced, served_by

T = TypeVar("T")

_CONTENT_SEQUENCE = "0040A730"
_REPORT_MODALITIES = frozenset({"SR"})
_SUPERSEDED_WITHIN_S = 3.0
_MAX_OPENED = 20
_AGAIN = "call get-structured-report-text again with the same UIDs and cursor="
_ROOM = MAX_CHARACTERS - 2_000
"""Characters for archive text; the rest is for our own sentences around it."""


async def structured_report(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID, *, cursor: str
) -> CallToolResult:
    """A structured report as text, with what speaks against taking it for the last word on top; long ones in parts."""
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    later: list[str] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_look_for_successors, federation, study, instance, later)
        served = await read_report(app, study, series, instance, make=report_text, kind=ReportText)
    read = served.value
    places = Places.of(instance.uid, read.text, count=len(read.lines))
    start = places.start(cursor)
    end = start + _fitting(read.lines[start:])
    head = [*later, *read.summary.warnings, served_by(served.archive, served.earlier), *read.notices]
    head += [_part(start, end, len(read.lines))] if end - start < len(read.lines) else []
    shown = fenced("\n".join(read.lines[start:end]), f"{read.summary.kind}, structured report")
    if end == len(read.lines):
        return text_only("\n".join(head), shown)
    return text_only("\n".join(head), shown, f"More: {_AGAIN}{places.cursor(end)}")


def _fitting(lines: Sequence[str]) -> int:
    """How many of the lines fit into one answer, at least one."""
    return max(1, sum(used <= _ROOM for used in accumulate(len(said) + 1 for said in lines)))


def _part(start: int, end: int, count: int) -> str:
    more = f"; {count - end:,} more are known" if end < count else ""
    numbers = "get-structured-report-measurements is shorter where numbers are wanted, a dose report's totals first."
    return f"Lines {start + 1:,} to {end:,} of {count:,}{more}. {numbers}"


async def read_report(
    app: App,
    study: TaggedUID,
    series: TaggedUID,
    instance: TaggedUID,
    *,
    make: Callable[[DicomJson], T],
    kind: type[T],
    swells: int = 1,
) -> Served[T]:
    """What `make` makes of the content of a structured report; of a large one that was read before, what it was then.

    What is made takes at most `swells` times the memory of what the archive sends. A ContentError says what else the
    object is.
    """
    federation = await app.federation()
    target = Target(study=study, series=series, instance=instance)
    served = await federation.retrieve(
        target, partial(_retrieved, uids=(study.uid, series.uid, instance.uid), kind=kind)
    )
    app.note(served.earlier)
    if isinstance(served.value, Attributes):
        reading = await app.in_calm_worker(make, served.value.row)
        served.value.keep(reading, weight=served.value.size * swells)
        return Served(value=reading, archive=served.archive, earlier=served.earlier)
    return Served(value=served.value, archive=served.archive, earlier=served.earlier)


async def _retrieved(client: ArchiveClient, *, uids: tuple[str, str, str], kind: type[T]) -> Attributes | T:
    found = await retrieve_attributes(client, *uids, kind=kind)
    if not isinstance(found, Attributes):
        return found
    sop_class, items = json.uid(found.row, "00080016"), json.items(found.row, _CONTENT_SEQUENCE)
    if not is_structured_report(sop_class) and not items:
        raise ContentError(f"This is no structured report but {kind_of(sop_class)}. {other_tool(sop_class)}")
    if items and not (found.points_elsewhere and await anyio.to_thread.run_sync(_lacks_values, found.row)):
        return found
    # Some archives leave sequences, or values that are long, out of the metadata; the object itself has them.
    content = await retrieve_instance(client, *uids)
    return await attributes_of_file(client, content, kind=kind)


def _lacks_values(row: DicomJson) -> bool:
    """Whether a value of the content tree stands elsewhere: a long text behind an address would be lost in reading.

    Standard: PS3.18 §F.2.2
    """
    pending = list(json.items(row, _CONTENT_SEQUENCE))
    while pending:
        item = pending.pop()
        for tag, element in item.items():
            vr = json.vr_of(tag)
            if vr == "SQ":
                pending += json.items(item, tag)
            elif vr and not vr.startswith("O") and isinstance(element, dict) and element.get("BulkDataURI"):
                return True
    return False


async def _look_for_successors(federation: Federation, study: TaggedUID, instance: TaggedUID, later: list[str]) -> None:
    """Say whether another report of the study replaces this one, as far as that can be told in a few seconds."""
    with anyio.move_on_after(_SUPERSEDED_WITHIN_S) as deadline:
        try:
            found = await federation.find_reports(
                study,
                is_structured_report,
                modalities=_REPORT_MODALITIES,
                max_opened=_MAX_OPENED,
                known=instance.uid,
            )
        except FederatorError:
            later.append("Whether a later report replaces this one could not be checked.")
            return
        replaced_by = next((report.superseded_by for report in found.reports if report.entry.uid == instance.uid), ())
        uids = {uid.uid for uid in replaced_by}
        successors = [report for report in found.reports if report.entry.uid in uids]
        later += [
            "SUPERSEDED: a later report replaces or amends this one: "
            f"{TaggedUID.of(report.entry.uid, report.entry.holders)} in series "
            f"{TaggedUID.of(report.series_instance_uid, report.entry.holders)}. Read that one."
            for report in successors
        ]
        silent = [outcome.archive for outcome in found.outcomes if not outcome.complete]
        if silent and not successors:
            later.append(f"Whether a report in {', '.join(silent)} replaces this one could not be checked.")
        elif found.unopened and not successors:
            later.append(f"Whether one of {found.unopened} further reports replaces this one was not checked.")
    if deadline.cancelled_caught:
        later.append("Whether a later report replaces this one could not be checked in time.")


def kind_of(sop_class_uid: str) -> str:
    """What an object is, in words."""
    return class_name(sop_class_uid) if sop_class_uid else "an object that does not tell its SOP Class"


def other_tool(sop_class_uid: str) -> str:
    """Which tool reads an object of this kind."""
    if is_structured_report(sop_class_uid):
        return "Call get-structured-report-text."
    if is_encapsulated_document(sop_class_uid):
        return "Call get-encapsulated-pdf-report-text."
    return "Call render-instance-frame to see it, or get-instance-metadata for its attributes."
