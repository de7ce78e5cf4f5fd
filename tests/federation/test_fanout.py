"""One question to many archives: one deadline and exactly one outcome each, and no error or cancellation is lost."""

from dataclasses import dataclass, field

import anyio
import pytest

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.config import Archive
from federator.errors import ArchiveError, NoArchiveAnswered
from federator.federation.fanout import Reply, fan_out
from federator.model import Outcome, OutcomeState
from tests.support.canned_server import STUDY_LIST, canned, http

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Gathered:
    count: int = 0
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def clients(*names: str, deadline_s: float = 30.0) -> list[ArchiveClient]:
    return [ArchiveClient(Archive(name=name, url="http://127.0.0.1:9", deadline_s=deadline_s)) for name in names]


def states(replies: list[Reply[Gathered]]) -> dict[str, OutcomeState]:
    return {reply.outcome.archive: reply.outcome.state for reply in replies}


async def behave(client: ArchiveClient, gathered: Gathered) -> None:
    """What the archive's name says."""
    match client.name:
        case "well":
            gathered.count = 3
        case "gap":
            gathered.count = 2
            gathered.gaps.append("One day is missing.")
            gathered.remarks.append("It did not apply Modality.")
        case "remark":
            gathered.remarks.append("It did not apply Modality.")
        case "down":
            raise ArchiveError("refused the connection.", state=OutcomeState.UNREACHABLE)
        case "half":
            gathered.count = 5
            raise ArchiveError("broke off.", state=OutcomeState.UNREACHABLE)
        case "hung":
            await anyio.sleep_forever()
        case "hung-half":
            gathered.count = 1
            await anyio.sleep_forever()
        case "bug":
            raise ZeroDivisionError


async def test_every_archive_has_exactly_one_outcome_in_the_order_asked() -> None:
    """contract.md §3.1."""
    names = ("hung", "well", "down", "gap", "half", "remark", "hung-half")
    replies = await fan_out(clients(*names, deadline_s=0.2), behave, Gathered)
    assert states(replies) == dict(
        zip(
            names,
            [
                OutcomeState.TIMED_OUT,
                OutcomeState.ANSWERED,
                OutcomeState.UNREACHABLE,
                OutcomeState.PARTIAL,
                OutcomeState.UNREACHABLE,
                OutcomeState.ANSWERED,
                OutcomeState.PARTIAL,
            ],
            strict=True,
        )
    )
    assert [reply.outcome.rows for reply in replies] == [0, 3, 0, 2, 5, 0, 1]
    assert [reply.outcome.message for reply in replies] == [
        "no answer within 0.2 s.",
        "",
        "refused the connection.",
        "One day is missing. It did not apply Modality.",
        "broke off.",
        "It did not apply Modality.",
        "only a part of its answer came within 0.2 s.",
    ]


async def test_nobody_heard_is_an_error_that_names_everybody() -> None:
    """contract.md §3.1: all failed is an error, never an empty list."""
    with pytest.raises(NoArchiveAnswered) as caught:
        await fan_out(clients("down", "hung", deadline_s=0.1), behave, Gathered)
    assert [outcome.archive for outcome in caught.value.outcomes] == ["down", "hung"]
    assert "down: refused the connection.; hung: no answer within 0.1 s." in str(caught.value)


async def test_rows_that_came_before_a_failure_are_an_answer() -> None:
    """fanout: what an archive brought before it failed is kept."""
    replies = await fan_out(clients("half", "down"), behave, Gathered)
    assert replies[0].gathered.count == 5


async def test_where_the_outcomes_are_the_answer_all_may_fail() -> None:
    """contract.md §4: list-archives tells why an archive cannot be reached."""
    replies = await fan_out(clients("down"), behave, Gathered, all_may_fail=True)
    assert states(replies) == {"down": OutcomeState.UNREACHABLE}


async def test_outcomes_are_told_as_they_come() -> None:
    """Issue 2: progress while archives are slow."""
    heard: list[tuple[str, int, int]] = []

    async def listen(outcome: Outcome, done: int, total: int) -> None:
        heard.append((outcome.archive, done, total))

    await fan_out(clients("hung", "well", deadline_s=0.1), behave, Gathered, on_outcome=listen)
    assert heard == [("well", 1, 2), ("hung", 2, 2)]


async def test_a_bug_at_one_archive_is_its_outcome() -> None:
    """contract.md §3.9: whatever it is; it is logged with its place, and the others' rows are kept."""
    replies = await fan_out(clients("bug", "well"), behave, Gathered)
    assert states(replies) == {"bug": OutcomeState.FAILED, "well": OutcomeState.ANSWERED}


async def test_a_cancelled_question_has_no_result() -> None:
    """Cancellation from outside is nobody's timeout."""
    ended: list[object] = []
    with anyio.move_on_after(0.05) as scope:
        ended.append(await fan_out(clients("hung", "well"), behave, Gathered))
    assert scope.cancelled_caught
    assert ended == []


async def test_a_share_of_the_deadline_is_the_deadline() -> None:
    """contract.md §3.1: steps of one question share its deadline."""
    replies = await fan_out(clients("hung", "well", deadline_s=10.0), behave, Gathered, share=0.02)
    assert replies[0].outcome.message == "no answer within 0.2 s."


async def test_attempts_are_counted_per_archive_also_in_tasks_of_its_own() -> None:
    """contract.md §3.1: an outcome tells its own attempts."""

    async def ask(client: ArchiveClient, _: Gathered) -> None:
        await concurrently([lambda: client.get("/studies", accept="application/dicom+json")] * len(client.name))

    with canned(lambda _: http(200, STUDY_LIST)) as port:
        asked = [ArchiveClient(Archive(name=name, url=f"http://127.0.0.1:{port}")) for name in ("a", "bbb")]
        replies = await fan_out(asked, ask, Gathered)
        for client in asked:
            await client.__aexit__(None, None, None)
    assert [reply.outcome.attempts for reply in replies] == [1, 3]


# Several calls at once


async def test_the_first_error_of_several_calls_surfaces_as_itself_and_ends_the_others() -> None:
    """house.md, Errors: an ArchiveError inside a task group must not become a group."""
    ended: list[str] = []

    async def waits() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    async def fails() -> None:
        raise ArchiveError("no", state=OutcomeState.FAILED)

    async def nested() -> None:
        await concurrently([waits, fails])

    with pytest.raises(ArchiveError, match="no"):
        await concurrently([waits, nested, waits])
    assert ended == ["cancelled"] * 3


async def test_two_errors_at_once_are_one() -> None:
    """The first one is told."""

    async def fails() -> None:
        raise ArchiveError("no", state=OutcomeState.FAILED)

    with pytest.raises(ArchiveError):
        await concurrently([fails, fails, fails])


async def test_results_are_in_the_order_of_the_calls() -> None:
    """concurrently: order does not depend on who is the first."""
    gate = anyio.Event()

    async def late() -> int:
        await gate.wait()
        return 1

    async def early() -> int:
        gate.set()
        return 2

    assert await concurrently([late, early]) == [1, 2]
    assert await concurrently([early]) == [2]
    assert await concurrently([]) == []


async def test_cancelling_several_calls_is_no_result() -> None:
    """house.md, Async: cancelled scopes are not swallowed."""
    with anyio.move_on_after(0.05) as scope:
        await concurrently([anyio.sleep_forever, anyio.sleep_forever])
        pytest.fail("cancellation became a result")
    assert scope.cancelled_caught
