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
    """All rows, in pages of `limit`; the result is WHOLE only if the end was really seen.

    Each page begins with the last row of what came before: if that comes again, `offset` works and nothing has moved;
    and if nothing comes with it, that was the end.
    """
    whole = await fetch(limit, 0)
    if whole.wholeness is Wholeness.WHOLE or not whole.seen:
        return whole
    suspicion = whole.wholeness
    whole.wholeness = Wholeness.WHOLE
    reached, in_step = whole.longest - whole.repeated, True
    for _ in range(_MAX_PAGES):
        page = await fetch(limit, reached - 1)
        if not page.seen - whole.seen:
            # An archive cuts its list with the rows that stand there twice.
            at_a_cap = any(habits.at_a_cap(level, length) for length in {reached, reached + whole.repeated})
            whole.wholeness = _believed(whole, page, suspicion, at_a_cap=at_a_cap) if in_step else Wholeness.CUT
            return whole
        in_step = in_step and len(page.seen & whole.seen) == 1
        page.wholeness = Wholeness.WHOLE
        whole.take(page)
        reached += page.longest - page.repeated - 1
    whole.wholeness = Wholeness.CUT
    return whole


def _believed(whole: Fetched, last: Fetched, suspicion: Wholeness, *, at_a_cap: bool) -> Wholeness:
    """What a page without anything new says of the list before it."""
    if last.longest > 1 + whole.repeated:
        # Asked for its last row, the archive gave more of what it had given: it does not understand offset. Rows that
        # it has twice may fill two places of its list (in Orthanc two patients' studies under one UID) or one.
        return Wholeness.CUT
    return Wholeness.WHOLE if last.seen and not at_a_cap else suspicion
