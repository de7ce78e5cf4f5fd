"""Windows on Study Date, from the newest day backwards: empty ones grow, cut ones shrink."""

import datetime as dt

from federator.archive.fetched import Fetched, Wholeness, Window
from federator.federation.day import read_day
from federator.federation.harvest import HEADROOM, Quest
from federator.federation.order import moment_rank
from federator.federation.proof import proven
from federator.model import Level

_FIRST_WIDTH = 30
_SHRINK = 8
_GROW_MAX = 16
_GROW_EMPTY = 4
_FILL = 0.6
# Hardly any study is older than digital imaging: one window, open below, takes what there is.
_OPEN_BELOW = dt.date(1975, 1, 1).toordinal()
_FIRST_DAY = dt.date(1, 1, 1).toordinal()


class Gallop:
    """One ride through an archive. Days are proleptic ordinals.

    `_last` is the newest day that is not read yet; None while all that is newer than `_end` belongs to the next window.
    """

    def __init__(self, quest: Quest, newest_seen: str) -> None:
        self._quest = quest
        self._newest_seen = _ordinal(newest_seen) if newest_seen else None
        self._floor = _ordinal(quest.first) if quest.first else _FIRST_DAY
        self._last = _ordinal(quest.last) if quest.last else None
        hint = quest.search.client.habits.hint(quest.digest)
        known = [_ordinal(hint.newest)] if hint is not None and hint.newest else [quest.today.toordinal()]
        if self._newest_seen is not None:
            known.append(self._newest_seen)
        self._end = max(*known, self._floor) if self._last is None else self._last
        per_day = hint.per_day if hint is not None else 0.0
        self._width = self._filling(per_day) if per_day else _FIRST_WIDTH

    async def run(self) -> bool:
        """Read until there is enough or nothing more; False where dates turn out not to be understood."""
        quest = self._quest
        while not quest.enough and self._end >= self._floor:
            first = self._first()
            window = Window(first=self._written_first(first), last=_date(self._last) if self._last else "")
            fetched = await self._read(window)
            if not quest.search.dates_usable:
                return False
            if fetched.wholeness is Wholeness.WHOLE:
                self._advance(first, fetched)
            elif first < self._end:
                self._width = max(1, (self._end - first + 1) // _SHRINK)
            elif self._last is None:
                await self._look_above()
            else:
                await read_day(quest, _date(self._end), fetched)
                if not quest.enough:
                    self._step_below(self._end)
        return True

    async def _read(self, window: Window) -> Fetched:
        quest = self._quest
        fetched = await quest.search.fetch(window, limit=quest.limit)
        fetched.wholeness = await proven(quest.search, window, fetched, limit=quest.limit)
        return fetched

    def _first(self) -> int:
        first = max(self._end - self._width + 1, self._floor)
        return first if first > _OPEN_BELOW else self._floor

    def _written_first(self, first: int) -> str:
        return "" if first == _FIRST_DAY else _date(first)

    def _advance(self, first: int, fetched: Fetched) -> None:
        self._quest.take(fetched)
        per_day = len(fetched.rows) / (self._end - first + 1)
        width = self._end - first + 1
        self._step_below(first)
        if per_day:
            self._width = max(1, min(width * _GROW_MAX, self._filling(per_day)))
        else:
            self._width = width * _GROW_EMPTY
            if self._newest_seen is not None and not self._quest.harvest.rows:
                self._width = max(self._width, self._end - self._newest_seen + 1)

    def _step_below(self, day: int) -> None:
        """Everything from `day` on has been read."""
        self._quest.cover((moment_rank(_date(day))[0], 1, "~"))
        self._last = self._end = day - 1

    def _filling(self, per_day: float) -> int:
        """The days that should bring what is still wanted, and not more than the archive gives at a time."""
        wanted = max(1, self._quest.count - len(self._quest.harvest.rows)) * HEADROOM
        cap = self._quest.search.client.habits.caps.get(Level.STUDY, self._quest.limit)
        return max(1, int(min(wanted, _FILL * cap) / per_day) + 1)

    async def _look_above(self) -> None:
        """The newest day is crowded, or days lie above it: studies may be dated in the future."""
        above = await self._read(Window(first=_date(self._end + 1)))
        if above.wholeness is Wholeness.WHOLE:
            self._quest.take(above)
            self._last = self._end
        else:
            self._end = max((_ordinal(date) for date, _ in above.moments), default=self._end + _FIRST_WIDTH)


def _date(ordinal: int) -> str:
    return dt.date.fromordinal(ordinal).strftime("%Y%m%d").zfill(8)


def _ordinal(date: str) -> int:
    return dt.date(int(date[:4]), int(date[4:6]), int(date[6:8])).toordinal()
