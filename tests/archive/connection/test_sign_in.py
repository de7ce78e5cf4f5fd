"""Signing in: which headers a request carries, when a token or a secret is renewed, and what fails without a leak."""

import base64
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import anyio
import pytest

from federator.archive.connection import auth
from federator.archive.connection.client import ArchiveClient
from federator.config import Archive, AuthMethod, SecretReference, SecretStore
from federator.errors import ArchiveError
from federator.model import OutcomeState
from tests.support.canned_server import STUDY_LIST, Authority, canned, http

pytestmark = pytest.mark.anyio

SECRET = "s3cret"
REFERENCE = SecretReference(store=SecretStore.ENVIRONMENT, name="MERCY_SECRET")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERCY_SECRET", SECRET)


class Guarded:
    """An archive that lets in the sign-ins of `accepts`, and the token service beside it."""

    def __init__(self, *accepts: str, tokens: Sequence[object] = ()) -> None:
        self.accepts = set(accepts)
        self.archive_requests: list[str] = []
        self.token_requests: list[str] = []
        self._tokens = iter(tokens)
        self._lock = threading.Lock()

    def archive(self, head: str) -> bytes:
        sent = {line.partition(":")[2].strip() for line in head.split("\r\n")[1:] if ":" in line}
        with self._lock:
            self.archive_requests.append(head)
        return http(200, STUDY_LIST) if sent & self.accepts else http(401, b"who are you, s3cret?")

    def token(self, head: str) -> bytes:
        with self._lock:
            self.token_requests.append(head)
            answer = next(self._tokens)
        return answer if isinstance(answer, bytes) else http(200, json.dumps(answer).encode(), "application/json")


@pytest.fixture
def serve() -> Iterator[object]:
    """Serves a guarded archive; gives the archive's configuration."""
    with ExitStack() as stack:

        def start(guarded: Guarded, method: AuthMethod, **keys: object) -> Archive:
            port = stack.enter_context(canned(guarded.archive))
            if method is AuthMethod.OAUTH2:
                keys = {
                    "token_url": f"http://127.0.0.1:{stack.enter_context(canned(guarded.token))}/token",
                    "client_id": "federator",
                    **keys,
                }
            return Archive(
                name="mercy",
                url=f"http://127.0.0.1:{port}/dicom-web",
                auth=method,
                secret=REFERENCE,
                **keys,  # type: ignore[arg-type]
            )

        yield start


async def ask(client: ArchiveClient) -> bytes:
    with anyio.fail_after(10):
        return (await client.get("/studies", accept="application/dicom+json")).body


async def refused(archive: Archive) -> ArchiveError:
    async with ArchiveClient(archive) as client:
        with pytest.raises(ArchiveError) as caught:
            await ask(client)
    assert SECRET not in str(caught.value)
    return caught.value


def token(value: str, life_s: object = 3600) -> dict[str, object]:
    return {"access_token": value, "token_type": "Bearer", "expires_in": life_s}


@pytest.mark.parametrize(
    ("method", "keys", "header"),
    [
        (AuthMethod.BASIC, {"user": "rad"}, "Basic " + base64.b64encode(b"rad:s3cret").decode()),
        (AuthMethod.BEARER, {}, "Bearer s3cret"),
        (AuthMethod.HEADER, {"header": "X-Api-Key"}, "s3cret"),
    ],
)
async def test_a_secret_signs_every_request_in(serve, method, keys, header):
    """contract.md §7: basic, bearer, header."""
    guarded = Guarded(header)
    async with ArchiveClient(serve(guarded, method, **keys)) as client:
        assert await ask(client) == STUDY_LIST
        assert await ask(client) == STUDY_LIST
    assert len(guarded.archive_requests) == 2


async def test_a_name_and_password_beyond_ascii_are_sent_as_utf_8(serve, monkeypatch):
    """RFC 7617 §2.1."""
    monkeypatch.setenv("MERCY_SECRET", "grün")
    guarded = Guarded("Basic " + base64.b64encode("Müller:grün".encode()).decode())
    async with ArchiveClient(serve(guarded, AuthMethod.BASIC, user="Müller")) as client:
        assert await ask(client) == STUDY_LIST


@pytest.mark.parametrize("secret", ["grün", "a\x00b", "two\nlines"])
async def test_a_secret_that_no_header_can_carry_is_refused_without_showing_it(serve, monkeypatch, secret):
    """contract.md §6: secrets never reach a message; and none may forge another header."""
    monkeypatch.setattr("federator.archive.secrets.vault.read", lambda _: secret)
    guarded = Guarded()
    async with ArchiveClient(serve(guarded, AuthMethod.BEARER)) as client:
        with pytest.raises(ArchiveError, match="cannot carry") as caught:
            await ask(client)
    assert caught.value.state is OutcomeState.REFUSED
    assert secret not in str(caught.value)
    assert guarded.archive_requests == []


async def test_a_changed_secret_is_read_again_after_a_401(serve, monkeypatch):
    """A password that was saved anew works at once, without a restart."""
    guarded = Guarded("Bearer s3cret")
    async with ArchiveClient(serve(guarded, AuthMethod.BEARER)) as client:
        await ask(client)
        guarded.accepts = {"Bearer changed"}
        monkeypatch.setenv("MERCY_SECRET", "changed")
        assert await ask(client) == STUDY_LIST
    assert len(guarded.archive_requests) == 3


@pytest.mark.parametrize("method", [AuthMethod.BASIC, AuthMethod.BEARER, AuthMethod.HEADER, AuthMethod.NONE])
async def test_an_unchanged_secret_is_not_tried_twice(serve, method):
    """Accounts are locked after a few wrong passwords."""
    guarded = Guarded()
    error = await refused(serve(guarded, method, user="rad", header="X-Api-Key"))
    assert (error.state, error.http_status) == (OutcomeState.REFUSED, 401)
    assert len(guarded.archive_requests) == 1


async def test_twenty_calls_at_once_ask_for_one_token(serve):
    """Issue 2: single flight."""
    guarded = Guarded("Bearer t1", tokens=[token("t1")])
    async with (
        ArchiveClient(serve(guarded, AuthMethod.OAUTH2, scope="dicom.read")) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(20):
            tasks.start_soon(ask, client)
    assert len(guarded.archive_requests) == 20
    assert len(guarded.token_requests) == 1
    assert guarded.token_requests[0].startswith("POST /token HTTP/1.1")


async def test_twenty_refused_calls_renew_the_token_once(serve):
    """Issue 2: one refresh on 401, whoever comes first."""
    guarded = Guarded("Bearer t1", tokens=[token("t1"), token("t2")])
    async with ArchiveClient(serve(guarded, AuthMethod.OAUTH2)) as client:
        await ask(client)
        guarded.accepts = {"Bearer t2"}
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask, client)
    assert len(guarded.token_requests) == 2


async def test_a_token_that_is_refused_twice_is_the_end(serve):
    """Issue 2: one refresh on 401, not a loop."""
    guarded = Guarded(tokens=[token("t1"), token("t2")])
    error = await refused(serve(guarded, AuthMethod.OAUTH2))
    assert (error.state, error.http_status) == (OutcomeState.REFUSED, 401)
    assert len(guarded.archive_requests) == 2
    assert len(guarded.token_requests) == 2


@pytest.mark.parametrize(
    ("life_s", "fresh_until_s"),
    [
        *[(1000, 800), (60, 48), (1, 24), ("3600", 2880), (None, 240), (-5, 240), (True, 240), (0, 240)],
        *[(float("inf"), 69_120), (float("nan"), 240), (10**400, 69_120)],
        *[("9" * 5000, 240), ("²", 240), ([60], 240), ({"s": 60}, 240)],
    ],
)
async def test_a_token_is_renewed_at_four_fifths_of_its_life(monkeypatch, life_s, fresh_until_s):
    """RFC 6749 §5.1, issue 2: one not told counts as five minutes, none is under half a minute or over a day."""
    now = [1000.0]
    asked_for: list[str] = []

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    async def post_form(url, form):
        asked_for.append(form["client_secret"])
        return token(f"t{len(asked_for)}", life_s)

    monkeypatch.setattr(auth, "time", Clock)
    sign_in = auth.SignIn(
        Archive(name="mercy", url="https://mercy.example", auth=AuthMethod.OAUTH2, secret=REFERENCE), post_form
    )
    assert await sign_in.headers() == {"Authorization": "Bearer t1"}
    now[0] += fresh_until_s - 0.5
    assert await sign_in.headers() == {"Authorization": "Bearer t1"}
    now[0] += 1
    assert await sign_in.headers() == {"Authorization": "Bearer t2"}
    assert asked_for == [SECRET, SECRET]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(401, b'{"error": "s3cret"}', "application/json"), "answered 401"),
        (http(400, b'{"error": "invalid_client"}', "application/json"), "answered 400"),
        (http(302, Location="http://127.0.0.1:9/elsewhere"), "answered 302"),
        (http(200, b"<html>", "text/html"), "did not answer in JSON"),
        (http(200, b"[1]", "application/json"), "did not answer in JSON"),
        (http(200, b'{"access_token": 7}', "application/json"), "gave no access token"),
        (http(200, b'{"access_token": ""}', "application/json"), "gave no access token"),
        (http(200, b"{}", "application/json"), "gave no access token"),
        (http(200, b'{"access_token": "t\\u00fcr"}', "application/json"), "no request can carry"),
        (http(200, b'{"access_token": "' + b"t" * 40_000 + b'"}', "application/json"), "no request can carry"),
        (http(200, b'{"access_token": "t", "expires_in": ' + b"9" * 5_000 + b"}", "application/json"), "not answer in"),
        (http(200, b"[" * 100_000, "application/json"), "did not answer in JSON"),
        (http(200, b'"' + b"x" * 3_000_000 + b'"', "application/json"), "did not answer in JSON"),
    ],
)
async def test_a_token_service_that_gives_none_is_told_in_our_words(serve, answer, said):
    """contract.md §6: bodies never become messages; §3.1: no sign-in is `refused`."""
    guarded = Guarded(tokens=[answer] * 3)
    error = await refused(serve(guarded, AuthMethod.OAUTH2))
    assert error.state is OutcomeState.REFUSED
    assert said in str(error)
    assert guarded.archive_requests == []


async def test_a_token_service_that_is_unwell_is_asked_again(serve):
    """facts/dicomweb.md 3.5: 503 passes."""
    guarded = Guarded("Bearer t1", tokens=[http(503), token("t1")])
    async with ArchiveClient(serve(guarded, AuthMethod.OAUTH2)) as client:
        assert await ask(client) == STUDY_LIST


async def test_a_failed_renewal_does_not_lose_the_next_one(serve):
    """A token service that failed once is asked again by the next call."""
    guarded = Guarded("Bearer t2", tokens=[http(401), token("t2")])
    async with ArchiveClient(serve(guarded, AuthMethod.OAUTH2)) as client:
        with pytest.raises(ArchiveError):
            await ask(client)
        assert await ask(client) == STUDY_LIST


async def test_a_cancelled_renewal_leaves_the_way_free(serve):
    """house.md, Async: a lock held by a cancelled call is released."""
    asked_for = threading.Event()
    guarded = Guarded("Bearer t2", tokens=[token("t2")])
    answers = iter([None, b"given"])

    def respond(head: str) -> bytes | None:
        asked_for.set()
        return next(answers) and guarded.token(head)

    with canned(respond) as port:
        archive = serve(guarded, AuthMethod.OAUTH2, token_url=f"http://127.0.0.1:{port}/token")
        async with ArchiveClient(archive) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, client)
                await anyio.to_thread.run_sync(asked_for.wait, 10)
                tasks.cancel_scope.cancel()
            assert await ask(client) == STUDY_LIST


async def test_the_client_secret_never_goes_to_a_token_service_that_is_not_trusted(serve, tmp_path):
    """A plain archive behind a secure token service: the secret is worth as much as with a secure archive."""
    guarded = Guarded("Bearer t1", tokens=[token("t1")])
    authority = Authority(tmp_path)
    with canned(guarded.token, tls=authority.server()) as port:
        url = f"https://127.0.0.1:{port}/token"
        error = await refused(serve(guarded, AuthMethod.OAUTH2, token_url=url))
        assert "not trusted" in str(error)
        assert guarded.token_requests == []
        async with ArchiveClient(serve(guarded, AuthMethod.OAUTH2, token_url=url, ca_file=authority.ca_file)) as client:
            assert await ask(client) == STUDY_LIST


async def test_a_token_service_that_cannot_be_reached_is_named_by_its_own_host(serve):
    """contract.md §6: the operator must know which of the two to look at."""
    error = await refused(serve(Guarded(), AuthMethod.OAUTH2, token_url="http://localhost:9/token"))
    assert "localhost" in str(error)
    assert error.state is OutcomeState.UNREACHABLE


async def test_an_archive_without_its_secret_is_refused_before_it_is_asked(serve, monkeypatch):
    """contract.md §3.1."""
    monkeypatch.delenv("MERCY_SECRET")
    guarded = Guarded()
    error = await refused(serve(guarded, AuthMethod.BASIC, user="rad"))
    assert error.state is OutcomeState.REFUSED
    assert guarded.archive_requests == []
