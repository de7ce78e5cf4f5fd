"""Putting the entries of a page into words, so that a row that cannot be told costs its archive only."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from federator.archive.connection.boundary import CANNOT_BE_USED
from federator.errors import FederatorError, NoArchiveAnswered, places_of
from federator.model import Entry, OutcomeState, Page

Made = TypeVar("Made")

logger = logging.getLogger(__name__)


def worded(page: Page, make: Callable[[Entry], Made]) -> tuple[Page, list[Made]]:
    """The page, and what `make` makes of its entries; archives whose rows make it raise are left out, and have failed.

    Raises NoArchiveAnswered where nothing is left.

    Standard: contract.md §3.9
    """
    try:
        return page, [make(entry) for entry in page.entries]
    except FederatorError:
        raise
    except Exception:  # noqa: BLE001 - the third of the boundaries that catch everything; `_is_sound` logs the place
        return _without_odd_rows(page, make)


def _without_odd_rows(page: Page, make: Callable[[Entry], Made]) -> tuple[Page, list[Made]]:
    odd: set[str] = set()
    for entry in page.entries:
        for row in entry.rows:
            if row.archive not in odd and not _is_sound(replace(entry, rows=(row,), conflicts={}), make):
                odd.add(row.archive)
    entries: list[Entry] = []
    for entry in page.entries:
        left = _without(entry, odd)
        if left is None:
            continue
        if _is_sound(left, make):
            entries.append(left)
        else:
            # No row of it raises by itself: its archives do not go together here.
            odd |= set(left.holders)
    outcomes = tuple(
        replace(outcome, state=OutcomeState.FAILED, message=CANNOT_BE_USED) if outcome.archive in odd else outcome
        for outcome in page.outcomes
    )
    if not entries and not any(outcome.complete for outcome in outcomes):
        raise NoArchiveAnswered(outcomes)
    return replace(page, entries=tuple(entries), outcomes=outcomes), [make(entry) for entry in entries]


def _without(entry: Entry, archives: Sequence[str] | set[str]) -> Entry | None:
    """The entry as the other archives tell it; None where no other one does."""
    rows = tuple(row for row in entry.rows if row.archive not in archives)
    if len(rows) == len(entry.rows):
        return entry
    conflicts = entry.conflicts if len(rows) > 1 else {}
    told = {
        keyword: {name: value for name, value in said.items() if name not in archives}
        for keyword, said in conflicts.items()
    }
    return replace(entry, rows=rows, conflicts=told) if rows else None


def _is_sound(entry: Entry, make: Callable[[Entry], object]) -> bool:
    try:
        make(entry)
    except Exception as error:  # noqa: BLE001 - whatever a row makes raise is its archive's
        _log(error, ", ".join(entry.holders))
        return False
    return True


def _log(error: Exception, archives: str) -> None:
    # The text of the exception may quote what an archive sent.
    for place in places_of(error):
        logger.error("A row of archive %s cannot be told: %s", archives, place)
