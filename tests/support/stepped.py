"""Interleavings that a test chooses: an event loop with its own clock that takes a random ready step each time.

Every `await` is a switch point, and which task goes on is drawn from a seed, so a race that is there at all is found
by some seed, always by the same one. Nothing waits: where all tasks sleep, the clock jumps to the next who wakes.
Archives are asked in the same process, through httpx's own ASGI transport.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import httpx

from federator.archive.habits.folder import HabitsFolder
from federator.config import Archive, Config
from federator.federation.federation import Federation

T = TypeVar("T")

_THREADS_S = 30


class _AnyOrder(deque[Any]):
    """What is ready to run, given out in an order of chance."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def popleft(self) -> Any:
        self.rotate(-self._rng.randrange(len(self)))
        return super().popleft()


class SteppedLoop(asyncio.SelectorEventLoop):
    """Takes ready steps in an order of chance, by a clock that only goes on when everything waits."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._now = 0.0
        self._ready = _AnyOrder(random.Random(seed))
        select = self._selector.select

        def jump(timeout: float | None = None) -> Any:
            if timeout is None:
                # Only a thread can wake anybody now: large answers are read in one.
                woken = select(_THREADS_S)
                assert woken, "everything waits for something that will never come"
                return woken
            self._now += timeout
            return select(0)

        self._selector.select = jump  # type: ignore[method-assign]

    def time(self) -> float:
        """Seconds by the loop's own clock."""
        return self._now


def stepped(seed: int, function: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run an async function in an interleaving that belongs to the seed."""
    return anyio.run(function, *args, backend_options={"loop_factory": lambda: SteppedLoop(seed)})


@asynccontextmanager
async def federation_of(
    apps: Sequence[Any], *, habits: HabitsFolder | None = None, **keys: Any
) -> AsyncIterator[Federation]:
    """A federation of ASGI applications in this process, named a, b, …; `keys` are those of archives.toml."""
    names = [chr(ord("a") + number) for number in range(len(apps))]
    config = Config(archives=tuple(Archive(name=name, url=f"http://{name}.invalid", **keys) for name in names))
    async with Federation(config, habits) as federation:
        for client, app in zip(federation._pool.chosen(()), apps, strict=True):
            client._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))
        yield federation
