"""Archives in a process of their own, so that their work is not taken for federator's.

`python -m benchmarks.archives KIND [SIZE ...]` serves them on loopback: it prints their addresses as a line of JSON,
and for every line that it reads what each was asked. It ends with its input.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import scene, studies
from tests.support.hostile.archive import HostileArchive, Ledger
from tests.support.hostile.loopback import App, Loopback
from tests.support.hostile.records import DISTRIBUTIONS, Holdings

_ROOT = Path(__file__).parent.parent
_CHUNK_BYTES = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one archive was asked: requests and rows in all, and the most requests at one time."""

    requests: int
    rows: int
    most_at_once: int


class Archives:
    """The archives of one such process: their addresses, and what they saw."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.urls: list[str] = self._read()

    def seen(self) -> list[Seen]:
        """What each archive was asked so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [Seen(**told) for told in self._read()]

    def _read(self) -> Any:  # noqa: ANN401 - what JSON holds
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def archives(kind: str, *sizes: int) -> Iterator[Archives]:
    """Serve one of KINDS while the context lasts."""
    command = [sys.executable, "-m", "benchmarks.archives", kind, *map(str, sizes)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, encoding="utf-8"
    ) as process:
        try:
            yield Archives(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


class Large:
    """An archive whose every answer is one endless list, cut at so many bytes."""

    def __init__(self, size_bytes: int) -> None:
        self.ledger = Ledger()
        self._size_bytes = size_bytes
        row = json.dumps(studies.row(0, 1, studies.seeded(1))).encode()
        self._chunk = (row + b",") * (_CHUNK_BYTES // len(row))

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one HTTP request (ASGI 3)."""
        headers = [(b"content-type", b"application/dicom+json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        left = self._size_bytes
        await send({"type": "http.response.body", "body": b"[", "more_body": True})
        while left > 0:
            await send({"type": "http.response.body", "body": self._chunk, "more_body": True})
            left -= len(self._chunk)
        await send({"type": "http.response.body", "body": b"]", "more_body": False})


def _slow(count: int, milliseconds: int) -> list[App]:
    """Archives of a few studies each that take their time for every request."""
    return [
        HostileArchive(Holdings(studies=scene.few(number)), latency_s=milliseconds / 1000) for number in range(count)
    ]


def _full(count: int, size: int) -> list[App]:
    """Archives of many studies in no order, 27 a day, the same in each."""
    records = DISTRIBUTIONS["27 a day"](size, studies.today())
    return [HostileArchive(Holdings(studies=records)) for _ in range(count)]


def _of_one_day(size: int) -> list[App]:
    """An archive that has so many studies on one day, and no times that tell them apart."""
    return [HostileArchive(Holdings(studies=scene.one_day(size)))]


KINDS: dict[str, Callable[..., list[App]]] = {
    "slow": _slow,
    "full": _full,
    "one-day": _of_one_day,
    "large": lambda size_bytes: [Large(size_bytes)],
    "scene": lambda period_ms: scene.apps(period_s=period_ms / 1000),
    "load": lambda milliseconds: scene.well_apps(latency_s=milliseconds / 1000),
}


def _told(app: Any) -> dict[str, int]:  # noqa: ANN401 - an ASGI application with a ledger
    ledger: Ledger = app.ledger
    return {"requests": len(ledger.requests), "rows": ledger.rows, "most_at_once": ledger.most_under_way}


def main() -> int:
    """Serve until the input ends."""
    kind, *sizes = sys.argv[1:]
    # Archives that break off their answers and clients that hang up are meant to.
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    apps = KINDS[kind](*map(int, sizes))
    with Loopback() as loopback, loopback.serve(*apps) as urls:
        print(json.dumps(urls), flush=True)
        for _ in sys.stdin:
            print(json.dumps([_told(app) for app in apps]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
