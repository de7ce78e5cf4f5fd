"""What one question to one archive brought, and whether that was all.

An answer is `CUT` when the archive did not give everything, `WHOLE` when it did, and `UNPROVEN` when it may have
been cut without a word: archives cap their answers silently, and only narrower windows reveal it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from federator.dicom import json
from federator.model import DicomJson


class Wholeness(StrEnum):
    """Whether an answer holds all that the archive has of what was asked."""

    WHOLE = "whole"
    UNPROVEN = "unproven"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A range of study dates (YYYYMMDD, both ends included, empty = open); times (HHMMSS) only within one day."""

    first: str = ""
    last: str = ""
    from_time: str = ""
    to_time: str = ""

    @property
    def open(self) -> bool:
        """Whether it holds every study, undated ones too."""
        return not (self.first or self.last)

    def holds(self, date: str) -> bool:
        """Whether a study of that date lies in the window (times are not judged)."""
        return self.open or (bool(date) and (self.first or "0") <= date <= (self.last or "9"))


EVERYTHING = Window()


@dataclass(slots=True, kw_only=True)
class Fetched:
    """The matching rows by UID, all UIDs that came (`seen`), and the dates and times of dated ones.

    `twins` are rows that came under the UID of another row, but say something else. `longest` is the length of the
    longest single answer: several requests and pages may be joined here. `repeated` counts rows that an answer has
    twice.
    """

    rows: dict[str, DicomJson] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    moments: list[tuple[str, str]] = field(default_factory=list)
    twins: list[DicomJson] = field(default_factory=list)
    longest: int = 0
    repeated: int = 0
    wholeness: Wholeness = Wholeness.WHOLE

    def take(self, other: "Fetched") -> None:
        """Join another answer to the same question; the less whole one decides."""
        self.rows.update(other.rows)
        self.seen |= other.seen
        self.moments += other.moments
        self.twins += other.twins
        self.longest = max(self.longest, other.longest)
        self.repeated += other.repeated
        order = list(Wholeness)
        self.wholeness = max(self.wholeness, other.wholeness, key=order.index)


def repeated_in(rows: Sequence[DicomJson], uid_tag: str) -> int:
    """How many rows stand in an answer that has the very same row already."""
    first: dict[str, DicomJson] = {}
    repeated = 0
    for row in rows:
        held = first.setdefault(json.uid(row, uid_tag), row)
        repeated += held is not row and held == row
    return repeated
