"""The one door to httpx: what it sends, what it refuses, and what it makes of everything that can go wrong."""

import gzip
import logging
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
import truststore
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from federator.archive.connection import trust
from federator.archive.connection.client import Answer, ArchiveClient, Meter, current_meter
from federator.archive.connection.faults import retry_after_s_of, translated
from federator.config import Archive, AuthMethod, SecretReference, SecretStore
from federator.errors import ArchiveError
from federator.model import OutcomeState
from tests.support.canned_server import STUDY_LIST, Authority, Respond, canned, http

pytestmark = pytest.mark.anyio

SECRET = "s3cret-of-the-archive"
JSON = "application/dicom+json"


def descendants(kind: type[httpx.HTTPError]) -> Iterator[type[httpx.HTTPError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


async def asked(archive: Archive, path: str = "/studies", accept: str = JSON, **parameters: str) -> Answer:
    """One GET, within ten seconds."""
    with anyio.fail_after(10):
        async with ArchiveClient(archive) as client:
            return await client.get(path, accept=accept, parameters=list(parameters.items()))


async def refusal(archive: Archive, path: str = "/studies") -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        await asked(archive, path)
    return caught.value


@contextmanager
def recorded(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """A canned server and the heads of the requests that it got."""
    heads: list[str] = []

    def keep(head: str) -> bytes | None:
        heads.append(head)
        return respond(head)

    with canned(keep, tls=tls) as port:
        yield port, heads


def at(port: int, scheme: str = "http", **keys: object) -> Archive:
    return Archive(name="mercy", url=f"{scheme}://127.0.0.1:{port}/dicom-web", **keys)  # type: ignore[arg-type]


def header_key(port: int) -> Archive:
    return at(
        port,
        auth=AuthMethod.HEADER,
        header="X-Archive-Key",
        secret=SecretReference(store=SecretStore.ENVIRONMENT, name="MERCY_SECRET"),
    )


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERCY_SECRET", SECRET)


# Errors


@pytest.mark.parametrize("kind", list(descendants(httpx.HTTPError)))
def test_every_error_of_httpx_becomes_an_archive_error(kind: type[httpx.HTTPError]) -> None:
    """house.md, Errors: foreign exceptions are translated at the library's door, and none is missed."""
    made = kind.__new__(kind)
    Exception.__init__(made, "https://user:pw@inside.example/secret")
    error = translated(made, "pacs.example")
    assert error.state in {OutcomeState.UNREACHABLE, OutcomeState.TIMED_OUT, OutcomeState.FAILED}
    assert "inside" not in str(error)
    assert "pw" not in str(error)


def test_a_wait_for_a_connection_is_told_from_a_wait_for_an_answer() -> None:
    """contract.md §3.1: unreachable and timed_out are two outcomes."""
    assert translated(httpx.ConnectTimeout(""), "h").state is OutcomeState.UNREACHABLE
    assert translated(httpx.ReadTimeout(""), "h").state is OutcomeState.TIMED_OUT
    assert translated(httpx.ConnectError(""), "h").state is OutcomeState.UNREACHABLE
    assert translated(httpx.RemoteProtocolError(""), "h").state is OutcomeState.UNREACHABLE
    assert translated(httpx.DecodingError(""), "h").permanent


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (300, OutcomeState.FAILED),
        (304, OutcomeState.FAILED),
        (400, OutcomeState.FAILED),
        (401, OutcomeState.REFUSED),
        (403, OutcomeState.REFUSED),
        (404, OutcomeState.FAILED),
        (410, OutcomeState.FAILED),
        (501, OutcomeState.FAILED),
    ],
)
async def test_a_status_outside_2xx_is_an_error_without_the_body(status: int, state: OutcomeState) -> None:
    """contract.md §6: archive bodies never become messages."""
    with canned(lambda _: http(status, b"Doe^Jane is not here")) as port:
        error = await refusal(at(port))
    assert (error.http_status, error.state) == (status, state)
    assert str(status) in str(error)
    assert "Doe" not in str(error)


async def test_an_answer_packed_twice_is_refused_before_it_unpacks() -> None:
    """contract.md §3, bytes: a kilobyte packed three times would fill the memory before it is counted."""
    layers = zlib.compress(zlib.compress(zlib.compress(bytes(30_000_000), 9), 9), 9)
    assert len(layers) < 1_000
    with canned(lambda _: http(200, layers, Content_Encoding="deflate, deflate, deflate")) as port:
        error = await refusal(at(port))
    assert (error.state, error.permanent) == (OutcomeState.FAILED, True)


async def test_a_bomb_is_cut_off_at_the_byte_budget() -> None:
    """contract.md §3: bytes are counted as decoded, not as sent."""
    bomb = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
    with canned(lambda _: http(200, bomb, Content_Encoding="gzip")) as port:
        error = await refusal(at(port, max_bytes=2_097_152))
    assert error.state is OutcomeState.FAILED
    assert str(error) == "its answer is larger than 2 MiB (max_bytes): cut off."


@pytest.mark.parametrize(
    ("body", "max_bytes", "said"),
    [
        (b"[" + b"{}," * 500_000 + b"{}]", 2_097_152, "so many values that they would take more than twice 2 MiB"),
        (b"[" + b"[]," * 500_000 + b"[]]", 2_097_152, "so many values that they would take more than twice 2 MiB"),
        (b"[" + b"1," * 1_100_000 + b"1]", 134_217_728, "a list of more than 1,000,000 values"),
    ],
)
async def test_json_that_would_swell_in_memory_is_refused_before_it_is_read(
    body: bytes, max_bytes: int, said: str
) -> None:
    """CWE-770, CWE-405; contract.md §3: within the byte budget, and twenty times as much in objects."""
    with canned(lambda _: http(200, body)) as port:
        error = await refusal(at(port, max_bytes=max_bytes))
    assert (error.state, error.permanent) == (OutcomeState.FAILED, True)
    assert said in str(error)


async def test_an_answer_of_just_the_byte_budget_is_taken() -> None:
    """contract.md §7: max_bytes is what one decoded answer may have."""
    with canned(lambda _: http(200, bytes(1_048_576))) as port:
        assert len((await asked(at(port, max_bytes=1_048_576))).body) == 1_048_576


@given(header=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40))
@example(header="²")
@example(header="Wed, 21 Oct 2015 07:28:00 +99999999999999")
def test_any_retry_after_can_be_read(header: str) -> None:
    """RFC 9110 §10.2.3: seconds or a date; what is neither says nothing."""
    seconds = retry_after_s_of(header)
    assert seconds is None or seconds >= 0


# What is sent


async def test_values_arrive_as_archives_can_read_them() -> None:
    """facts: Orthanc decodes no escapes and dcm4chee takes %2C for a letter, so hardly anything is escaped."""
    with recorded(lambda _: http(200, b"[]")) as (port, heads):
        await asked(at(port), **{"0020000D": "1.2,1.3", "00100010": "DO*^J?NE&x=1#%", "00080020": "20240101-"})
    assert heads[0].startswith(
        "GET /dicom-web/studies?0020000D=1.2,1.3&00100010=DO*^J?NE%26x=1%23%25&00080020=20240101- HTTP/1.1"
    )


async def test_pixels_are_asked_for_unpacked_and_lists_packed() -> None:
    """facts/dicomweb.md 1.6: compressing pixels costs the archive much and saves nothing."""
    with recorded(lambda _: http(200, b"[]")) as (port, heads):
        await asked(at(port))
        await asked(at(port), accept="image/jpeg")
    assert "accept-encoding: gzip, deflate\r\n" in heads[0].lower()
    assert "accept-encoding: identity\r\n" in heads[1].lower()


async def test_an_answer_tells_its_type_and_its_warnings() -> None:
    """PS3.18 §8.3.4.4: Warning 299 says that there are more results."""
    answer = http(206, b"[]", 'Multipart/Related; type="a/b"', Warning="299 pacs: There are 7 additional results")
    with canned(lambda _: answer) as port:
        read = await asked(at(port))
    assert (read.status, read.media_type, read.content_type) == (
        206,
        "multipart/related",
        'Multipart/Related; type="a/b"',
    )
    assert read.warnings == ("299 pacs: There are 7 additional results",)


async def test_every_attempt_is_counted() -> None:
    """contract.md §3.1: an outcome tells the attempts."""
    answers = iter([http(503), http(503), http(200, b"[]")])
    with canned(lambda _: next(answers)) as port:
        current_meter.set(meter := Meter())
        await asked(at(port))
    assert meter.attempts == 3


async def test_no_proxy_of_the_environment_stands_between_us_and_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive on this computer is asked directly, whatever the hospital's proxy settings say."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with canned(lambda _: http(200, STUDY_LIST)) as port:
        assert (await asked(at(port))).body == STUDY_LIST


@pytest.mark.parametrize("host", ["klinik_süd", "xn--", "ß!"])
async def test_a_host_that_cannot_be_is_one_archives_outcome(host: str) -> None:
    """One misspelt address must not keep the other archives from being asked."""
    error = await refusal(Archive(name="mercy", url=f"https://{host}/rs"))
    assert (error.state, error.permanent) == (OutcomeState.UNREACHABLE, True)
    assert "host name" in str(error)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks4://127.0.0.1:9", "ftp://127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """contract.md §6: the operator must act; httpx raises ImportError and ValueError here, which are not its own."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    error = await refusal(Archive(name="mercy", url="http://archive.invalid/rs"))
    assert (error.state, error.permanent) == (OutcomeState.UNREACHABLE, True)
    assert "ALL_PROXY" in str(error)


# Other origins


async def test_a_redirect_below_the_base_is_followed() -> None:
    """RFC 9110 §15.4; contract.md §3.9: below its base an archive may say where its resources are."""

    def respond(head: str) -> bytes:
        if "/dicom-web/studies" in head:
            return http(307, Location="/dicom-web/v2/studies?limit=1")
        return http(200, STUDY_LIST)

    with recorded(respond) as (port, heads):
        assert (await asked(header_key(port))).body == STUDY_LIST
    assert [head.split()[1] for head in heads] == ["/dicom-web/studies", "/dicom-web/v2/studies?limit=1"]
    assert all(f"x-archive-key: {SECRET}" in head.lower() for head in heads)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/rs/studies?limit=1", "another place"),
        ("/dicom-webs/studies", "another place"),
        ("../../admin", "another place"),
        ("/dicom-web/../admin", "another place"),
        ("/dicom-web/%2e%2E/admin", "another place"),
        ("/dicom-web/..%2fadmin", "another place"),
        ("/dicom-web/..\\admin", "another place"),
        ("/" + "a" * 80_000, "no address"),
        ("http://[broken", "another host"),
        ("http://127.0.0.1:99999999/", "another host"),
        ("http://xn--\u00fc.example/", "no address"),
        ("http://xn--0.example/", "no address"),
        ("http://" + "a" * 300 + ".example/", "another host"),
        ("http://exa mple/", "another host"),
        ("http://a..b/", "another host"),
        ("http:///studies", "another place"),
        ("urn:oid:1.2", "no address"),
        ("file:///etc/passwd", "no address"),
        ("https://127.0.0.1:{port}/dicom-web/studies", "https://"),
    ],
)
async def test_a_redirect_out_of_the_base_or_to_nowhere_is_one_archives_outcome(location: str, said: str) -> None:
    """contract.md §3.9; RFC 9110 §10.2.2: what stands in Location may be anything."""

    def respond(_: str) -> bytes:
        return http(302, Location="PLACE").replace(b"PLACE", location.format(port=port).encode())

    with recorded(respond) as (port, asked_here):
        error = await refusal(header_key(port))
    assert (error.state, error.permanent) == (OutcomeState.NOT_DICOMWEB, True)
    assert said in str(error)
    assert len(asked_here) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{other}/dicom-web/studies",
        "//127.0.0.1:{other}/dicom-web/studies",
        "http://localhost:{port}/dicom-web/studies",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/",
    ],
)
async def test_neither_a_request_nor_a_credential_goes_to_another_origin(location: str) -> None:
    """Issue 2: not even a header with a name of its own, which HTTP clients would send along."""
    with (
        recorded(lambda _: http(200, STUDY_LIST)) as (other, heads),
        recorded(lambda _: http(302, Location=location.format(other=other, port=port))) as (port, asked_here),
    ):
        error = await refusal(header_key(port))
    assert error.state is OutcomeState.NOT_DICOMWEB
    assert "another host" in str(error)
    assert heads == []
    assert len(asked_here) == 1


async def test_a_redirect_to_itself_ends() -> None:
    """house.md, Async: no unbounded loop."""
    with recorded(lambda _: http(301, Location="/dicom-web/studies")) as (port, heads):
        error = await refusal(at(port))
    assert error.state is OutcomeState.NOT_DICOMWEB
    assert len(heads) == 3


# Concurrency and cancellation


async def test_no_more_requests_at_once_than_the_archive_may_have() -> None:
    """contract.md §7: max_connections, measured at the archive."""
    lock = threading.Lock()
    together = threading.Barrier(3)
    under_way = most = 0

    def respond(_: str) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        # All three that are allowed must be here at once before any of them may go.
        together.wait(10)
        with lock:
            under_way -= 1
        return http(200, b"[]")

    with canned(respond) as port, anyio.fail_after(20):
        async with ArchiveClient(at(port, max_connections=3)) as client, anyio.create_task_group() as tasks:
            for _ in range(15):
                tasks.start_soon(lambda: client.get("/studies", accept=JSON))
    assert most == 3


async def test_cancelling_hangs_up() -> None:
    """Issue 2: cancellation reaches the sockets."""
    hung_up = threading.Event()
    asked_for = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            asked_for.set()
            if connection.recv(1) == b"":
                hung_up.set()

    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        async with ArchiveClient(at(listener.getsockname()[1])) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.get("/studies", accept=JSON))
                await anyio.to_thread.run_sync(asked_for.wait, 10)
                tasks.cancel_scope.cancel()
            assert await anyio.to_thread.run_sync(hung_up.wait, 10)
        thread.join(10)


# Secrets


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_neither_secrets_nor_values_reach_a_log(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """contract.md §6: credentials and attribute values never reach a log, whatever level is set."""
    caplog.set_level(logging.DEBUG, logger="federator")
    with canned(lambda _: http(status, STUDY_LIST)) as port:
        archive = header_key(port)
        message = ""
        try:
            await asked(archive, **{"00100010": "DOE^JANE"})
        except ArchiveError as error:
            message = str(error)
    for text in (message, *(record.getMessage() for record in caplog.records if record.name.startswith("federator"))):
        assert SECRET not in text
        assert "DOE" not in text


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_a_certificate_of_an_unknown_authority_is_not_trusted(authority: Authority) -> None:
    """Issue 2: the operating system's trust store decides."""
    with canned(lambda _: http(200, STUDY_LIST), tls=authority.server()) as port:
        error = await refusal(at(port, "https"))
    assert (error.state, error.permanent) == (OutcomeState.UNREACHABLE, True)
    assert "not trusted" in str(error)


async def test_the_archives_own_authority_is_trusted(authority: Authority) -> None:
    """contract.md §7: ca_file."""
    with canned(lambda _: http(200, STUDY_LIST), tls=authority.server()) as port:
        assert (await asked(at(port, "https", ca_file=authority.ca_file))).body == STUDY_LIST


async def test_the_systems_authorities_are_trusted_and_read_once_for_all_archives(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: reading them takes tens of milliseconds, which no connection and no other archive may pay again."""
    assert trust.trust_of(at(1, "https")) is trust.trust_of(at(2, "https"))
    assert trust.trust_of(at(1, "https", ca_file=authority.ca_file)) is not trust.trust_of(at(2, "https"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    trust._shared.cache_clear()
    try:
        with canned(lambda _: http(200, STUDY_LIST), tls=authority.server()) as port:
            assert (await asked(at(port, "https"))).body == STUDY_LIST
    finally:
        trust._shared.cache_clear()


def test_a_system_without_a_file_of_authorities_is_left_to_truststore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some keep a folder of certificates, or keep them where this Python does not look."""
    empty = tmp_path / "none.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    assert type(trust.trust_in_the_system()) is truststore.SSLContext


def test_what_is_not_secure_trusts_nobody() -> None:
    """A connection that became secure by mistake is refused, not taken unseen."""
    context = trust.trust_in_nobody()
    assert (context.verify_mode, context.check_hostname, context.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])


async def test_a_certificate_for_another_name_and_an_old_one_are_told_apart(authority: Authority) -> None:
    """facts/tray.md 8.4: what is wrong, in plain words."""
    with canned(lambda _: http(200), tls=authority.server(address="10.9.8.7")) as port:
        error = await refusal(at(port, "https", ca_file=authority.ca_file))
        assert "different name" in str(error)
    with canned(lambda _: http(200), tls=authority.server(days=5)) as port:
        error = await refusal(at(port, "https", ca_file=authority.ca_file))
        assert "expired" in str(error)


@pytest.mark.parametrize(("host", "entry"), [("localhost", "DNS:localhost"), ("127.0.0.1", "IP:127.0.0.1")])
async def test_a_certificate_with_a_common_name_alone_is_refused_with_what_to_do(
    authority: Authority, host: str, entry: str
) -> None:
    """RFC 9110 §4.3.4, RFC 9525 §2: a common name is no name of a host; nothing is sent."""
    with recorded(lambda _: http(200, STUDY_LIST), tls=authority.nameless_server(host)) as (port, heads):
        archive = Archive(name="a", url=f"https://{host}:{port}/dicom-web", ca_file=authority.ca_file)
        error = await refusal(archive)
        assert heads == []
    assert (error.state, error.permanent) == (OutcomeState.UNREACHABLE, True)
    assert "names no host in a Subject Alternative Name" in str(error)
    assert f"issued anew with {entry} there" in str(error)


async def test_a_client_certificate_is_shown_to_an_archive_that_wants_one(authority: Authority, tmp_path: Path) -> None:
    """contract.md §7: client_cert and client_key."""
    strict = authority.server()
    strict.load_verify_locations(authority.ca_file)
    strict.verify_mode = ssl.CERT_REQUIRED
    pem = tmp_path / "client.pem"
    authority.server(address="127.0.0.2")
    pem.write_bytes((authority.ca_file.parent / "127.0.0.230.pem").read_bytes())
    with canned(lambda _: http(200, STUDY_LIST), tls=strict) as port:
        error = await refusal(at(port, "https", ca_file=authority.ca_file))
        assert error.state is OutcomeState.UNREACHABLE
        secured = at(port, "https", ca_file=authority.ca_file, client_cert=pem)
        assert (await asked(secured)).body == STUDY_LIST


async def test_a_key_behind_a_password_is_an_error_and_not_a_question_on_the_terminal(
    authority: Authority, tmp_path: Path
) -> None:
    """A server that an assistant starts has no terminal: OpenSSL's question for a password would hang it."""
    key = ec.generate_private_key(ec.SECP256R1())
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"forgotten"),
        )
    )
    archive = at(9, "https", client_cert=authority.ca_file, client_key=locked)
    error = await refusal(archive)
    assert (error.state, error.permanent) == (OutcomeState.FAILED, True)
    assert "client_key" in str(error)


async def test_certificate_files_that_are_none_are_said(tmp_path: Path) -> None:
    """contract.md §6: what the operator must act on is named by its key."""
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("not a certificate")
    for ca_file in (nonsense, tmp_path / "absent.pem"):
        error = await refusal(at(9, "https", ca_file=ca_file))
        assert "ca_file" in str(error)
        assert error.state is OutcomeState.FAILED


async def test_no_cookie_is_kept() -> None:
    """contract.md §3.9: nothing of a bad answer may spoil the next request, which a large cookie would."""
    with recorded(lambda _: http(200, STUDY_LIST, Set_Cookie="session=" + "c" * 60_000)) as (port, heads):
        async with ArchiveClient(at(port)) as client:
            for _ in range(2):
                await client.get("/studies", accept="application/dicom+json")
    assert len(heads) == 2
    assert not any("cookie" in head.lower() for head in heads)
