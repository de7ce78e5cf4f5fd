"""The process ends with its input, whatever hangs (MCP, stdio shutdown; hostile clients and drives)."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from federator.server.ending import GRACE_S
from tests.support.folder_archive import write_tiny
from tests.support.synthetic.documents import encapsulated
from tests.support.synthetic.images import written
from tests.support.synthetic.pdfs import drawn, lines

HANGING_THREAD = """
import os, threading
from federator.server.ending import end_with_input
end_with_input(grace_s=0.2)
hanging = os.pipe()[0]
threading.Thread(target=os.read, args=(hanging, 1)).start()
"""
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
START = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell when a pipe was closed")
def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    """Issue 12, part 5: without an end from outside, Python waits for the thread for ever."""
    with subprocess.Popen([sys.executable, "-c", HANGING_THREAD], stdin=subprocess.PIPE) as process:
        process.stdin.close()
        process.wait(timeout=30)


def test_a_client_that_never_reads_and_leaves_ends_the_server(tmp_path: Path) -> None:
    """MCP, stdio shutdown: closing the input ends the server, also where its answers are stuck in a full pipe."""
    config = tmp_path / "archives.toml"
    config.write_text("schema_version = 1\n", encoding="utf-8")
    command = [sys.executable, "-m", "federator", "--config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked = [START, *({**LIST, "id": number} for number in range(1, 60))]
        process.stdin.write("".join(json.dumps(one) + "\n" for one in asked).encode())
        process.stdin.flush()
        # The first answer is there, so that all others are on their way into a pipe of 64 kB.
        assert process.stdout.read(1) == b"{"
        process.stdin.close()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()


STUCK_DRIVE = """
import os, sys
from federator.__main__ import main

def hook(event, arguments):
    # Where a network drive hangs, a file is opened and nothing ever comes back.
    if event == "open" and str(arguments[0]).endswith("stuck.dcm"):
        os.write(int(sys.argv[1]), b"x")
        os.read(os.pipe()[0], 1)

sys.addaudithook(hook)
sys.exit(main(["--config", sys.argv[2]]))
"""


class Talk:
    """The client's side of stdio with a server of its own process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.send(START)
        self.answer(0)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, number: int, tool: str, **arguments: str) -> None:
        parameters = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": parameters})

    def answer(self, number: int) -> dict[str, Any]:
        while (message := json.loads(self.process.stdout.readline())).get("id") != number:
            pass
        return message

    def hang_up(self) -> None:
        """Close the input; the process has to be gone within the five seconds, and what it takes to end it here."""
        self.process.stdin.close()
        self.process.wait(timeout=GRACE_S + 16)


@contextmanager
def talking(root: Path, *command: str, passed: tuple[int, ...] = ()) -> Iterator[Talk]:
    """A server over the folder `images`, whose caches and states lie below the root too."""
    config = root / "archives.toml"
    config.write_text(f"schema_version = 1\n[archives.cd]\nfolder = {json.dumps(str(root / 'images'))}\n")
    homes = {"HOME": str(root), "XDG_CACHE_HOME": str(root / "cache"), "XDG_STATE_HOME": str(root / "state")}
    line = [sys.executable, *(command or ("-m", "federator", "--config")), str(config)]
    with subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | homes,
        pass_fds=passed,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield Talk(process)
        finally:
            process.kill()


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="pidfd and /proc")


@LINUX
def test_a_folder_on_a_drive_that_hangs_does_not_keep_the_server(tmp_path: Path) -> None:
    """Issue 12, part 5: the whole server on stdio, in the midst of a question that waits for a file."""
    write_tiny(tmp_path / "images" / "stuck.dcm", study="1.2.3", series="1.2.3.4", instance="1.2.3.4.5")
    reader, writer = os.pipe()
    try:
        with talking(tmp_path, "-c", STUCK_DRIVE, str(writer), passed=(writer,)) as talk:
            talk.call(1, "find-studies", query="limit=1")
            assert os.read(reader, 1) == b"x"
            talk.hang_up()
    finally:
        os.close(reader)
        os.close(writer)


@LINUX
def test_a_worker_that_hangs_is_gone_with_the_server(tmp_path: Path) -> None:
    """Issue 12, part 5: a decoder that hangs outlives the server when the client goes."""
    report = encapsulated(1, drawn(lines("Findings")))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "report.dcm").write_bytes(written(report))
    uids = {
        "studyInstanceUid": f"{report.StudyInstanceUID}@cd",
        "seriesInstanceUid": f"{report.SeriesInstanceUID}@cd",
        "sopInstanceUid": f"{report.SOPInstanceUID}@cd",
    }
    with talking(tmp_path) as talk:
        talk.call(1, "get-encapsulated-pdf-report-text", **uids)
        assert "Findings" in json.dumps(talk.answer(1))
        workers = children_of(talk.process.pid)
        assert workers
        handles = [os.pidfd_open(worker) for worker in workers]
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        talk.call(2, "get-encapsulated-pdf-report-text", **uids)
        talk.send({"jsonrpc": "2.0", "id": 3, "method": "ping"})
        talk.answer(3)
        talk.hang_up()
    try:
        for handle in handles:
            assert select.select([handle], [], [], 15)[0], "a worker is still there"
    finally:
        for handle, worker in zip(handles, workers, strict=True):
            if not select.select([handle], [], [], 0)[0]:
                os.kill(worker, signal.SIGKILL)
            os.close(handle)
