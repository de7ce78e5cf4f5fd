"""Joining what several archives gave, so that one whose rows make that fail costs nothing but its own part."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from federator.archive.connection.boundary import CANNOT_BE_USED, bounded
from federator.archive.connection.client import RequestKind
from federator.errors import ArchiveError, FederatorError, NoArchiveAnswered
from federator.federation.fanout import Gathered, Reply
from federator.model import OutcomeState

G = TypeVar("G", bound=Gathered)
T = TypeVar("T")


async def joined(
    replies: Sequence[Reply[G]], join: Callable[[Sequence[Reply[G]]], Awaitable[T]], fresh: Callable[[], G]
) -> tuple[T, list[Reply[G]]]:
    """What `join` makes of the replies, and those that it rests on.

    Where it raises what nobody thought of, the archives fail whose rows alone make it raise; where each by itself does
    not, the last one without which it does not. Raises NoArchiveAnswered where none is left.

    Standard: contract.md §3.9
    """
    try:
        return await join(replies), list(replies)
    except FederatorError:
        raise
    except Exception:
        left = [await _by_itself(reply, join, fresh) for reply in replies]
        if all(one is reply for one, reply in zip(left, replies, strict=True)):
            left = await _without_one(replies, join, fresh)
        if not left:
            raise
    if not any(reply.is_heard for reply in left):
        raise NoArchiveAnswered([reply.outcome for reply in left])
    return await join(left), left


async def _by_itself(
    reply: Reply[G], join: Callable[[Sequence[Reply[G]]], Awaitable[T]], fresh: Callable[[], G]
) -> Reply[G]:
    try:
        with bounded(reply.client, RequestKind.QUERY):
            await join([reply])
    except ArchiveError as error:
        return _failed(reply, str(error), fresh)
    return reply


async def _without_one(
    replies: Sequence[Reply[G]], join: Callable[[Sequence[Reply[G]]], Awaitable[T]], fresh: Callable[[], G]
) -> list[Reply[G]]:
    """The replies with the last one failed whose rows the others are joined without; empty where there is none."""
    for place in reversed(range(len(replies))):
        left = [*replies[:place], _failed(replies[place], CANNOT_BE_USED, fresh), *replies[place + 1 :]]
        try:
            with bounded(replies[place].client, RequestKind.QUERY):
                await join(left)
        except ArchiveError:
            continue
        return left
    return []


def _failed(reply: Reply[G], message: str, fresh: Callable[[], G]) -> Reply[G]:
    outcome = replace(reply.outcome, state=OutcomeState.FAILED, rows=0, message=message)
    return Reply(client=reply.client, outcome=outcome, gathered=fresh())
