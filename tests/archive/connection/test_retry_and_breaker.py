"""What is tried again and how often, and when an archive is spared."""

import datetime as dt
from contextlib import ExitStack
from email.utils import format_datetime

import anyio
import pytest

from federator.archive.connection import retry
from federator.archive.connection.client import ArchiveClient, RequestKind
from federator.archive.connection.retry import Breaker, RetryBudget, subject_of, with_retries
from federator.config import Archive
from federator.errors import ArchiveError
from federator.model import OutcomeState
from tests.support.canned_server import STUDY_LIST, canned, http

pytestmark = pytest.mark.anyio

GOOD = http(200, STUDY_LIST)
JSON = "application/dicom+json"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between attempts are drawn at random; here the shortest one is drawn."""
    monkeypatch.setattr(retry.random, "uniform", lambda least, _most: least)


class Scripted:
    """An archive that gives its answers one after another, the last one for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.requests = 0
        self._answers = answers

    def __call__(self, _: str) -> bytes:
        self.requests += 1
        return self._answers[min(self.requests, len(self._answers)) - 1]


async def outcome(client: ArchiveClient, kind: RequestKind = RequestKind.QUERY) -> ArchiveError | None:
    try:
        await client.get("/studies", accept=JSON, kind=kind)
    except ArchiveError as error:
        return error
    return None


REPEATED = [408, 425, 429, 502, 503, 504]
FINAL = [400, 401, 403, 404, 406, 409, 410, 413, 415, 422, 501, 505]


async def cost(*answers: bytes) -> tuple[int, ArchiveError | None]:
    """How many requests one GET cost, and how it ended."""
    scripted = Scripted(*answers)
    with canned(scripted) as port, anyio.fail_after(10):
        async with ArchiveClient(Archive(name="mercy", url=f"http://127.0.0.1:{port}")) as client:
            error = await outcome(client)
    return scripted.requests, error


@pytest.mark.parametrize("status", REPEATED)
async def test_what_may_pass_is_tried_three_times(status):
    """facts/dicomweb.md 3.5: 408, 425, 429, 502, 503, 504."""
    requests, error = await cost(http(status))
    assert requests == 3
    assert error is not None
    assert error.http_status == status
    assert await cost(http(status), http(status), GOOD) == (3, None)


@pytest.mark.parametrize("status", FINAL)
async def test_what_will_not_pass_is_tried_once(status):
    """facts/dicomweb.md 3.5: an archive that says no will say no again."""
    requests, error = await cost(http(status), GOOD)
    assert requests == 1
    assert error is not None
    assert error.http_status == status


async def test_an_internal_error_is_tried_once_more():
    """facts/dicomweb.md 3.5: Orthanc answers 500 to what it cannot do."""
    assert (await cost(http(500), http(500), GOOD))[0] == 2
    assert await cost(http(500), GOOD) == (2, None)


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[", b"SSH-2.0-OpenSSH_9\r\n"])
async def test_a_connection_that_breaks_off_is_tried_three_times(cut):
    """facts/dicomweb.md 3.5: transport faults."""
    requests, error = await cost(cut)
    assert requests == 3
    assert error is not None
    assert error.state is OutcomeState.UNREACHABLE
    assert await cost(cut, GOOD) == (2, None)


async def test_what_cannot_be_unpacked_is_not_tried_again():
    """contract.md §3: another answer would be as bad."""
    assert (await cost(http(200, b"no gzip", Content_Encoding="gzip")))[0] == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (dt.timedelta(hours=2), 7200),
        (dt.timedelta(hours=-2), 0),
        ("soon", None),
    ],
)
async def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    """RFC 9110 §10.2.3."""
    if isinstance(header, dt.timedelta):
        header = format_datetime(dt.datetime.now(dt.UTC) + header, usegmt=True)
    with canned(lambda _: http(429, Retry_After=header)) as port:
        async with ArchiveClient(Archive(name="mercy", url=f"http://127.0.0.1:{port}")) as client:
            with anyio.move_on_after(1):
                await outcome(client)
            with pytest.raises(ArchiveError) as caught:
                await client._attempt(client._base, JSON, {})
    if seconds is None:
        assert caught.value.retry_after_s is None
    else:
        assert caught.value.retry_after_s == pytest.approx(seconds, abs=300)


async def test_no_attempt_is_waited_for_beyond_the_deadline():
    """Issue 2: retries are limited by the deadline; an archive that asks for an hour gets its outcome at once."""
    scripted = Scripted(http(503, Retry_After="3600"))
    with canned(scripted) as port, anyio.fail_after(10):
        async with ArchiveClient(Archive(name="mercy", url=f"http://127.0.0.1:{port}")) as client:
            error = await outcome(client)
    assert scripted.requests == 1
    assert error is not None
    assert error.http_status == 503


async def test_retries_are_a_tenth_of_the_requests():
    """facts/dicomweb.md 3.5: a retry budget, so that an archive that is down is not asked three times as much."""
    budget = RetryBudget(stock=2)
    calls = 0

    async def failing() -> None:
        nonlocal calls
        calls += 1
        raise ArchiveError("down", state=OutcomeState.UNREACHABLE)

    for _ in range(40):
        with pytest.raises(ArchiveError):
            await with_retries(failing, budget)
    assert 40 + 2 + 3 <= calls <= 40 + 2 + 4


async def test_a_bug_is_not_tried_again():
    """house.md, Errors: anything else is our bug, and it shows."""
    calls = 0

    async def buggy() -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await with_retries(buggy, RetryBudget())
    assert calls == 1


# The circuit breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def passes(breaker: Breaker, error: BaseException | None = None, subject: str = "") -> bool:
    """Whether a request was let through; it ends with `error`."""
    try:
        with breaker.watched(subject):
            if error is not None:
                raise error
    except ArchiveError as raised:
        return raised.state is not OutcomeState.SKIPPED
    return True


DOWN = ArchiveError("down", state=OutcomeState.UNREACHABLE)
ILL = ArchiveError("ill", state=OutcomeState.FAILED, http_status=502)
NO = ArchiveError("no", state=OutcomeState.FAILED, http_status=404)
TOO_LARGE = ArchiveError("too large", state=OutcomeState.FAILED, permanent=True)
NOT_LET_IN = ArchiveError("who are you", state=OutcomeState.REFUSED, http_status=401)


@pytest.mark.parametrize("fault", [DOWN, ILL])
def test_five_faults_in_a_row_open_the_circuit(breaker, fault):
    """facts/dicomweb.md 3.5."""
    assert [passes(breaker, fault) for _ in range(7)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize("answer", [NO, TOO_LARGE, NOT_LET_IN])
def test_an_archive_that_answers_is_well_whatever_it_says(breaker, answer):
    """facts/dicomweb.md 3.5: 4xx never count; neither does an answer that is too large for us."""
    assert all(passes(breaker, answer) for _ in range(50))
    for _ in range(30):
        assert passes(breaker, DOWN)
        assert passes(breaker, answer)
        assert passes(breaker)


def test_more_than_half_of_twenty_open_the_circuit(breaker):
    """facts/dicomweb.md 3.5."""
    pattern = [DOWN, DOWN, None] * 10
    passed = [passes(breaker, fault) for fault in pattern]
    assert passed[:20] == [True] * 20
    assert passed[20:] == [False] * 10


def test_after_a_while_one_request_probes_and_an_answer_closes_the_circuit(breaker, clock):
    """facts/dicomweb.md 3.5: half-open, single probe."""
    for _ in range(5):
        passes(breaker, DOWN)
    clock.now += Breaker.OPEN_S - 1
    assert not passes(breaker)
    clock.now += 2
    with breaker.watched():
        assert not passes(breaker)
        assert not passes(breaker)
    assert passes(breaker)
    assert passes(breaker)


def test_a_probe_that_fails_keeps_the_circuit_open(breaker, clock):
    """facts/dicomweb.md 3.5."""
    for _ in range(5):
        passes(breaker, DOWN)
    clock.now += Breaker.OPEN_S + 1
    assert passes(breaker, DOWN)
    assert not passes(breaker)
    clock.now += Breaker.OPEN_S + 1
    assert passes(breaker)


def test_a_probe_that_is_given_up_lets_the_next_one_probe(breaker, clock):
    """A cancelled call teaches nothing, and must not keep the circuit open for ever."""
    for _ in range(5):
        passes(breaker, DOWN)
    clock.now += Breaker.OPEN_S + 1
    with pytest.raises(KeyboardInterrupt), breaker.watched():
        raise KeyboardInterrupt
    with breaker.watched():
        assert not passes(breaker)


def test_an_older_request_that_ends_does_not_let_a_second_probe_pass(breaker, clock):
    """facts/dicomweb.md 3.5: a single probe, also while requests from before are still under way."""
    older, probe = ExitStack(), breaker.watched()
    older.enter_context(breaker.watched())
    for _ in range(5):
        passes(breaker, DOWN)
    clock.now += Breaker.OPEN_S + 1
    with probe:
        with pytest.raises(KeyboardInterrupt), older:
            raise KeyboardInterrupt
        assert not passes(breaker)
    assert passes(breaker)


def test_one_success_starts_the_count_anew(breaker):
    """Four faults, a success, four faults: nothing is open."""
    for _ in range(2):
        assert all(passes(breaker, DOWN) for _ in range(4))
        assert passes(breaker)
        assert all(passes(breaker) for _ in range(4))


def choked(breaker: Breaker, subject: str) -> bool:
    """Whether a request for `subject` was let through; the archive answers it with 500."""
    return passes(breaker, ArchiveError("choked", state=OutcomeState.FAILED, http_status=500), subject)


def test_one_broken_object_does_not_open_the_circuit(breaker):
    """contract.md §3.9: a breaker counts an archive's failures, not an object's."""
    assert all(choked(breaker, "/studies/1/series/2") for _ in range(40))
    assert all(choked(breaker, f"/studies/1/series/{number}") for number in (2, 3) for _ in range(20))
    assert passes(breaker)


def test_an_archive_that_chokes_on_five_things_in_a_row_is_spared(breaker, clock):
    """facts/dicomweb.md 3.5: five failures of an archive, each of another object or search."""
    assert [choked(breaker, f"/studies/{number}") for number in range(7)] == [True] * 5 + [False] * 2
    clock.now += Breaker.OPEN_S + 1
    assert choked(breaker, "/studies/9")
    assert not passes(breaker)


def test_a_probe_of_an_object_that_is_known_to_be_broken_says_nothing(breaker, clock):
    """facts/dicomweb.md 3.5: the next request probes instead."""
    for number in range(5):
        choked(breaker, f"/studies/{number}")
    clock.now += Breaker.OPEN_S + 1
    assert choked(breaker, "/studies/4")
    assert passes(breaker)


def test_a_subject_is_a_series_or_a_whole_question():
    """contract.md §3.9: images of one series are of one make, so that they fail for one reason."""
    assert subject_of("/studies/1/series/2/instances/3/frames/4") == "/studies/1/series/2"
    assert subject_of("/studies/1/series/2/metadata?x=y") == "/studies/1/series/2"
    assert subject_of("/studies?PatientID=1") != subject_of("/studies?PatientID=2")
    assert subject_of("/studies/1/series?limit=1") == "/studies/1/series?limit=1"


async def test_searching_and_retrieving_fail_apart_from_each_other():
    """facts/dicomweb.md 3.5: a breaker per archive and class; an open circuit costs no request."""
    scripted = Scripted(http(502))
    with canned(scripted) as port, anyio.fail_after(20):
        async with ArchiveClient(Archive(name="mercy", url=f"http://127.0.0.1:{port}")) as client:
            for _ in range(5):
                await outcome(client)
            spent = scripted.requests
            skipped = await outcome(client)
            assert scripted.requests == spent
            assert skipped is not None
            assert skipped.state is OutcomeState.SKIPPED
            other = await outcome(client, RequestKind.RETRIEVE)
            assert other is not None
            assert other.http_status == 502


async def test_questions_that_run_into_their_deadline_open_the_circuit():
    """facts/dicomweb.md 3.5: timeouts count, although the request itself was only cancelled."""
    with canned(lambda _: None) as port:
        async with ArchiveClient(Archive(name="mercy", url=f"http://127.0.0.1:{port}")) as client:
            for _ in range(5):
                client.timed_out(RequestKind.QUERY)
            error = await outcome(client)
    assert error is not None
    assert error.state is OutcomeState.SKIPPED
