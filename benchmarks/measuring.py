"""How things are measured here: interleaved rounds, medians, ratios; never a single absolute time."""

import compileall
import contextlib
import gc
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import federator
from tests.support.orthanc_server import Orthanc


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table. `reached` and `goal` are in `unit`; a goal holds when `reached` is not above it."""

    what: str
    against: str
    reached: float
    goal: float | None = None
    unit: str = "×"
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.reached >= self.goal if self.at_least else self.reached <= self.goal


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios pair by pair: drift of the machine hits both of a pair alike."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def interleaved(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, repeats: int = 1
) -> tuple[float, float, float]:
    """Seconds of both (medians) and their ratio, measured in turn after one warm-up of each.

    What takes less than a millisecond is measured over `repeats` at a time.
    """
    ours()
    theirs()
    pairs = [(_timed(ours, repeats), _timed(theirs, repeats)) for _ in range(rounds)]
    return _summary(pairs)


async def interleaved_async(
    ours: Callable[[], Awaitable[object]], theirs: Callable[[], Awaitable[object]], *, rounds: int
) -> tuple[float, float, float]:
    """The same for coroutines."""
    await ours()
    await theirs()
    pairs = [(await _timed_async(ours), await _timed_async(theirs)) for _ in range(rounds)]
    return _summary(pairs)


def _summary(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return statistics.median(a), statistics.median(b), ratio(a, b)


def _timed(call: Callable[[], object], repeats: int) -> float:
    gc.collect()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


async def _timed_async(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def sockets(process_id: int | str = "self") -> int:
    """How many sockets a process holds."""
    count = 0
    for entry in Path(f"/proc/{process_id}/fd").iterdir():
        # One of them lists this folder, and is gone by now.
        with contextlib.suppress(FileNotFoundError):
            count += str(entry.readlink()).startswith("socket:")
    return count


def memory_kib(process_id: int | str, name: str = "VmRSS") -> int:
    """Resident memory of a process in KiB now (VmRSS) or at its highest (VmHWM)."""
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise ValueError(name)


class RawGet:
    """Keep-alive GETs of one resource, with nothing but a socket."""

    def __init__(self, orthanc: Orthanc, path: str, accept: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=30)
        self._path = orthanc.root.rstrip("/") + path
        self.url = f"http://127.0.0.1:{orthanc.port}{self._path}"
        self.headers = {"Accept": accept}

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def get(self) -> bytes:
        """The body of a 200 answer; Orthanc hangs up after a second, so a lost connection is made anew."""
        for attempt in range(2):
            try:
                self._connection.request("GET", self._path, headers=self.headers)
                answer = self._connection.getresponse()
                body = answer.read()
            except (http.client.HTTPException, ConnectionError):
                if attempt:
                    raise
                self._connection.close()
                continue
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{answer.status} for {self._path}")
            return body
        raise RuntimeError(self._path)


class Stdio:
    """An MCP server as a subprocess, spoken to in bare JSON-RPC, so that no client library is measured along.

    Unless `environment` says where, its state is kept nowhere: no process knows what another one found out.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._state = tempfile.TemporaryDirectory()
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "XDG_STATE_HOME": self._state.name, **(environment or {})},
        )
        self._number = 0

    def request(self, method: str, **params: object) -> dict[str, object]:
        """Send a request and read until its answer; notifications in between are passed over."""
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            answer: dict[str, object] = json.loads(line)
            if answer.get("id") == self._number:
                return answer
        raise EOFError(method)

    def initialize(self) -> float:
        """Shake hands; the seconds from the start of the process to the answer."""
        self.request(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "benchmark", "version": "1"},
        )
        elapsed = time.perf_counter() - self.began
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return elapsed

    def call(self, tool: str, **arguments: object) -> dict[str, object]:
        """Call a tool; an answer that is an error stops the benchmark."""
        answer = self.request("tools/call", name=tool, arguments=arguments)
        result = answer.get("result")
        if not isinstance(result, dict) or result.get("isError"):
            raise RuntimeError(json.dumps(answer)[:500])
        return result

    def structured(self, tool: str, **arguments: object) -> Any:  # noqa: ANN401 - what JSON holds
        """Call a tool; its structured answer."""
        return self.call(tool, **arguments)["structuredContent"]

    def close(self) -> None:
        """End the process as a client does: by closing its input."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._state.cleanup()

    def _write(self, message: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


BARE_COMMAND = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
"""The least that an MCP server on the same library can be."""


@cache
def _compile() -> None:
    """Do what an installer does: else federator, unlike all else, is compiled anew at every start."""
    compileall.compile_dir(Path(federator.__file__).parent, quiet=1)


def federator_command(config: Path) -> list[str]:
    """The command that an MCP client would start."""
    _compile()
    return [sys.executable, "-m", "federator", "--config", str(config)]


def text_of(result: dict[str, object]) -> str:
    """The text blocks of a tool's result."""
    content = result.get("content")
    assert isinstance(content, list)
    return "\n".join(block["text"] for block in content if block.get("type") == "text")
