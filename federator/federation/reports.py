"""The reports of one study over all its holders, and which of them are superseded by others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.reports import Gathering, Wanted, gather_reports
from federator.dicom import json
from federator.dicom.report.summary import ReportSummary, summarize
from federator.dicom.uid import TaggedUID
from federator.errors import NotFound
from federator.federation.fanout import OnOutcome, Reply, fan_out
from federator.federation.joined import joined
from federator.federation.lists import not_found
from federator.federation.merge import merged
from federator.model import Entry, Level, Outcome, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReport:
    """One report over all its holders.

    `superseded_by` are the reports of the study that name it as replaced, `replaces` the documents that it names;
    those that were not found here have no archives.
    """

    entry: Entry
    series_instance_uid: str
    summary: ReportSummary
    superseded_by: tuple[TaggedUID, ...]
    replaces: tuple[TaggedUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReports:
    """All reports of a study, newest first, and what became of every archive; `holders` are those of the study.

    `unopened` counts the reports of which only the search row is known, so that they may replace another unnoticed.
    """

    reports: tuple[FoundReport, ...]
    outcomes: tuple[Outcome, ...]
    holders: tuple[str, ...]
    unopened: int = 0


async def find_reports(
    clients: Sequence[ArchiveClient], wanted: Wanted, *, on_outcome: OnOutcome | None = None
) -> FoundReports:
    """Every report of the study in every archive. Raises NotFound where no archive has it, NoArchiveAnswered."""

    async def look(client: ArchiveClient, gathering: Gathering) -> None:
        await gather_reports(client, wanted, gathering)

    replies = await fan_out(clients, look, Gathering, on_outcome=on_outcome)
    outcomes = tuple(reply.outcome for reply in replies)
    holders = tuple(reply.client.name for reply in replies if reply.gathered.seen)
    if not holders:
        raise NotFound(not_found(f"study {wanted.study_instance_uid}", outcomes), outcomes=outcomes)
    names = [client.name for client in clients]

    async def join(replies: Sequence[Reply[Gathering]]) -> list[FoundReport]:
        rows = [Row(archive=reply.client.name, data=row) for reply in replies for row in reply.gathered.rows.values()]
        return _in_order(await merged(Level.INSTANCE, rows, names, count=len(rows)))

    reports, replies = await joined(replies, join, Gathering)
    return FoundReports(
        reports=tuple(reports),
        outcomes=tuple(reply.outcome for reply in replies),
        holders=holders,
        unopened=sum(reply.gathered.unopened for reply in replies),
    )


def _in_order(entries: Iterable[Entry]) -> list[FoundReport]:
    """The reports by date, newest first, undated last; each with those that replace it."""
    told = [(TaggedUID.of(entry.uid, entry.holders), entry, _summary(entry)) for entry in entries]
    tagged = {uid.uid: uid for uid, _, _ in told}
    successors: defaultdict[str, list[TaggedUID]] = defaultdict(list)
    for uid, _, summary in told:
        for predecessor in summary.predecessors:
            successors[predecessor].append(uid)
    reports = [
        FoundReport(
            entry=entry,
            series_instance_uid=next(filter(None, (json.uid(row.data, "0020000E") for row in entry.rows)), ""),
            summary=summary,
            superseded_by=tuple(successors[uid.uid]),
            replaces=tuple(tagged.get(old, TaggedUID(uid=old)) for old in summary.predecessors),
        )
        for uid, entry, summary in told
    ]
    return sorted(reports, key=lambda report: report.summary.date, reverse=True)


def _summary(entry: Entry) -> ReportSummary:
    """The summary by the copy that tells most: an archive that could not open its copy tells less."""
    summaries = [summarize(row.data) for row in entry.rows]
    return max(
        summaries, key=lambda summary: sum(map(bool, (summary.title, summary.verification, summary.predecessors)))
    )
