"""A few workers for a whole server: started when first needed, kept for the next call, ended when they rest."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

from federator.workers.limits import Limits
from federator.workers.worker import Worker

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_AT_ONCE = 2
"""Processes: each may hold a large document in memory."""

_REST_S = 60.0
"""How long a worker is kept without work. A start takes about a quarter of a second, an idle worker about 45 MiB."""


current_workers: ContextVar["Workers | None"] = ContextVar("current_workers", default=None)
"""The pool of the server whose call this task works for."""


async def run_apart(function: Callable[[*Arguments], T], *arguments: *Arguments, limits: Limits) -> T:
    """Run what a stranger's bytes can make heavy in the server's pool; in a thread where no server runs.

    Raises as `Workers.run` does.
    """
    workers = current_workers.get()
    if workers is None:
        return await anyio.to_thread.run_sync(function, *arguments, abandon_on_cancel=True)
    return await workers.run(function, *arguments, limits=limits)


class Workers:
    """The pool. Whoever owns it runs `keep` beside the calls; cancelled, that ends every worker."""

    def __init__(self, *, at_once: int = _AT_ONCE, rest_s: float = _REST_S) -> None:
        self._slots = anyio.CapacityLimiter(at_once)
        self._threads = anyio.CapacityLimiter(2 * at_once)
        self._rest_s = rest_s
        self._idle: dict[Worker, float] = {}
        self._busy: set[Worker] = set()
        self._rests = anyio.Event()
        self._is_closed = False

    async def run(self, function: Callable[[*Arguments], T], *arguments: *Arguments, limits: Limits) -> T:
        """What `function` returns in a worker. Cancelled, the worker is killed at once.

        Function, arguments and result travel as pickles: bytes, plain data, `federator`'s dataclasses and errors.
        Raises ContentError where a limit was reached; an error that the function raises on purpose passes through.
        """
        async with self._slots:
            worker = await self._taken()
            self._busy.add(worker)
            try:
                return await anyio.to_thread.run_sync(
                    partial(worker.call, function, *arguments, limits=limits),
                    abandon_on_cancel=True,
                    limiter=self._threads,
                )
            finally:
                self._give_back(worker)

    async def keep(self) -> None:
        """End workers that have rested; all of them, the busy ones too, when cancelled."""
        try:
            while True:
                await self._rests.wait()
                await anyio.sleep(self._rest_s)
                self._end_rested()
                if not self._idle:
                    self._rests = anyio.Event()
        finally:
            self._is_closed = True
            for worker in self._busy:
                worker.kill()
            for worker in self._idle:
                worker.close()
            self._idle.clear()

    def _end_rested(self) -> None:
        before = anyio.current_time() - self._rest_s
        for worker in [worker for worker, since in self._idle.items() if since <= before]:
            del self._idle[worker]
            worker.close()

    async def _taken(self) -> Worker:
        while self._idle:
            worker, _ = self._idle.popitem()
            if not worker.is_gone:
                return worker
            worker.close()
        return await anyio.to_thread.run_sync(Worker, limiter=self._threads)

    def _give_back(self, worker: Worker) -> None:
        self._busy.discard(worker)
        if worker.is_busy:
            # The call was cancelled. Its thread sees the process end, and cleans up.
            worker.kill()
        elif self._is_closed:
            worker.close()
        elif not worker.is_gone:
            self._idle[worker] = anyio.current_time()
            self._rests.set()
