"""A line to an archive that is somewhere else: every byte takes its time on the way, as in a network.

`python -m benchmarks.distance PORT MILLISECONDS [JOURNAL]` passes connections on to PORT of this computer, with that
round trip time, in a process of its own. It prints the port to connect to, and ends with its input. Each part that
passes its near end is a line of the file JOURNAL: the connection, whether it is a part of an answer, the second.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.support.orthanc_server import Orthanc
from tests.support.real.tiny_pacs import TinyPacs

ArchiveServer = TypeVar("ArchiveServer", Orthanc, TinyPacs)

_ROOT = Path(__file__).parent.parent
_CHUNK_BYTES = 65_536

AWAY_MS = 30
"""The round trip to an archive in another house, over a network of hospitals."""


@contextmanager
def far_away(server: ArchiveServer, milliseconds: int, journal: Path | None = None) -> Iterator[ArchiveServer]:
    """The same archive behind a line with that round trip time, which may keep a journal."""
    command = [sys.executable, "-m", "benchmarks.distance", str(server.port), str(milliseconds)]
    command += [str(journal)] if journal else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, encoding="ascii"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield replace(server, port=int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(30)


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    delay_s: float,
    *,
    came: Callable[[], None] = lambda: None,
    went: Callable[[], None] = lambda: None,
) -> None:
    """Write what is read, each part so long after it came; what came meanwhile is not held up by it."""
    clock = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        part = b"-"
        while part:
            due, part = await under_way.get()
            await asyncio.sleep(due - clock())
            if part:
                went()
            writer.write(part)
            await writer.drain()
        writer.close()

    async def depart() -> None:
        part = b"-"
        while part:
            part = await reader.read(_CHUNK_BYTES)
            if part:
                came()
            await under_way.put((clock() + delay_s, part))

    with suppress(ConnectionError):
        await asyncio.gather(arrive(), depart())


async def _serve(port: int, milliseconds: int, journal: str = "") -> None:
    delay_s = milliseconds / 2000
    connections = itertools.count()

    def note(connection: int, *, is_answer: bool) -> None:
        if journal:
            with Path(journal).open("a", encoding="ascii") as file:
                file.write(f"{connection} {is_answer:d} {time.monotonic()}\n")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(connections)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        # Those that stand open at the end are cancelled, of which asyncio would make a complaint.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                _pass_on(reader, far_writer, delay_s, came=partial(note, number, is_answer=False)),
                _pass_on(far_reader, writer, delay_s, went=partial(note, number, is_answer=True)),
                return_exceptions=True,
            )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Its input ends when whoever started it has done.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
