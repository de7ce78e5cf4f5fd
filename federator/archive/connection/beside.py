"""Large answers are read beside the event loop, and given up at the deadline, whatever the reading takes."""

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

from federator.archive.connection.client import Answer

T = TypeVar("T")

_SMALL_BYTES = 262_144


async def read_beside(read: Callable[[Answer], T], answer: Answer) -> T:
    """`read(answer)`, in a thread where the answer is large: other calls go on meanwhile."""
    if len(answer.body) <= _SMALL_BYTES:
        return read(answer)
    return await anyio.to_thread.run_sync(read, answer, abandon_on_cancel=True)
