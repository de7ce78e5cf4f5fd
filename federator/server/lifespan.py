"""The life of one server: its federation is opened when it is first wanted and closed at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from federator.server.shared import App

if TYPE_CHECKING:
    from federator.federation.federation import Federation


@asynccontextmanager
async def running(app: App, *, is_for_one_call: bool = False) -> AsyncIterator[App]:
    """The server's lifespan: `app` with its federation behind it, closed at the end."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app.keep, _load_federation if is_for_one_call else _load_ahead)
        tasks.start_soon(app.keep_state)
        tasks.start_soon(app.keep_processes)
        yield app
        tasks.cancel_scope.cancel()


def _load_federation() -> "type[Federation]":
    from federator.federation.federation import Federation

    return Federation


def _load_ahead() -> "type[Federation]":
    # With what a search needs besides, so that the first question does not wait for it. The dictionary goes first:
    # what is left over from reading it is room for all that follows.
    from federator.dicom import dictionary

    dictionary.prepare()
    from federator.archive.connection.trust import trust_in_nobody

    trust_in_nobody()
    import federator.server.answers.search  # noqa: F401

    return _load_federation()
