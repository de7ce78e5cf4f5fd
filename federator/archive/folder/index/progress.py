"""What a call and a folder tell each other: since when it is to be looked at, and how far it is read."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Files read of those that are new or changed; `trouble` says why it does not go on."""

    read: int
    total: int
    trouble: str = ""

    def __str__(self) -> str:
        if self.trouble:
            return self.trouble
        if not self.total:
            return "the folder is still being listed"
        return f"{self.read:,} of {self.total:,} files read"


OnProgress = Callable[[Progress], Awaitable[None]]

listener: ContextVar[OnProgress | None] = ContextVar("listener", default=None)
"""Who wants to be told, again and again, how far a folder is that a question waits for."""

asked_at: ContextVar[float | None] = ContextVar("asked_at", default=None)
"""When the call began that a request belongs to, on the monotonic clock: all its requests see the folder as it was at
one look since then. None where requests stand for themselves."""
