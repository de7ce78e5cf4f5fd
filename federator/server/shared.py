"""What all calls of one running server share: the federation, opened when a call first needs it, and the health file.

Who opens and closes it is `lifespan`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

from federator.archive.collector import collector_at_rest
from federator.config import Config, ConfigSource
from federator.errors import ConfigError, ContentError, FederatorError, places_of
from federator.model import Outcome
from federator.server.health import HealthFile
from federator.workers.limits import Limits
from federator.workers.pool import Workers, current_workers

if TYPE_CHECKING:
    from federator.archive.habits.folder import HabitsFolder
    from federator.federation.federation import Federation

_WORKERS = 2
"""Threads for pixels, PDF and SR at once: each may hold a large object in memory."""

_STATE_PAUSE_S = 1.0
"""The state's files are written at most so often: under load one write tells of many calls."""

logger = logging.getLogger(__name__)

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


@contextmanager
def _about_the_content() -> Iterator[None]:
    """Say of the object what reading it raised: no reader foresees all that bytes can hold (contract.md §3.9)."""
    try:
        yield
    except FederatorError:
        raise
    except Exception as error:
        # The second of the boundaries that catch everything: the first is around asking an archive
        # (`archive.connection.boundary`), this one around reading what it gave.
        _log(error)
        raise ContentError(
            "What the archive sent cannot be read; federator's log on this computer names the place."
        ) from error


def _log(error: BaseException) -> None:
    for place in places_of(error):
        logger.error("What an archive sent cannot be read: %s", place)


class App:
    """The lifespan's value, shared by all calls of one server."""

    def __init__(
        self, source: ConfigSource | Config, health: HealthFile | None, habits: "HabitsFolder | None" = None
    ) -> None:
        self._source = source
        self._health = health
        self._habits = habits
        self._federation: Federation | None = None
        self._fault: ConfigError | None = None
        self._wanted = anyio.Event()
        self._settled = anyio.Event()
        self._news = anyio.Event()
        self._workers = anyio.CapacityLimiter(_WORKERS)
        self._processes = Workers()

    def warm_up(self) -> None:
        """Have the federation opened in the background: clients list the tools long before the first question."""
        self._wanted.set()

    async def federation(self) -> "Federation":
        """The federation; whoever asks first waits for httpx and the data dictionary to be loaded.

        Raises ConfigError while the configuration cannot be used; the next call tries again.
        """
        # What is read on the way, deep within the archives, goes to the same processes as what is read of it here.
        current_workers.set(self._processes)
        self._wanted.set()
        await self._settled.wait()
        if self._federation is not None:
            return self._federation
        if self._fault is not None:
            raise self._fault
        raise FederatorError("The server is shutting down.")

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Remember what became of asking the archives; the health file gets it soon after the call is over."""
        if self._health is not None:
            self._health.note(outcomes)

    def called_by(self, client: str) -> None:
        """Have the health file tell of a call that is over; `client` is the name that the client gave itself."""
        if self._health is not None and client:
            self._health.used_by(client)
        self._news.set()

    async def keep_state(self) -> None:
        """Write the state's files when there is news, beside the calls: no answer waits for it. Again at the end."""
        if self._health is None and self._habits is None:
            return
        is_saved = True
        try:
            while True:
                await self._news.wait()
                self._news, is_saved = anyio.Event(), False
                await anyio.to_thread.run_sync(self._save, abandon_on_cancel=True)
                is_saved = True
                await anyio.sleep(_STATE_PAUSE_S)
        finally:
            if self._news.is_set() or not is_saved:
                # A disk that hangs must not keep the server from ending.
                with anyio.move_on_after(_STATE_PAUSE_S, shield=True):
                    await anyio.to_thread.run_sync(self._save, abandon_on_cancel=True)

    def _save(self) -> None:
        for file in (self._health, self._habits):
            if file is not None:
                file.save()

    async def in_worker(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """Run what computes for long in one of few threads, so that the event loop goes on.

        It works on what archives sent: whatever that makes it raise is a ContentError.
        """
        with _about_the_content():
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self._workers)

    async def in_calm_worker(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        """The same without Python's garbage collector: its walks over a large tree would halt the event loop, too."""

        def calm() -> T:
            with collector_at_rest():
                return function(*arguments)

        return await self.in_worker(calm)

    async def in_process(self, function: Callable[[*Arguments], T], *arguments: *Arguments, limits: Limits) -> T:
        """Run what a stranger's bytes can make heavy in a process with bounds; the call's end is its end, too."""
        with _about_the_content():
            return await self._processes.run(function, *arguments, limits=limits)

    async def by_weight(
        self, function: Callable[[*Arguments], T], *arguments: *Arguments, is_light: bool, limits: Limits
    ) -> T:
        """In a thread what is sure to stay light, which spares it the way to a process and back; else in a process."""
        if is_light:
            return await self.in_worker(function, *arguments)
        return await self.in_process(function, *arguments, limits=limits)

    async def keep_processes(self) -> None:
        """End processes that have nothing to do; all of them when cancelled."""
        await self._processes.keep()

    async def keep(self, load: "Callable[[], type[Federation]]") -> None:
        """Open the federation once it is wanted; close it, in this same task, when cancelled.

        `load` brings its class, and runs in a thread: it imports what the start of the server does without.
        """
        while True:
            await self._wanted.wait()
            try:
                await self._hold(load)
            except ConfigError as error:
                self._fault = error
                settled, self._settled, self._wanted = self._settled, anyio.Event(), anyio.Event()
                settled.set()

    async def _hold(self, load: "Callable[[], type[Federation]]") -> None:
        opened = await anyio.to_thread.run_sync(load)
        try:
            async with opened(self._source, self._habits) as federation:
                self._federation = federation
                self._settled.set()
                await anyio.sleep_forever()
        finally:
            self._federation = None
