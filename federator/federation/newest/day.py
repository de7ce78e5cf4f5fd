"""One day with more studies than fit into an answer, divided by Study Time, latest first."""

from dataclasses import dataclass

from federator.archive.search.fetched import Fetched, Wholeness, Window
from federator.dicom import json
from federator.federation.newest.harvest import Quest, generous
from federator.federation.newest.proof import proven
from federator.federation.order import moment_rank

_LARGER_LIMITS = (1000, 5000)
_LAST_SECOND = 86_399
_FIRST_WIDTH_S = 10_800
_SHRINK = 8
_GROW_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """Seconds of the day, both ends included."""

    first: int
    last: int

    def window(self, day: str) -> Window:
        """With a second of overlap: a study at 09:30:00.5 must not fall between two windows."""
        return Window(
            first=day,
            last=day,
            from_time=_clock(self.first) if self.first > 0 else "",
            to_time=_clock(self.last + 1) if self.last < _LAST_SECOND else "",
        )


async def read_day(quest: Quest, day: str, crowded: Fetched) -> None:
    """Read a day whose first answer, `crowded`, was cut; where a gap has to be left, it is noted."""
    window = Window(first=day, last=day)
    larger = [limit for limit in _LARGER_LIMITS if limit > quest.limit and len(crowded.seen) + 2 >= quest.limit]
    for limit in larger:
        fetched = await quest.search.fetch(window, limit=limit)
        fetched.wholeness = await proven(quest.search, window, fetched, limit=limit)
        crowded.rows.update(fetched.rows)
        crowded.seen |= fetched.seen
        if fetched.wholeness is Wholeness.WHOLE:
            quest.take(fetched)
            return
        if len(fetched.seen) + 2 < limit:
            break
    await _by_time(quest, day, crowded)


async def _by_time(quest: Quest, day: str, crowded: Fetched) -> None:
    last, width = _LAST_SECOND, _first_width(quest, day)
    found: set[str] = set()
    while last >= 0:
        part = _Slice(first=max(0, last - width + 1), last=last)
        fetched = await quest.search.fetch(part.window(day), limit=quest.limit)
        fetched.wholeness = await proven(quest.search, part.window(day), fetched, limit=quest.limit)
        crowded_second = fetched.wholeness is not Wholeness.WHOLE and width == 1
        if crowded_second or not _honest(part, crowded, fetched):
            await _by_pages(quest, day)
            return
        if fetched.wholeness is not Wholeness.WHOLE:
            width = max(1, width // _SHRINK)
            continue
        quest.take(fetched)
        quest.cover(moment_rank(day, f"{_clock(part.first)}.000000", "~"))
        if quest.enough:
            return
        fresh = len(fetched.seen - found)
        found |= fetched.seen
        last = part.first - 1
        width = min(width * _GROW_MAX, _wanted_width(quest, fresh, width))
    await _by_pages(quest, day, known=found)


def _first_width(quest: Quest, day: str) -> int:
    """The seconds before midnight to begin with: down to where the newest study lay, and what is wanted of those."""
    hint = quest.search.client.habits.hint(quest.digest)
    if hint is None or hint.newest != day or not hint.per_day:
        return _FIRST_WIDTH_S
    wanted = min(generous(quest.count), quest.comfortable) / hint.per_day * (_LAST_SECOND + 1)
    return min(_LAST_SECOND + 1, _LAST_SECOND - hint.newest_second + max(1, int(wanted)))


def _wanted_width(quest: Quest, fresh: int, width: int) -> int:
    """The seconds that should fill an answer well, at the density seen last."""
    if not fresh:
        return width * _GROW_MAX
    return max(1, int(width * quest.comfortable / fresh))


def _honest(part: _Slice, crowded: Fetched, fetched: Fetched) -> bool:
    """Whether the archive understands times: what it told of the whole day comes again, and little from outside."""
    for uid, row in crowded.rows.items():
        second = _second(json.time(row, "00080030"))
        if second is not None and part.first <= second <= part.last and uid not in fetched.seen:
            return fetched.wholeness is Wholeness.CUT
    outside = [
        time
        for _, time in fetched.moments
        if (second := _second(time)) is not None and not part.first - 1 <= second <= part.last + 1
    ]
    return len(outside) * 2 <= len(fetched.moments)


async def _by_pages(quest: Quest, day: str, known: set[str] | None = None) -> None:
    """The whole day page by page: the last resort, and the only way to studies without a time."""
    window = Window(first=day, last=day)
    whole = await quest.search.pages(window)
    quest.take(whole)
    if whole.wholeness is Wholeness.WHOLE and (known or set()) <= whole.seen:
        return
    written = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    what = "studies without a time" if known else "some studies"
    quest.harvest.gaps.append(f"It has more studies on {written} than it lets read; {what} may be missing.")


def _clock(second: int) -> str:
    return f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"


def _second(time: str) -> int | None:
    return int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:6]) if time else None
