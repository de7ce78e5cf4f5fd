"""Progress for the person who waits: a step for each archive that answered or failed, folders read, signs of life."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import anyio
from mcp.server.mcpserver import Context

from federator.archive.folder.index.progress import Progress, asked_at, listener
from federator.model import Outcome
from federator.server.shared import App
from federator.server.wording.wording import explain

SIGN_OF_LIFE_S = 2.0
"""Seconds between two signs of life: clients give up on calls that are silent for long."""

_LEAST_STEP = 0.001
_reached: ContextVar[list[float] | None] = ContextVar("reached", default=None)
"""How far the call has told that it is; in a list, since its tasks tell it together."""


async def _report(ctx: Context[App], progress: float, total: float | None, message: str) -> None:
    """Tell it, never less than before: whoever counts along would take that for an error of ours (MCP, progress)."""
    reached = _reached.get()
    if reached:
        progress = max(progress, reached[0] + _LEAST_STEP)
        reached[0] = progress
    await ctx.report_progress(progress, total, message)


@contextmanager
def telling_of_folders(ctx: Context[App]) -> Iterator[None]:
    """Tell how far a folder is read that the call waits for, and have it looked at once for the whole call."""

    async def report(progress: Progress) -> None:
        await _report(ctx, progress.read / max(1, progress.total), None, f"a folder: {progress}")

    reached, heard, began = _reached.set([0.0]), listener.set(report), asked_at.set(time.monotonic())
    try:
        yield
    finally:
        asked_at.reset(began)
        listener.reset(heard)
        _reached.reset(reached)


def reporter(ctx: Context[App]) -> Callable[[Outcome, int, int], Awaitable[None]]:
    """What to give to the federation as `on_outcome`; it does nothing unless the client asked for progress."""

    async def report(outcome: Outcome, done: int, total: int) -> None:
        await _report(ctx, done, total, explain(outcome))

    return report


async def tell_of_waiting(ctx: Context[App]) -> None:
    """Say every few seconds, until cancelled, that a call still goes on; for calls that have no steps to tell."""
    started = anyio.current_time()
    while True:
        await anyio.sleep(SIGN_OF_LIFE_S)
        waited_s = round(anyio.current_time() - started, 3)
        await _report(ctx, waited_s, None, f"waiting for the archive, {waited_s:.0f} s so far")
