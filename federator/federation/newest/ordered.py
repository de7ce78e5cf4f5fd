"""Archives that sort when asked (`orderby`, as dcm4chee has it): verified before and at every answer."""

from collections.abc import Sequence
from functools import partial

from federator.archive.search.fetched import Fetched, Wholeness, Window
from federator.archive.search.request import Request, ask
from federator.archive.search.wire import STUDY_DATE, STUDY_TIME
from federator.dicom import json
from federator.errors import ArchiveError
from federator.federation.newest.harvest import Quest
from federator.federation.order import Rank, moment_rank, study_rank
from federator.model import DicomJson, Level

NEWEST_FIRST = "-StudyDate,-StudyTime"
_OLDEST_FIRST = "StudyDate,StudyTime"
_FIRST_DAY = "18000101"
_TRIAL_ROWS = 4
_LARGEST_LIMIT = 5000
_ALL_DATED: Rank = (0, 0, "")


async def sorts(quest: Quest, newest_seen: str) -> bool:
    """Whether the archive sorts by date both ways, and brings what is at least as new as what was seen before."""
    habits = quest.search.client.habits
    if habits.known.orderby is None:
        await habits.once("orderby", partial(_find_out, quest, newest_seen))
    return bool(habits.known.orderby)


async def _find_out(quest: Quest, newest_seen: str) -> None:
    try:
        found = await _sorts_both_ways(quest, newest_seen)
    except ArchiveError as error:
        if error.http_status is None:
            raise
        found = False
    quest.search.client.habits.sorts(yes=found)


async def _sorts_both_ways(quest: Quest, newest_seen: str) -> bool:
    down = await _trial(quest, NEWEST_FIRST)
    if not down or down != sorted(down) or down[0][0] > moment_rank(newest_seen)[0]:
        # As with most archives: then the other way need not be asked for.
        return False
    up = await _trial(quest, _OLDEST_FIRST)
    # What is sorted after it was cut is the same rows both ways.
    return bool(up) and up == sorted(up, reverse=True) and max(down) < min(up)


async def _trial(quest: Quest, orderby: str) -> list[Rank]:
    request = Request(
        level=Level.STUDY,
        path="/studies",
        terms=((STUDY_DATE, f"{_FIRST_DAY}-"),),
        limit=_TRIAL_ROWS,
        orderby=orderby,
    )
    answer = await ask(quest.search.client, request)
    return [_moment(row) for row in answer.rows]


def _moment(row: DicomJson) -> Rank:
    return moment_rank(json.date(row, STUDY_DATE), json.time(row, STUDY_TIME))


def _reached(quest: Quest, fetched: Fetched, moments: Sequence[Rank]) -> Rank:
    """The place down to which an ordered answer misses nothing.

    Who sorts by date and time may have more of the last moment; a folder sorts those by their UIDs, as we do.
    """
    ranks = [study_rank(row) for row in fetched.rows.values()]
    if quest.search.client.habits.known.trusted and len(ranks) == len(moments) and ranks == sorted(ranks):
        return ranks[-1]
    return (*moments[-1][:2], "")


async def read_ordered(quest: Quest) -> bool:
    """Read downwards in the archive's own order, to the end of the dated studies or until enough were found.

    False where it does not keep to its order or crowds a day too much: windows must do then.
    """
    last, limit = quest.last, quest.limit
    while True:
        window = Window(first=quest.first or _FIRST_DAY, last=last)
        fetched = await quest.search.fetch(window, limit=limit, orderby=NEWEST_FIRST)
        moments = [moment_rank(date, time) for date, time in fetched.moments]
        if moments != sorted(moments):
            quest.search.client.habits.sorts(yes=False)
            return False
        quest.take(fetched)
        if fetched.wholeness is Wholeness.WHOLE:
            quest.cover(_ALL_DATED)
            return True
        if not moments:
            return False
        quest.cover(_reached(quest, fetched, moments))
        if quest.enough:
            return True
        oldest = fetched.moments[-1][0]
        if oldest != last:
            last = oldest
        elif fetched.wholeness is Wholeness.CUT and limit < _LARGEST_LIMIT:
            limit *= 5
        else:
            return False
