"""Which proxy is taken: as the environment says it, with the exceptions that curl and Go know."""

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.connection.proxies import proxy_for, shown
from federator.config import Archive
from tests.support.canned_server import STUDY_LIST, canned, http

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("https_proxy", "http://user:pass@proxy.example:3128")


@pytest.mark.parametrize(
    ("excepted", "host", "is_taken"),
    [
        ("", "pacs.example", True),
        ("pacs.example", "pacs.example", False),
        ("PACS.example", "pacs.example", False),
        ("example", "pacs.example", False),
        (".example", "pacs.example", False),
        ("*.example", "pacs.example", False),
        ("ample", "pacs.example", True),
        ("other.example, pacs.example ,x", "pacs.example", False),
        ("pacs.example:443", "pacs.example", False),
        ("pacs.example:8443", "pacs.example", True),
        ("*", "pacs.example", False),
        ("10.0.0.0/8", "10.9.8.7", False),
        ("10.0.0.0/8", "11.9.8.7", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("fd00::/8", "fd12::1", False),
        ("[fd00::]/8", "fd12::1", False),
        ("[fd12::1]", "fd12::1", False),
        ("[fd12::1]:443", "fd12::1", False),
        ("fd12::1", "fd12::1", False),
        ("fe80::/10", "fd12::1", True),
        ("10.0.0.0/99,[,::/,/", "10.9.8.7", True),
        ("127.0.0.1", "localhost", False),
    ],
)
def test_exceptions_are_honoured_as_the_field_does(monkeypatch, excepted, host, is_taken) -> None:
    """Issue 10, part 8: curl and Go take ranges and IPv6, which httpx does not."""
    monkeypatch.setenv("no_proxy", excepted)
    assert bool(proxy_for("https", host, 443)) is is_taken


def test_a_proxy_is_shown_without_its_sign_in() -> None:
    """contract.md §6: no credentials in messages."""
    assert shown(proxy_for("https", "pacs.example")) == "proxy.example:3128"
    assert proxy_for("http", "pacs.example") == ""
    assert shown("") == ""


async def test_a_request_goes_through_the_proxy_unless_it_is_excepted(monkeypatch) -> None:
    """Issue 10, part 8: what the client does is what `proxy_for` says."""
    asked: list[str] = []

    def respond(head: str) -> bytes:
        asked.append(head.split()[1])
        return http(200, STUDY_LIST)

    with canned(respond) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        for excepted in ("", "10.0.0.0/8"):
            monkeypatch.setenv("no_proxy", excepted)
            async with ArchiveClient(Archive(name="a", url="http://pacs.example:8042/dicom-web")) as client:
                await client.get("/studies", accept="application/dicom+json")
    assert asked == ["http://pacs.example:8042/dicom-web/studies"] * 2
