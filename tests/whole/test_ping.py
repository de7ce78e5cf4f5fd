"""A ping on stdio is answered while a hostile archive's answer is taken apart (contract.md §3.9; issue 12, part 3)."""

import json
import subprocess
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio.to_thread

from tests.support.hostile.loopback import Loopback
from tests.whole.test_command_line import INITIALIZE
from tests.whole.test_shell import CALL, answered, started

AT_LEAST = 5
"""A loop that is held answers none or two before the search that holds it; a free one answered 220."""
BEFORE = 20
ROWS_THAT_ARE_NONE = b"[" + b'{"00100010":1},' * 500_000


class Holding:
    """An archive that keeps the last byte of its answer until it is told to go on."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.waits, self.go_on = threading.Event(), threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        headers = [(b"content-type", b"application/dicom+json"), (b"content-length", str(len(self._body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body[:-1], "more_body": True})
        self.waits.set()
        await anyio.to_thread.run_sync(self.go_on.wait, 60)
        await send({"type": "http.response.body", "body": self._body[-1:]})


class Line:
    """The client's side of stdio."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, **message: Any) -> None:
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer; progress and the like are passed over."""
        while "id" not in (message := json.loads(self._process.stdout.readline())):
            pass
        return message

    def pinged(self, number: int) -> dict[str, Any]:
        self.send(id=f"ping {number}", method="ping")
        return self.answer()


def test_pings_are_answered_while_a_large_answer_is_taken_apart(loopback: Loopback, tmp_path: Path) -> None:
    """Issue 12, part 3: counted between the answer's last byte and the end of the search, not by the clock."""
    archive = Holding(ROWS_THAT_ARE_NONE)
    with loopback.serve(archive) as (url,):
        config = tmp_path / "archives.toml"
        config.write_text(f'schema_version = 1\n[archives.bad]\nurl = "{url}"\ndeadline_s = 60\n', encoding="utf-8")
        with started(config) as process:
            line = Line(process)
            line.send(**INITIALIZE)
            assert "result" in line.answer()
            line.send(method="notifications/initialized")
            line.send(**CALL)
            assert archive.waits.wait(60)
            # What the archive has sent is read by and by, and the answers show that the server is at it.
            assert all(line.pinged(number)["id"] == f"ping {number}" for number in range(BEFORE))
            archive.go_on.set()
            number = BEFORE
            while (answer := line.pinged(number))["id"] != CALL["id"]:
                assert answer == {"jsonrpc": "2.0", "id": f"ping {number}", "result": {}}
                number += 1
    assert number - BEFORE >= AT_LEAST


def test_a_second_client_is_greeted_while_a_large_answer_is_taken_apart(loopback: Loopback, tmp_path: Path) -> None:
    """Issue 12, part 3: over HTTP, counted between the answer's last byte and the end of the search."""
    archive = Holding(ROWS_THAT_ARE_NONE)
    with loopback.serve(archive) as (url,), ThreadPoolExecutor(1) as pool:
        config = tmp_path / "archives.toml"
        config.write_text(f'schema_version = 1\n[archives.bad]\nurl = "{url}"\ndeadline_s = 60\n', encoding="utf-8")
        with started(config, "serve", "--http", "127.0.0.1:0") as process:
            address = process.stderr.readline().split()[-1]
            search = pool.submit(answered, address, CALL)
            assert archive.waits.wait(60)
            assert answered(address, INITIALIZE)[0] == 200
            archive.go_on.set()
            greeted = 0
            while not search.done():
                assert answered(address, INITIALIZE)[0] == 200
                greeted += 1
            assert search.result()[0] == 200
    assert greeted >= 3
