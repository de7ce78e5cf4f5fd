"""Reading a whole list page by page, for what no window on dates can reach.

Archives ignore `offset`, break it when filters are set, clamp it, or give short pages in the middle of a list. So a
short page is not the end, a page without anything new is not believed, and the end counts only where `offset` was seen
to work and the length is none at which archives cut their lists.
"""

from collections.abc import Awaitable, Callable

from federator.archive.fetched import Fetched, Wholeness
from federator.archive.habits import Habits
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
        reached = len(whole.seen)
        page = await fetch(limit, reached)
        if not page.seen:
            believed = not habits.at_a_cap(level, reached) and await _offset_works(fetch, limit, whole, reached)
            whole.wholeness = Wholeness.WHOLE if believed else suspicion
            return whole
        fresh = page.seen - whole.seen
        page.wholeness = Wholeness.WHOLE
        whole.take(page)
        if not fresh:
            whole.wholeness = Wholeness.CUT
            return whole
    whole.wholeness = Wholeness.CUT
    return whole


async def _offset_works(fetch: Fetch, limit: int, whole: Fetched, reached: int) -> bool:
    """Whether the last row comes back when asked for by its offset: then nothing behind it is nothing."""
    last = await fetch(limit, reached - 1)
    return len(last.seen) == 1 and last.seen <= whole.seen
