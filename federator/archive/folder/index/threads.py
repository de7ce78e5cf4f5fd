"""Threads for reading what may never answer: a drive that hangs must not keep the process alive.

The thread pools of Python and of anyio are waited for when a program ends. These are not: they are daemons, their
number is bounded, and one that is stuck stays behind until its file answers or the process is gone.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
_AT_ONCE = 8


class Threads:
    """At most eight at a time; where all are stuck, whoever comes next waits as long as it may."""

    def __init__(self) -> None:
        self._slots = anyio.Semaphore(_AT_ONCE)

    async def run(self, work: Callable[..., T], *values: Any) -> T:  # noqa: ANN401 - passed through
        """What `work` returns. Cancelled, it is left to end by itself."""
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def tell(value: T | None, error: BaseException | None) -> None:
            self._slots.release()
            if outcome.cancelled():
                return
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(value)  # type: ignore[arg-type]

        def run() -> None:
            value, error = None, None
            try:
                value = work(*values)
            except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
                error = raised
            # The loop is gone where the program ended meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(partial(tell, value, error))

        started(run)
        return await outcome


def started(work: Callable[[], None]) -> threading.Thread:
    """A daemon that runs `work`."""
    thread = threading.Thread(target=work, name="federator-folder", daemon=True)
    thread.start()
    return thread
