"""Whatever one archive makes raise, wherever, is that archive's outcome; the others' rows come, and it recovers."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.archive.connection.boundary import CANNOT_BE_USED
from federator.archive.connection.client import ArchiveClient
from federator.archive.search import attempt, children, rows
from federator.archive.secrets import vault
from federator.config import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.dicom.query.language import Query
from federator.dicom.uid import TaggedUID
from federator.errors import NoArchiveAnswered
from federator.federation import merge
from federator.federation.federation import Federation
from federator.federation.retrieval import first_served
from federator.federation.target import Target
from federator.model import Level, Outcome, OutcomeState
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import SERIES_UID, study, with_images

SECRET_TEXT = "Mustermann^Erika"
SECRET_NAME = "BOUNDARY_SECRET"
BAD_ROOT = "9.9."


class Fuse:
    """Makes a seam raise at its nth use by the archive `bad`, as long as it is lit."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.seam = ""
        self.uses_left = 0
        self.burnt = False

    def light(self, seam: str, error: BaseException, uses: int) -> None:
        self.seam, self.error, self.uses_left, self.burnt = seam, error, uses, False

    def out(self) -> None:
        self.error = None

    def at(self, seam: str, *, is_bad: bool) -> None:
        if self.error is None or seam != self.seam or not is_bad:
            return
        self.uses_left -= 1
        if self.uses_left < 0:
            self.burnt = True
            raise self.error


def _of_bad(row: Any) -> bool:
    return BAD_ROOT in str(row)


def seams(fuse: Fuse, patch: pytest.MonkeyPatch) -> None:
    """Puts the fuse into every seam: what speaks to the archive, what reads its bytes, and what judges its rows."""

    def around(owner: Any, name: str, seam: str, is_bad: Callable[..., bool]) -> None:
        plain = getattr(owner, name)

        def fused(*arguments: Any, **named: Any) -> Any:
            fuse.at(seam, is_bad=is_bad(*arguments))
            return plain(*arguments, **named)

        async def fused_later(*arguments: Any, **named: Any) -> Any:
            fuse.at(seam, is_bad=is_bad(*arguments))
            return await plain(*arguments, **named)

        patch.setattr(owner, name, fused_later if owner is ArchiveClient else fused)

    async def token(client: ArchiveClient, *_: object) -> dict[str, object]:
        return {"access_token": f"token-of-{client.name}", "expires_in": 3600}

    patch.setattr(ArchiveClient, "_post_form", token)
    around(ArchiveClient, "get", "client", lambda client, *_: client.name == "bad")
    around(ArchiveClient, "_opened", "connecting", lambda client: client.name == "bad")
    around(ArchiveClient, "_post_form", "token", lambda client, *_: client.name == "bad")
    around(vault, "read", "secret", lambda reference: reference.name == SECRET_NAME)
    around(rows, "parse", "parsing", lambda answer: BAD_ROOT.encode() in answer.body)
    around(attempt, "judge", "matching studies", lambda row, _: _of_bad(row))
    around(children, "judge", "matching children", lambda row, _: _of_bad(row))


SEAMS = ("client", "connecting", "token", "secret", "parsing", "matching studies", "matching children")


def _nested(error: Exception) -> Exception:
    return ExceptionGroup(SECRET_TEXT, [error, ExceptionGroup(SECRET_TEXT, [ValueError(SECRET_TEXT)])])


ERRORS = (
    *(kind(SECRET_TEXT) for kind in (RecursionError, MemoryError, OverflowError, KeyError, TypeError, ValueError)),
    *(kind(SECRET_TEXT) for kind in (OSError, StopIteration, AssertionError, ZeroDivisionError, AttributeError)),
    UnicodeDecodeError("utf-8", SECRET_TEXT.encode(), 0, 1, SECRET_TEXT),
    UnicodeEncodeError("ascii", SECRET_TEXT, 0, 1, SECRET_TEXT),
    TimeoutError(SECRET_TEXT),
    _nested(LookupError(SECRET_TEXT)),
)

SHARED = "1.2.1"
GOOD = with_images([study(SHARED, date="20240105"), study("1.2.2", date="20240106")])
BAD = with_images([study(f"{BAD_ROOT}1", date="20240107"), study(SHARED, date="20240105", patient_id=f"{BAD_ROOT}P")])
for record in (*BAD.series, *BAD.instances):
    record[SERIES_UID] = (record[SERIES_UID][0].replace(SHARED, f"{BAD_ROOT}7"),)


@pytest.fixture(scope="module")
def archives() -> Iterator[tuple[Archive, Archive]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        Loopback() as loopback,
        loopback.serve(HostileArchive(GOOD), HostileArchive(BAD)) as (good, bad),
    ):
        patch.setenv(SECRET_NAME, "s3cret")
        reference = SecretReference(store=SecretStore.ENVIRONMENT, name=SECRET_NAME)
        yield (
            Archive(name="good", url=good),
            Archive(
                name="bad",
                url=bad,
                auth=AuthMethod.OAUTH2,
                token_url="http://127.0.0.1:9/token",
                client_id="federator",
                secret=reference,
            ),
        )


@pytest.fixture(scope="module")
def fuse() -> Iterator[Fuse]:
    fuse = Fuse()
    with pytest.MonkeyPatch.context() as patch:
        seams(fuse, patch)
        yield fuse


Found = tuple[set[str], dict[str, Outcome]]


async def _studies(federation: Federation) -> Found:
    page = await federation.search(Query(level=Level.STUDY))
    return {entry.uid for entry in page.entries}, {outcome.archive: outcome for outcome in page.outcomes}


async def _series(federation: Federation) -> Found:
    page = await federation.search(Query(level=Level.SERIES), study=TaggedUID(uid=SHARED, archives=("bad", "good")))
    return {entry.uid for entry in page.entries}, {outcome.archive: outcome for outcome in page.outcomes}


async def _survey(federation: Federation) -> Found:
    states = await federation.survey()
    return {s.archive.name for s in states}, {s.outcome.archive: s.outcome for s in states}


QUESTIONS: dict[str, Callable[[Federation], Awaitable[Found]]] = {
    "studies": _studies,
    "series": _series,
    "survey": _survey,
}
OF_GOOD = {"studies": {SHARED, "1.2.2"}, "series": {f"{SHARED}.1"}, "survey": {"good"}}
OF_BAD = {"studies": {SHARED, f"{BAD_ROOT}1"}, "series": {f"{BAD_ROOT}7.1"}, "survey": {"bad"}}


@settings(max_examples=60, deadline=None)
@given(
    seam=st.sampled_from(SEAMS),
    error=st.sampled_from(ERRORS),
    uses=st.integers(0, 3),
    question=st.sampled_from(sorted(QUESTIONS)),
    warm=st.booleans(),
)
def test_any_exception_of_one_archive_is_its_own_outcome(archives, fuse, seam, error, uses, question, warm) -> None:
    """contract.md §3.9; house.md: whatever an archive's answer makes happen is that archive's outcome."""
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]

    async def ask() -> tuple[Found, Found]:
        async with Federation(Config(archives=archives)) as federation:
            if warm:
                await QUESTIONS[question](federation)
            fuse.light(seam, error, uses)
            during = await QUESTIONS[question](federation)
            fuse.out()
            return during, await QUESTIONS[question](federation)

    logging.getLogger("federator").addHandler(handler)
    try:
        (found, outcomes), (found_then, outcomes_then) = anyio.run(ask)
    finally:
        fuse.out()
        logging.getLogger("federator").removeHandler(handler)
    assert outcomes["good"].state is OutcomeState.ANSWERED
    assert found >= OF_GOOD[question]
    if fuse.burnt:
        assert outcomes["bad"].state in {OutcomeState.FAILED, OutcomeState.PARTIAL}
        assert outcomes["bad"].message.rstrip(".").endswith(CANNOT_BE_USED.rstrip("."))
        told = [record.getMessage() for record in heard]
        assert told
        assert all(SECRET_TEXT not in line and "bad" in line for line in told)
    # Once it is well, it is as if nothing had been.
    assert (found_then, {o.state for o in outcomes_then.values()}) == (
        OF_GOOD[question] | OF_BAD[question],
        {OutcomeState.ANSWERED},
    )


def _raising(patch: pytest.MonkeyPatch, name: str, error: Exception, is_bad: Callable[..., bool]) -> None:
    plain = getattr(merge, name)

    def odd(*arguments: Any) -> Any:
        if is_bad(*arguments):
            raise error
        return plain(*arguments)

    patch.setattr(merge, name, odd)


@pytest.mark.anyio
@pytest.mark.parametrize("question", ["studies", "series"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_row_that_breaks_the_joining_costs_its_archive_only(
    archives, fuse, monkeypatch, caplog, question, error
) -> None:
    """contract.md §3.9: merging and ordering lie behind the fan-out; what raises there is its outcome."""
    _raising(monkeypatch, "rank", error, lambda _, row: _of_bad(row))
    async with Federation(Config(archives=archives)) as federation:
        found, outcomes = await QUESTIONS[question](federation)
        monkeypatch.undo()
        found_then, outcomes_then = await QUESTIONS[question](federation)
    assert found == OF_GOOD[question]
    assert (outcomes["good"].state, outcomes["bad"].state) == (OutcomeState.ANSWERED, OutcomeState.FAILED)
    assert outcomes["bad"].message == CANNOT_BE_USED
    assert "Archive bad failed: " in caplog.text
    assert SECRET_TEXT not in caplog.text
    assert found_then == OF_GOOD[question] | OF_BAD[question]
    assert {outcome.state for outcome in outcomes_then.values()} == {OutcomeState.ANSWERED}


@pytest.mark.anyio
async def test_copies_that_cannot_be_compared_cost_one_archive_only(archives, fuse, monkeypatch) -> None:
    """contract.md §3.9: neither copy raises by itself."""
    _raising(monkeypatch, "_conflicts", KeyError(SECRET_TEXT), lambda *_: True)
    async with Federation(Config(archives=archives)) as federation:
        found, outcomes = await _studies(federation)
    assert SHARED in found
    assert [outcomes[name].state for name in ("good", "bad")] == [OutcomeState.ANSWERED, OutcomeState.FAILED]


@pytest.mark.anyio
async def test_rows_that_break_whatever_is_joined_are_no_empty_list(archives, fuse, monkeypatch) -> None:
    """contract.md §3.1: all failed is an error."""
    _raising(monkeypatch, "rank", KeyError(SECRET_TEXT), lambda *_: True)
    async with Federation(Config(archives=archives)) as federation:
        with pytest.raises(NoArchiveAnswered, match="cannot be used"):
            await _studies(federation)


@pytest.mark.anyio
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_what_one_holder_makes_raise_the_next_one_makes_good(archives, caplog, error) -> None:
    """contract.md §3.9, §1: a retrieval fails over, and the answer says why it was not the preferred holder."""

    async def read(client: ArchiveClient) -> str:
        if client.name == "bad":
            client.habits.accepts("frames", "image/odd")
            raise error
        return client.name

    shared = TaggedUID(uid=SHARED, archives=("bad", "good"))
    async with Federation(Config(archives=archives)) as federation:
        served = await federation.retrieve(Target(study=shared), read)
        kept = [dict(client.habits.known.accepts) for client in federation._pool.chosen(["bad"])]
    assert (served.value, served.archive) == ("good", "good")
    assert [(outcome.archive, outcome.state, outcome.message) for outcome in served.earlier] == [
        ("bad", OutcomeState.FAILED, CANNOT_BE_USED)
    ]
    assert kept == [{}]
    assert SECRET_TEXT not in caplog.text
    assert "Archive bad failed: " in caplog.text


@pytest.mark.anyio
async def test_an_interrupt_is_nobodys_outcome() -> None:
    """contract.md §3.9: any exception that is not cancellation or the end of the process."""

    async def stop(_: ArchiveClient) -> None:
        raise KeyboardInterrupt

    client = ArchiveClient(Archive(name="bad", url="http://127.0.0.1:9"))
    with pytest.raises(KeyboardInterrupt):
        await first_served([client], stop, "object 1")
