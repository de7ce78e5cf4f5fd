"""Large answers of one archive are taken in one after the other, so that its byte budget is not spent several times.

A question goes out in several forms at once, and each answer may be as large as the budget allows (CWE-770).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import anyio

_current: ContextVar["Turn | None"] = ContextVar("turn", default=None)


class Turns:
    """The large answers of one archive."""

    def __init__(self) -> None:
        self._free = anyio.Semaphore(1)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Around one answer and its reading: the turn that it needs where it is large ends with the block."""
        turn = Turn(self._free)
        token = _current.set(turn)
        try:
            yield
        finally:
            _current.reset(token)
            turn.end()


class Turn:
    """One answer's turn, if it needs one."""

    def __init__(self, free: anyio.Semaphore) -> None:
        self._free, self._is_mine = free, False

    async def wait(self) -> None:
        """Wait until no other large answer is being taken in; at once where this one has its turn already."""
        if not self._is_mine:
            await self._free.acquire()
            self._is_mine = True

    def end(self) -> None:
        """Let the next one in."""
        if self._is_mine:
            self._is_mine = False
            self._free.release()


async def wait_for_turn() -> None:
    """For whoever reads an answer that turns out to be large; what nobody waits to have read has no turn."""
    turn = _current.get()
    if turn is not None:
        await turn.wait()
