"""The values that cross the floors: levels, outcomes, rows, entries and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DicomJson = Mapping[str, Any]
"""One object of the DICOM JSON model as an archive sent it: upper-case 8-digit tags to elements (PS3.18 F.2).

Nothing is promised about its elements: read them with `federator.dicom.json` only.
"""


class Level(StrEnum):
    """A level of the Study Root information model (PS3.4 C.6.2)."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"

    @property
    def uid_tag(self) -> str:
        """The tag of the unique key at this level."""
        return {Level.STUDY: "0020000D", Level.SERIES: "0020000E", Level.INSTANCE: "00080018"}[self]


class OutcomeState(StrEnum):
    """What became of asking one archive (contract.md section 3.1)."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_DICOMWEB = "not_dicomweb"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of asking one archive: there is exactly one per archive asked.

    `rows` counts the rows that the archive contributed, `attempts` the HTTP requests sent to it,
    `message` is one sentence in plain words (empty where there is nothing to say).
    """

    archive: str
    state: OutcomeState
    rows: int = 0
    attempts: int = 0
    milliseconds: int = 0
    message: str = ""

    @property
    def complete(self) -> bool:
        """Whether the archive gave everything that belongs into the range that was asked for."""
        return self.state is OutcomeState.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one archive says of one study, series or instance."""

    archive: str
    data: DicomJson


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One study, series or instance over all its holders.

    `rows` has one row per holder, the preferred holder first (most instances, then the order of the
    configuration). `conflicts` maps a keyword to what each archive says where they disagree.
    """

    level: Level
    uid: str
    rows: tuple[Row, ...]
    conflicts: Mapping[str, Mapping[str, str]]

    @property
    def holders(self) -> tuple[str, ...]:
        """The names of the archives that hold it, the preferred one first."""
        return tuple(row.archive for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries in order, and what became of every archive that was asked: the two never travel apart.

    `resume_at` is the place behind which the list goes on, `asked` the archives whose list it is; `next_cursor` tells
    both, and is empty at the end of the list. `known_more` counts entries that were read but did not
    fit on this page (0 where nothing is known). `notes` are sentences about the page as a whole.
    """

    level: Level
    entries: tuple[Entry, ...]
    outcomes: tuple[Outcome, ...]
    resume_at: tuple[int, int, str] | None = None
    asked: tuple[str, ...] = ()
    next_cursor: str = ""
    known_more: int = 0
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every archive asked gave all that belongs into the range of this page."""
        return all(outcome.complete for outcome in self.outcomes)
