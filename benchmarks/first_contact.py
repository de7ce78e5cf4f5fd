"""The first question to an archive that nothing is known of, near and far, and questions that no window divides."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.archives import archives
from benchmarks.distance import far_away
from benchmarks.measuring import Line, Stdio, federator_command, ratio
from benchmarks.searching import config_of, orthanc_with_studies, raw_search
from tests.support.orthanc_server import Orthanc

FAR_MS = 500
_SDK_ALONE = "import mcp.client, mcp.server; from mcp.server import MCPServer; from mcp import Client"


def cold(*, counts: Sequence[int] = (300, 3000), starts: int = 5, typing_s: float = 2.0) -> list[Line]:
    """The first `find-studies` of a new process, beside Orthanc and far from it, against one raw GET of its list."""
    lines: list[Line] = []
    for count, goal in zip(counts, (2.2, 4.2), strict=False):
        with orthanc_with_studies(count) as orthanc:
            lines.append(_cold(orthanc, f"{count:,} studies", count, starts, typing_s, None))
            with far_away(orthanc, FAR_MS) as far:
                where = f"{count:,} studies {FAR_MS} ms away"
                lines.append(_cold(far, where, count, starts, typing_s, goal))
    return lines


def _cold(orthanc: Orthanc, where: str, count: int, starts: int, typing_s: float, goal: float | None) -> Line:
    ours, raws = [], []
    with config_of({"pacs": orthanc.url}) as config, closing(raw_search(orthanc, count)) as raw:
        raw.get()
        for _ in range(starts):
            ours.append(_first_call(config, typing_s))
            began = time.perf_counter()
            json.loads(raw.get())
            raws.append(time.perf_counter() - began)
    first_s, raw_s = statistics.median(ours), statistics.median(raws)
    return Line(
        what=f"first `find-studies` of a new process, Orthanc with {where}",
        against="one raw keep-alive GET of its whole list",
        reached=ratio(ours, raws),
        goal=goal,
        note=f"{first_s * 1000:.0f} ms against {raw_s * 1000:.0f} ms",
    )


def _first_call(config: Path, typing_s: float) -> float:
    """Seconds of a new server's first search, where nothing is kept."""
    return _calls(config, typing_s)[0]


def _calls(config: Path, typing_s: float, environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Seconds of a new server's first search, asked when a person may have typed it, and of the same once more."""
    server = Stdio(federator_command(config), environment)
    server.initialize()
    server.request("tools/list")
    time.sleep(typing_s)
    spent: list[float] = []
    for _ in range(2):
        began = time.perf_counter()
        content: Any = server.call("find-studies", query="")["structuredContent"]
        spent.append(time.perf_counter() - began)
        assert content["complete"]
    server.close()
    return spent[0], spent[1]


def kept(*, counts: Sequence[int] = (300, 3000), starts: int = 7, typing_s: float = 2.0) -> list[Line]:
    """The first `find-studies` of a new process that knows what an earlier one kept, against the same once more."""
    lines: list[Line] = []
    for count in counts:
        with orthanc_with_studies(count) as orthanc:
            lines.append(_kept(orthanc, f"{count:,} studies", starts, typing_s))
            with far_away(orthanc, FAR_MS) as far:
                lines.append(_kept(far, f"{count:,} studies {FAR_MS} ms away", starts, typing_s))
    return lines


def _kept(orthanc: Orthanc, where: str, starts: int, typing_s: float) -> Line:
    with config_of({"pacs": orthanc.url}) as config, tempfile.TemporaryDirectory() as state:
        environment = {"XDG_STATE_HOME": state}
        _calls(config, typing_s, environment)
        pairs = [_calls(config, typing_s, environment) for _ in range(starts)]
    firsts, again = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Line(
        what=f"first `find-studies` of a new process with kept habits, Orthanc with {where}",
        against="the same call once more",
        reached=ratio(firsts, again),
        goal=1.3,
        note=f"{statistics.median(firsts) * 1000:.0f} ms against {statistics.median(again) * 1000:.0f} ms",
    )


def crowded_day(*, size: int = 40_000, limit: int = 3, deadline_s: float = 10) -> list[Line]:
    """The newest of so many studies on one day without times, within the deadline: all that came, or exactly these."""
    with archives("one-day", size) as served, config_of({"day": served.urls[0]}, deadline_s=deadline_s) as config:
        server = Stdio(federator_command(config))
        server.initialize()
        began = time.perf_counter()
        found: Any = server.call("find-studies", query=f"limit={limit}")["structuredContent"]
        elapsed = time.perf_counter() - began
        server.close()
    told = "complete" if found["complete"] else "partial"
    return [
        Line(
            what=f"`find-studies limit={limit}`, {size:,} studies on one day",
            against="the deadline",
            reached=elapsed / deadline_s,
            goal=1.15,
            note=f"{len(found['studies'])} studies, {told}",
        )
    ]


def call_command(*, rounds: int = 7) -> list[Line]:
    """CPU seconds of `federator call list-archives` against importing the SDK's client and server alone."""
    with config_of({"nowhere": "http://127.0.0.1:9/dicom-web"}) as config, tempfile.TemporaryDirectory() as state:
        command = [*federator_command(config), "call", "list-archives"]
        sdk = [sys.executable, "-c", _SDK_ALONE]
        _cpu_s(command, state), _cpu_s(sdk, state)
        pairs = [(_cpu_s(command, state), _cpu_s(sdk, state)) for _ in range(rounds)]
    ours, alone = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        Line(
            what="CPU seconds of `federator call list-archives`",
            against="importing mcp's client and server alone",
            reached=ratio(ours, alone),
            goal=1.2,
            note=f"{statistics.median(ours):.2f} s against {statistics.median(alone):.2f} s",
        )
    ]


def _cpu_s(command: list[str], state: str) -> float:
    environment = {**os.environ, "XDG_STATE_HOME": state}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return used.ru_utime + used.ru_stime
