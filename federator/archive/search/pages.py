"""Reading a whole list page by page, for what no window on dates can reach.

Archives ignore `offset`, break it when filters are set, clamp it, or give short pages in the middle of a list. So a
short page is not the end, a page without anything new is not believed, and the end counts only where `offset` was seen
to work and the length is none at which archives cut their lists.
"""

from collections.abc import Awaitable, Callable

from federator.archive.habits.owner import Habits
from federator.archive.search.fetched import Fetched, Wholeness
from federator.model import Level

PAGE_LIMIT = 1000
_MAX_PAGES = 40

Fetch = Callable[[int, int], Awaitable[Fetched]]
"""Fetches `limit` rows from `offset` on."""


async def read_pages(fetch: Fetch, habits: Habits, level: Level, *, limit: int = PAGE_LIMIT) -> Fetched:
    """All rows, in pages of `limit`; the result is WHOLE only if the end was really seen."""
    whole = await fetch(limit, 0)
    if whole.wholeness is Wholeness.WHOLE or not whole.seen:
        return whole
    suspicion = whole.wholeness
    whole.wholeness = Wholeness.WHOLE
    for _ in range(_MAX_PAGES):
        page = await fetch(limit, len(whole.seen))
        if page.seen <= whole.seen:
            whole.wholeness = await _believed(fetch, limit, whole, page, suspicion, habits, level)
            return whole
        page.wholeness = Wholeness.WHOLE
        whole.take(page)
    whole.wholeness = Wholeness.CUT
    return whole


async def _believed(
    fetch: Fetch, limit: int, whole: Fetched, last: Fetched, suspicion: Wholeness, habits: Habits, level: Level
) -> Wholeness:
    """What a page without anything new says of the list before it.

    Rows that an archive gives twice may fill two places of its list (in Orthanc two patients' studies under one UID):
    so many known rows may still come, and its cuts count them.
    """
    if last.longest > whole.repeated:
        return Wholeness.CUT
    reached = len(whole.seen)
    if any(habits.known.at_a_cap(level, length) for length in {reached, reached + whole.repeated}):
        return suspicion
    # Whether the last row comes back when asked for by its offset: then nothing behind it is nothing.
    again = await fetch(limit, reached - 1)
    works = 0 < again.longest <= 1 + whole.repeated and again.seen <= whole.seen
    return Wholeness.WHOLE if works else suspicion
