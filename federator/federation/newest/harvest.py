"""What is being looked for in one archive, and what was found so far."""

import datetime as dt
import math
from dataclasses import dataclass, field

from federator.archive.search.fetched import Fetched
from federator.archive.search.studies import Search
from federator.archive.search.wire import STUDY_DATE
from federator.dicom.query import dates
from federator.federation.order import Rank, study_rank
from federator.model import DicomJson, Level

PROBE_LIMIT = 200
_FILL = 0.6


@dataclass(slots=True, kw_only=True)
class Harvest:
    """What was found in one archive, filled while it is being found, so that a deadline loses nothing.

    `covered` is the place down to which nothing is missing; `exhausted` says that there is nothing further down.
    `ended` says that looking came to its own end without a gap, so that `covered` is to be relied on although single
    rows may be in doubt.
    `whole` says that the archive's whole list was seen; `emitted` are UIDs that stand before the place to resume at.
    `loose` are rows that came beside those, where the list could not be read to an end: others may be missing between.
    `gaps` are sentences about what could not be read, `remarks` about what is worth knowing besides.
    """

    rows: dict[str, DicomJson] = field(default_factory=dict)
    loose: dict[str, DicomJson] = field(default_factory=dict)
    ranks: dict[str, Rank] = field(default_factory=dict)
    covered: Rank | None = None
    exhausted: bool = False
    ended: bool = False
    whole: bool = False
    emitted: set[str] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many rows were found."""
        return len(self.rows.keys() | self.loose.keys())


def generous(wanted: int) -> float:
    """The studies to expect of a window that is to bring `wanted`: two standard deviations more, so that it does."""
    return wanted + 2 * math.sqrt(wanted)


@dataclass(slots=True, kw_only=True)
class Quest:
    """The newest `count` studies behind the place `below` (None: from the top) in one archive.

    `first` and `last` are the days (YYYYMMDD) within which dated studies are wanted, empty where open. `today` is where
    looking starts: it is a guess, studies of later days are found as well.
    """

    search: Search
    harvest: Harvest
    count: int
    below: Rank | None
    today: dt.date
    first: str = ""
    last: str = ""

    def __post_init__(self) -> None:
        asked = self.search.query.filter(STUDY_DATE)
        ends = [dates.ends_of(value) for value in asked.values] if asked else []
        self.first = min((first for first, _ in ends), default="")
        self.last = "" if not all(last for _, last in ends) else max((last for _, last in ends), default="")
        if self.below is not None and not self.undated_only:
            day = f"{-self.below[0]:08d}"
            self.last = min(self.last, day) if self.last else day

    @property
    def dated_only(self) -> bool:
        """Whether studies without a date cannot match."""
        return self.search.query.filter(STUDY_DATE) is not None

    @property
    def undated_only(self) -> bool:
        """Whether all dated studies lie before the place to resume at."""
        return self.below is not None and self.below[0] > 0

    @property
    def limit(self) -> int:
        """The rows to ask for at a time."""
        return max(PROBE_LIMIT, int(generous(self.count)) + 1)

    @property
    def comfortable(self) -> float:
        """The rows that an answer holds with room to spare, so that it is not cut."""
        return _FILL * self.search.client.habits.known.caps.get(Level.STUDY, self.limit)

    @property
    def digest(self) -> str:
        """What equal questions have in common."""
        return self.search.query.digest

    @property
    def enough(self) -> bool:
        """Whether as many as wanted lie where nothing is missing."""
        covered = self.harvest.covered
        return covered is not None and sum(rank <= covered for rank in self.harvest.ranks.values()) >= self.count

    def take(self, fetched: Fetched) -> None:
        """Keep the rows behind the place to resume at; remember which stand before it."""
        for uid, row in fetched.rows.items():
            rank = study_rank(row)
            if self.below is None or rank > self.below:
                self.harvest.rows[uid] = row
                self.harvest.ranks[uid] = rank
            else:
                self.harvest.emitted.add(uid)

    def take_in_hand(self) -> None:
        """Keep what came besides: at the end of the time, rows in hand are an answer (contract.md section 3.6)."""
        self.harvest.loose = {
            uid: row
            for uid, row in self.search.in_hand.items()
            if uid not in self.harvest.emitted and (self.below is None or study_rank(row) > self.below)
        }

    def cover(self, covered: Rank) -> None:
        """Say that nothing is missing down to a place."""
        self.harvest.covered = covered
