"""Reading many headers at once, in processes of their own: Python's threads would take turns on one core."""

import contextlib
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from federator.archive.folder.files.header import Header, Refusal, read_header, read_headers
from federator.archive.folder.index.stamps import Stamp
from federator.archive.folder.index.threads import started
from federator.errors import ContentError
from federator.workers.limits import MIB, Limits
from federator.workers.worker import FailedInWorker, Worker

Read = tuple[Stamp, Header | Refusal]

Reader = Callable[..., Iterator[list[Read]]]
"""What reads the headers of files, as `read_all` does."""

MANY = 400
"""Files from which on processes pay: one takes a quarter of a second to start, in which this thread reads as many."""

_BATCH = 128
_MOST_PROCESSES = 4
_BATCH_LIMITS = Limits(subject="Reading", memory_bytes=256 * MIB, seconds=20)
_FILE_LIMITS = Limits(subject="Reading", memory_bytes=256 * MIB, seconds=5)


def read_all(folder: Path, stamps: Sequence[Stamp], *, is_wanted: Callable[[], bool]) -> Iterator[list[Read]]:
    """The headers of files, a few at a time, as long as it `is_wanted`."""
    if len(stamps) < MANY:
        for stamp in stamps:
            if not is_wanted():
                return
            yield [(stamp, read_header(folder / os.fsdecode(stamp.path)))]
        return
    yield from _in_processes(folder, stamps, is_wanted)


def _in_processes(folder: Path, stamps: Sequence[Stamp], is_wanted: Callable[[], bool]) -> Iterator[list[Read]]:
    batches: queue.SimpleQueue[Sequence[Stamp]] = queue.SimpleQueue()
    results: queue.SimpleQueue[list[Read] | None] = queue.SimpleQueue()
    for first in range(0, len(stamps), _BATCH):
        batches.put(stamps[first : first + _BATCH])
    left = max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))
    for _ in range(left):
        started(partial(_serve, folder, batches, results))
    while left:
        read = results.get()
        if read is None:
            left -= 1
        elif is_wanted():
            yield read
        else:
            break
    # Threads that are still at work find nothing more to do.
    with contextlib.suppress(queue.Empty):
        while True:
            batches.get_nowait()


def _serve(
    folder: Path,
    batches: "queue.SimpleQueue[Sequence[Stamp]]",
    results: "queue.SimpleQueue[list[Read] | None]",
) -> None:
    """Have one process after another read batches until none is left; each ends with what it could not read."""
    worker = Worker()
    try:
        with contextlib.suppress(queue.Empty):
            while True:
                batch = batches.get_nowait()
                if worker.is_gone:
                    worker = Worker()
                results.put(_read(worker, folder, batch))
    finally:
        results.put(None)
        worker.close()


def _read(worker: Worker, folder: Path, batch: Sequence[Stamp]) -> list[Read]:
    paths = [os.fspath(folder / os.fsdecode(stamp.path)) for stamp in batch]
    try:
        limits = _BATCH_LIMITS if len(batch) > 1 else _FILE_LIMITS
        return list(zip(batch, worker.call(read_headers, paths, limits=limits), strict=True))
    except (ContentError, FailedInWorker):
        if len(batch) == 1:
            return [(batch[0], Refusal(reason="reading it takes too long or too much memory"))]
    # One of them hangs, or breaks whoever reads it: each half by itself leads to it.
    middle = len(batch) // 2
    found: list[Read] = []
    for half in (batch[:middle], batch[middle:]):
        with closing(Worker()) as another:
            found += _read(another, folder, half)
    return found
