"""What every test shares: the event loop, and what becomes of tests whose tools are not installed."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.hostile.loopback import Loopback
from tests.support.real import orthanc_place

pytest_plugins = ["tests.support.orthanc_server", "tests.support.chain"]

COMMANDS = {
    "orthanc": (),
    "dcmtk": ("dsrdump", "dcmj2pnm"),
    "poppler": ("pdftotext",),
    "browser": ("chromium",),
    "desktop": ("Xvfb", "openbox", "trayer", "xdotool", "dbus-daemon", "import"),
    "secret_service": ("dbus-daemon", "gnome-keyring-daemon", "secret-tool"),
    "tiny_pacs": (),
}
"""Marker to the commands without which its tests can show nothing."""

PYTHON_MODULES = {
    "browser": ("playwright", "axe_playwright_python"),
    "tiny_pacs": ("tiny_pacs", "tiny_pacs_dicomweb", "waitress"),
}

settings.register_profile("default", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"


def pytest_configure() -> None:
    """Programs that the tests start must hear Ctrl-C, also where a script in the background runs the tests.

    A shell ignores SIGINT for what it starts with `&`, and whoever is started inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip by name what lacks its tools."""
    for item in items:
        lacking = [tool for marker in COMMANDS if item.get_closest_marker(marker) for tool in missing(marker)]
        if lacking:
            told = ", ".join(dict.fromkeys(lacking))
            item.add_marker(pytest.mark.skip(f"not installed: {told} (scripts/test lists the packages)"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In the build (CI=true) a test that needs tools may not be skipped: it would prove nothing."""
    report = yield
    if report.skipped and in_ci() and any(item.get_closest_marker(marker) for marker in COMMANDS):
        report.outcome = "failed"
        report.longrepr = f"skipped in the build: {call.excinfo.value if call.excinfo is not None else ''}"
    return report


def in_ci() -> bool:
    """Whether the build runs this."""
    return os.environ.get("CI", "").lower() in {"true", "1"}


def missing(marker: str) -> list[str]:
    """What the tests with this marker need and this machine does not have."""
    # Debian puts daemons into /usr/sbin, which is not on everybody's path.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    absent = [command for command in COMMANDS[marker] if shutil.which(command, path=path) is None]
    absent += [module for module in PYTHON_MODULES.get(marker, ()) if importlib.util.find_spec(module) is None]
    return absent + (orthanc_place.missing() if marker == "orthanc" else [])


@pytest.fixture(scope="session")
def loopback() -> Iterator[Loopback]:
    """A server on 127.0.0.1 for simulated archives."""
    with Loopback() as server:
        yield server
