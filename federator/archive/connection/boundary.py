"""The boundary around one archive: whatever its answer makes happen, short of cancellation, is its own outcome."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from federator.archive.connection.client import ArchiveClient, RequestKind
from federator.errors import ArchiveError, FederatorError, places_of
from federator.model import OutcomeState

logger = logging.getLogger(__name__)

CANNOT_BE_USED = "its answer cannot be used; federator's log on this computer names the place."


@contextmanager
def bounded(
    client: ArchiveClient, kind: RequestKind, *, passing: type[FederatorError] = ArchiveError
) -> Iterator[None]:
    """Let ArchiveErrors and what is `passing` through; everything else that is raised becomes an ArchiveError.

    It is logged by type and place, and what the archive was found to do is forgotten: a row that breaks a question
    must not stay behind to break the next one.

    Standard: contract.md §3.9
    """
    try:
        yield
    except (ArchiveError, passing):
        raise
    except Exception as error:
        # Nobody can list what hostile bytes make libraries raise, and left to itself it takes the answers of all other
        # archives away: so here, and nowhere within, everything is caught. Cancellation, an interrupt and the end of
        # the process are no Exception, so they pass.
        raise _failure(client, kind, error) from error


def _failure(client: ArchiveClient, kind: RequestKind, error: Exception) -> ArchiveError:
    meant = _meant(error)
    if meant is not None:
        return meant
    client.forget(kind)
    for place in places_of(error):
        # The text of the exception may quote what the archive sent.
        logger.error("Archive %s failed: %s", client.name, place)
    return ArchiveError(CANNOT_BE_USED, state=OutcomeState.FAILED, permanent=True)


def _meant(error: BaseException) -> ArchiveError | None:
    """The error that stands alone in groups of tasks; None where something else is among it."""
    if isinstance(error, ArchiveError):
        return error
    if isinstance(error, BaseExceptionGroup):
        found = [_meant(inner) for inner in error.exceptions]
        return found[0] if all(found) else None
    return None
