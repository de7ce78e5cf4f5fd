"""The one owner of what is known of an archive: everything that is learned comes in here, one fact at a time.

Facts are added, never taken back while others rely on them; what is found out later can only make a later question
more careful. The one exception is a cap that a longer answer refutes: who still believes in it asks once too often.
"""

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from federator.archive.habits.flight import SingleFlight
from federator.archive.habits.kept import Kept, Recent
from federator.archive.habits.known import SMALLEST_CAP, Hint, Known
from federator.archive.habits.naming import Naming, Place
from federator.model import DicomJson, Level

T = TypeVar("T")

SEARCH = "search"
PLAIN_JSON = "application/json"

_MAX_KEPT = 256
_DIGEST_LENGTH = 12


class Habits:
    """One archive's habits. `known` is the snapshot of this moment: take it once for a request and keep to it."""

    def __init__(self, *, trusted: bool = False, kept: Kept | None = None) -> None:
        naming = Naming.TAG if trusted else None
        self._known = Known(trusted=trusted, naming=naming, orderby=True if trusted else None, kept=kept)
        self._recent = kept.recent if kept is not None else None
        self._server: str | None = None
        self._flights = SingleFlight()
        self._hints: OrderedDict[str, Hint] = OrderedDict()
        self._lists: OrderedDict[str, int] = OrderedDict()

    @property
    def known(self) -> Known:
        """All that is known now."""
        return self._known

    async def once(self, what: Hashable, find_out: Callable[[], Awaitable[None]]) -> None:
        """Find something out, or wait for whoever is finding it out already. Raises what `find_out` raises."""
        await self._flights.once(what, find_out)

    def named(self, naming: Naming) -> None:
        """Remember how the archive was seen to understand attributes; the first finding stays."""
        if self._known.naming is None:
            self._known = replace(self._known, naming=naming)

    def takes_limit(self, limit: int) -> None:
        """Remember that a larger limit was refused and this one taken."""
        known = self._known.max_limit
        self._known = replace(self._known, max_limit=limit if known is None else min(known, limit))

    def refuses_include(self) -> None:
        """Remember that a request was taken only without `includefield`."""
        self._known = replace(self._known, include_refused=True)

    def refuses_fuzzy(self) -> None:
        """Remember that a request was taken only without `fuzzymatching`."""
        self._known = replace(self._known, fuzzy_refused=True)

    def refused(self, naming: Naming, level: Level, tags: Iterable[str]) -> None:
        """Remember filters without which a request was taken that was refused with them."""
        self._known = replace(self._known, refused=self._known.refused | {(naming, level, tag) for tag in tags})

    def ignored(self, naming: Naming, level: Level, tags: Iterable[str]) -> None:
        """Remember filters that let rows pass which do not match."""
        self._known = replace(self._known, ignored=self._known.ignored | {(naming, level, tag) for tag in tags})

    def honoured(self, place: Place, *, yes: bool) -> None:
        """Remember whether an impossible value of a filter found nothing."""
        self._known = replace(self._known, honoured={place: yes, **self._known.honoured})

    def sound(self, naming: Naming, kind: str, *, yes: bool) -> None:
        """Remember whether a kind of filter finds what it must; the first finding stays."""
        self._known = replace(self._known, sound={(naming, kind): yes, **self._known.sound})

    def sampled(self, rows: Sequence[DicomJson]) -> None:
        """Keep rows to try filters on."""
        self._known = replace(self._known, sample=tuple(rows))

    def looked_for(self, tags: Iterable[str]) -> None:
        """Remember that rows with a value of these attributes were looked for."""
        self._known = replace(self._known, looked_for=self._known.looked_for | frozenset(tags))

    def refuses_lists(self) -> None:
        """Remember that lists of everything are refused: nothing is to be had to try filters on but answers."""
        self._known = replace(self._known, lists_refused=True)

    def given(self, level: Level, tags: Iterable[str]) -> None:
        """Remember attributes that some row carried."""
        told = {(level, tag) for tag in tags}
        if not told <= self._known.given:
            self._known = replace(self._known, given=self._known.given | told)

    def sorts(self, *, yes: bool) -> None:
        """Remember whether the archive sorts by date when asked."""
        self._known = replace(self._known, orderby=yes)

    def accepts(self, resource: str, media_type: str) -> None:
        """Remember the media type in which a resource came."""
        if self._known.accepts.get(resource) != media_type:
            self._known = replace(self._known, accepts={**self._known.accepts, resource: media_type})

    def lacks(self, resource: str) -> None:
        """Remember a resource that the archive does not have."""
        self._known = replace(self._known, unsupported=self._known.unsupported | {resource})

    def forget_retrieving(self) -> None:
        """Forget which media types and resources there were: it is found out again at the next retrieval."""
        self._known = replace(self._known, accepts={}, unsupported=frozenset())

    def saw(self, level: Level, rows: int) -> None:
        """Remember the length of one answer; a longer one refutes a cap."""
        known = self._known
        if rows > known.seen.get(level, 0):
            known = replace(known, seen={**known.seen, level: rows})
        if rows > known.caps.get(level, rows):
            known = replace(known, caps={each: cap for each, cap in known.caps.items() if each is not level})
        self._known = known

    def prove(self, level: Level, rows: int) -> None:
        """Remember that an answer of so many rows was shown to be whole."""
        proven = self._known.proven
        self._known = replace(self._known, proven={**proven, level: proven.get(level, frozenset()) | {rows}})
        self.saw(level, rows)

    def cuts(self, level: Level, rows: int) -> None:
        """Remember that an answer was cut at so many rows without a word."""
        caps = self._known.caps
        self._known = replace(self._known, caps={**caps, level: min(rows, caps.get(level, rows))})

    def served_by(self, server: str) -> None:
        """Remember what the archive calls itself; where it was another one, what is kept of it is no hint any more."""
        digest = hashlib.sha256(server.encode()).hexdigest()[:_DIGEST_LENGTH]
        if self._known.kept is not None and self._known.kept.server != digest:
            self._known = replace(self._known, kept=None)
            self._recent = None
        self._server = digest

    def lie_anywhere(self) -> None:
        """Remember that no days need be guessed: one answer holds the whole list, or nothing new comes to it."""
        self._recent = None

    def lie_within(self, studies: int, days: int) -> None:
        """Remember within how many days, rounded up to two digits, so many of the newest studies lay."""
        unit = 10 ** max(0, len(str(days)) - 2)
        self._recent = Recent(studies=studies, days=-(-days // unit) * unit)

    def to_keep(self, today: dt.date) -> Kept | None:
        """What the next process may begin with; None where nothing was heard from the archive."""
        known = self._known
        if known.trusted or self._server is None:
            return None
        hints = known.kept if known.kept is not None and not _contradicted(known.kept, known) else Kept(since=today)
        places = known.refused | known.ignored
        accept = known.accepts.get(SEARCH)
        return replace(
            hints,
            server=self._server,
            naming=known.naming or hints.naming,
            max_limit=known.max_limit or hints.max_limit,
            plain_json=hints.plain_json if accept is None else accept == PLAIN_JSON,
            cap=known.caps.get(Level.STUDY, hints.cap),
            recent=self._recent,
            unsound=hints.unsound | {place for place, yes in known.sound.items() if not yes},
            avoided=hints.avoided | {place for place in places if place[1] is Level.STUDY},
        )

    def hint(self, digest: str) -> Hint | None:
        """What an equal question found before."""
        hint = self._hints.get(digest)
        if hint is not None:
            self._hints.move_to_end(digest)
        return hint

    def remember(self, digest: str, hint: Hint) -> None:
        """Keep what a question found; the least used are forgotten first."""
        _keep(self._hints, digest, hint)

    def rows_of(self, path: str) -> int | None:
        """How many rows the list at a path below a study was shown to have."""
        return self._lists.get(path)

    def remember_list(self, path: str, rows: int) -> None:
        """Keep how many rows a list was shown to have: as many again are all, unless lists are cut at that length."""
        if rows >= SMALLEST_CAP:
            _keep(self._lists, path, rows)


def _contradicted(kept: Kept, known: Known) -> bool:
    """Whether the archive was seen to do otherwise than it is kept: then it has changed, who knows in what else."""
    return (
        (kept.naming is not None and known.naming not in {None, kept.naming})
        or (kept.cap is not None and known.seen.get(Level.STUDY, 0) > kept.cap + 1)
        or any(known.sound.get(place) for place in kept.unsound)
        or (kept.plain_json and known.accepts.get(SEARCH, PLAIN_JSON) != PLAIN_JSON)
    )


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MAX_KEPT:
        kept.popitem(last=False)
