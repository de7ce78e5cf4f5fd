"""Starting, standing idle and filling up: against the least that an MCP server on the same library can be."""

import json
import socket
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.archives import archives
from benchmarks.measuring import BARE_COMMAND, Line, Stdio, federator_command, memory_kib, ratio, text_of
from benchmarks.searching import config_of
from federator.config import Archive

# Without what comes along with the tests only: where both of these are there, httpx loads a command line of its own.
_AS_INSTALLED = (
    "import runpy, sys; sys.modules.update(rich=None, pygments=None); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_CHARACTERS_PER_TOKEN = 4
_MIB = 1_048_576


def start_up(*, rounds: int = 15) -> list[Line]:
    """Process start to the answer of `initialize`, in turn with the bare server."""
    with config_of({"nowhere": "http://127.0.0.1:9/dicom-web"}) as config:
        command = federator_command(config)
        _start(command), _start(BARE_COMMAND)
        pairs = [(_start(command), _start(BARE_COMMAND)) for _ in range(rounds)]
    ours, bare = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        Line(
            what="process start → `initialize` answered",
            against="a bare mcp 2.3 server with one tool",
            reached=ratio(ours, bare),
            goal=1.05,
            note=f"{statistics.median(ours) * 1000:.0f} ms against {statistics.median(bare) * 1000:.0f} ms",
        )
    ]


def _start(command: list[str]) -> float:
    server = Stdio(command)
    elapsed = server.initialize()
    server.close()
    return elapsed


def tool_list() -> list[Line]:
    """The size of what every conversation carries: names, descriptions and schemas of the tools."""
    with config_of({"nowhere": "http://127.0.0.1:9/dicom-web"}) as config:
        server = Stdio(federator_command(config))
        server.initialize()
        result = server.request("tools/list")["result"]
        server.close()
    assert isinstance(result, dict)
    sizes = {
        tool["name"]: len(json.dumps(tool, separators=(",", ":"), ensure_ascii=False)) // _CHARACTERS_PER_TOKEN
        for tool in result["tools"]
    }
    largest = max(sizes, key=lambda name: sizes[name])
    return [
        Line(
            what="tokens of the tool list (characters / 4)",
            against="–",
            reached=sum(sizes.values()),
            goal=6000,
            unit="",
        ),
        Line(what="tokens of the largest tool", against="–", reached=sizes[largest], goal=700, unit="", note=largest),
    ]


def idle_memory(*, count: int = 3) -> list[Line]:
    """Resident memory after a search over archives, against the bare server after a call."""
    with archives("slow", count, 0) as served, config_of(_named(served.urls)) as config:
        python, _, *module = federator_command(config)
        ours = Stdio([python, "-c", _AS_INSTALLED, *module])
        ours.initialize()
        ours.call("find-studies", query="limit=10")
        ours_kib = memory_kib(ours.process.pid)
        ours.close()
    bare = Stdio([python, "-c", _AS_INSTALLED, "benchmarks.bare_server"])
    bare.initialize()
    bare.call("echo", text="hello")
    bare_kib = memory_kib(bare.process.pid)
    bare.close()
    return [
        Line(
            what="resident memory, idle after a search",
            against="a bare mcp 2.3 server",
            reached=ours_kib / bare_kib,
            goal=1.15,
            note=f"{ours_kib // 1024} MiB against {bare_kib // 1024} MiB",
        )
    ]


def peak_memory(*, size_bytes: int = 200 * _MIB, rows: int = 5000) -> list[Line]:
    """The most memory that an answer beyond its budget costs, and a page of many rows."""
    budget = Archive(name="a", url="http://127.0.0.1").max_bytes
    (before_kib, peak_kib), said = _peak(("large", size_bytes), query="limit=10")
    (page_before_kib, page_peak_kib), _ = _peak(("one-day", rows), query="StudyDate=20240105 limit=200")
    return [
        Line(
            what=f"peak memory for an answer of {size_bytes // _MIB} MB of one archive, above what was held before",
            against="its byte budget",
            reached=(peak_kib - before_kib) * 1024 / budget,
            goal=1.5,
            note=f"{(peak_kib - before_kib) // 1024} MiB against {budget // _MIB} MiB; the outcome: {said}",
        ),
        Line(
            what=f"peak memory for a page of {rows:,} rows, above what was held before",
            against="–",
            reached=(page_peak_kib - page_before_kib) / 1024,
            unit="MiB",
        ),
    ]


def _peak(kind: tuple[str, int], *, query: str) -> tuple[tuple[int, int], str]:
    """KiB before a search and at most since, and what is said of the archive."""
    with archives(*kind) as served, config_of(_named(served.urls)) as config:
        server = Stdio(federator_command(config))
        server.initialize()
        # A search that is refused loads all that a search needs, and asks nobody.
        server.request("tools/call", name="find-studies", arguments={"query": "PatientNam=x"})
        server.request("tools/call", name="find-series", arguments={"studyInstanceUid": "1.2@nobody"})
        before_kib = memory_kib(server.process.pid)
        answer = server.request("tools/call", name="find-studies", arguments={"query": query})
        peak_kib = memory_kib(server.process.pid, "VmHWM")
        server.close()
    result = answer["result"]
    assert isinstance(result, dict)
    return (before_kib, peak_kib), " ".join(text_of(result).split())


def hundred_archives(*, count: int = 100, reachable: int = 10, deadline_s: float = 2.0, rounds: int = 7) -> list[Line]:
    """Many archives of which most take connections and never answer: the first answer, and the start."""
    with (
        archives("slow", reachable, 5) as served,
        socket.create_server(("127.0.0.1", 0), backlog=4096) as silent,
        config_of({"one": served.urls[0]}) as one,
    ):
        dead = f"http://127.0.0.1:{silent.getsockname()[1]}/dicom-web"
        urls = _named([*served.urls, *(f"{dead}/{number}" for number in range(count - reachable))])
        with config_of(urls, deadline_s=deadline_s) as config:
            answer_s, told = _first_answer(config)
            pairs = [(_start(federator_command(config)), _start(federator_command(one))) for _ in range(rounds)]
    answered = sum(outcome["outcome"] == "answered" for outcome in told["archives"])
    return [
        Line(
            what=f"{count} archives, {reachable} of them reachable: first answer",
            against="the deadline",
            reached=answer_s / deadline_s,
            goal=1.15,
            note=f"{answer_s:.2f} s, {answered} answered, {len(told['archives']) - answered} named as silent",
        ),
        Line(
            what=f"process start with {count} archives",
            against="with one",
            reached=ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs]),
            goal=1.1,
        ),
    ]


def _first_answer(config: Path) -> tuple[float, dict[str, Any]]:
    server = Stdio(federator_command(config))
    server.initialize()
    server.request("tools/list")
    time.sleep(2)
    began = time.perf_counter()
    told = server.structured("find-studies", query="limit=10")
    elapsed = time.perf_counter() - began
    server.close()
    return elapsed, told


def _named(urls: Sequence[str]) -> dict[str, str]:
    return {f"a{number}": url for number, url in enumerate(urls)}
