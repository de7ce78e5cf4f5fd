"""`python -m benchmarks.load --minutes 5`: many callers at once over `federator serve --http`.

No call may fail that no archive made fail, and no archive may see more requests at a time than its `max_connections`.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from benchmarks import scene
from benchmarks.archives import Seen, archives
from benchmarks.measuring import memory_kib, sockets

_LATENCY_MS = 20
_MAX_CONNECTIONS = 4
_NAMES = ("north", "south", "east", "west")
_HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
_TIMEOUT_S = 60


@dataclass(slots=True, kw_only=True)
class Report:
    """What a load found: seconds per call in order of their ends, sentences about failures, what archives saw.

    `first` are the seconds of each caller's first call, which all come at once to a server that knows no archive yet.
    """

    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    incomplete: int = 0
    seen: list[Seen] = field(default_factory=list)
    elapsed_s: float = 0
    memory_mib: tuple[float, float] = (0, 0)
    sockets_left: int = 0

    @property
    def sound(self) -> bool:
        """Whether every call was answered and every archive was spared."""
        return not self.failures and all(seen.most_at_once <= _MAX_CONNECTIONS for seen in self.seen)

    def percentile(self, percent: int) -> float:
        """The seconds within which so many of a hundred calls were answered."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1]

    def words(self) -> str:
        """The report for a person."""
        most = ", ".join(f"{seen.most_at_once} (of {seen.requests})" for seen in self.seen)
        rate = (len(self.first) + len(self.seconds)) / self.elapsed_s
        early, late = self.memory_mib
        p50, p90, p99 = (f"{self.percentile(percent):.2f} s" for percent in (50, 90, 99))
        lines = [
            f"{len(self.first) + len(self.seconds)} calls in {self.elapsed_s:.0f} s, {rate:.1f} a second",
            f"{len(self.failures)} failed, {self.incomplete} marked incomplete",
            f"p50 {p50}, p90 {p90}, p99 {p99}, longest {max(self.seconds):.2f} s",
            f"first calls, all at once to a server that knows no archive yet: up to {max(self.first):.2f} s",
            f"requests at a time at each archive, at most: {most}; the limit is {_MAX_CONNECTIONS}",
            f"memory of the server: {early:.0f} MiB at first, {late:.0f} MiB at the end",
            f"sockets that the server still holds: {self.sockets_left}",
        ]
        return "\n".join([*lines, *(f"FAILED: {failure}" for failure in self.failures[:20])])


@contextmanager
def serving(urls: list[str]) -> Iterator[tuple[str, int]]:
    """`federator serve --http` over these archives; its address and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "archives.toml"
        lines = [
            f'[archives.{name}]\nurl = "{url}"\nmax_connections = {_MAX_CONNECTIONS}\ndeadline_s = 30\n'
            for name, url in zip(_NAMES, urls, strict=True)
        ]
        config.write_text("".join(lines), encoding="utf-8")
        config.chmod(0o600)
        command = [sys.executable, "-m", "federator", "--config", str(config), "serve", "--http", "127.0.0.1:0"]
        environment = {**os.environ, "XDG_STATE_HOME": folder}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            try:
                assert process.stderr is not None
                told = re.search(r"http://\S+/mcp", process.stderr.readline())
                assert told is not None
                yield told[0], process.pid
            finally:
                process.terminate()
                process.communicate(timeout=20)


async def _loaded(address: str, process_id: int, report: Report, *, seconds: float, callers: int) -> None:
    began = time.monotonic()
    limits = httpx.Limits(max_connections=callers, max_keepalive_connections=callers)
    async with httpx.AsyncClient(headers=_HEADERS, timeout=_TIMEOUT_S, limits=limits, trust_env=False) as http:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_weigh, process_id, report, min(60, seconds / 2))
            for number in range(callers):
                tasks.start_soon(_caller, http, address, report, number, began + seconds)
        report.elapsed_s = time.monotonic() - began
        report.memory_mib = (report.memory_mib[0], memory_kib(process_id) / 1024)


async def _weigh(process_id: int, report: Report, after_s: float) -> None:
    await anyio.sleep(after_s)
    report.memory_mib = (memory_kib(process_id) / 1024, 0)


async def _caller(http: httpx.AsyncClient, address: str, report: Report, number: int, until: float) -> None:
    rng, has_called = random.Random(number), False
    while time.monotonic() < until:
        question, _ = rng.choice(scene.QUESTIONS)
        arguments = {"query": f"{question} limit={rng.choice((5, 20, 50))}".strip()}
        began = time.monotonic()
        try:
            answer = await http.post(address, json=_request("find-studies", arguments))
        except httpx.HTTPError as error:
            report.failures.append(f"{type(error).__name__} for {arguments}")
            continue
        (report.seconds if has_called else report.first).append(time.monotonic() - began)
        has_called = True
        _judge(answer, arguments, report)


def _request(tool: str, arguments: dict[str, str]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def _judge(answer: httpx.Response, arguments: dict[str, str], report: Report) -> None:
    result = _result(answer.text) if answer.is_success else None
    if result is None or result.get("isError"):
        report.failures.append(f"{answer.status_code} for {arguments}: {answer.text[-300:]}")
    elif not result["structuredContent"]["complete"]:
        report.incomplete += 1


def _result(stream: str) -> dict[str, Any] | None:
    """The result in a stream of server-sent events; progress stands before it."""
    for line in stream.splitlines():
        if line.startswith("data:") and '"result"' in line:
            found: dict[str, Any] = json.loads(line.removeprefix("data:"))["result"]
            return found
    return None


def load(*, seconds: float, callers: int = 64) -> Report:
    """Call for so long, each caller one call after the other."""
    report = Report()
    with archives("load", _LATENCY_MS) as served, serving(served.urls) as (address, process_id):
        before = sockets(process_id)
        anyio.run(_run, address, process_id, report, seconds, callers)
        report.seen = served.seen()
        report.sockets_left = _settled(process_id, before)
    return report


async def _run(address: str, process_id: int, report: Report, seconds: float, callers: int) -> None:
    await _loaded(address, process_id, report, seconds=seconds, callers=callers)


def _settled(process_id: int, before: int) -> int:
    """How many more sockets than before the server still has, once its kept connections have expired."""
    for _ in range(100):
        left = sockets(process_id) - before
        if left <= len(_NAMES) * _MAX_CONNECTIONS:
            return left
        time.sleep(0.1)
    return left


def main() -> int:
    """Load, print the report; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--callers", type=int, default=64)
    options = parser.parse_args()
    report = load(seconds=options.minutes * 60, callers=options.callers)
    print(report.words())
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
