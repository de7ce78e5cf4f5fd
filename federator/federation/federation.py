"""Several archives as one: search all of them, and retrieve from whichever holds the object."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import anyio

from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.folder import HabitsFolder
from federator.archive.search.request import Request, ask
from federator.config import Archive, Config, ConfigSource
from federator.dicom.query.language import Query
from federator.dicom.uid import TaggedUID
from federator.errors import NotFound, RequestError
from federator.federation import cursor as cursors
from federator.federation.fanout import OnOutcome, Reply, fan_out
from federator.federation.identity.priors import PriorStudies
from federator.federation.lists import find_all
from federator.federation.lookup import find_study
from federator.federation.merge import place
from federator.federation.newest.studies import find_page
from federator.federation.order import Rank
from federator.federation.pool import Pool
from federator.federation.prior_search import find_priors
from federator.federation.retrieval import Operation, Served, first_served
from federator.federation.target import Holders, Target
from federator.model import Level, Outcome, Page

if TYPE_CHECKING:
    from federator.federation.reports import FoundReports

__all__ = ["ArchiveState", "Federation", "Served", "Target"]

T = TypeVar("T")

_MAX_QUESTIONS = 32
_MAX_OFFSET = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveState:
    """One archive: what became of asking it just now, and what it was found to do since the start."""

    archive: Archive
    outcome: Outcome
    findings: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Greeting:
    count: int = 0
    unreadable: str = ""
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Federation:
    """All archives of a configuration. Enter it once; every method may be called by many tasks at a time."""

    def __init__(self, source: ConfigSource | Config, habits: HabitsFolder | None = None) -> None:
        """`habits` is where it is kept what archives were found to do; who passes it saves it."""
        self._pool = Pool(source, habits)
        self._holders = Holders()
        self._questions = anyio.Semaphore(_MAX_QUESTIONS)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._pool)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives that are asked, in the order of the configuration."""
        return self._pool.archives

    @property
    def config_note(self) -> str:
        """Why a changed configuration was not taken up; empty while all is well."""
        return self._pool.note

    async def search(
        self,
        query: Query,
        *,
        study: TaggedUID | None = None,
        series: TaggedUID | None = None,
        cursor: str = "",
        on_outcome: OnOutcome | None = None,
    ) -> Page:
        """One page of studies, of the series of a study, or of the instances of a series, as `query.level` says.

        Raises RequestError, NotFound (nobody holds the parent), NoArchiveAnswered.
        """
        digest = _digest(query, study, series)
        if cursor and query.offset:
            raise RequestError("offset and cursor both say where to go on. Use the cursor alone.")
        async with self._question():
            asked = query.archives or tuple(self._pool.names)
            below = cursors.decode(cursor, digest, asked) if cursor else None
            if study is None:
                page = await self._studies(query, below, on_outcome)
            else:
                page = await self._children(query, below, Target(study=study, series=series), on_outcome)
            resume_at = page.resume_at
            return replace(
                page,
                asked=asked,
                next_cursor=cursors.encode(digest, resume_at, asked) if resume_at is not None else "",
            )

    def shortened(
        self, page: Page, kept: int, query: Query, *, study: TaggedUID | None = None, series: TaggedUID | None = None
    ) -> Page:
        """The first `kept` entries (at least one) of a page of this question; the cursor goes on behind them."""
        entries = page.entries[:kept]
        return replace(
            page,
            entries=entries,
            next_cursor=cursors.encode(_digest(query, study, series), place(entries[-1]), page.asked),
            known_more=page.known_more + len(page.entries) - len(entries),
        )

    async def _studies(self, query: Query, below: Rank | None, on_outcome: OnOutcome | None) -> Page:
        clients = self._pool.chosen(query.archives)
        count = query.offset + query.limit
        if count > _MAX_OFFSET:
            raise RequestError(f"offset={query.offset} is too far. Go on by nextCursor, or narrow the query by date.")
        found = await find_page(clients, query, count=count, below=below, on_outcome=on_outcome)
        return Page(
            level=Level.STUDY,
            entries=found.entries[query.offset :],
            outcomes=found.outcomes,
            resume_at=found.resume_at,
            known_more=found.known_more,
            notes=_notes(query),
        )

    async def _children(self, query: Query, below: Rank | None, target: Target, on_outcome: OnOutcome | None) -> Page:
        found = await self._of_study(
            target.study,
            self._named(query, target),
            partial(
                find_all,
                query=query,
                study_instance_uid=target.study.uid,
                series_instance_uid=target.series.uid if target.series is not None else "",
                on_outcome=on_outcome,
            ),
        )
        if query.level is Level.SERIES:
            self._remember(target.study.uid, found.holders, found.outcomes)
        left = [entry for entry in found.entries if below is None or place(entry) > below]
        page = left[query.offset : query.offset + query.limit]
        behind = len(left) - query.offset - len(page)
        return Page(
            level=query.level,
            entries=tuple(page),
            outcomes=found.outcomes,
            resume_at=place(page[-1]) if behind > 0 and page else None,
            known_more=max(0, behind),
            notes=_notes(query),
        )

    def _named(self, query: Query, target: Target) -> tuple[str, ...]:
        """The archives that the tags and the query name; empty where neither names any."""
        tagged = target.archives
        if not tagged or not query.archives:
            return tagged or query.archives
        self._pool.chosen((*tagged, *query.archives))
        both = tuple(name for name in tagged if name in query.archives)
        if not both:
            raise RequestError("The UID's archives and archive= have none in common. Leave archive= out.")
        return both

    async def _of_study(
        self, study: TaggedUID, names: Sequence[str], ask: Callable[[Sequence[ArchiveClient]], Awaitable[T]]
    ) -> T:
        """Ask the named archives; where none is named, those that were seen to hold the study, else all."""
        known = () if names else self._known(study)
        try:
            return await ask(self._pool.chosen(names or known))
        except NotFound as denied:
            if not known or not all(outcome.complete for outcome in denied.outcomes):
                raise
        # The study may have moved since its holders were asked.
        self._holders.forget(study.uid)
        return await ask(self._pool.chosen(()))

    async def prior_studies(
        self, study: TaggedUID, *, modality: str = "", body_part: str = "", on_outcome: OnOutcome | None = None
    ) -> PriorStudies:
        """The same patient's other studies in every archive, newest first.

        Raises RequestError, NotFound, NoArchiveAnswered.
        """
        async with self._question():
            self._pool.chosen(study.archives)
            return await find_priors(
                self._pool.chosen(()), study.uid, modality=modality, body_part=body_part, on_outcome=on_outcome
            )

    async def find_reports(
        self,
        study: TaggedUID,
        is_wanted: Callable[[str], bool],
        *,
        modalities: frozenset[str] = frozenset(),
        max_opened: int | None = None,
        known: str = "",
        on_outcome: OnOutcome | None = None,
    ) -> "FoundReports":
        """Every report of a study whose SOP Class UID `is_wanted`, from all its holders, newest first.

        For a quick look, `modalities` narrows the series that are looked into, and `max_opened` the reports that are
        opened for title, state and predecessors; the one that is `known`, by its SOP Instance UID, never is.
        Raises RequestError, NotFound, NoArchiveAnswered.
        """
        # A search must not bring pydicom and NumPy along, which reading reports needs.
        from federator.archive.retrieve.reports import Wanted
        from federator.federation.reports import find_reports

        wanted = Wanted(study_instance_uid=study.uid, is_wanted=is_wanted, modalities=modalities, known=known)
        if max_opened is not None:
            wanted = replace(wanted, max_opened=max_opened)
        async with self._question():
            found = await self._of_study(
                study, study.archives, partial(find_reports, wanted=wanted, on_outcome=on_outcome)
            )
            self._remember(study.uid, found.holders, found.outcomes)
        return found

    async def retrieve(self, target: Target, operation: Operation[T]) -> Served[T]:
        """Let the preferred holder answer, and the next one where it cannot.

        Raises RequestError, NotFound, NoArchiveAnswered, ContentError.
        """
        async with self._question():
            named = target.archives
            known = () if named else self._known(target.study)
            try:
                return await self._served(named or known or await self._found(target), operation, target)
            except NotFound as denied:
                if not known or not all(outcome.complete for outcome in denied.outcomes):
                    raise
            # The study may have moved since its holders were asked.
            self._holders.forget(target.study.uid)
            return await self._served(await self._found(target), operation, target)

    async def _served(self, names: Sequence[str], operation: Operation[T], target: Target) -> Served[T]:
        return await first_served(self._pool.chosen(names), operation, f"object {target.uid}")

    @asynccontextmanager
    async def _question(self) -> AsyncIterator[None]:
        async with self._questions, self._pool.question():
            yield

    def _remember(self, study_instance_uid: str, holders: Sequence[str], outcomes: Sequence[Outcome]) -> None:
        """Keep a study's holders where every archive was asked for them."""
        if {outcome.archive for outcome in outcomes} == set(self._pool.names):
            self._holders.remember(study_instance_uid, holders, outcomes)

    def _known(self, study: TaggedUID) -> tuple[str, ...]:
        return self._holders.get(study.uid, self._pool.names)

    async def _found(self, target: Target) -> tuple[str, ...]:
        """The holders of a study that came without a tag: every archive is asked, once."""
        page = await find_study(self._pool.chosen(()), target.study.uid)
        self._remember(target.study.uid, page.entries[0].holders, page.outcomes)
        return page.entries[0].holders

    async def survey(self, *, on_outcome: OnOutcome | None = None) -> tuple[ArchiveState, ...]:
        """Ask every archive for one study, and tell what it was found to do."""

        async def greet(client: ArchiveClient, greeting: _Greeting) -> None:
            answer = await ask(client, Request(level=Level.STUDY, path="/studies", limit=1))
            greeting.count = len(answer.rows)
            if client.archive.folder is not None:
                # What no search can find has to be said somewhere.
                from federator.archive.check.folder import unreadable_files

                greeting.unreadable = await unreadable_files(client)

        async with self._question():
            replies = await fan_out(self._pool.chosen(()), greet, _Greeting, on_outcome=on_outcome, all_may_fail=True)
        return tuple(
            ArchiveState(archive=reply.client.archive, outcome=reply.outcome, findings=_findings(reply))
            for reply in replies
        )


def _findings(reply: Reply[_Greeting]) -> tuple[str, ...]:
    unreadable = (reply.gathered.unreadable,) if reply.gathered.unreadable else ()
    return reply.client.habits.known.findings() + unreadable


def _digest(query: Query, study: TaggedUID | None, series: TaggedUID | None) -> str:
    """What a cursor belongs to: the question and what it is asked of, whatever archives the UIDs name."""
    return cursors.digest_of([query.digest, *(uid.uid for uid in (study, series) if uid is not None)])


def _notes(query: Query) -> tuple[str, ...]:
    if query.limit_asked <= query.limit:
        return ()
    return (f"limit={query.limit_asked} was asked; a page holds at most {query.limit}. Go on by nextCursor.",)
