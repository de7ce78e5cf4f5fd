"""Keeping an index current: looked at for every question, in a thread of its own, never longer than a question waits.

What a question finds new or changed goes on being read when the question is over, so that the next one gets more.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import anyio

from federator.archive.folder.files.header import Refusal
from federator.archive.folder.index.database import Remade
from federator.archive.folder.index.index import Changes, FolderIndex
from federator.archive.folder.index.progress import Progress, listener
from federator.archive.folder.index.readers import MANY, Read, Reader, read_all
from federator.archive.folder.index.stamps import Stamp
from federator.archive.folder.index.threads import started

_SHARE = 0.6
"""Of the time that a question has, this part may pass waiting for files to be read: the answer needs the rest."""

_WRITE_S = 0.25
_WRITE_FILES = 512
_SETTLE_S = 1.0
_TOLD_S = 0.5
_STUCK_S = 5.0
_MOST_STUCK = 3
_HANGS = "this folder, or a file in it, does not answer. Does it lie on a drive that is not there any more?"


@dataclass(slots=True, kw_only=True)
class _Round:
    """One look at the folder, with all that follows from it. `began` is when, so that later questions need another."""

    began: float
    alive: float
    read: int = 0
    total: int = 0
    reading: bytes = b""
    hung_at: bytes = b""
    error: Exception | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    waiting: list[Callable[[], object]] = field(default_factory=list)

    async def wait(self) -> None:
        """Until it has ended."""
        event = anyio.Event()
        self.waiting.append(partial(asyncio.get_running_loop().call_soon_threadsafe, event.set))
        if not self.ended.is_set():
            await event.wait()

    def end(self) -> None:
        """Tell all who wait, whichever loop they are in."""
        self.ended.set()
        for wake in self.waiting:
            # A loop is gone where its program ended meanwhile.
            with contextlib.suppress(RuntimeError):
                wake()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        stuck = time.monotonic() - self.alive > _STUCK_S
        return Progress(read=self.read, total=self.total, trouble=_HANGS if stuck else "")


class Upkeep:
    """One index and the round that is under way."""

    def __init__(self, index: FolderIndex, *, read: Reader = read_all) -> None:
        self._index, self._read = index, read
        self._lock = threading.Lock()
        self._round: _Round | None = None
        self._hanging: set[bytes] = set()
        self._is_closed = False

    def close(self) -> None:
        """Nobody asks any more: what is being read is left."""
        self._is_closed = True

    async def current(self, *, since: float | None = None) -> Progress | None:
        """Have the index hold what the folder holds now: None, or how far that is when the caller's time runs short.

        Where the folder was looked at `since` then (on the monotonic clock), it is not looked at again.
        Raises OSError or TooManyFiles where the folder cannot be listed, sqlite3.Error where its index is locked.
        """
        asked = time.monotonic() if since is None else since
        until = anyio.current_time() + _SHARE * (anyio.current_effective_deadline() - anyio.current_time())
        while True:
            round_ = self._joined(asked)
            with anyio.move_on_after(min(_TOLD_S, max(0.0, until - anyio.current_time()))):
                await round_.wait()
            if round_.ended.is_set():
                if round_.began >= asked:
                    if round_.error is not None:
                        raise round_.error
                    return None
            elif anyio.current_time() >= until:
                return round_.progress
            else:
                hears = listener.get()
                if hears is not None and round_.total:
                    await hears(round_.progress)

    def _joined(self, asked: float) -> _Round:
        """The round under way, or a new one where the last began before the question and is over."""
        with self._lock:
            running = self._round
            if running is not None and not running.ended.is_set() and not self._given_up(running):
                return running
            if running is None or running.began < asked or not running.ended.is_set():
                now = time.monotonic()
                running = self._round = _Round(began=now, alive=now)
                started(lambda round_=running: self._run(round_))  # type: ignore[misc]
            return running

    def _given_up(self, round_: _Round) -> bool:
        """Whether a file does not answer, so that the others are to be read without it; its thread stays behind."""
        stuck = time.monotonic() - round_.alive > _STUCK_S
        if not stuck or not round_.reading or len(self._hanging) >= _MOST_STUCK:
            return False
        round_.hung_at = round_.reading
        self._hanging.add(round_.hung_at)
        return True

    def _run(self, round_: _Round) -> None:
        try:
            for _ in range(2):
                try:
                    self._refresh(round_)
                    break
                except Remade:
                    continue
        except Exception as error:  # noqa: BLE001 - raised in the question that waits for it
            round_.error = error
        finally:
            self._hanging.discard(round_.hung_at)
            round_.end()

    def _refresh(self, round_: _Round) -> None:
        changes = self._index.changes()
        round_.alive = time.monotonic()
        round_.read, round_.total = 0, len(changes.changed)
        if changes:
            self._take(round_, changes)

    def _take(self, round_: _Round, changes: Changes) -> None:
        removed = changes.removed
        settled = time.monotonic()
        for read in self._written_together(round_, changes.changed):
            if not self._is_wanted(round_):
                return
            self._index.take(read, removed)
            removed = []
            round_.read += len(read)
            if time.monotonic() - settled > _SETTLE_S:
                self._index.settle(time.monotonic() + _SETTLE_S)
                settled = time.monotonic()
        if removed:
            self._index.take([], removed)
        while self._is_wanted(round_) and self._index.settle(time.monotonic() + _SETTLE_S):
            round_.alive = time.monotonic()

    def _written_together(self, round_: _Round, stamps: list[Stamp]) -> Iterator[list[Read]]:
        """The headers that are read within a quarter of a second: a transaction for each would take longer."""
        # Without its time stamp it counts as changed, and is read once it answers.
        batch: list[Read] = [
            (stamp._replace(mtime_ns=-1), Refusal(reason="it does not answer"))
            for stamp in stamps
            if self._hangs(stamp)
        ]
        begun = time.monotonic()
        folder = self._index.folder
        wanted = [stamp for stamp in stamps if not self._hangs(stamp)]
        # Where many are read, processes with limits of their own do it.
        one_by_one = len(wanted) < MANY
        round_.reading = wanted[0].path if wanted and one_by_one else b""
        for number, read in enumerate(self._read(folder, wanted, is_wanted=lambda: self._is_wanted(round_)), start=1):
            batch += read
            round_.alive = time.monotonic()
            round_.reading = wanted[number].path if one_by_one and number < len(wanted) else b""
            if round_.alive - begun > _WRITE_S or len(batch) >= _WRITE_FILES:
                yield batch
                batch, begun = [], time.monotonic()
        round_.reading = b""
        yield batch

    def _hangs(self, stamp: Stamp) -> bool:
        return stamp.path in self._hanging

    def _is_wanted(self, round_: _Round) -> bool:
        return not self._is_closed and self._round is round_
