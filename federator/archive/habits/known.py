"""Everything that is known of one archive at one moment: a snapshot that never changes.

A question takes one when its request goes out and judges the rows by it, whatever other questions find out meanwhile.
What depends on how attributes are named (by tag or by keyword) is known apart for each: an archive that does not know
tags ignores filters by tag, which says nothing of filters by keyword.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from federator.archive.habits.kept import Kept
from federator.archive.habits.naming import Naming, Place
from federator.model import DicomJson, Level

SMALLEST_CAP = 10
"""No archive caps its answers at less: shorter answers are taken for whole."""

_WELL_KNOWN_CAPS = (50, 100, 101, 200, 500, 1000, 5000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One archive's habits as far as they are known. None and absent mean: not known yet.

    `naming` is how it wants attributes named; `max_limit` the largest `limit` that it takes; `caps` the silent cap
    found per level; `seen` the most rows that one answer had per level (so a cap is not below it); `proven` the row
    counts that were shown to be whole; `lists_refused` says that a list of everything is refused. `refused` filters
    were answered with an error, `ignored` ones let pass rows that do not match, `honoured` ones answer an impossible
    value with nothing. `sound` tells per naming and kind of filter (see `soundness.py`) whether it finds what it must.
    `sample` are rows to try filters on, `looked_for` the attributes for which such rows were looked for, `given` those
    that some row carried, so that a row without one has no value there.
    `kept` are the hints of an earlier process, which say how to ask first and are no knowledge.
    """

    trusted: bool = False
    naming: Naming | None = None
    max_limit: int | None = None
    caps: Mapping[Level, int] = field(default_factory=dict)
    seen: Mapping[Level, int] = field(default_factory=dict)
    proven: Mapping[Level, frozenset[int]] = field(default_factory=dict)
    lists_refused: bool = False
    include_refused: bool = False
    fuzzy_refused: bool = False
    refused: frozenset[Place] = frozenset()
    ignored: frozenset[Place] = frozenset()
    honoured: Mapping[Place, bool] = field(default_factory=dict)
    sound: Mapping[tuple[Naming, str], bool] = field(default_factory=dict)
    sample: tuple[DicomJson, ...] = ()
    looked_for: frozenset[str] = frozenset()
    given: frozenset[tuple[Level, str]] = frozenset()
    orderby: bool | None = None
    accepts: Mapping[str, str] = field(default_factory=dict)
    unsupported: frozenset[str] = frozenset()
    kept: Kept | None = None

    @property
    def usual_naming(self) -> Naming:
        """How attributes are named where it does not matter much: by tag unless keywords were found to be needed."""
        return self.naming or Naming.TAG

    def applied(self, place: Place) -> bool:
        """Whether nothing is known against this filter being applied by the archive."""
        return place not in self.refused and place not in self.ignored

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

    def findings(self) -> tuple[str, ...]:
        """What was found, in plain words, for `list-archives` and `check`."""
        told: list[str] = []
        if self.naming is Naming.KEYWORD:
            told.append("knows attributes by keyword only")
        if self.max_limit is not None:
            told.append(f"takes at most limit={self.max_limit}")
        for level, cap in sorted(self.caps.items()):
            told.append(f"cuts {level.value} answers at {cap} rows without saying so")
        if self.orderby:
            told.append("sorts by date when asked")
        if self.include_refused:
            told.append("refuses includefield")
        for verb, places in (("refuses", self.refused), ("ignores", self.ignored)):
            tags = sorted({tag for naming, _, tag in places if naming is self.usual_naming})
            if tags:
                told.append(f"{verb} the filters {', '.join(tags)}")
        unsound = sorted(kind for (naming, kind), yes in self.sound.items() if naming is self.usual_naming and not yes)
        if unsound:
            told.append(f"cannot be trusted with {', '.join(unsound)} (federator checks that itself)")
        return tuple(told)
