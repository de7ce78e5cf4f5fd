"""The program as it is started: the page without a tray, and with one that runs already (contract.md section 8)."""

import json
import os
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tray import start
from tray.instance import Instance

pytestmark = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="XDG places are Linux's")


@contextmanager
def program(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`federator-tray` in a home of its own, without a desktop."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}/none",
        # A browser that only writes down what it was asked to open.
        "BROWSER": f"{browser(home)} %s",
    }
    command = [sys.executable, "-m", "tray", *arguments]
    with subprocess.Popen(
        command,
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def browser(home: Path) -> Path:
    """A program in place of the browser; what it was asked to open can be read once from its pipe."""
    script = home / "browser"
    if not script.exists():
        os.mkfifo(home / "opened")
        script.write_text(f'#!/bin/sh\necho "$1" > {home}/opened\n')
        script.chmod(0o755)
    return script


def opened(home: Path) -> str:
    """What the browser was asked to open; waits for it, but not for ever."""
    pipe = os.open(home / "opened", os.O_RDONLY | os.O_NONBLOCK)
    try:
        readable, _, _ = select.select([pipe], [], [], 30)
        assert readable, "no browser was started"
        return os.read(pipe, 4096).decode().strip()
    finally:
        os.close(pipe)


def call(link: str, name: str, content: object, token: str = "") -> dict:
    address, _, _ = link.partition("/#")
    headers = {"Origin": address, "Content-Type": "application/json", "X-Session": token}
    request = urllib.request.Request(f"{address}/api/{name}", json.dumps(content).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


def test_the_page_opens_without_a_tray_and_ends_when_it_is_closed(tmp_path):
    """contract.md §8: federator-tray settings opens the same page without a tray."""
    with program(tmp_path, "settings", "--print-url") as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        token = call(link, "session", {"nonce": link.partition("#")[2]})["token"]
        state = call(link, "state", {}, token)
        assert state["file"]["path"] == str(tmp_path / ".config" / "federator" / "archives.toml")
        assert call(link, "close", {}, token) == {}
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_page_works_on_the_file_that_was_chosen(tmp_path):
    """contract.md §7: --config."""
    path = tmp_path / "mine.toml"
    path.write_text('[archives.a]\nurl = "https://a.example.invalid"\n')
    with program(tmp_path, "settings", "--print-url", "--config", str(path)) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        token = call(link, "session", {"nonce": link.partition("#")[2]})["token"]
        state = call(link, "state", {}, token)
        assert [card["name"] for card in state["archives"]] == ["a"]
        client = next(client["id"] for client in state["clients"])
        assert client == "claude-desktop"


def test_the_browser_is_opened_with_the_link(tmp_path):
    """facts/tray.md 3.3."""
    browser(tmp_path)
    with program(tmp_path, "settings") as process:
        link = opened(tmp_path)
        assert link.startswith("http://127.0.0.1:")
        assert call(link, "session", {"nonce": link.partition("#")[2]})["token"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_without_a_tray_on_this_desktop_the_page_opens_and_says_so(tmp_path):
    """facts/tray.md 0 D3: the tray is a shortcut, never the only door."""
    browser(tmp_path)
    with program(tmp_path):
        link = opened(tmp_path)
        token = call(link, "session", {"nonce": link.partition("#")[2]})["token"]
        assert "tray" in call(link, "state", {}, token)["tray_note"]
        # A second start asks the first to show the page again, and ends.
        with program(tmp_path) as second:
            again = opened(tmp_path)
            assert second.wait(60) == 0
        assert again.partition("/#")[0] == link.partition("/#")[0]
        assert again != link
        with program(tmp_path, "settings") as third:
            assert opened(tmp_path).startswith(link.partition("/#")[0])
            assert third.wait(60) == 0


def test_a_runtime_folder_of_somebody_else_is_done_without(tmp_path, monkeypatch):
    """facts/tray.md 5.1: XDG_RUNTIME_DIR, else the state folder; after `su` it names another user's folder."""
    monkeypatch.setattr("tray.start.Path.home", lambda: tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    folder = start._runtime_folder()
    assert folder == tmp_path / "state" / "federator" / "run"
    assert folder.is_dir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert start._runtime_folder() is None


def test_a_tray_that_runs_already_is_asked_to_open_the_page(tmp_path):
    """facts/tray.md 3.2 rule 12: one tray per user."""
    knocks: list[None] = []
    with Instance(tmp_path / "run" / "federator", on_knock=lambda: knocks.append(None)) as instance:
        assert instance.claim()
        with program(tmp_path, "settings") as process:
            assert process.wait(60) == 0
        assert len(knocks) == 1
