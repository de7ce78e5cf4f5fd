"""Nothing of archives' bodies, secrets or names leaves through logs and error texts, whatever archives send."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.canned_server import canned, http
from tests.support.hostile.loopback import Loopback
from tests.support.hostile_retrieval import Quirk, RetrievalArchive
from tests.support.retrieval_objects import NATIVE, PDF_OBJECT, REPORT, StoredObject
from tests.whole.test_command_line import environment

pytestmark = pytest.mark.anyio

NAME, SECRET = "Geheim^Gertrud", "t0p-s3cret-w0rd"
PAGE = f"<html><body>Patient {NAME}, session {SECRET}</body></html>".encode()
ROW = {"0020000D": {"vr": "UI", "Value": ["1.2.3"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": NAME}]}}
FAULTS = {
    "page": http(200, PAGE, "text/html"),
    "error": http(500, PAGE, "text/html"),
    "refusal": http(401, PAGE, "text/html", WWW_Authenticate=f'Basic realm="{NAME}"'),
    "torn": http(200, json.dumps([ROW]).encode()[:-9]),
    "odd": http(200, json.dumps({"patient": NAME}).encode()),
    "binary": http(200, f"\x00\x01{NAME}".encode(), "application/dicom"),
    "elsewhere": http(302, PAGE, "text/html", Location=f"https://login.invalid/?who={NAME}&token={SECRET}"),
    "warning": http(400, PAGE, "text/plain", Warning=f'299 x "{NAME}"'),
}
QUIRKS = (Quirk.WEB_PAGE, Quirk.CUT_INSIDE, Quirk.CUT_CONNECTION, Quirk.EMPTY_BODY, Quirk.REDIRECTS_ELSEWHERE)
QUIRKS = (*QUIRKS, Quirk.ANOTHER_OBJECT, Quirk.NOT_FOUND, Quirk.BOUNDARY_WRONG, Quirk.PARTS_MISLABELLED)
READERS = {
    NATIVE: "render-instance-frame",
    REPORT: "get-structured-report-text",
    PDF_OBJECT: "get-encapsulated-pdf-report-text",
}


def place(held: StoredObject, quirk: Quirk) -> str:
    """The name of the archive that has one object and one quirk."""
    return f"{held.name[:2].lower()}-{quirk.name.lower().replace('_', '-')}"


@pytest.fixture
def faulty(tmp_path: Path, loopback: Loopback) -> Iterator[StdioServerParameters]:
    """A server over archives each of which sends something else than it should, with a password of its own."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with ExitStack() as stack:
        urls = {
            name: f"http://127.0.0.1:{stack.enter_context(canned(lambda _, answer=answer: answer))}/rs"
            for name, answer in FAULTS.items()
        }
        for held in READERS:
            for quirk in QUIRKS:
                (url,) = stack.enter_context(loopback.serve(RetrievalArchive(held, [quirk])))
                urls[place(held, quirk)] = url
        config = tmp_path / "archives.toml"
        config.write_text(
            "".join(
                f"[archives.{name}]\nurl = '{url}'\nauth = 'basic'\nuser = 'alice'\nsecret = 'file:{secret}'\n"
                f"deadline_s = 5\n"
                for name, url in urls.items()
            )
        )
        yield StdioServerParameters(
            command=sys.executable, args=["-m", "federator", "--config", str(config)], env=environment(tmp_path)
        )


async def test_neither_logs_nor_errors_repeat_what_archives_send(faulty, tmp_path):
    """contract.md §6: archive bodies never become messages; credentials and values never reach a log."""
    told = []
    with (tmp_path / "stderr").open("w+") as stderr:
        async with Client(stdio_client(faulty, errlog=stderr)) as client:

            async def ask(tool: str, **arguments: str) -> None:
                result = await client.call_tool(tool, arguments)
                told.append(result.model_dump_json())

            await ask("list-archives")
            await ask("find-studies", query=f"PatientName={NAME}*")
            await ask("find-studies", query="AccessionNumber=A-77")
            for name in FAULTS:
                study = f"1.2.3@{name}"
                await ask("find-series", studyInstanceUid=study)
                await ask("find-structured-reports", studyInstanceUid=study)
            for held, tool in READERS.items():
                study, series, instance = held.uids
                uids = {"studyInstanceUid": study, "seriesInstanceUid": series}
                for archive in (*FAULTS, *(place(held, quirk) for quirk in QUIRKS)):
                    uids["sopInstanceUid"] = f"{instance}@{archive}"
                    await ask(tool, **uids)
                    await ask("get-instance-metadata", **uids, attributes="Modality")
        stderr.seek(0)
        logged = stderr.read()
    state = tmp_path / "state" / "federator"
    kept = [path.read_text() for path in (state / "habits").iterdir()]
    assert len(kept) > 5
    health = "".join([(state / "health.json").read_text(), *kept])
    names = {str(held.dataset.get("PatientName", "")) for held in READERS} - {""}
    assert logged == ""
    for word in (NAME, "Geheim", SECRET, "<html", "1.2.3", *names):
        assert word not in health
    for answer in told:
        assert SECRET not in answer
        assert "<html" not in answer
        assert NAME not in answer
        assert "a fault of its own" not in answer
