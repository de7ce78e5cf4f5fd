"""Why the answers to one question may not be all that the archive has, as its outcome tells it.

One question is many requests, and some ask for the same rows again: what is counted is counted by what it says, so that
a row that comes three times is one row.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from federator.model import DicomJson, Level


class Doubt(StrEnum):
    """What an archive said or did, in our own words: its own words are never passed on."""

    WARNED = "It warned that its answer may not be complete (Warning 299)."
    STALE = "It warned that its answer may be out of date."
    PARTIAL_CONTENT = "It marked its answer as a part only (206), but gave no more."
    NOT_INDEXED = "It said that some attributes of its objects could not be read, so they may be missing."
    LETTERS = "Its text is not in UTF-8 and names no other character set, so letters may be wrong."


_NAMES = {
    Level.STUDY.uid_tag: "Study Instance UID",
    Level.SERIES.uid_tag: "Series Instance UID",
    Level.INSTANCE.uid_tag: "SOP Instance UID",
}


_TOLD = 1_000


@dataclass(slots=True, kw_only=True)
class Doubts:
    """The doubts of one answer, or of several that were joined.

    `unread` counts rows that are no DICOM objects by what they say, `nameless` counts rows whose UID is none by its tag
    and by what stands there instead.
    """

    said: set[Doubt] = field(default_factory=set)
    unread: Counter[int] = field(default_factory=Counter)
    nameless: Counter[tuple[str, int]] = field(default_factory=Counter)

    def take(self, other: "Doubts") -> None:
        """Join the doubts of another answer; what both hold is one."""
        self.said |= other.said
        self.unread |= other.unread
        self.nameless |= other.nameless

    def leave_out(self, row: object) -> None:
        """Count a row that is no DICOM object, or a piece of the answer that could not be read."""
        # A long text, or a list of a million, is told by its beginning: all of it would be written out again.
        self.unread[hash(repr(row[:_TOLD] if isinstance(row, str | list) else row))] += 1

    def leave_nameless(self, row: DicomJson, tag: str) -> None:
        """Count a row that cannot be addressed: the value of `tag` is no UID."""
        # By that value: what else the row tells goes by what a request asked for.
        self.nameless[tag, hash(repr(row.get(tag)))] += 1

    def sentences(self) -> list[str]:
        """What the outcome says; empty where nothing is in doubt."""
        told = [doubt.value for doubt in Doubt if doubt in self.said]
        unread = self.unread.total()
        if unread:
            told.insert(0, f"{_rows(unread)} could not be read and {_was(unread)} left out.")
        for tag, name in _NAMES.items():
            count = sum(number for (at, _), number in self.nameless.items() if at == tag)
            if count:
                told.insert(
                    0,
                    f"{_rows(count)} {_was(count)} left out, because the {name} is none: digits and dots, at most 64.",
                )
        return told


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
