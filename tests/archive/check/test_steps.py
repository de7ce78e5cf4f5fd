"""The check of one archive, step by step (facts/tray.md section 8.4; contract.md section 8)."""

import dataclasses
import json
import socket
import ssl
import sys

import pytest

from federator.archive.check.steps import Step, check
from federator.config import Archive, AuthMethod, SecretReference, SecretStore
from tests.support.canned_server import STUDY_LIST, Authority, Respond, canned, http
from tests.support.folder_archive import write_tiny

pytestmark = pytest.mark.anyio

SECRET = "hunter2-never-shown"
LIMIT_S = 0.5


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


async def walked(archive: Archive) -> list[Step]:
    steps = [step async for step in check(archive)]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.ok is not False for step in steps[:-1])
    assert SECRET not in json.dumps([dataclasses.asdict(step) for step in steps])
    return steps


async def failing(archive: Archive) -> Step:
    step = (await walked(archive))[-1]
    assert step.ok is False
    return step


def at(port: int, path: str = "/dicom-web", scheme: str = "http", **more) -> Archive:
    return Archive(name="a", url=f"{scheme}://127.0.0.1:{port}{path}", **{"deadline_s": LIMIT_S, **more})


def with_password(monkeypatch) -> dict[str, object]:
    monkeypatch.setenv("FEDERATOR_TEST_SECRET", SECRET)
    secret = SecretReference(store=SecretStore.ENVIRONMENT, name="FEDERATOR_TEST_SECRET")
    return {"auth": AuthMethod.BASIC, "user": "federator", "secret": secret}


def always(answer: bytes | None) -> Respond:
    return lambda _head: answer


@pytest.mark.parametrize(
    "url", ["pacs.example.org/dicom-web", "https://", "https://x:99999999", "ftp://x", "https://[x"]
)
async def test_junk_is_no_web_address(url):
    """facts/tray.md 8.4, row 1."""
    step = await failing(Archive(name="a", url=url))
    assert (step.name, step.message) == ("Address", "This does not look like a web address.")
    assert "https://" in step.advice


async def test_an_unknown_name_is_told_with_the_name():
    """facts/tray.md 8.4, row 2."""
    step = await failing(Archive(name="a", url="https://pacs.exmaple.invalid/dicom-web"))
    assert (step.name, step.message) == ("Name", 'No computer called "pacs.exmaple.invalid" was found.')
    assert "VPN" in step.advice


async def test_a_name_that_cannot_be_one_is_an_unknown_name():
    """RFC 1035: a label has at most 63 letters."""
    step = await failing(Archive(name="a", url=f"https://{'x' * 64}.invalid/"))
    assert step.name == "Name"


async def test_a_refused_connection_is_told_with_the_port():
    """facts/tray.md 8.4, row 3."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    step = await failing(at(port))
    assert (step.name, step.message) == ("Reached", f"127.0.0.1 refused the connection on port {port}.")


@pytest.mark.skipif(sys.platform != "linux", reason="how a full queue behaves is the system's matter")
async def test_a_connection_that_nobody_takes_is_told_as_silence():
    """facts/tray.md 8.4, row 4."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        step = await failing(at(listener.getsockname()[1], deadline_s=0.2))
    assert (step.name, step.message) == ("Reached", "127.0.0.1 did not answer within 0.2 seconds.")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({}, "its certificate is not trusted on this computer"),
        ({"days": 10}, "its certificate has expired"),
        ({"address": "127.0.0.9"}, "its certificate was issued for a different name"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_told_by_why(authority, server, words):
    """facts/tray.md 8.4, row 5."""
    ca_file = authority.ca_file if server else None
    with canned(always(http(200, STUDY_LIST)), tls=authority.server(**server)) as port:
        step = await failing(at(port, scheme="https", ca_file=ca_file, deadline_s=5))
    assert step.name == "Secure"
    assert step.message.startswith(f"The secure connection failed: {words}")
    assert "Do not switch checking off." in step.advice
    assert step.details


@pytest.mark.parametrize(("host", "entry"), [("localhost", "DNS:localhost"), ("127.0.0.1", "IP:127.0.0.1")])
async def test_a_certificate_with_a_common_name_alone_is_told_as_such(authority, host, entry):
    """RFC 9110 §4.3.4, RFC 9525 §2: its administrator has to have it issued anew."""
    with canned(always(http(200, STUDY_LIST)), tls=authority.nameless_server(host)) as port:
        url = f"https://{host}:{port}/dicom-web"
        step = await failing(Archive(name="a", url=url, ca_file=authority.ca_file, deadline_s=5))
    assert step.name == "Secure"
    assert "names no host in a Subject Alternative Name" in step.message
    assert f"issued anew with {entry} in its Subject Alternative Name" in step.advice


async def test_encryption_asked_of_a_port_without_it_is_the_secure_steps_matter():
    """facts/tray.md 8.4, row 6."""
    with canned(always(http(400)), tls=None) as port:
        step = await failing(at(port, scheme="https", deadline_s=5))
    assert (step.name, step.message) == ("Secure", "The two sides could not agree on encryption.")
    assert "http://" in step.advice


async def test_a_handshake_that_never_ends_is_the_secure_steps_matter():
    """facts/tray.md 8.4, row 6: a connect timeout after TCP success is the secure step."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        step = await failing(at(listener.getsockname()[1], scheme="https", deadline_s=1.0))
    assert step.name == "Secure"


async def test_a_certificate_file_that_is_none_is_told_as_such(authority, tmp_path):
    """contract.md §7: ca_file."""
    (tmp_path / "ca.pem").write_text("not a certificate")
    with canned(always(http(200, STUDY_LIST)), tls=authority.server()) as port:
        for name in ("ca.pem", "missing.pem"):
            step = await failing(at(port, scheme="https", ca_file=tmp_path / name, deadline_s=5))
            assert (step.name, step.message) == ("Secure", "The certificate files under Advanced cannot be read.")


async def test_a_client_certificate_that_is_wanted_and_missing_is_told(authority):
    """contract.md §7: client_cert."""
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    told = set()
    with canned(always(http(200, STUDY_LIST)), tls=context) as port:
        # The server refuses after the handshake (TLS 1.3): now and then its reset overtakes the alert that says why.
        for _ in range(10):
            step = await failing(at(port, scheme="https", ca_file=authority.ca_file, deadline_s=5))
            assert step.name == "Secure"
            told.add(step.message)
    assert "The archive did not accept this computer's certificate, or wants one." in told


async def test_a_sign_in_that_is_wanted_and_missing_is_told():
    """facts/tray.md 8.4, row 7."""
    with canned(always(http(401))) as port:
        step = await failing(at(port))
    assert (step.name, step.message) == ("Signed in", "The archive asks for a sign-in, and none is set up.")


async def test_a_password_that_is_not_accepted_is_told(monkeypatch):
    """facts/tray.md 8.4, row 7."""
    with canned(always(http(401))) as port:
        step = await failing(at(port, **with_password(monkeypatch)))
    assert (step.name, step.message) == ("Signed in", "The archive did not accept the user name and password.")
    assert "Windows password" in step.advice


async def test_an_account_without_the_right_to_search_is_told(monkeypatch):
    """facts/tray.md 8.4, row 8."""
    with canned(always(http(403))) as port:
        step = await failing(at(port, **with_password(monkeypatch)))
    assert (step.name, step.message) == ("Signed in", "Signed in, but this account may not search.")


@pytest.mark.parametrize(
    ("answer", "name", "said", "advice"),
    [
        (http(301, Location="https://127.0.0.1/dicom-web/studies"), "Secure", "wants a secure connection", "https://"),
        (http(308, Location="https://127.0.0.1:8443/login"), "Secure", "wants a secure connection", "https://"),
        (http(302, Location="/portal/login"), "DICOMweb", "at another place", "new address"),
        (http(302, Location="urn:oid:1.2"), "DICOMweb", "no address", "PACS team"),
        (http(401, WWW_Authenticate="Negotiate"), "Signed in", "Windows sign-in (Negotiate or NTLM)", "Basic"),
        (http(401, WWW_Authenticate="NTLM TlRMTVNT"), "Signed in", "Windows sign-in (Negotiate or NTLM)", "token"),
        (
            http(401, WWW_Authenticate='Basic realm="pacs"'),
            "Signed in",
            "did not accept the user name",
            "Type it again",
        ),
        (
            http(
                400, b"<html><h1>400 Bad Request</h1><center>No required SSL certificate was sent</center>", "text/html"
            ),
            "Secure",
            "wants a certificate of this computer",
            "client_cert",
        ),
        (
            http(400, b"<center>The SSL certificate error</center>"),
            "Secure",
            "did not accept this computer's",
            "expired",
        ),
        (
            http(400, b"<center>The plain HTTP request was sent to HTTPS port</center>"),
            "Secure",
            "wants a secure connection",
            "https://",
        ),
    ],
)
async def test_what_stands_before_the_archive_is_told_by_its_name(monkeypatch, answer, name, said, advice):
    """Issue 10, part 8; RFC 9110 §11.6.1, §15.4: the right person acts only on the right word."""
    with canned(always(answer)) as port:
        step = await failing(at(port, **with_password(monkeypatch)))
    assert step.name == name
    assert said in step.message
    assert advice in step.advice
    assert "sign-in page" not in step.message


async def test_a_redirect_to_another_host_is_a_web_sign_in_and_is_not_followed(monkeypatch):
    """facts/tray.md 8.4, row 9; 3.1: no redirects followed."""
    asked: list[str] = []

    def other(head: str) -> bytes:
        asked.append(head)
        return http(200, STUDY_LIST)

    with canned(other) as elsewhere, canned(always(http(302, Location=f"http://127.0.0.1:{elsewhere}/login"))) as port:
        step = await failing(at(port, **with_password(monkeypatch)))
    assert (step.name, step.message) == ("Signed in", "The archive sends you to another page to sign in.")
    assert asked == []


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<html><form><input type='password'></form>", "A sign-in page came back instead of image data."),
        (b"<!DOCTYPE html><title>Viewer</title>", "A web page came back instead of image data."),
    ],
)
@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
async def test_a_web_page_is_told_from_data_whatever_it_calls_itself(page, message, content_type):
    """facts/tray.md 8.4, row 10."""
    with canned(always(http(200, page, content_type))) as port:
        step = await failing(at(port))
    assert (step.name, step.message) == ("DICOMweb", message)
    assert "/dicom-web" in step.advice


async def test_an_address_without_the_service_is_told():
    """facts/tray.md 8.4, row 11."""
    with canned(always(http(404, b"<html>not found", "text/html"))) as port:
        step = await failing(at(port))
    assert (step.name, step.message) == ("DICOMweb", "The server is there, but no DICOMweb service at this address.")


async def test_an_archive_that_does_not_answer_is_told_with_the_limit():
    """facts/tray.md 8.4, row 12."""
    with canned(always(None)) as port:
        step = await failing(at(port, deadline_s=0.3))
    assert (step.name, step.message) == ("DICOMweb", "Connected, but no answer within 0.3 seconds.")
    assert "raise" in step.advice


@pytest.mark.parametrize(("status", "message"), [(500, "an internal error"), (429, "too many requests")])
async def test_an_archive_in_trouble_is_told(status, message):
    """facts/tray.md 8.4, row 13."""
    with canned(always(http(status, b"stack trace of Mr. Doe"))) as port:
        step = await failing(at(port, deadline_s=5))
    assert step.name == "Search"
    assert message in step.message
    assert "Doe" not in str(step)


async def test_an_archive_that_refuses_every_form_of_search_is_told():
    """PS3.18 §8.3: 400; a lighter question is tried first."""
    heads: list[str] = []

    def respond(head: str) -> bytes:
        heads.append(head)
        return http(400)

    with canned(respond) as port:
        step = await failing(at(port, deadline_s=5))
    assert (step.name, step.message) == ("Search", "The archive refused the search.")
    assert len(heads) > 1


async def test_an_archive_that_takes_a_lighter_search_works():
    """facts/dicomweb.md: some archives refuse what they do not know; what helps is found out."""
    with canned(lambda head: http(200, STUDY_LIST) if "includefield" in head else http(400)) as port:
        steps = await walked(at(port, deadline_s=5))
    assert steps[6].message == "Search works."


@pytest.mark.parametrize("body", [b"", b"{}{", b'"text"', b"12", b'[{"a": 1}, 7]', b"%PDF-1.4", b"\xff\xfe"])
async def test_what_is_no_dicom_json_is_no_archive(body):
    """facts/tray.md 8.4, row 13: never taken for "no studies"."""
    with canned(always(http(200, body, "application/octet-stream; x=Doe"))) as port:
        step = await failing(at(port))
    assert (step.name, step.message) == ("DICOMweb", "The answer was not DICOMweb data.")


async def test_a_connection_that_closes_without_an_answer_is_told():
    """facts/dicomweb.md section 7: cut off."""
    with canned(always(b"")) as port:
        step = await failing(at(port, deadline_s=5))
    assert (step.name, step.message) == ("DICOMweb", "127.0.0.1 closed the connection without an answer.")


async def test_a_dead_proxy_is_named(monkeypatch):
    """facts/tray.md 8.4, row 14: a dead proxy looks like any refused connection, so it is looked up first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("http_proxy", f"http://{proxy}")
    steps = await walked(Archive(name="a", url="http://pacs.example.invalid/dicom-web", deadline_s=5))
    assert steps[-1].name == "Reached"
    assert steps[-1].message == f"The hospital proxy ({proxy}) did not let the connection through."
    assert "no proxy" in steps[-1].advice


async def test_a_proxy_that_refuses_is_named(monkeypatch):
    """facts/tray.md 8.4, row 14."""
    with canned(always(http(407))) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        for scheme in ("http", "https"):
            step = await failing(Archive(name="a", url=f"{scheme}://pacs.example.invalid/dicom-web", deadline_s=5))
            assert step.message == f"The hospital proxy (127.0.0.1:{port}) did not let the connection through."


async def test_a_secret_that_cannot_be_read_is_told_and_nothing_is_sent(monkeypatch):
    """facts/tray.md 8.4, row 15; 4.2: a failure is that archive's fault."""
    asked: list[str] = []
    with canned(asked.append) as port:
        archive = at(port, **with_password(monkeypatch))
        monkeypatch.delenv("FEDERATOR_TEST_SECRET")
        step = await failing(archive)
    assert step.name == "Signed in"
    assert "FEDERATOR_TEST_SECRET" in step.message
    assert asked == []


async def test_a_sign_in_service_that_refuses_is_told_as_such(monkeypatch):
    """contract.md §7: oauth2."""
    with canned(always(http(400, b"{}", "application/json"))) as token, canned(always(http(200, STUDY_LIST))) as port:
        more = {**with_password(monkeypatch), "auth": AuthMethod.OAUTH2, "user": "", "client_id": "x"}
        step = await failing(at(port, token_url=f"http://127.0.0.1:{token}/token", **more, deadline_s=5))
    assert step.name == "Signed in"
    assert "sign-in service" in step.message


async def test_an_archive_that_works_passes_every_step_in_order(monkeypatch, authority):
    """contract.md §8: address, name, reached, secure, signed in, DICOMweb, searches, what it supports."""
    heads: list[str] = []

    def respond(head: str) -> bytes:
        heads.append(head)
        if "QZXQNOSUCHVALUE" in head:
            return http(204)
        return http(200, STUDY_LIST) if "/studies?" in head else http(404)

    with canned(respond, tls=authority.server()) as port:
        archive = at(port, scheme="https", ca_file=authority.ca_file, deadline_s=5, **with_password(monkeypatch))
        steps = await walked(archive)
    assert [step.name for step in steps] == [
        "Address",
        "Name",
        "Reached",
        "Secure",
        "Signed in",
        "DICOMweb",
        "Search",
        "Supports",
    ]
    assert [step.ok for step in steps] == [True, None, True, True, True, True, True, None]
    assert "filters; takes wild cards" in steps[-1].message
    assert all("Authorization: Basic" in head.replace("authorization", "Authorization") for head in heads)
    assert all(head.startswith("GET ") for head in heads)


async def test_an_archive_without_any_study_works():
    """PS3.18 §8.3.4.4: 204 is an answer with no matches."""
    with canned(always(http(204))) as port:
        steps = await walked(at(port, deadline_s=5))
    assert steps[-2].message == "Search works."
    assert "holds no studies that this account may see" in steps[-1].message
    assert steps[3].message == "The connection is not encrypted (http://)."


async def test_an_archive_that_ignores_filters_is_told(monkeypatch):
    """contract.md §2: archives ignore filters that they do not know."""
    with canned(always(http(200, STUDY_LIST))) as port:
        steps = await walked(at(port, deadline_s=5, **with_password(monkeypatch)))
    assert "ignores filters" in steps[-1].message
    assert "travels in the open" in steps[3].message


async def test_a_folder_that_is_missing_or_a_file_is_told(tmp_path):
    """contract.md §7: folder."""
    (tmp_path / "file").write_text("")
    missing = await failing(Archive(name="a", folder=tmp_path / "none"))
    assert (missing.name, missing.message) == ("Folder", "This folder does not exist.")
    file = await failing(Archive(name="a", folder=tmp_path / "file"))
    assert file.message == "This is a file, not a folder."


async def test_a_folder_is_told_by_what_was_found_and_unreadable_files_are_named(tmp_path, monkeypatch):
    """Issue 2 part 4: unreadable files counted and named."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "images"
    folder.mkdir()
    archive = Archive(name="a", folder=folder)
    empty = await failing(archive)
    assert (empty.name, empty.message) == (
        "Files",
        "There are no DICOM files that can be read in this folder. DICOM objects: 0, in 0 files.",
    )
    write_tiny(folder / "one.dcm", study="1.2", series="1.2.3", instance="1.2.3.4")
    write_tiny(folder / "copy.dcm", study="1.2", series="1.2.3", instance="1.2.3.4")
    (folder / "broken.dcm").write_bytes((folder / "one.dcm").read_bytes()[:200])
    (folder / "notes.txt").write_text("not DICOM")
    steps = await walked(archive)
    assert [(step.name, step.ok) for step in steps] == [("Folder", True), ("Files", True)]
    assert "DICOM objects: 1, in 4 files. Copies: 1. Not readable and left out: 1, broken.dcm (" in steps[-1].message


def test_the_steps_are_plain_data():
    """contract.md §8: --json streams the steps."""
    step = Step(number=1, name="Address", ok=True, message="x")
    assert json.loads(json.dumps(dataclasses.asdict(step))) == {
        "number": 1,
        "name": "Address",
        "ok": True,
        "message": "x",
        "advice": "",
        "details": "",
    }
