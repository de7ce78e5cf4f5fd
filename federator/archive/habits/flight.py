"""Finding a thing out once although many want to know it at the same time."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

import anyio

from federator.errors import FederatorError


@dataclass(slots=True)
class _Flight:
    """One finding under way; `landed` says that it came to an end by itself, and `error` what ended it."""

    done: anyio.Event = field(default_factory=anyio.Event)
    landed: bool = False
    error: FederatorError | None = None


class SingleFlight:
    """Who comes first finds out, the others wait for it; where the first is cancelled, the next one takes over."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight] = {}

    async def once(self, what: Hashable, find_out: Callable[[], Awaitable[None]]) -> None:
        """Await `find_out()`, or another caller's that is under way; a FederatorError of either is raised."""
        while True:
            flight = self._under_way.get(what)
            if flight is None:
                await self._fly(what, find_out)
                return
            await flight.done.wait()
            if flight.error is not None:
                raise flight.error
            if flight.landed:
                return

    async def _fly(self, what: Hashable, find_out: Callable[[], Awaitable[None]]) -> None:
        flight = self._under_way[what] = _Flight()
        try:
            await find_out()
            flight.landed = True
        except FederatorError as error:
            flight.error = error
            raise
        finally:
            del self._under_way[what]
            flight.done.set()
