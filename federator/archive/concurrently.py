"""Several awaitables at once, with one plain error instead of a group of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from federator.errors import FederatorError

T = TypeVar("T")


async def concurrently(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Await all `calls` at once and give their results in order.

    The first FederatorError ends the others and is raised as itself; anything else is a bug and stays a group.
    """
    if not calls:
        return []
    if len(calls) == 1:
        return [await calls[0]()]
    results: dict[int, T] = {}
    errors: list[FederatorError] = []

    async def run(number: int, call: Callable[[], Awaitable[T]]) -> None:
        try:
            results[number] = await call()
        except FederatorError as error:
            errors.append(error)
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for number, call in enumerate(calls):
            tasks.start_soon(run, number, call)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(calls))]
