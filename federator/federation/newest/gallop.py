"""Windows on Study Date, from the newest day backwards: empty ones grow, cut ones shrink."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.search.fetched import Fetched, Wholeness, Window
from federator.federation.newest.day import read_day
from federator.federation.newest.harvest import Quest, generous
from federator.federation.newest.proof import proven
from federator.federation.order import moment_rank

_FIRST_WIDTH = 30
_LEAST_WIDTH = 7
_SHRINK = 8
_GROW_MAX = 16
_GROW_EMPTY = 4
# Hardly any study is older than digital imaging: one window, open below, takes what there is.
_OPEN_BELOW = dt.date(1975, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = dt.date.min.toordinal(), dt.date.max.toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the days from `first` on brought, asked for before anything was seen."""

    first: dt.date
    fetched: Fetched


class Gallop:
    """One ride through an archive. Days are proleptic ordinals.

    `_last` is the newest day that is not read yet; None while all that is newer than `_end` belongs to the next window.
    `_known` is the newest day that a cut answer, or the archive's first answer, showed a study on.
    """

    def __init__(self, quest: Quest, newest_seen: str) -> None:
        self._quest = quest
        self._climb = _LEAST_WIDTH
        self._floor = _ordinal(quest.first) if quest.first else _FIRST_DAY
        self._last = _ordinal(quest.last) if quest.last else None
        self._known = _ordinal(newest_seen) if newest_seen else self._floor
        self._cut_from: set[int] = set()
        hint = quest.search.client.habits.hint(quest.digest)
        newest = _ordinal(hint.newest) if hint is not None and hint.newest else 0
        guess = newest or max(quest.today.toordinal(), self._known)
        self._end = max(guess, self._floor) if self._last is None else self._last
        per_day = hint.per_day if hint is not None else 0.0
        if per_day:
            self._first = self._end - self._filling(per_day) + 1
        else:
            self._first = self._end - min(_FIRST_WIDTH, max(_LEAST_WIDTH, quest.count)) + 1
        if hint is not None and self._last is None and hint.count == quest.count <= quest.comfortable:
            # As many lay within these days before: no row too many is asked for.
            self._first = _ordinal(hint.oldest)
        # An earlier question found more studies on a day than fit into an answer.
        self._crowded = per_day > self._quest.comfortable

    @property
    def finished(self) -> bool:
        """Whether there is enough, or nothing more."""
        return self._quest.enough or self._end < self._floor

    def begin(self, begun: Begun) -> None:
        """Take what the first window brought, where that is whole and reaches down from where the ride begins."""
        first = begun.first.toordinal()
        if begun.fetched.wholeness is Wholeness.WHOLE and self._floor <= first <= self._end:
            self._advance(first, begun.fetched)

    async def look_around(self, seen: Sequence[str]) -> bool:
        """Read windows of two widths at once, so that one of them fits, by the dates that a first look showed.

        Whether that was enough. Those may be all or few of many: one window is wide enough for the former, one
        narrow enough for the latter.
        """
        quest = self._quest
        if self.finished:
            return True
        dates = sorted((date for date in seen if not self._last or date <= _date(self._last)), reverse=True)
        wide = int(generous(quest.count))
        if self._crowded or len(dates) <= wide:
            return False
        narrow = self._first if _ordinal(dates[0]) >= self._first else _ordinal(dates[wide // _SHRINK])
        firsts = sorted({self._bounded(first) for first in (_ordinal(dates[wide]), narrow)}, reverse=True)
        last = _date(self._last) if self._last else ""
        windows = [Window(first=self._written_first(first), last=last) for first in firsts]
        answers = await concurrently([partial(quest.search.fetch, window, limit=quest.limit) for window in windows])
        if not quest.search.dates_usable:
            return False
        both = zip(firsts, answers, strict=True)
        whole = [(first, fetched) for first, fetched in both if fetched.wholeness is Wholeness.WHOLE]
        enough = [(first, fetched) for first, fetched in whole if len(fetched.rows) >= quest.count]
        if whole:
            self._advance(*(enough[0] if enough else whole[-1]))
        return self.finished

    async def run(self, *, most_windows: float = math.inf) -> bool:
        """Read until `finished`, or so many windows; False where dates turn out not to be understood."""
        quest = self._quest
        if self._crowded:
            await self._look_above()
        while not self.finished and most_windows > 0:
            most_windows -= 1
            first = self._bounded(self._first)
            if self._crowded and self._last == self._end:
                await self._read_day(Fetched())
                continue
            window = Window(first=self._written_first(first), last=_date(self._last) if self._last else "")
            fetched = await self._read(window)
            if not quest.search.dates_usable:
                return False
            if fetched.wholeness is Wholeness.WHOLE:
                self._advance(first, fetched)
            elif first < self._end:
                self._narrow(first, fetched)
            elif self._last is None:
                await self._look_above()
            else:
                await self._read_day(fetched)
        return True

    async def _read(self, window: Window) -> Fetched:
        quest = self._quest
        fetched = await quest.search.fetch(window, limit=quest.limit)
        fetched.wholeness = await proven(quest.search, window, fetched, limit=quest.limit)
        return fetched

    def _bounded(self, first: int) -> int:
        first = min(max(first, self._floor), self._end)
        # Placeholder dates such as 19000101 can crowd even that window: then the days below are divided as well.
        open_below = first <= _OPEN_BELOW and self._floor not in self._cut_from
        return self._floor if open_below else first

    def _written_first(self, first: int) -> str:
        return "" if first == _FIRST_DAY else _date(first)

    def _narrow(self, first: int, cut: Fetched) -> None:
        """The window was cut: nothing older than the newest day in its answer is wanted yet, if even that."""
        self._cut_from.add(first)
        days = {_ordinal(date) for date, _ in cut.moments}
        newest = min(max(days, default=first), self._end)
        self._known = max(self._known, newest)
        eighth = self._end - max(1, (self._end - first + 1) // _SHRINK) + 1
        # One crowded day, by the look of it: see whether anything is newer, then read that day.
        alone = days == {first}
        self._first = first + 1 if alone else max(newest, eighth)

    def _advance(self, first: int, fetched: Fetched) -> None:
        quest = self._quest
        quest.take(fetched)
        width = max(1, self._end - first + 1)
        self._step_below(first)
        if fetched.rows:
            wanted = min(width * _GROW_MAX, self._filling(len(fetched.rows) / width))
        else:
            wanted = width * _GROW_EMPTY
        self._first = self._end - wanted + 1
        if not quest.harvest.rows and self._known <= self._end:
            # Nothing newer than what was seen: go there at once, unless so wide a window was cut before.
            self._first = self._known if self._known not in self._cut_from else max(self._first, self._known)

    def _step_below(self, day: int) -> None:
        """Everything from `day` on has been read."""
        self._quest.cover((moment_rank(_date(day))[0], 1, "~"))
        self._last = self._end = day - 1

    def _filling(self, per_day: float) -> int:
        """The days that should bring what is still wanted, and not more than the archive gives at a time."""
        wanted = generous(max(1, self._quest.count - len(self._quest.harvest.rows)))
        return max(1, int(min(wanted, self._quest.comfortable) / per_day) + 1)

    async def _read_day(self, crowded: Fetched) -> None:
        day, harvest = self._end, self._quest.harvest
        before = len(harvest.rows) + len(harvest.emitted)
        await read_day(self._quest, _date(day), crowded)
        # Days beyond the crowd are not worth several requests each.
        self._crowded = self._crowded and len(harvest.rows) + len(harvest.emitted) - before > self._quest.comfortable
        if not self._quest.enough:
            self._step_below(day)
            self._first = self._end - _FIRST_WIDTH + 1

    async def _look_above(self) -> None:
        """The newest day is crowded, or days lie above it: studies may be dated in the future."""
        if self._last is not None:
            return
        if self._end >= _LAST_DAY:
            self._last = self._end
            return
        above = await self._read(Window(first=_date(self._end + 1)))
        if above.wholeness is Wholeness.WHOLE:
            self._quest.take(above)
            self._last = self._end
        else:
            # Where not even a day is told, each step is larger than the one before: years are many.
            self._climb *= _GROW_EMPTY
            newest = max((_ordinal(date) for date, _ in above.moments), default=self._end + self._climb)
            self._end = min(newest, _LAST_DAY)


def _date(ordinal: int) -> str:
    return dt.date.fromordinal(ordinal).strftime("%Y%m%d").zfill(8)


def _ordinal(date: str) -> int:
    return dt.date(int(date[:4]), int(date[4:6]), int(date[6:8])).toordinal()
