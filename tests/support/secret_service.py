"""A real Secret Service (gnome-keyring) on a private bus and in a home of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

needs_secret_service = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("dbus-daemon") or not shutil.which("gnome-keyring-daemon"),
    reason="needs dbus-daemon and gnome-keyring",
)


def wait_for_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def session_bus(folder: Path) -> Iterator[str]:
    """A private session bus that starts no services by itself."""
    configuration = folder / "bus.conf"
    configuration.write_text(
        '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
        '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type>'
        f"<listen>unix:dir={folder}</listen><policy context='default'><allow send_destination='*' eavesdrop='true'/>"
        "<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>"
    )
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            yield wait_for_line(daemon)
        finally:
            daemon.terminate()


@contextmanager
def bus_for(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Path]:
    """This process is on a private bus while the block runs; `folder` has a short path, for it holds a socket."""
    folder.chmod(0o700)
    with session_bus(folder) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        monkeypatch.delenv("DISPLAY", raising=False)
        yield folder


@contextmanager
def keyring_daemon(bus: Path, *, unlocked: bool) -> Iterator[None]:
    """gnome-keyring on that bus: with an unlocked login keyring, or without any keyring."""
    environment = {**os.environ, "HOME": str(bus), "XDG_RUNTIME_DIR": str(bus), "XDG_DATA_HOME": str(bus / "data")}
    command = ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock" if unlocked else "--start"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as daemon:
        try:
            assert daemon.stdin is not None
            daemon.stdin.write("login password\n" if unlocked else "")
            daemon.stdin.close()
            wait_for_name(bus)
            if unlocked:
                wait_for_collection(bus)
            yield
        finally:
            daemon.terminate()


def wait_for_name(bus: Path) -> None:
    """Returns once the service owns its name: the bus itself is asked to wait for it."""
    import secretstorage

    for _ in range(200):
        with closing(secretstorage.dbus_init()) as connection:
            if secretstorage.check_service_availability(connection):
                return
        subprocess.run(["sync", "-d", str(bus)], check=False)
    pytest.fail("gnome-keyring-daemon did not appear on the bus")


def wait_for_collection(bus: Path) -> None:
    """Returns once the login keyring is there."""
    import secretstorage

    for _ in range(200):
        with closing(secretstorage.dbus_init()) as connection:
            try:
                secretstorage.Collection(connection)
            except secretstorage.ItemNotFoundException:
                subprocess.run(["sync", "-d", str(bus)], check=False)
            else:
                return
    pytest.fail("the login keyring did not appear")


def lock() -> None:
    """Lock the login keyring, as signing out or a time limit does."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.Collection(connection).lock()


@contextmanager
def prompts(bus: Path) -> Iterator[list[str]]:
    """The calls of Prompt on the bus while the block runs: that is what opens a dialog."""
    rule = "type='method_call',interface='org.freedesktop.Secret.Prompt'"
    calls: list[str] = []
    with subprocess.Popen(["dbus-monitor", rule], stdout=subprocess.PIPE, text=True) as monitor:
        # The monitor first tells that it got its name and lost it again: from then on it sees everything.
        for _ in range(2):
            while "NameAcquired" not in (line := wait_for_line(monitor)) and "NameLost" not in line:
                pass
        yield calls
        monitor.terminate()
        assert monitor.stdout is not None
        calls += [line for line in monitor.stdout if "member=Prompt" in line]
