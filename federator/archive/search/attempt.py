"""One form of a question under way: its answers, judged by what was sent for them.

Every row is checked here, whatever the archive did (contract.md section 2).
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import anyio.lowlevel
import anyio.to_thread

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.known import Known
from federator.archive.habits.owner import Habits
from federator.archive.search import modalities, samples, soundness, wire
from federator.archive.search.doubts import Doubts
from federator.archive.search.fetched import Fetched, Wholeness, Window, repeated_in
from federator.archive.search.form import Form
from federator.archive.search.request import REFUSALS, Reply, Request, ask_as_taken
from federator.archive.search.rows import Rows
from federator.archive.search.wire import MODALITIES_IN_STUDY, STUDY_DATE, STUDY_TIME, STUDY_UID
from federator.dicom import json
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import Query
from federator.dicom.query.matching import Verdict, judge, may_match_name
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

TOO_BROAD = 413
_ROWS_AT_A_TIME = 200
"""So many rows are looked at before other calls get their turn: twenty thousand would hold them up for seconds."""
_LOOKED_THROUGH = 2_000
"""Among so many rows there is one of each kind to try filters on, or there is none."""
MOST_LOOKED_BELOW = 60
"""How many studies of an answer are looked into for their modalities, where their rows do not tell them."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """`fetched` is what came; `ignored` the filters that were not applied; `error` why nothing came.

    `possible` are the UIDs of rows that nothing speaks against, `sure` of those that match beyond doubt; `in_hand`,
    which the caller may share, gets each sure row at the moment when it comes. `more` says that the archive itself told
    of more, `too_broad` that it refused to list so many (413). `below`, shared as well, are rows with the modalities
    that their series told.
    """

    client: ArchiveClient
    query: Query
    form: Form
    window: Window
    in_hand: dict[str, DicomJson]
    below: dict[str, DicomJson]
    fetched: Fetched = field(default_factory=Fetched)
    ignored: set[str] = field(default_factory=set)
    error: ArchiveError | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    twins: set[str] = field(default_factory=set)
    doubts: Doubts = field(default_factory=Doubts)
    sure: set[str] = field(default_factory=set)
    possible: set[str] = field(default_factory=set)
    more: bool = False
    too_broad: bool = False
    by_sound: bool = False
    habits: Habits = field(init=False)

    def __post_init__(self) -> None:
        """Note what this attempt rests on."""
        self.habits = self.client.habits

    async def run(self, limit: int, offset: int = 0, orderby: str = "") -> None:
        """Ask all requests of the form at once. An ArchiveError is kept, not raised: another form may do better."""
        requests = [self._request(terms, limit, offset, orderby) for terms in self.form.requests]
        try:
            await concurrently([partial(self._one, request) for request in requests])
        except ArchiveError as error:
            self.error = error
            if error.http_status in REFUSALS and wire.UID_LISTS in self.form.needs:
                # Whatever was refused: one UID a request is what every archive takes.
                self.client.habits.sound(self.form.naming, wire.UID_LISTS, yes=False)

    async def page(self, terms: wire.Terms, limit: int, offset: int) -> Fetched:
        """One page of one request's own list, of rows that match. Raises ArchiveError."""
        self.fetched = Fetched()
        self.sure.clear()
        await self._one(self._request(tuple(terms), limit, offset, ""))
        await self.keep_matching()
        return self.fetched

    def _request(self, terms: tuple[tuple[str, str], ...], limit: int, offset: int, orderby: str) -> Request:
        return Request(
            level=Level.STUDY,
            path="/studies",
            terms=(*terms, *self.form.terms_of(self.window)),
            limit=limit,
            offset=offset,
            orderby=orderby,
            fuzzy=self.query.fuzzy,
            include=self.query.include,
            naming=self.form.naming,
            whole=wire.UID_LISTS in self.form.needs,
        )

    async def _one(self, request: Request) -> None:
        known = self.client.habits.known
        try:
            reply = await ask_as_taken(self.client, request)
        except ArchiveError as error:
            if error.http_status != TOO_BROAD:
                raise
            self.too_broad = True
            self.fetched.take(Fetched(wholeness=Wholeness.CUT))
            return
        self.client.habits.saw(Level.STUDY, reply.answer.count)
        if len(reply.answer.nameless) > _ROWS_AT_A_TIME:
            await anyio.to_thread.run_sync(self._doubt, reply.answer)
        else:
            self._doubt(reply.answer)
        if reply.answer.rows:
            self._learn_from(reply.answer.rows)
        self.fetched.take(await self._taken(reply, known))
        self.client.habits.ignored(self.form.naming, Level.STUDY, self.ignored)

    def _doubt(self, answer: Rows) -> None:
        """Keep what may be missing from an answer; a row without address that cannot match is none."""
        self.doubts.take(answer.doubts)
        for row in answer.nameless:
            if all(judge(row, asked, fuzzy=self.query.fuzzy) is not Verdict.MISMATCH for asked in self.query.filters):
                self.doubts.leave_nameless(row, STUDY_UID)

    def _learn_from(self, rows: list[DicomJson]) -> None:
        if not self.client.habits.known.sample:
            samples.keep(self.client, rows[:_LOOKED_THROUGH])
        asked = {filter_.tag for filter_ in self.query.filters}
        told = {tag for tag in asked if any(json.has_value(row, tag) for row in rows)}
        if told:
            self.client.habits.given(Level.STUDY, told)

    async def _taken(self, reply: Reply, known: Known) -> Fetched:
        """The rows of one answer, with what they show of the archive."""
        rows = reply.answer.rows
        count = reply.answer.count
        fetched = Fetched(longest=count, repeated=repeated_in(rows, STUDY_UID) + count - len(rows))
        fetched.wholeness = _judge_length(reply, known)
        self.more = self.more or reply.answer.more
        self.by_sound = self.by_sound or await self._found_by_sound(rows)
        judged = outside = 0
        for number, row in enumerate(rows):
            if number % _ROWS_AT_A_TIME == _ROWS_AT_A_TIME - 1:
                await anyio.lowlevel.checkpoint()
            uid = json.uid(row, STUDY_UID)
            fetched.seen.add(uid)
            if fetched.rows.setdefault(uid, row) != row:
                fetched.twins.append(row)
            self._look_at(uid, row)
            date = json.date(row, STUDY_DATE)
            if date:
                fetched.moments.append((date, json.time(row, STUDY_TIME)))
            if date or self.window.first:
                # Orthanc counts studies with an empty date to any window that is open below: they show nothing there.
                judged += 1
                outside += not self.window.holds(date)
        # A few rows outside come from archives that match one copy and answer from another.
        if self.form.dated and outside * 2 > judged:
            self.ignored.add(STUDY_DATE)
        return fetched

    async def _found_by_sound(self, rows: list[DicomJson]) -> bool:
        """Whether names that differ by letter may stand: only an archive that applies names at all found them."""
        if not self.query.fuzzy:
            return False
        names = [filter_ for filter_ in self.query.filters if filter_.kind is FilterKind.NAME]
        differing = [name for name in names if any(judge(row, name) is Verdict.MISMATCH for row in rows)]
        # What is not known to be applied is judged by letter, and told.
        with suppress(ArchiveError):
            return bool(differing) and all([await self._is_applied(name) for name in differing])
        return False

    def _look_at(self, uid: str, row: DicomJson) -> None:
        """Tell a row that surely matches, and a filter that was sent but not applied."""
        date = json.date(row, STUDY_DATE)
        sure = self.window.holds(date)
        possible = sure or not date
        for filter_ in self.query.filters:
            verdict = judge(row, filter_, fuzzy=self.by_sound)
            sure = sure and verdict is Verdict.MATCH
            possible = possible and verdict is not Verdict.MISMATCH
            if verdict is Verdict.MISMATCH and not _unreadable(row, filter_) and self._not_applied(row, filter_):
                self.ignored.add(filter_.tag)
        if possible:
            self.possible.add(uid)
        if sure:
            self.sure.add(uid)
            self.in_hand.setdefault(uid, row)

    def _not_applied(self, row: DicomJson, filter_: Filter) -> bool:
        """Tell a filter that was sent widened from one that the archive did not apply."""
        sent = next((sent for sent in self.form.sent if sent.tag == filter_.tag), None)
        return sent is not None and judge(row, _lenient(sent)) is Verdict.MISMATCH

    async def keep_matching(self) -> None:
        """Drop what does not match. Raises ArchiveError."""
        await self._look_below()
        for number, (uid, row) in enumerate(list(self.fetched.rows.items())):
            if number % _ROWS_AT_A_TIME == _ROWS_AT_A_TIME - 1:
                await anyio.lowlevel.checkpoint()
            if uid not in self.sure and not await self._belongs(row):
                del self.fetched.rows[uid]
        for twin in self.fetched.twins:
            if await self._belongs(twin):
                uid = json.uid(twin, STUDY_UID)
                if self.fetched.rows.setdefault(uid, twin) is not twin:
                    self.twins.add(uid)
        self.fetched.twins.clear()

    async def _look_below(self) -> None:
        """Let the series say what modalities a study has where its row does not, and only that is still open."""
        asked = self.query.filter(MODALITIES_IN_STUDY)
        if asked is None or self.client.habits.known.trusted:
            return
        others = [filter_ for filter_ in self.query.filters if filter_ is not asked]
        open_ones = [
            uid
            for uid, row in self.fetched.rows.items()
            if judge(row, asked) is Verdict.ABSENT
            and self.window.holds(json.date(row, STUDY_DATE))
            and all(judge(row, filter_, fuzzy=self.by_sound) is Verdict.MATCH for filter_ in others)
        ]
        if not open_ones or await self._honoured(asked):
            return
        unknown = [uid for uid in open_ones if uid not in self.below][: max(0, MOST_LOOKED_BELOW - len(self.below))]
        self.below |= await modalities.told_of(self.client, {uid: self.fetched.rows[uid] for uid in unknown})
        told = {uid: self.below[uid] for uid in open_ones if uid in self.below}
        self.fetched.rows |= told
        for uid, row in told.items():
            if all(judge(row, filter_, fuzzy=self.by_sound) is Verdict.MATCH for filter_ in self.query.filters):
                self.in_hand.setdefault(uid, row)
        if asked.tag in self._sent_tags() and any(judge(row, asked) is Verdict.MISMATCH for row in told.values()):
            # Only the series show that a filter was not applied whose attribute no row tells.
            self.client.habits.ignored(self.form.naming, Level.STUDY, {asked.tag})

    async def _belongs(self, row: DicomJson) -> bool:
        date = json.date(row, STUDY_DATE)
        if not date and not self.window.open and json.has_value(row, STUDY_DATE):
            # A date that is none (20240230) may stand for any day.
            self.lacking["a readable StudyDate"] += 1
        return self.window.holds(date) and await self._matches(row)

    async def _matches(self, row: DicomJson) -> bool:
        judged = [(filter_, judge(row, filter_, fuzzy=self.by_sound)) for filter_ in self.query.filters]
        # Where something surely speaks against a row, it does not matter what else of it is not told.
        judged.sort(key=lambda each: each[1] is not Verdict.MISMATCH or _unreadable(row, each[0]))
        for filter_, verdict in judged:
            match verdict:
                case Verdict.MATCH:
                    continue
                case Verdict.ABSENT | Verdict.UNTOLD if filter_.tag != STUDY_DATE and await self._honoured(filter_):
                    continue
                case Verdict.UNTOLD:
                    self.lacking[f"a readable {filter_.keyword}"] += 1
                    return False
                case Verdict.ABSENT:
                    # Where other rows carry the attribute, this one has no value, so it does not match; nor does one
                    # of a folder, which tells every attribute that it is asked for.
                    known = self.client.habits.known
                    if not known.trusted and (Level.STUDY, filter_.tag) not in known.given:
                        self.lacking[filter_.keyword] += 1
                    return False
                case _ if _unreadable(row, filter_):
                    self.lacking[f"a readable {filter_.keyword}"] += 1
                    return False
                case _:
                    if self._not_applied(row, filter_):
                        self.dropped[filter_.keyword] += 1
                    return False
        return True

    def _sent_tags(self) -> set[str]:
        return {sent.tag for sent in self.form.sent}

    async def _honoured(self, filter_: Filter) -> bool:
        """Whether a row without the attribute may be kept: the filter was sent as it is, and the archive knows it."""
        opened = any(sent.tag == filter_.tag and wire.is_opened(sent, filter_) for sent in self.form.sent)
        return not opened and await self._is_applied(filter_)

    async def _is_applied(self, filter_: Filter) -> bool:
        """Whether the filter was sent, in whatever form, and the archive is seen to apply it."""
        return filter_.tag in self._sent_tags() and await soundness.honours(self.client, self.form.naming, filter_)


def _judge_length(reply: Reply, known: Known) -> Wholeness:
    """Whether so many rows can be all: some archives cut a little below the limit, some a row above their cap."""
    count, limit = reply.answer.count, reply.sent.limit
    if not count:
        # Behind nothing there is nothing to ask for, whatever is said of it (`Search.unjudged` tells).
        return Wholeness.WHOLE
    near_limit = limit - max(2, limit // 20) <= count <= limit + 1
    if reply.answer.more or near_limit:
        return Wholeness.CUT
    cap = known.caps.get(Level.STUDY)
    if cap is not None and count >= cap:
        return Wholeness.CUT
    return Wholeness.UNPROVEN if known.may_be_capped(Level.STUDY, count) else Wholeness.WHOLE


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
