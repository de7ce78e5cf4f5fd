"""Progress for the person who waits: one step for each archive that has answered or failed, or a sign of life."""

from collections.abc import Awaitable, Callable

import anyio
from mcp.server.mcpserver import Context

from federator.model import Outcome
from federator.server.shared import App
from federator.server.wording.wording import explain

SIGN_OF_LIFE_S = 2.0
"""Seconds between two signs of life: clients give up on calls that are silent for long."""


def reporter(ctx: Context[App]) -> Callable[[Outcome, int, int], Awaitable[None]]:
    """What to give to the federation as `on_outcome`; it does nothing unless the client asked for progress."""

    async def report(outcome: Outcome, done: int, total: int) -> None:
        await ctx.report_progress(done, total, explain(outcome))

    return report


async def tell_of_waiting(ctx: Context[App]) -> None:
    """Say every few seconds, until cancelled, that a call still goes on; for calls that have no steps to tell."""
    started = anyio.current_time()
    while True:
        await anyio.sleep(SIGN_OF_LIFE_S)
        waited_s = round(anyio.current_time() - started, 3)
        await ctx.report_progress(waited_s, message=f"waiting for the archive, {waited_s:.0f} s so far")
