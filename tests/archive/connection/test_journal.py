"""What a PACS team gets to see of a check: each request with status and time, and nothing of patients or secrets."""

import json

import pytest

from federator.config import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.server.commands import run_check
from tests.support.canned_server import STUDY_LIST, canned, http

pytestmark = pytest.mark.anyio

SECRET = "hunter2-never-shown"


def archive(port: int, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setenv("JOURNAL_SECRET", SECRET)
    secret = SecretReference(store=SecretStore.ENVIRONMENT, name="JOURNAL_SECRET")
    url = f"http://127.0.0.1:{port}/dicom-web"
    return Archive(name="mercy", url=url, auth=AuthMethod.BASIC, user="u", secret=secret, deadline_s=5)


async def test_a_verbose_check_tells_each_request(monkeypatch, capsys) -> None:
    """Issue 10, part 8: address, status and time; contract.md §6: never secrets or attribute values."""
    with canned(lambda head: http(200 if "limit=1" in head else 403, STUDY_LIST)) as port:
        await run_check(Config(archives=(archive(port, monkeypatch),)), verbose=True)
    told = capsys.readouterr().out
    assert f"> GET http://127.0.0.1:{port}/dicom-web/studies?limit=1: 200, " in told
    assert "PatientID=…" in told or "00100020=…" in told
    assert SECRET not in told
    assert "QZXQ" not in told
    assert "1.2.3" not in told


async def test_a_request_without_an_answer_says_why(monkeypatch, capsys) -> None:
    """The same as JSON, a line for each request before the step that it served."""
    with canned(lambda _: b"") as port:
        await run_check(Config(archives=(archive(port, monkeypatch),)), verbose=True, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    requests = [line["request"] for line in lines if "request" in line]
    assert requests
    assert {(request["method"], request["status"], request["fault"]) for request in requests} == {
        ("GET", 0, "RemoteProtocolError")
    }
    assert requests[0]["milliseconds"] >= 0


async def test_without_it_nothing_is_told(monkeypatch, capsys) -> None:
    """contract.md §8: a check is for people first."""
    with canned(lambda _: http(403)) as port:
        await run_check(Config(archives=(archive(port, monkeypatch),)))
    assert "GET" not in capsys.readouterr().out
