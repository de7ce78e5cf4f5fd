"""The series of a study, or the instances of a series, in one archive: always the whole list, filtered here.

No window narrows these lists, and what archives do with filters below the study is too unlike to build on. So
filters are judged on the rows, and the number that the parent's row tells is the witness that none is missing.
"""

from collections import Counter
from dataclasses import dataclass, field

import anyio.to_thread

from federator.archive.connection.client import ArchiveClient
from federator.archive.search.doubts import Doubts
from federator.archive.search.fetched import Fetched, Wholeness, repeated_in
from federator.archive.search.pages import read_pages
from federator.archive.search.request import Request, ask, ask_as_taken
from federator.archive.search.rows import Rows
from federator.dicom import json
from federator.dicom.query.language import Query
from federator.dicom.query.matching import Verdict, judge
from federator.model import DicomJson, Level

_COUNT_TAG = {Level.SERIES: "00201206", Level.INSTANCE: "00201209"}
_MANY = 200
"""Rows that are judged on the event loop at a time."""
_PARENT = {Level.SERIES: Level.STUDY, Level.INSTANCE: Level.SERIES}


@dataclass(slots=True, kw_only=True)
class Children:
    """The list below one study, or below one series of it. `query.level` is the level of the rows."""

    client: ArchiveClient
    query: Query
    study_instance_uid: str
    series_instance_uid: str = ""
    _lacking: Counter[str] = field(default_factory=Counter)
    _foreign: set[str] = field(default_factory=set)
    _doubts: Doubts = field(default_factory=Doubts)

    @property
    def path(self) -> str:
        """Where the list is.

        Standard: PS3.18 Table 10.6.1-2
        """
        path = f"/studies/{self.study_instance_uid}/series"
        return path if self.query.level is Level.SERIES else f"{path}/{self.series_instance_uid}/instances"

    def remarks(self) -> list[str]:
        """What the archive did not do as asked, in sentences."""
        return [f"{len(self._foreign)} rows of other studies or series were left out."] if self._foreign else []

    def unjudged(self) -> list[str]:
        """What may be missing, because the archive did not tell enough of it, in sentences."""
        return self._doubts.sentences() + [
            f"{count} rows without {keyword} were left out, because it is not known whether they match."
            for keyword, count in sorted(self._lacking.items())
        ]

    async def read(self) -> Fetched:
        """All rows that match; WHOLE only where none is missing. Raises ArchiveError."""
        level = self.query.level
        whole = await read_pages(self._fetch, self.client.habits, level)
        if whole.wholeness is not Wholeness.WHOLE and len(whole.seen) >= await self._expected() > 0:
            whole.wholeness = Wholeness.WHOLE
            if len(whole.seen) <= whole.longest:
                self.client.habits.prove(level, whole.longest)
        if whole.wholeness is Wholeness.WHOLE and len(whole.seen) == whole.longest:
            self.client.habits.remember_list(self.path, whole.longest)
        whole.rows = {uid: row for uid, row in whole.rows.items() if self._matches(row)}
        return whole

    async def _fetch(self, limit: int, offset: int) -> Fetched:
        level = self.query.level
        wanted = tuple(filter_.tag for filter_ in self.query.filters)
        request = Request(
            level=level, path=self.path, limit=limit, offset=offset, include=(*wanted, *self.query.include)
        )
        reply = await ask_as_taken(self.client, request)
        answer = reply.answer
        if len(answer.nameless) > _MANY:
            await anyio.to_thread.run_sync(self._doubt, answer)
        else:
            self._doubt(answer)
        count = answer.count
        fetched = Fetched(rows={json.uid(row, level.uid_tag): row for row in answer.rows}, longest=count)
        fetched.repeated = repeated_in(answer.rows, level.uid_tag) + count - len(answer.rows)
        strangers = {uid for uid, row in fetched.rows.items() if not self._belongs(row)}
        self._foreign |= strangers
        for uid in strangers:
            del fetched.rows[uid]
        fetched.seen = set(fetched.rows)
        full = reply.sent.limit <= count + 2
        if answer.more or full:
            fetched.wholeness = Wholeness.CUT
        elif self.client.habits.known.may_be_capped(level, count) and not self._known_to_have(count):
            fetched.wholeness = Wholeness.UNPROVEN
        self.client.habits.saw(level, count)
        return fetched

    def _doubt(self, answer: Rows) -> None:
        """Keep what may be missing from an answer; a row without address that cannot match is none."""
        self._doubts.take(answer.doubts)
        for row in answer.nameless:
            verdicts = (judge(row, asked, fuzzy=self.query.fuzzy) for asked in self.query.filters)
            if self._belongs(row) and all(verdict is not Verdict.MISMATCH for verdict in verdicts):
                self._doubts.leave_nameless(row, self.query.level.uid_tag)

    def _known_to_have(self, count: int) -> bool:
        """Whether the list was shown to have just as many rows; at a cap it would have as many whatever it holds."""
        habits = self.client.habits
        return habits.rows_of(self.path) == count and not habits.known.at_a_cap(self.query.level, count)

    async def _expected(self) -> int:
        """How many there are by the parent's own row; 0 where the archive does not tell.

        Standard: PS3.18 Tables 10.6.3-3 and 10.6.3-4
        """
        level = _PARENT[self.query.level]
        path = "/studies" if level is Level.STUDY else f"/studies/{self.study_instance_uid}/series"
        uid = self.study_instance_uid if level is Level.STUDY else self.series_instance_uid
        tag = _COUNT_TAG[self.query.level]
        request = Request(level=level, path=path, terms=((level.uid_tag, uid),), limit=100, include=(tag,))
        answer = await ask(self.client, request)
        return next((json.integer(row, tag) or 0 for row in answer.rows if json.uid(row, level.uid_tag) == uid), 0)

    def _belongs(self, row: DicomJson) -> bool:
        """Whether a row is of the parent that was asked for, as far as it tells: some archives ignore paths too."""
        parents = {"0020000D": self.study_instance_uid}
        if self.query.level is Level.INSTANCE:
            parents["0020000E"] = self.series_instance_uid
        return all(json.uid(row, tag) in {"", uid} for tag, uid in parents.items())

    def _matches(self, row: DicomJson) -> bool:
        for filter_ in self.query.filters:
            verdict = judge(row, filter_, fuzzy=self.query.fuzzy)
            if verdict in {Verdict.ABSENT, Verdict.UNTOLD} and not self.client.habits.known.trusted:
                self._lacking[filter_.keyword] += 1
            if verdict is not Verdict.MATCH:
                return False
        return True
