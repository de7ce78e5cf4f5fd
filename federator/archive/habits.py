"""What an archive was found to do: learned while running, forgotten with the process.

Archives differ from the standard and from each other in ways that their conformance statements do not tell
(caps without a warning, filters that are ignored, media types that are refused). What one request taught is
remembered here, so that the next one need not find out again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from federator.model import DicomJson, Level

T = TypeVar("T")

SMALLEST_CAP = 10
"""No archive caps its answers at less: shorter answers are taken for whole."""

_WELL_KNOWN_CAPS = (50, 100, 101, 200, 500, 1000, 5000, 10_000)
_MAX_KEPT = 256


@dataclass(slots=True, kw_only=True)
class Hint:
    """What an earlier, equal question found: the newest date, how dense the studies lie, how many there were.

    `newest` is YYYYMMDD or empty, `newest_second` the second of that day, `oldest` the day of the last of the newest
    `count`; `per_day` is studies a day near the newest, `total` is None where the list was never read to its end.
    """

    newest: str = ""
    newest_second: int = 86_399
    oldest: str = ""
    count: int = 0
    per_day: float = 0.0
    total: int | None = None


@dataclass(slots=True, kw_only=True)
class Habits:
    """One archive's habits. Plain data: the modules that learn something write it here.

    `max_limit` is the largest `limit` that it takes; `caps` the silent cap found per level; `seen` the most rows
    that one answer had per level (so a cap is not below it); `proven` the row counts that were shown to be whole.
    `refused_filters` were answered with an error, `ignored_filters` let pass rows that do not match,
    `honoured_filters` answer an impossible value with nothing. `sound` tells per kind of filter (see `soundness.py`)
    whether it finds what it must. None means not known yet. `sample` are rows to try filters on, `looked_for` the
    attributes for which such rows were looked for, `given` those that some row carried, so that a row without one has
    no value there. `lists` are paths below a study with the rows that each was shown to have.
    """

    accepts: dict[str, str] = field(default_factory=dict)
    unsupported: set[str] = field(default_factory=set)
    max_limit: int | None = None
    caps: dict[Level, int] = field(default_factory=dict)
    seen: dict[Level, int] = field(default_factory=dict)
    proven: dict[Level, set[int]] = field(default_factory=dict)
    include_refused: bool = False
    fuzzy_refused: bool = False
    refused_filters: set[tuple[Level, str]] = field(default_factory=set)
    sound: dict[str, bool] = field(default_factory=dict)
    keyword_keys: bool | None = None
    sample: tuple[DicomJson, ...] | None = None
    looked_for: set[str] = field(default_factory=set)
    given: set[tuple[Level, str]] = field(default_factory=set)
    ignored_filters: set[tuple[Level, str]] = field(default_factory=set)
    honoured_filters: dict[tuple[Level, str], bool] = field(default_factory=dict)
    orderby: bool | None = None
    trusted: bool = False
    hints: OrderedDict[str, Hint] = field(default_factory=OrderedDict)
    lists: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def saw(self, level: Level, rows: int) -> None:
        """Remember the length of one answer; a longer one refutes a cap."""
        self.seen[level] = max(rows, self.seen.get(level, 0))
        if rows > self.caps.get(level, rows):
            del self.caps[level]

    def prove(self, level: Level, rows: int) -> None:
        """Remember that an answer of so many rows was shown to be whole."""
        self.proven.setdefault(level, set()).add(rows)
        self.saw(level, rows)

    def may_be_capped(self, level: Level, rows: int) -> bool:
        """Whether an answer of so many rows, below the limit asked for, could still have been cut without a word."""
        if self.trusted or rows < SMALLEST_CAP:
            return False
        if self.caps.get(level) is not None or rows < self.seen.get(level, 0):
            return rows >= self.caps.get(level, rows + 1)
        return self.at_a_cap(level, rows) or rows not in self.proven.get(level, ())

    def at_a_cap(self, level: Level, rows: int) -> bool:
        """Whether a list of so many rows ends where this archive, or many archives, cut theirs."""
        if self.trusted:
            return False
        known = self.caps.get(level)
        return (known is not None and rows >= known) or any(rows in {cap, cap + 1} for cap in _WELL_KNOWN_CAPS)

    def hint(self, digest: str) -> Hint | None:
        """What an equal question found before."""
        hint = self.hints.get(digest)
        if hint is not None:
            self.hints.move_to_end(digest)
        return hint

    def remember(self, digest: str, hint: Hint) -> None:
        """Keep what a question found; the least used are forgotten first."""
        _keep(self.hints, digest, hint)

    def remember_list(self, path: str, rows: int) -> None:
        """Keep how many rows a list was shown to have: as many again are all, unless lists are cut at that length."""
        if rows >= SMALLEST_CAP:
            _keep(self.lists, path, rows)

    def findings(self) -> tuple[str, ...]:
        """What was found, in plain words, for `list-archives` and `check`."""
        told: list[str] = []
        if self.max_limit is not None:
            told.append(f"takes at most limit={self.max_limit}")
        for level, cap in sorted(self.caps.items()):
            told.append(f"cuts {level.value} answers at {cap} rows without saying so")
        if self.orderby:
            told.append("sorts by date when asked")
        if self.include_refused:
            told.append("refuses includefield")
        for verb, filters in (("refuses", self.refused_filters), ("ignores", self.ignored_filters)):
            if filters:
                told.append(f"{verb} the filters {', '.join(sorted({tag for _, tag in filters}))}")
        unsound = sorted(kind for kind, sound in self.sound.items() if not sound)
        if unsound:
            told.append(f"cannot be trusted with {', '.join(unsound)} (federator checks that itself)")
        return tuple(told)


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MAX_KEPT:
        kept.popitem(last=False)
