"""Was that all? Asking for the two halves of a window shows whether an answer was cut without a word.

An archive that caps its answers at n rows gives n rows for the whole window, but more for its halves together
(PS3.18 §8.3.4.4 asks for a warning; Orthanc and others send none).
"""

import datetime as dt
from collections.abc import Sequence
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.search.fetched import Fetched, Wholeness, Window
from federator.archive.search.request import Request, ask
from federator.archive.search.studies import Search
from federator.errors import ArchiveError
from federator.model import Level


async def proven(search: Search, window: Window, fetched: Fetched, *, limit: int) -> Wholeness:
    """Whether an unproven answer to `window` is whole: nothing more comes to light in its halves."""
    # A longer answer may have come meanwhile, beside it.
    capped = search.client.habits.known.may_be_capped(Level.STUDY, fetched.longest)
    if fetched.wholeness is not Wholeness.UNPROVEN or not capped:
        return fetched.wholeness if fetched.wholeness is not Wholeness.UNPROVEN else Wholeness.WHOLE
    halves = _halves(window, fetched) if search.dates_usable else ()
    if not halves:
        return Wholeness.CUT
    habits = search.client.habits
    parts = await concurrently([partial(search.fetch, half, limit=limit) for half in halves])
    if not search.dates_usable or _alike(halves, parts):
        return Wholeness.CUT
    more = set().union(*(part.seen for part in parts)) - fetched.seen
    if more or any(part.wholeness is Wholeness.CUT for part in parts):
        if more:
            # Several requests may be joined: the one that was cut is the longest.
            habits.cuts(Level.STUDY, fetched.longest)
        return Wholeness.CUT
    undated = len(fetched.moments) < len(fetched.seen)
    if undated and not await _roomy(search, fetched.longest):
        return Wholeness.CUT
    habits.prove(Level.STUDY, fetched.longest)
    return Wholeness.WHOLE


def _alike(halves: Sequence[Window], parts: Sequence[Fetched]) -> bool:
    """Whether both halves brought much the same, although they have no day in common: then neither was applied."""
    in_both = set.intersection(*(part.seen for part in parts))
    return halves[0].last != halves[-1].first and len(in_both) * 2 > min(len(part.seen) for part in parts)


def _halves(window: Window, fetched: Fetched) -> tuple[Window, ...]:
    """The window in two, each with a row of the answer; nothing where all rows lie on one day at one time."""
    dates = sorted({date for date, _ in fetched.moments})
    if len(dates) > 1:
        middle = dates[len(dates) // 2]
        return (
            Window(first=window.first, last=_day_before(middle)),
            Window(first=middle, last=window.last),
        )
    times = sorted({time[:6] for _, time in fetched.moments if time})
    if len(times) > 1 and window.first == window.last == dates[0]:
        middle = times[len(times) // 2]
        # Both halves hold the middle second: a fraction of it may lie on either side.
        return (
            Window(first=dates[0], last=dates[0], from_time=window.from_time, to_time=middle),
            Window(first=dates[0], last=dates[0], from_time=middle, to_time=window.to_time),
        )
    return ()


def _day_before(date: str) -> str:
    return (dt.datetime.strptime(date, "%Y%m%d").date() - dt.timedelta(days=1)).strftime("%Y%m%d").zfill(8)  # noqa: DTZ007


async def _roomy(search: Search, rows: int) -> bool:
    """Whether the archive gives a longer list when there is one: undated studies have no windows to compare.

    Its list of series is longer than that of its studies. Instances prove nothing: Orthanc caps them apart.
    """
    client = search.client
    request = Request(level=Level.SERIES, path="/series", limit=rows * 2 + 2, with_include=False)
    try:
        answer = await ask(client, request)
    except ArchiveError as error:
        if error.http_status is None:
            raise
        return False
    if len(answer.rows) <= rows + 1:
        return False
    client.habits.saw(Level.STUDY, len(answer.rows))
    return True
