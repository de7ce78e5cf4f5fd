"""Whatever small thing unfolds: server and workers together keep within their memory, and the loop goes on."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.hostile.loopback import Loopback
from tests.support.synthetic.bombs import BOMBS, Bomb
from tests.whole.test_command_line import INITIALIZE
from tests.whole.test_ping import Line
from tests.whole.test_shell import started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's, and so is /proc")

MIB = 1024 * 1024
BUDGET = 128 * MIB
MOST = 2 * BUDGET + 200 * MIB
"""Issue 12: the archive's byte budget twice, and 200 MiB, above what an idle server takes."""


class Archive:
    """Answers with the bomb at hand."""

    bomb: Bomb

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        kind, body = self.bomb.answers.get(scope["path"].rsplit("/", 1)[-1], ("", b""))
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers.append((b"content-encoding", self.bomb.encoding.encode()))
        await send({"type": "http.response.start", "status": 200 if kind else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Scale:
    """Weighs a process and all that came of it, again and again, from a thread."""

    def __init__(self, pid: int) -> None:
        self._pid, self._over = pid, threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._weigh, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _weigh(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, weight(self._pid))


def weight(pid: int) -> int:
    """Resident bytes of a process and its children."""
    return sum(map(_resident, _family(pid)))


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def server(archive: Archive, loopback: Loopback, tmp_path: Path) -> Iterator[tuple[Line, int, int]]:
    """The client's side of stdio, the server's process, and what it takes when it is idle."""
    config = tmp_path / "archives.toml"
    with loopback.serve(archive) as (url,):
        config.write_text(
            f'schema_version = 1\n[archives.bad]\nurl = "{url}"\ndeadline_s = 60\nmax_bytes = {BUDGET}\n',
            encoding="utf-8",
        )
        with started(config) as process:
            line = Line(process)
            line.send(**INITIALIZE)
            line.answer()
            line.send(method="notifications/initialized")
            archive.bomb = Bomb(tool="find-studies", answers={"studies": ("application/dicom+json", b"[]")})
            line.send(id="idle", method="tools/call", params={"name": "find-studies", "arguments": {}})
            line.answer()
            yield line, process.pid, weight(process.pid)


@pytest.mark.parametrize("what", BOMBS)
def test_no_bomb_takes_more_memory_than_there_is(server: tuple[Line, int, int], archive: Archive, what: str) -> None:
    """contract.md §3.9, CWE-400, CWE-409; issue 12: counted over the whole family of processes, pings answered."""
    line, pid, idle = server
    archive.bomb = BOMBS[what]()
    with Scale(pid) as scale:
        call = {"name": archive.bomb.tool, "arguments": archive.bomb.arguments}
        line.send(id=what, method="tools/call", params=call)
        pings = 0
        while (answer := line.pinged(pings))["id"] != what:
            assert answer == {"jsonrpc": "2.0", "id": f"ping {pings}", "result": {}}
            pings += 1
        line.answer()
    told = answer["result"]["content"][0]["text"]
    assert "a fault of its own" not in told
    assert scale.most - idle <= MOST, f"{(scale.most - idle) // MIB} MiB"
