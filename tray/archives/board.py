"""How each archive was found the last time: by a test from here, or by the server while it answered an assistant."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from federator.archive.check.steps import Step, check
from federator.config import Archive, Config, ConfigError, load
from tray.archives import health
from tray.icon.menu import ArchiveLine, Shape

_FIRST_PAUSE = timedelta(minutes=15)
_LONGEST_PAUSE = timedelta(minutes=60)
_UNREACHABLE = {"Name", "Reached"}
_IN_SHORT = {
    "Address": "wrong address",
    "Name": "name not found",
    "Reached": "not reachable",
    "Secure": "no secure connection",
    "Signed in": "sign-in refused",
    "DICOMweb": "no archive at this address",
    "Search": "search does not work",
    "Folder": "folder not found",
    "Files": "files not readable",
}
_OUTCOMES_OF_THE_NETWORK = {"timed_out", "unreachable", "skipped", "partial"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One test of one archive; `shape` and `text` are for the icon's menu, the steps for whoever wants to know."""

    archive: Archive
    shape: Shape
    text: str
    at: datetime
    steps: tuple[Step, ...] = ()
    failures: int = 0


class Board:
    """The last result of every archive in `archives.toml`; safe to use from several threads."""

    def __init__(self, config_path: Path, *, health_path: Path) -> None:
        self.config_path = config_path
        self._health_path = health_path
        self._subscribers: list[Callable[[], None]] = []
        self._results: dict[str, Result] = {}
        self._running = ""
        self._one_at_a_time = threading.Lock()

    def subscribe(self, on_change: Callable[[], None]) -> None:
        """Calls a function after each change, in the thread that made it."""
        self._subscribers.append(on_change)

    def config(self) -> Config:
        """The archives as the file says now: none where there is no file. Raises ConfigError where it is broken."""
        return load(self.config_path) if self.config_path.exists() else Config(archives=())

    def result(self, name: str) -> Result | None:
        """The last test of an archive."""
        return self._results.get(name)

    def test(self, name: str, *, on_step: Callable[[Step], None] | None = None) -> Result | None:
        """Tests one archive now, after any test that is under way; None where the file has no such archive."""
        with self._one_at_a_time:
            archive = next((archive for archive in self.config().archives if archive.name == name), None)
            if archive is None:
                return None
            self._running = name
            self._tell()
            steps: list[Step] = []

            async def walk() -> None:
                async for step in check(archive):
                    steps.append(step)
                    if on_step is not None:
                        on_step(step)

            try:
                anyio.run(walk)
            finally:
                self._running = ""
            result = self._judged(archive, tuple(steps))
            self._results[name] = result
        self._tell()
        return result

    def test_all(self) -> None:
        """Tests all enabled archives, one after the other."""
        for archive in self.config().enabled:
            self.test(archive.name)

    def due(self, *, now: datetime) -> tuple[str, ...]:
        """The archives that have not been heard of for a while: the longer, the more often they failed."""
        answered = health.read(self._health_path).archives
        names = []
        for archive in self.config().enabled:
            result = self._results.get(archive.name)
            pause = min(_FIRST_PAUSE * 2 ** (result.failures if result else 0), _LONGEST_PAUSE)
            heard = [result.at] if result is not None and result.archive == archive else []
            heard += [answered[archive.name].at] if archive.name in answered else []
            if not heard or now - max(heard) >= pause:
                names.append(archive.name)
        return tuple(names)

    def lines(self) -> tuple[ArchiveLine, ...]:
        """The enabled archives as the menu shows them. Raises ConfigError where the file is broken."""
        answered = health.read(self._health_path).archives
        return tuple(self._line(archive, answered.get(archive.name)) for archive in self.config().enabled)

    def problem(self) -> str:
        """A sentence where the file cannot be used."""
        try:
            self.config()
        except ConfigError as error:
            return f"archives.toml cannot be read ({error.faults[0]})" if error.faults else str(error)
        return ""

    def _tell(self) -> None:
        for on_change in self._subscribers:
            on_change()

    def _line(self, archive: Archive, answered: health.Answered | None) -> ArchiveLine:
        shape, text = Shape.OFF, "not tested"
        result = self._results.get(archive.name)
        current = result if result is not None and result.archive == archive else None
        if current is not None:
            shape, text = current.shape, current.text
        if answered is not None and (current is None or answered.at > current.at):
            shape, text = _as_answered(answered)
        if archive.name == self._running:
            shape, text = Shape.BUSY, "testing"
        return ArchiveLine(name=archive.name, title=archive.title or archive.name, shape=shape, text=text)

    def _judged(self, archive: Archive, steps: tuple[Step, ...]) -> Result:
        failed = next((step for step in steps if step.ok is False), None)
        before = self._results.get(archive.name)
        if failed is None:
            shape, text, failures = Shape.OK, "working", 0
        else:
            shape = Shape.WARN if failed.name in _UNREACHABLE else Shape.ERROR
            text = _IN_SHORT.get(failed.name, "does not work")
            failures = 1 + (before.failures if before else 0)
        return Result(archive=archive, shape=shape, text=text, at=datetime.now(UTC), steps=steps, failures=failures)


def _as_answered(answered: health.Answered) -> tuple[Shape, str]:
    if answered.ok:
        return Shape.OK, "working"
    if answered.outcome in _OUTCOMES_OF_THE_NETWORK:
        return Shape.WARN, "did not answer in time" if answered.outcome == "timed_out" else "did not answer fully"
    return Shape.ERROR, "sign-in refused" if answered.outcome == "refused" else "search does not work"
