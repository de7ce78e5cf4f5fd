"""What is kept of one archive for the next process: how to ask it first, and nothing that an answer may rest on.

An archive may have changed since. So what is kept decides only what goes out first and beside it; all that an empty or
a short answer relies on is found out again by each process. There is nothing of patients in it: tags, kinds of filter,
numbers of rows and of days.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from federator.archive.habits.naming import Naming, Place
from federator.model import Level

DAYS_KEPT = 7
"""So long after it was learned an archive is met anew, whatever was found out meanwhile."""

_DAY = re.compile(r"[0-9-]{10}")
_DIGEST = re.compile(r"[0-9a-f]{0,64}")
_KIND = re.compile(r"[A-Za-z0-9 ]{1,100}")
_TAG = re.compile(r"[0-9A-F]{8}")
_MOST_PLACES = 200
_MOST_ROWS = 1_000_000
_MOST_DAYS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """So many studies, the newest, lay within so many days before the day of asking."""

    studies: int
    days: int

    def days_of(self, studies: int) -> int:
        """The days within which so many are to be expected."""
        return self.days if studies == self.studies else -(-self.days * studies // self.studies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Hints how to ask first.

    `since` is the day on which they were learned, `server` a digest of what the archive called itself then. `naming`
    is how it understood attributes, `max_limit` the limit that it took when it refused a larger one, `plain_json` that
    it gave `application/json` only, `cap` where it cut its lists of studies. `recent` is there where those lists were
    too long for one answer. `unsound` kinds of filter did not find what they had to, `avoided` filters were refused or
    not applied: the question goes out without them as well.
    """

    since: dt.date
    server: str = ""
    naming: Naming | None = None
    max_limit: int | None = None
    plain_json: bool = False
    cap: int | None = None
    recent: Recent | None = None
    unsound: frozenset[tuple[Naming, str]] = frozenset()
    avoided: frozenset[Place] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """What stands in the file; what is not known does not stand there."""
        told = {
            "since": self.since.isoformat(),
            "server": self.server,
            "naming": self.naming,
            "max_limit": self.max_limit,
            "plain_json": self.plain_json,
            "cap": self.cap,
            "recent": [self.recent.studies, self.recent.days] if self.recent is not None else None,
            "unsound": sorted(self.unsound)[:_MOST_PLACES],
            "avoided": sorted(self.avoided)[:_MOST_PLACES],
        }
        return {key: value for key, value in told.items() if value}


def from_json(told: Mapping[str, Any], today: dt.date) -> Kept | None:
    """What stood in a file; None where it is too old, or anything in it is not as it was written."""
    try:
        kept = Kept(
            since=dt.date.fromisoformat(_word(told["since"], _DAY)),
            server=_word(told.get("server", ""), _DIGEST),
            naming=Naming(told["naming"]) if "naming" in told else None,
            max_limit=_number(told.get("max_limit"), _MOST_ROWS),
            plain_json=told.get("plain_json", False) is True,
            cap=_number(told.get("cap"), _MOST_ROWS),
            recent=_recent(told.get("recent")),
            unsound=frozenset((Naming(naming), _word(kind, _KIND)) for naming, kind in _few(told.get("unsound", ()))),
            avoided=frozenset(
                (Naming(naming), Level(level), _word(tag, _TAG)) for naming, level, tag in _few(told.get("avoided", ()))
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return kept if dt.timedelta(0) <= today - kept.since < dt.timedelta(DAYS_KEPT) else None


def _word(told: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(told, str) or not pattern.fullmatch(told):
        raise ValueError
    return told


def _number(told: object, most: int) -> int | None:
    if told is None:
        return None
    if not isinstance(told, int) or isinstance(told, bool) or not 1 <= told <= most:
        raise ValueError
    return told


def _recent(told: object) -> Recent | None:
    if told is None:
        return None
    if not isinstance(told, list) or None in told:
        raise TypeError
    studies, days = told
    return Recent(studies=_number(studies, _MOST_ROWS) or 1, days=_number(days, _MOST_DAYS) or 1)


def _few(told: Iterable[Any]) -> list[Any]:
    places = list(told)
    if len(places) > _MOST_PLACES:
        raise ValueError
    return places
