"""While an archive is slow: signs of life for the person who waits, and other calls go on."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from federator.config import Archive, Config
from federator.server import progress
from federator.server.app import build_server
from tests.server.answers.test_images import SERIES, STUDY, slices, stored
from tests.support.hostile.loopback import Loopback
from tests.support.hostile_retrieval import Reply, RetrievalArchive
from tests.support.retrieval_objects import NATIVE, PDF_OBJECT, REPORT, StoredObject

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])


class Patient(RetrievalArchive):
    """Answers only when the person who waits has seen two signs of life."""

    def __init__(self, held: StoredObject) -> None:
        super().__init__(held)
        self.seen: list[float] = []
        self.alive = threading.Event()

    async def _send(self, reply: Reply, receive, send) -> None:
        await anyio.to_thread.run_sync(self.alive.wait, 10)
        await super()._send(reply, receive, send)


@ERAS
@pytest.mark.parametrize(
    ("tool", "held"),
    [
        ("get-instance-metadata", NATIVE),
        ("render-instance-frame", NATIVE),
        ("get-structured-report-text", REPORT),
        ("get-structured-report-measurements", REPORT),
        ("get-encapsulated-pdf-report-text", PDF_OBJECT),
    ],
)
async def test_a_slow_retrieval_gives_signs_of_life(loopback: Loopback, monkeypatch, tool, held, mode):
    """Issue 3 part 8: progress for slow retrievals; MCP: progress increases."""
    monkeypatch.setattr(progress, "SIGN_OF_LIFE_S", 0.05)
    patient = Patient(held)
    study, series, instance = held.uids
    uids = {"studyInstanceUid": f"{study}@slow", "seriesInstanceUid": series, "sopInstanceUid": instance}

    async def on_progress(done, total, message):
        patient.seen.append(done)
        if len(patient.seen) == 2:
            patient.alive.set()
        assert message.startswith("waiting for the archive, ")

    with loopback.serve(patient) as [url]:
        archives = (Archive(name="slow", url=url, deadline_s=20),)
        async with Client(build_server(Config(archives=archives)), mode=mode) as client:
            result = await client.call_tool(tool, uids, progress_callback=on_progress)
    assert "From slow." in result.content[0].text or result.is_error
    assert len(patient.seen) >= 2
    assert patient.seen == sorted(set(patient.seen))


async def test_an_overview_tells_each_step(tmp_path):
    """Issue 3 part 8."""
    steps = []

    async def on_progress(done, total, message):
        steps.append((done, total, message))

    archives = (Archive(name="cd", folder=stored(tmp_path / "images", *slices(3))),)
    async with Client(build_server(Config(archives=archives))) as client:
        await client.call_tool(
            "render-series-overview",
            {"studyInstanceUid": STUDY, "seriesInstanceUid": SERIES},
            progress_callback=on_progress,
        )
    assert [(done, total) for done, total, _ in steps] == [(number, 5) for number in range(1, 6)]
    assert steps[-1][2] == "image 3 of 3"


HEAVY = ("numpy", "pydicom", "PIL", "highdicom", "pdfplumber", "httpcore")
PROGRAM = """
import importlib.abc, os, sys, threading
from pathlib import Path
import anyio
from mcp import Client
from federator.config import ConfigSource
from federator.server.app import build_server

HEAVY = sys.argv[2].split(",")
seen = []

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in HEAVY and threading.current_thread() is threading.main_thread():
            seen.append(name)

async def main():
    sys.meta_path.insert(0, Watch())
    async with Client(build_server(ConfigSource(Path(sys.argv[1]), os.environ))) as client:
        uids = {"studyInstanceUid": "1.2.3@cd", "seriesInstanceUid": "1.2.3.4"}
        one = {**uids, "sopInstanceUid": "1.2.3.4.1"}
        for tool, arguments in (
            ("find-studies", {}),
            ("find-structured-reports", {"studyInstanceUid": "1.2.3@cd"}),
            ("get-instance-metadata", one),
            ("get-structured-report-text", one),
            ("get-encapsulated-pdf-report-text", one),
            ("render-instance-frame", one),
            ("render-series-overview", uids),
        ):
            await client.call_tool(tool, arguments)
    assert {"numpy", "pydicom", "PIL"} <= sys.modules.keys()
    print(seen)

anyio.run(main)
"""


async def test_heavy_libraries_are_loaded_beside_the_event_loop(tmp_path):
    """Issue 3 part 8: the event loop is never blocked; loading NumPy, pydicom and Pillow takes long."""
    images = stored(tmp_path / "images", *slices(2))
    config = tmp_path / "archives.toml"
    config.write_text(f"[archives.cd]\nfolder = '{images}'\n")
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-c", PROGRAM, str(config), ",".join(HEAVY)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        )
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
