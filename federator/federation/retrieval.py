"""Retrieving one object from whichever archive serves it: the preferred holder first, then the others."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

import anyio

from federator.archive.connection.boundary import bounded
from federator.archive.connection.client import ArchiveClient, Meter, RequestKind, current_meter
from federator.errors import ArchiveError, ContentError, FederatorError, NoArchiveAnswered, NotFound
from federator.federation.lists import not_found
from federator.model import Outcome, OutcomeState

T = TypeVar("T")

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
Operation = Callable[[ArchiveClient], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Generic[T]):
    """What was retrieved, the archive that served it, and why those asked before it did not."""

    value: T
    archive: str
    earlier: tuple[Outcome, ...] = ()


async def first_served(clients: Sequence[ArchiveClient], operation: Operation[T], what: str) -> Served[T]:
    """Try the holders in order; each has its own deadline.

    Raises NotFound where an archive says that it does not have the object and none has it, NoArchiveAnswered where
    all failed otherwise. A ContentError passes: another copy would hold the same content. So does a RequestError: it
    speaks of what was asked for. Where one has the object and cannot read it, and nobody else gives it, that is a
    ContentError too: it has answered, and the object is there.
    """
    earlier: list[Outcome] = []
    absent, broken = False, set[str]()
    for client in clients:
        current_meter.set(meter := Meter())
        with anyio.move_on_after(client.archive.deadline_s) as deadline:
            try:
                with bounded(client, RequestKind.RETRIEVE, passing=FederatorError):
                    value = await operation(client)
            except ArchiveError as error:
                absent = absent or error.http_status in _GONE
                if error.http_status == HTTPStatus.UNPROCESSABLE_ENTITY:
                    broken.add(client.name)
                earlier.append(_failed(client, error, meter))
            else:
                return Served(value=value, archive=client.name, earlier=tuple(earlier))
        if deadline.cancelled_caught:
            client.timed_out(RequestKind.RETRIEVE)
            late = ArchiveError(f"no answer within {client.archive.deadline_s:g} s.", state=OutcomeState.TIMED_OUT)
            earlier.append(_failed(client, late, meter))
    if broken:
        told = "; ".join(_said(outcome, broken) for outcome in earlier)
        raise ContentError(told, outcomes=[outcome for outcome in earlier if outcome.archive not in broken])
    if absent:
        raise NotFound(not_found(what, earlier), outcomes=earlier)
    raise NoArchiveAnswered(earlier)


def _said(outcome: Outcome, broken: Collection[str]) -> str:
    """The holder's sentence goes on after its name; what the others met stands behind theirs."""
    return f"{outcome.archive}{'' if outcome.archive in broken else ':'} {outcome.message or outcome.state.value}"


def _failed(client: ArchiveClient, error: ArchiveError, meter: Meter) -> Outcome:
    """What became of one holder; one that says that the object is not there has answered."""
    denied = error.http_status == HTTPStatus.NOT_FOUND
    return Outcome(
        archive=client.name,
        state=OutcomeState.ANSWERED if denied else error.state,
        attempts=meter.attempts,
        message=str(error),
    )
