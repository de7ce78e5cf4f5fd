"""A desktop of its own for one test: an X server and a session bus that the person's own desktop does not see."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SYSTEM_GI = Path("/usr/lib/python3/dist-packages/gi")
COLOURS = {"ok": (0, 158, 115), "warn": (230, 159, 0), "error": (213, 94, 0), "off": (127, 127, 127)}
_TRIES = 400
_PAUSE_S = 0.05


def need(*programs: str) -> None:
    """Skips a test whose programs are not installed; in the build (CI=true) it fails."""
    _need([program for program in programs if shutil.which(program) is None])


def need_gtk() -> None:
    """Skips a test where Debian's PyGObject cannot be used: it is built for one minor version of Python."""
    _need([] if SYSTEM_GI.exists() else ["python3-gi"])
    if not list(SYSTEM_GI.glob(f"_gi.cpython-{sys.version_info.major}{sys.version_info.minor}-*.so")):
        pytest.skip(f"Debian's python3-gi is built for another Python than {sys.version.split()[0]}")


def _need(missing: Sequence[str]) -> None:
    if missing:
        told = f"not installed: {', '.join(missing)} (scripts/test lists the packages)"
        (pytest.fail if os.environ.get("CI", "").lower() in {"true", "1"} else pytest.skip)(told)


def eventually(look: Callable[[], object]):
    """Looks again and again, a bounded number of times, until there is something."""
    pause = threading.Event()
    for _ in range(_TRIES):
        found = look()
        if found:
            return found
        pause.wait(_PAUSE_S)
    raise AssertionError(f"not seen in {_TRIES} looks: {look.__name__}")


class Desktop:
    """The running desktop; `environment` is what programs on it get."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.shots = folder / "shots"
        self.shots.mkdir()
        self._stack = stack
        self.tray_command = [sys.executable, "-m", "tray", "--config", str(self.home / "archives.toml")]
        self.opened = folder / "opened"
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >> "{self.opened}"\n')
        browser.chmod(0o755)
        python_path = folder / "path"
        python_path.mkdir()
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        (python_path / "gi").symlink_to(SYSTEM_GI)
        self.environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{python_path}:{ROOT}",
            "BROWSER": f"{browser} %s",
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_RUNTIME_DIR": str(self.home),
            "TMPDIR": str(self.temporary),
            "NO_AT_BRIDGE": "1",
            "LC_ALL": "C.UTF-8",
        }

    def start(self, *command: str, **options) -> subprocess.Popen:
        """Starts a program on this desktop; it is ended with the desktop."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
        process = subprocess.Popen(command, env=self.environment, cwd=self.home, **quiet)
        self._stack.callback(_end, process)
        return process

    def run(self, *command: str) -> str:
        """Runs a program to its end; what it printed."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout

    def start_tray(self, backend: str) -> subprocess.Popen:
        """Starts the tray with one of pystray's backends."""
        self.environment["PYSTRAY_BACKEND"] = backend
        return self.start(*self.tray_command, stderr=None)

    def screenshot(self, name: str) -> Image.Image:
        """The whole screen, kept as a file to be looked at."""
        path = self.shots / f"{name}.png"
        self.run("import", "-window", "root", str(path))
        with Image.open(path) as image:
            return image.convert("RGB")

    def icon_at(self, state: str, name: str) -> tuple[int, int] | None:
        """Where the icon of a state is seen on the screen; None where it is not."""
        image = self.screenshot(name)
        wanted = COLOURS[state]
        data = image.tobytes()
        found = [
            (place // 3 % image.width, place // 3 // image.width)
            for place in range(0, len(data), 3)
            if all(abs(data[place + channel] - wanted[channel]) <= 6 for channel in range(3))
        ]
        if len(found) < 20:
            return None
        return sum(point[0] for point in found) // len(found), sum(point[1] for point in found) // len(found)

    def click(self, place: tuple[int, int], button: int) -> None:
        """Clicks with the mouse."""
        self.run("xdotool", "mousemove", str(place[0]), str(place[1]), "click", str(button))

    def links(self) -> list[str]:
        """The links that the browser was asked to open."""
        return self.opened.read_text().split() if self.opened.exists() else []


@contextlib.contextmanager
def desktop(folder: Path) -> Iterator[Desktop]:
    """An X server with a window manager and a session bus; no panel yet."""
    with contextlib.ExitStack() as stack:
        made = Desktop(folder, stack)
        reader, writer = os.pipe()
        made.start(
            "Xvfb", "-displayfd", str(writer), "-screen", "0", "800x400x24", "-nolisten", "tcp", pass_fds=(writer,)
        )
        os.close(writer)
        with os.fdopen(reader) as told:
            made.environment["DISPLAY"] = f":{told.readline().strip()}"
        bus = made.start("dbus-daemon", "--session", "--nofork", "--print-address=1", stdout=subprocess.PIPE, text=True)
        made.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        made.start("openbox")
        yield made


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
