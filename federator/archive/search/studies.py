"""One question about studies to one archive: fetch the rows of a window and keep those that match."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.search import soundness, wire
from federator.archive.search.fetched import Fetched, Wholeness, Window, repeated_in
from federator.archive.search.pages import read_pages
from federator.archive.search.request import Request, ask, effective_limit
from federator.archive.search.wire import DATES, STUDY_DATE, STUDY_TIME, STUDY_UID
from federator.dicom import json
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import Query
from federator.dicom.query.matching import Verdict, judge, may_match_name
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

_TOO_BROAD = 413
_SAMPLE_LIMIT = 200


class Search:
    """One query to one archive at the study level. Not shared between questions."""

    def __init__(self, client: ArchiveClient, query: Query) -> None:
        self.client = client
        self.query = query
        self._dropped: Counter[str] = Counter()
        self._lacking: Counter[str] = Counter()
        self._twins: set[str] = set()
        self._sampled = False
        self._sent: list[Filter] = []
        self._ignored_now = False

    @property
    def dates_usable(self) -> bool:
        """Whether the archive can be asked for a range of study dates."""
        habits = self.client.habits
        key = (Level.STUDY, STUDY_DATE)
        return (
            habits.sound.get(DATES) is not False
            and key not in habits.refused_filters
            and key not in habits.ignored_filters
        )

    @property
    def single(self) -> bool:
        """Whether one request asks the whole question, so that an archive's own order means something."""
        return len(wire.combinations(self._sendable(), self.client.habits)) == 1

    def remarks(self) -> list[str]:
        """What the archive did not do as asked, in sentences."""
        return [
            f"It did not apply {keyword}: {count} rows that do not match were left out here."
            for keyword, count in sorted(self._dropped.items())
        ]

    def unjudged(self) -> list[str]:
        """What may be missing, because the archive did not tell enough of it, in sentences."""
        told = [
            f"{count} rows without {keyword} were left out, because it is not known whether they match."
            for keyword, count in sorted(self._lacking.items())
        ]
        if self._twins:
            told.append(
                f"{len(self._twins)} of its studies stand there more than once under one Study Instance UID, with "
                "different attributes; one version of each is shown."
            )
        return told

    async def fetch(self, window: Window, *, limit: int, offset: int = 0, orderby: str = "") -> Fetched:
        """Ask for the studies of a window. Raises ArchiveError.

        Standard: PS3.18 §10.6, PS3.4 §C.2.2.2
        """
        await self._prepare(window)
        habits = self.client.habits
        untried = habits.keyword_keys is None
        fetched = await self._attempt(window, limit, offset, orderby)
        if self._ignored_now and untried and not habits.trusted:
            # tiny-pacs ignores hexadecimal keys: try keywords once before believing that it ignores filters.
            habits.keyword_keys = True
            habits.ignored_filters.clear()
            habits.sound.clear()
            self._dropped.clear()
            self._lacking.clear()
            await self._prepare(window)
            fetched = await self._attempt(window, limit, offset, orderby)
            habits.keyword_keys = not self._ignored_now
        return fetched

    async def _attempt(self, window: Window, limit: int, offset: int, orderby: str) -> Fetched:
        fetched = await self._fetch(window, limit, offset, orderby)
        await self._keep_matching(fetched, window)
        return fetched

    async def pages(self, window: Window) -> Fetched:
        """The whole list of a window, page by page. Raises ArchiveError."""
        habits = self.client.habits
        if self.single:
            return await read_pages(
                lambda limit, offset: self.fetch(window, limit=limit, offset=offset), habits, Level.STUDY
            )
        # Each request has a list and offsets of its own.
        await self._prepare(window)
        whole = Fetched()
        for terms in self._combined():
            whole.take(await read_pages(partial(self._page, window, terms), habits, Level.STUDY))
        return whole

    async def _page(self, window: Window, terms: wire.Terms, limit: int, offset: int) -> Fetched:
        page = Fetched()
        await self._one(self._request(window, terms, limit, offset), window, page)
        await self._keep_matching(page, window)
        return page

    async def _prepare(self, window: Window) -> None:
        """Get to know the archive as far as this question needs it: at first use only."""
        habits = self.client.habits
        asked = wire.terms(self.query.filters, habits, fuzzy=self.query.fuzzy)
        unseen = self._unseen(asked)
        if not self._sampled and (unseen or (not habits.sample and self.query.filter(STUDY_DATE))):
            self._sampled = True
            answer = await ask(
                self.client, Request(level=Level.STUDY, path="/studies", limit=_SAMPLE_LIMIT, include=unseen)
            )
            habits.saw(Level.STUDY, len(answer.rows))
            soundness.keep_sample(self.client, answer.rows, unseen)
            habits.looked_for.update(unseen if answer.rows else ())
        uid_filter = self.query.filter(STUDY_UID)
        await soundness.establish(
            self.client,
            asked,
            dates=not window.open,
            uid_list=uid_filter is not None and len(uid_filter.values) > 1,
        )

    def _unseen(self, asked: Sequence[wire.Term]) -> tuple[str, ...]:
        """The attributes asked for of which no known row has a value, and none was looked for: nothing can be tried."""
        habits = self.client.habits
        rows = habits.sample or ()
        tags = dict.fromkeys(term.sent.tag for term in asked)
        return tuple(
            tag for tag in tags if tag not in habits.looked_for and not any(json.has_value(row, tag) for row in rows)
        )

    async def _fetch(self, window: Window, limit: int, offset: int, orderby: str) -> Fetched:
        self._ignored_now = False
        joined = Fetched()
        requests = [self._request(window, terms, limit, offset, orderby) for terms in self._combined()]
        await concurrently([partial(self._one, request, window, joined) for request in requests])
        return joined

    def _combined(self) -> list[wire.Terms]:
        """What to send besides the window, one list of terms per request."""
        asked = self._sendable()
        self._sent = [term.sent for term in asked]
        return wire.combinations(asked, self.client.habits)

    def _request(self, window: Window, terms: wire.Terms, limit: int, offset: int, orderby: str = "") -> Request:
        return Request(
            level=Level.STUDY,
            path="/studies",
            terms=(*terms, *self._dated(window)),
            limit=limit,
            offset=offset,
            orderby=orderby,
            fuzzy=self.query.fuzzy,
            include=self.query.include,
        )

    def _sendable(self) -> list[wire.Term]:
        habits = self.client.habits
        return [
            term
            for term in wire.terms(self.query.filters, habits, fuzzy=self.query.fuzzy)
            if habits.sound.get(term.kind) is not False
        ]

    def _dated(self, window: Window) -> list[tuple[str, str]]:
        if window.open or not self.dates_usable:
            return []
        dated = [(STUDY_DATE, f"{window.first}-{window.last}")]
        if window.from_time or window.to_time:
            dated.append((STUDY_TIME, f"{window.from_time}-{window.to_time}"))
        return dated

    async def _one(self, request: Request, window: Window, joined: Fetched) -> None:
        try:
            answer = await ask(self.client, request)
        except ArchiveError as error:
            if error.http_status != _TOO_BROAD:
                raise
            joined.take(Fetched(wholeness=Wholeness.CUT))
            return
        count = len(answer.rows)
        limit = effective_limit(self.client, request.limit)
        fetched = Fetched(longest=count, wholeness=self._judge_length(count, limit, more=answer.more))
        self.client.habits.saw(Level.STUDY, count)
        if not self.client.habits.sample and answer.rows:
            soundness.keep_sample(self.client, answer.rows)
        fetched.repeated = repeated_in(answer.rows, STUDY_UID)
        judged = outside = 0
        for row in answer.rows:
            uid = json.uid(row, STUDY_UID)
            if not uid:
                self._lacking["a Study Instance UID"] += 1
                continue
            fetched.seen.add(uid)
            if fetched.rows.setdefault(uid, row) != row:
                fetched.twins.append(row)
            self._note_given(row)
            date = json.date(row, STUDY_DATE)
            if date:
                fetched.moments.append((date, json.time(row, STUDY_TIME)))
            if date or window.first:
                # Orthanc counts studies with an empty date to any window that is open below: they show nothing there.
                judged += 1
                outside += not window.holds(date)
        # A few rows outside come from archives that match one copy and answer from another.
        if outside * 2 > judged:
            self._ignored(STUDY_DATE)
        joined.take(fetched)

    def _note_given(self, row: DicomJson) -> None:
        """Remember which of the attributes asked for the archive tells at all."""
        for filter_ in self.query.filters:
            if json.has_value(row, filter_.tag):
                self.client.habits.given.add((Level.STUDY, filter_.tag))

    def _judge_length(self, count: int, limit: int, *, more: bool) -> Wholeness:
        """Whether so many rows can be all: some archives cut a little below the limit, some a row above their cap."""
        near_limit = limit - max(2, limit // 20) <= count <= limit + 1
        if more or near_limit:
            return Wholeness.CUT
        cap = self.client.habits.caps.get(Level.STUDY)
        if cap is not None and count >= cap:
            return Wholeness.CUT
        return Wholeness.UNPROVEN if self.client.habits.may_be_capped(Level.STUDY, count) else Wholeness.WHOLE

    def _ignored(self, tag: str) -> None:
        self._ignored_now = True
        self.client.habits.ignored_filters.add((Level.STUDY, tag))

    async def _keep_matching(self, fetched: Fetched, window: Window) -> None:
        """Drop what does not match, whatever the archive did (contract.md section 2)."""
        for uid, row in list(fetched.rows.items()):
            if not window.holds(json.date(row, STUDY_DATE)) or not await self._matches(row):
                del fetched.rows[uid]
        for twin in fetched.twins:
            if window.holds(json.date(twin, STUDY_DATE)) and await self._matches(twin):
                uid = json.uid(twin, STUDY_UID)
                if fetched.rows.setdefault(uid, twin) is not twin:
                    self._twins.add(uid)
        fetched.twins.clear()

    async def _matches(self, row: DicomJson) -> bool:
        for filter_ in self.query.filters:
            match judge(row, filter_, fuzzy=self.query.fuzzy):
                case Verdict.MATCH:
                    continue
                case Verdict.ABSENT if filter_.tag != STUDY_DATE and await self._honoured(filter_):
                    continue
                case Verdict.ABSENT:
                    # Where other rows carry the attribute, this one has no value, so it does not match; nor does one
                    # of a folder, which tells every attribute that it is asked for.
                    habits = self.client.habits
                    if not habits.trusted and (Level.STUDY, filter_.tag) not in habits.given:
                        self._lacking[filter_.keyword] += 1
                    return False
                case _ if _unreadable(row, filter_):
                    self._lacking[f"a readable {filter_.keyword}"] += 1
                    return False
                case _:
                    self._mismatch(row, filter_)
                    return False
        return True

    async def _honoured(self, filter_: Filter) -> bool:
        """Whether a row without the attribute may be kept: the filter was sent, and the archive knows it."""
        sent = any(sent.tag == filter_.tag for sent in self._sent)
        return sent and await soundness.honours(self.client, filter_)

    def _mismatch(self, row: DicomJson, filter_: Filter) -> None:
        """Tell a filter that was sent widened from one that the archive did not apply."""
        sent = next((sent for sent in self._sent if sent.tag == filter_.tag), None)
        if sent is not None and judge(row, _lenient(sent)) is Verdict.MISMATCH:
            self._dropped[filter_.keyword] += 1
            self._ignored(filter_.tag)


def _unreadable(row: DicomJson, filter_: Filter) -> bool:
    """Whether the archive lost letters of a name that may be the one asked for."""
    return filter_.kind is FilterKind.NAME and any(
        may_match_name(name, value) for name in json.names(row, filter_.tag) for value in filter_.values
    )


def _lenient(sent: Filter) -> Filter:
    """A filter as an archive may rightly understand it: names go out as patterns of their first group."""
    if sent.kind is not FilterKind.NAME:
        return sent
    return replace(sent, values=tuple(f"*{value}" if not value.startswith("*") else value for value in sent.values))
