"""One question to many archives: one task each, one deadline each, exactly one outcome each.

An archive that fails takes nothing from the others, whatever it is that fails. What it brought before it failed is
kept, and its outcome says so.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import anyio

from federator.archive.connection.boundary import bounded
from federator.archive.connection.client import ArchiveClient, Meter, RequestKind, current_meter
from federator.errors import ArchiveError, NoArchiveAnswered
from federator.model import Outcome, OutcomeState


class Gathered(Protocol):
    """What an archive brought so far: rows, sentences about gaps (the answer is partial) and about other things."""

    @property
    def count(self) -> int:
        """How many rows there are."""
        ...

    gaps: list[str]
    remarks: list[str]


G = TypeVar("G", bound=Gathered)
OnOutcome = Callable[[Outcome, int, int], Awaitable[None]]
"""Called with an outcome, how many archives are done and how many were asked."""

_HEARD = frozenset({OutcomeState.ANSWERED, OutcomeState.PARTIAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[G]):
    """One archive's outcome and what it brought."""

    client: ArchiveClient
    outcome: Outcome
    gathered: G

    @property
    def is_heard(self) -> bool:
        """Whether the archive gave something, or said that it has nothing."""
        return self.outcome.state in _HEARD or bool(self.gathered.count)


@dataclass(slots=True)
class _Sink(Generic[G]):
    replies: dict[str, Reply[G]] = field(default_factory=dict)


async def fan_out(
    clients: Sequence[ArchiveClient],
    ask: Callable[[ArchiveClient, G], Awaitable[None]],
    fresh: Callable[[], G],
    *,
    on_outcome: OnOutcome | None = None,
    all_may_fail: bool = False,
    share: float = 1.0,
) -> list[Reply[G]]:
    """Ask every archive at once; the replies are in the order of `clients`.

    `share` is the part of each archive's deadline that this question may take.

    `ask` fills what `fresh` made. Raises NoArchiveAnswered if nobody was heard, never an empty list; only with
    `all_may_fail`, where the outcomes themselves are the answer, it does not.
    """
    sink: _Sink[G] = _Sink()

    async def one(client: ArchiveClient) -> None:
        gathered = fresh()
        outcome = await _outcome(client, ask, gathered, deadline_s=client.archive.deadline_s * share)
        sink.replies[client.name] = Reply(client=client, outcome=outcome, gathered=gathered)
        if on_outcome is not None:
            await on_outcome(outcome, len(sink.replies), len(clients))

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(one, client)
    replies = [sink.replies[client.name] for client in clients]
    if not all_may_fail and not any(reply.is_heard for reply in replies):
        raise NoArchiveAnswered([reply.outcome for reply in replies])
    return replies


async def _outcome(
    client: ArchiveClient, ask: Callable[[ArchiveClient, G], Awaitable[None]], gathered: G, *, deadline_s: float
) -> Outcome:
    started = anyio.current_time()
    meter = Meter()
    current_meter.set(meter)
    state, message = OutcomeState.TIMED_OUT, ""
    with anyio.move_on_after(deadline_s) as deadline:
        try:
            with bounded(client, RequestKind.QUERY):
                await ask(client, gathered)
        except ArchiveError as error:
            state, message = error.state, str(error)
        else:
            gaps = (*meter.gaps, *gathered.gaps)
            state = OutcomeState.PARTIAL if gaps else OutcomeState.ANSWERED
            message = " ".join((*gaps, *gathered.remarks))
    if deadline.cancelled_caught and gathered.count:
        # Rows in hand are an answer (contract.md section 3.6), and an archive that gives some is not down.
        state, message = OutcomeState.PARTIAL, f"only a part of its answer came within {deadline_s:g} s."
    elif deadline.cancelled_caught:
        client.timed_out(RequestKind.QUERY)
        message = f"no answer within {deadline_s:g} s."
    return Outcome(
        archive=client.name,
        state=state,
        rows=gathered.count,
        attempts=meter.attempts,
        milliseconds=round((anyio.current_time() - started) * 1000),
        message=message,
    )
