"""Rows whose UID is none, at every level and through every list: a gap of their archive, never a request or a mark."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from mcp import Client

from federator.archive.folder.app import folder_app
from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.hostile.loopback import Loopback
from tests.support.synthetic.documents import encapsulated
from tests.support.synthetic.images import written
from tests.support.synthetic.pdfs import drawn, lines
from tests.support.synthetic.report_catalogue import CATALOGUE

pytestmark = pytest.mark.anyio

EVIL: tuple[Any, ...] = (
    "1.2/../../../admin",
    "..",
    "%2e%2e/%2e%2e/admin",
    "1.2?limit=1",
    "1.2#x",
    "//other.invalid/1",
    "http://other.invalid/1.2",
    "1.2@good",
    "1.2\n1.2.3@good | forged",
    "\u0661.\u0662",
    "1." + "2" * 100_000,
    "1..2",
    "1.2\\1.3",
    12,
    True,
    {"a": 1},
    ["1.2"],
)
TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}


class Forging:
    """An archive that lists the evil ones behind its honest rows, and remembers every path that it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.honest = folder_app(folder, cache=folder.parent / "cache")
        self.paths: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(scope["root_path"])
        self.paths.append(scope["raw_path"].decode())
        sent: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.honest({**scope, "path": path, "root_path": ""}, receive, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        level = path.rpartition("/")[2]
        if level in TAGS and body[:1] == b"[":
            rows = json.loads(body)
            evil = [{**row, TAGS[level]: {"vr": "UI", "Value": [uid]}} for row in rows[:1] for uid in EVIL]
            body = json.dumps(rows + evil).encode()
        kept = [(name, value) for name, value in sent[0]["headers"] if name.lower() != b"content-length"]
        await send({**sent[0], "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def setting(tmp_path: Path, loopback: Loopback) -> AsyncIterator[tuple[Client, Forging, tuple[str, str]]]:
    """A client of the archive beside a healthy one with the same files, the archive, a study and a series."""
    report = CATALOGUE["basic_text"]()
    document = encapsulated(1, drawn(lines("Findings")))
    (tmp_path / "files").mkdir()
    for number, dataset in enumerate((report, document)):
        (tmp_path / "files" / f"{number}.dcm").write_bytes(written(dataset))
    forging = Forging(tmp_path / "files")
    with loopback.serve(forging) as [url]:
        config = Config(
            archives=(
                Archive(name="bad", url=url, deadline_s=30),
                Archive(name="good", folder=tmp_path / "files", deadline_s=30),
            )
        )
        async with Client(build_server(config)) as client:
            yield client, forging, (report.StudyInstanceUID, report.SeriesInstanceUID)
    forging.honest.state.close()


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        ("find-studies", "studies"),
        ("find-series", "series"),
        ("find-instances", "instances"),
        ("find-structured-reports", "reports"),
        ("find-encapsulated-pdf-reports", "reports"),
    ],
)
async def test_rows_whose_uid_is_none_are_left_out_and_told(setting, tool: str, kind: str) -> None:
    """contract.md §1 and §3.9; PS3.5 §9.1; CWE-22, CWE-918: whatever it is, and whatever its type."""
    client, forging, (study, series) = setting
    arguments: dict[str, str] = {}
    if tool != "find-studies":
        arguments["studyInstanceUid"] = f"{study}@bad,good"
    if tool == "find-instances":
        arguments["seriesInstanceUid"] = f"{series}@bad,good"
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found = result.structured_content
    outcomes = {archive["archive"]: archive["outcome"] for archive in found["archives"]}
    assert outcomes == {"bad": "partial", "good": "answered"}
    assert not found["complete"]
    assert found[kind]
    told = json.dumps(found) + "".join(block.text for block in result.content)
    assert "other.invalid" not in told
    assert "forged" not in told
    for path in forging.paths:
        assert ".." not in unquote(unquote(path))
        assert "//" not in path
