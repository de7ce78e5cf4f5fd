"""Progress for the person who waits: one step for each archive that has answered or failed."""

from collections.abc import Awaitable, Callable

from mcp.server.mcpserver import Context

from federator.model import Outcome
from federator.server.lifespan import App
from federator.server.wording import explain


def reporter(ctx: Context[App]) -> Callable[[Outcome, int, int], Awaitable[None]]:
    """What to give to the federation as `on_outcome`; it does nothing unless the client asked for progress."""

    async def report(outcome: Outcome, done: int, total: int) -> None:
        await ctx.report_progress(done, total, explain(outcome))

    return report
