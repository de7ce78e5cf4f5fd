"""The newest studies of one archive that does not sort.

PS3.18 §8.3.4.4.1 promises no order, and hardly any archive has one. So windows on Study Date gallop backwards from
the newest day: empty ones grow, cut ones shrink, until enough studies lie in windows that were read whole. What an
archive teaches (its density, its cap, whether it sorts) is remembered, and the next question usually takes one request.

Where no gap is noted, the studies found down to `covered` are exactly the newest ones, and all of them if `exhausted`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from federator.archive.habits.known import Hint
from federator.archive.search import samples
from federator.archive.search.fetched import EVERYTHING, Fetched, Wholeness, Window
from federator.archive.search.wire import DATES, STUDY_DATE
from federator.errors import ArchiveError
from federator.federation.newest.gallop import Begun, Gallop
from federator.federation.newest.harvest import Quest, generous
from federator.federation.newest.ordered import read_ordered, sorts
from federator.federation.newest.proof import proven
from federator.federation.order import Rank

_SMALL = 100
_PATIENCE = 2
_TELLING = 60
_MOST_PER_DAY = 100_000
# How archives say that they want a question with a key in it.
_KEY_WANTED = frozenset({400, 422})


async def find_newest(quest: Quest) -> None:
    """Fill the quest's harvest. Raises ArchiveError; what was found until then stays in the harvest."""
    if quest.undated_only:
        await _read_undated(quest)
        return
    seen: list[str] = []
    begun: Begun | None = None
    if _worth_probing(quest):
        probe, begun = await _first_look(quest)
        if quest.harvest.exhausted:
            return
        shown = begun.fetched if begun is not None and begun.fetched.wholeness is not Wholeness.WHOLE else probe
        seen = [date for date, _ in shown.moments]
    if not await _read_dated(quest, seen, begun):
        await _read_everything(quest)
        return
    _remember(quest)
    if not quest.enough and not quest.harvest.gaps:
        await _read_undated(quest)


def _worth_probing(quest: Quest) -> bool:
    """Whether one request without a window may well bring all: at first contact, and where few studies match."""
    if not quest.search.dates_usable:
        return False
    hint = quest.search.client.habits.hint(quest.digest)
    if hint is None:
        return True
    return hint.total is not None and hint.total <= max(_SMALL, 3 * quest.count)


async def _first_look(quest: Quest) -> tuple[Fetched, Begun | None]:
    """Ask for everything; where an earlier process kept within how many days the newest lay, for those days as well.

    The look is no longer than it has to be then: longer than what is in those days, so that it shows that this was not
    cut, and long enough to show how dates stand there.
    """
    first = _first_day(quest)
    if first is None:
        return await _probe(quest, quest.limit), None
    looks: list[Fetched] = []

    async def look() -> None:
        looks.append(await _probe(quest, max(_TELLING, int(generous(quest.count)) + 1)))
        # Rows that a range of dates found say nothing of those that it does not find.
        samples.keep(quest.search.client, list(looks[0].rows.values()))

    window = Window(first=first.strftime("%Y%m%d").zfill(8))
    try:
        fetched = await quest.search.fetch(window, limit=quest.limit, beside=[look])
        if not quest.harvest.exhausted:
            fetched.wholeness = await proven(quest.search, window, fetched, limit=quest.limit)
    except ArchiveError:
        if not looks:
            raise
        return looks[0], None
    return looks[0], Begun(first=first, fetched=fetched)


def _first_day(quest: Quest) -> dt.date | None:
    """The day from which on the newest are to be expected, by what an earlier process kept; None where it kept none."""
    known, query = quest.search.client.habits.known, quest.search.query
    kept = known.kept
    if kept is None or kept.recent is None or query.filters or quest.below is not None:
        return None
    dates_fail = any(kind == DATES for _, kind in kept.unsound) or any(tag == STUDY_DATE for *_, tag in kept.avoided)
    days = kept.recent.days_of(quest.count)
    if dates_fail or days >= quest.today.toordinal() or (kept.cap is not None and kept.cap <= generous(quest.count)):
        return None
    return quest.today - dt.timedelta(days)


async def _probe(quest: Quest, limit: int) -> Fetched:
    """Ask for everything at once; whole, it settles the question."""
    # The query's own dates only: a window would leave out studies without a date.
    window = Window(first=quest.first, last=quest.last) if quest.dated_only else EVERYTHING
    try:
        fetched = await quest.search.fetch(window, limit=limit)
    except ArchiveError as refusal:
        if refusal.http_status not in _KEY_WANTED or quest.dated_only:
            raise
        # A list without a key may be refused where one by date is not.
        return Fetched(wholeness=Wholeness.CUT)
    fetched.wholeness = await proven(quest.search, window, fetched, limit=limit)
    if fetched.wholeness is Wholeness.WHOLE:
        quest.take(fetched)
        quest.harvest.exhausted = True
        # A window that ends at the place to resume at leaves out copies under a newer date.
        quest.harvest.whole = quest.below is None or not quest.dated_only
        quest.search.client.habits.remember(quest.digest, Hint(total=len(fetched.rows)))
        if not quest.search.query.filters:
            quest.search.client.habits.lie_anywhere()
    return fetched


async def _read_dated(quest: Quest, seen: Sequence[str], begun: Begun | None) -> bool:
    """Read dated studies until there are enough or no more; False where the archive cannot be asked by date."""
    search = quest.search
    if not search.dates_usable:
        return False
    newest_seen = max(seen, default="")
    gallop = Gallop(quest, newest_seen)
    if begun is not None:
        gallop.begin(begun)
    if await gallop.look_around(seen):
        return True
    if search.single and search.client.habits.known.orderby is None:
        # Whether an archive sorts is worth asking only where windows do not do at once: few archives sort, and to
        # those that do not the question is about everything they have.
        if not await gallop.run(most_windows=_PATIENCE):
            return False
        if gallop.finished:
            return True
    if search.single and await sorts(quest, newest_seen) and await read_ordered(quest):
        return True
    return await gallop.run()


async def _read_undated(quest: Quest) -> None:
    """Studies without a date come last; no window finds them, so the whole list must be read for them."""
    if quest.dated_only:
        quest.harvest.exhausted = True
        return
    known = quest.harvest.rows.keys() | quest.harvest.emitted
    try:
        whole = await quest.search.pages(EVERYTHING)
    except ArchiveError as refusal:
        if refusal.http_status not in _KEY_WANTED or not known:
            raise
        whole = Fetched(wholeness=Wholeness.CUT)
    quest.take(whole)
    # A list that lacks what windows gave was cut, however whole it looks.
    quest.harvest.exhausted = quest.harvest.whole = whole.wholeness is Wholeness.WHOLE and known <= whole.seen
    if not quest.harvest.exhausted:
        quest.harvest.gaps.append("Its studies without a date could not all be listed.")


async def _read_everything(quest: Quest) -> None:
    """For archives that cannot be asked by date: the whole list, filtered and sorted here."""
    whole = await quest.search.pages(EVERYTHING)
    quest.take(whole)
    quest.harvest.exhausted = quest.harvest.whole = whole.wholeness is Wholeness.WHOLE
    if not quest.harvest.exhausted:
        quest.harvest.gaps.append(
            "It does not filter by date and does not give its whole list, so studies may be missing."
        )


def _remember(quest: Quest) -> None:
    """Keep where the newest studies lie and how densely, for the next question of this kind."""
    habits = quest.search.client.habits
    places = sorted(place for place in quest.harvest.ranks.values() if place[0] < 0)[: quest.count]
    if not places:
        return
    hint = habits.hint(quest.digest) if quest.below is not None else None
    if hint is None or not hint.newest:
        hint = Hint(
            newest=f"{-places[0][0]:08d}",
            newest_second=_second(places[0]),
            oldest=f"{-places[-1][0]:08d}",
            count=len(places),
        )
    newest, oldest = (quest.today.toordinal() - int(_moment(place)) for place in (places[0], places[-1]))
    _remember_days(quest, newest, oldest, len(places))
    span_days = max(_moment(places[0]) - _moment(places[-1]), len(places) / _MOST_PER_DAY)
    habits.remember(quest.digest, replace(hint, per_day=len(places) / span_days))


def _remember_days(quest: Quest, newest: int, oldest: int, count: int) -> None:
    """Keep how many days back the newest of all lie, where studies still come: else it says nothing of tomorrow."""
    if quest.search.query.filters or quest.below is not None or count < quest.count:
        return
    if newest <= oldest // 2:
        quest.search.client.habits.lie_within(count, max(1, oldest + 1))
    else:
        quest.search.client.habits.lie_anywhere()


def _moment(place: Rank) -> float:
    """A place in days, with the time of day as a fraction."""
    day = -place[0]
    return dt.date(day // 10_000, day // 100 % 100, day % 100).toordinal() + _second(place) / 86_400


def _second(place: Rank) -> int:
    clock = max(0, -place[1]) // 1_000_000
    return clock // 10_000 * 3600 + clock // 100 % 100 * 60 + clock % 100
