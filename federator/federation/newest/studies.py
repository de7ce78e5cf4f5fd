"""One page of studies over several archives: truly newest first, no study twice, none skipped."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio

from federator.archive.connection.boundary import bounded
from federator.archive.connection.client import ArchiveClient, Meter, RequestKind, current_meter
from federator.archive.search.fetched import EVERYTHING, Wholeness
from federator.archive.search.studies import Search
from federator.archive.search.wire import STUDY_UID
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import Query
from federator.errors import ArchiveError
from federator.federation.fanout import OnOutcome, Reply, fan_out
from federator.federation.joined import joined
from federator.federation.merge import merge, merged, place
from federator.federation.newest.harvest import PROBE_LIMIT, Harvest, Quest
from federator.federation.newest.newest import find_newest
from federator.federation.order import Rank, study_rank
from federator.model import Entry, Level, Outcome, OutcomeState, Row

_LEAST_FOR_COPIES_S = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """Entries of one page with their outcomes.

    `resume_at` is the place behind which the list goes on, None at its end; `known_more` how many were read beyond it.
    """

    entries: tuple[Entry, ...]
    outcomes: tuple[Outcome, ...]
    resume_at: Rank | None
    known_more: int


async def find_page(
    clients: Sequence[ArchiveClient],
    query: Query,
    *,
    count: int,
    below: Rank | None,
    on_outcome: OnOutcome | None = None,
    share: float = 1.0,
) -> StudyPage:
    """The `count` newest studies behind `below`, within a share of the deadline. Raises NoArchiveAnswered."""
    started = anyio.current_time()
    today = dt.datetime.now().astimezone().date()

    async def ask(client: ArchiveClient, harvest: Harvest) -> None:
        search = Search(client, query)
        quest = Quest(search=search, harvest=harvest, count=count, below=below, today=today)
        try:
            await find_newest(quest)
            harvest.ended = not harvest.gaps
        finally:
            if not harvest.ended:
                quest.take_in_hand()
            harvest.remarks = search.remarks()
            harvest.gaps += search.unjudged()

    replies = await fan_out(clients, ask, Harvest, on_outcome=on_outcome, share=share)
    names = [client.name for client in clients]
    entries, replies = await joined(replies, partial(_merged, names=names), Harvest)
    frontier = _frontier(replies)
    ready = [entry for entry in entries if frontier is None or place(entry) <= frontier][:count]
    more = len(entries) > len(ready) or any(_goes_on(reply) for reply in replies)
    # Where all that was found stood on earlier pages already, the list goes on behind it.
    last = place(ready[-1]) if ready else frontier
    known_more = len(entries) - len(ready)
    deadline_s = share * max(client.archive.deadline_s for client in clients)
    left_s = max(_LEAST_FOR_COPIES_S * share, deadline_s - (anyio.current_time() - started))
    replies, copies = await _compare_copies(replies, ready, query, left_s=left_s)
    if copies:
        ready = _with_copies(ready, copies, names, below)
    return StudyPage(
        entries=tuple(ready),
        outcomes=tuple(reply.outcome for reply in replies),
        resume_at=last if more else None,
        known_more=known_more,
    )


async def _merged(replies: Sequence[Reply[Harvest]], names: Sequence[str]) -> list[Entry]:
    emitted = set().union(*(reply.gathered.emitted for reply in replies))
    rows = (
        Row(archive=reply.client.name, data=row)
        for reply in replies
        for uid, row in {**reply.gathered.loose, **reply.gathered.rows}.items()
        if uid not in emitted
    )
    return await merged(Level.STUDY, rows, names, count=sum(reply.gathered.count for reply in replies))


def _frontier(replies: Sequence[Reply[Harvest]]) -> Rank | None:
    """The place down to which no archive can still have anything; None where that is the end of the list.

    An archive that failed has no frontier; its outcome says that the page may lack its studies.
    """
    frontiers = [
        reply.gathered.covered
        for reply in replies
        if reply.gathered.ended and not reply.gathered.exhausted and reply.gathered.covered is not None
    ]
    return min(frontiers, default=None)


def _goes_on(reply: Reply[Harvest]) -> bool:
    """Whether the archive may have more further down; one that failed is asked again only behind what it gave."""
    return not reply.gathered.exhausted and (reply.gathered.ended or bool(reply.gathered.count))


async def _compare_copies(
    replies: Sequence[Reply[Harvest]], ready: Sequence[Entry], query: Query, *, left_s: float
) -> tuple[list[Reply[Harvest]], list[Row]]:
    """Ask for copies of these studies that an archive may hold under another date.

    Without that, a study whose copies disagree about its date would come twice: once on the page of each date.
    """
    found: list[Row] = []
    outcomes: dict[str, Outcome] = {}

    async def one(reply: Reply[Harvest], uids: list[str]) -> None:
        outcome = await _copies(reply, uids, query, found, left_s)
        outcomes[reply.client.name] = outcome

    async with anyio.create_task_group() as tasks:
        for reply in replies:
            uids = [entry.uid for entry in ready if entry.uid not in reply.gathered.rows]
            if uids and len(replies) > 1 and not reply.gathered.whole and _heard(reply):
                tasks.start_soon(one, reply, uids)
    return [replace(reply, outcome=outcomes.get(reply.client.name, reply.outcome)) for reply in replies], found


def _heard(reply: Reply[Harvest]) -> bool:
    return reply.outcome.state in {OutcomeState.ANSWERED, OutcomeState.PARTIAL}


async def _copies(reply: Reply[Harvest], uids: Sequence[str], query: Query, found: list[Row], left_s: float) -> Outcome:
    meter = Meter()
    current_meter.set(meter)
    wanted = Filter(tag=STUDY_UID, keyword="StudyInstanceUID", vr="UI", kind=FilterKind.UID, values=tuple(uids))
    search = Search(
        reply.client, replace(query.without(STUDY_UID), filters=(wanted, *query.without(STUDY_UID).filters))
    )
    missed = ""
    with anyio.move_on_after(left_s) as deadline:
        try:
            with bounded(reply.client, RequestKind.QUERY):
                fetched = await search.fetch(EVERYTHING, limit=max(PROBE_LIMIT, len(uids) + 20))
            found += [Row(archive=reply.client.name, data=row) for row in fetched.rows.values()]
            whole = fetched.wholeness is Wholeness.WHOLE or fetched.seen >= set(uids)
            missed = "" if whole else "its list may have been cut"
        except ArchiveError as error:
            missed = str(error)
    if deadline.cancelled_caught:
        missed = "no answer in time"
    outcome = replace(reply.outcome, attempts=reply.outcome.attempts + meter.attempts)
    if not missed:
        return outcome
    return replace(
        outcome,
        state=OutcomeState.PARTIAL,
        message=f"{outcome.message} Its copies of these studies could not be compared: {missed.rstrip('.')}.".strip(),
    )


def _with_copies(
    ready: Sequence[Entry], copies: Sequence[Row], names: Sequence[str], below: Rank | None
) -> list[Entry]:
    """The entries with the copies found, without those that an earlier page has shown under a newer date."""
    rows = [row for entry in ready for row in entry.rows]
    entries = merge(Level.STUDY, [*rows, *copies], names)
    uids = {entry.uid for entry in ready}
    shown = {
        entry.uid for entry in entries if below is not None and any(study_rank(r.data) <= below for r in entry.rows)
    }
    return [entry for entry in entries if entry.uid in uids and entry.uid not in shown]
