"""A settings page over an empty home, and a browser that sends exactly what a test says."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tray.archives.board import Board
from tray.archives.entries import Archives
from tray.clients.connect import Clients
from tray.page import peer
from tray.page import server as page_module
from tray.page.server import PAGES, STATIC, SettingsPage
from tray.page.state import PageParts

SECRET = "hunter2-never-shown"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Browser:
    """Sends exactly what a test says, from a page that was opened with a link."""

    page: SettingsPage
    clock: Clock
    problems: list[str]
    config: Path
    port: int = 0
    nonce: str = ""
    token: str = ""
    seen: list[bytes] = field(default_factory=list)

    def open(self) -> "Browser":
        self.port, self.nonce = parts_of(self.page.open_link())
        self.token = self.call("session", {"nonce": self.nonce}).json["token"]
        return self

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def call(self, name: str, content: object = None, **headers: str | None) -> Answer:
        """A call as the page makes it; a header of None is left out, others replace the right ones."""
        body = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
        sent = {
            "Host": self.host,
            "Origin": f"http://{self.host}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
            "X-Session": self.token,
            "Content-Length": str(len(body)),
        } | {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(
            "POST", f"/api/{name}", [(key, value) for key, value in sent.items() if value is not None], body
        )

    def send(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            self.seen.append(content + repr(answer.getheaders()).encode())
            return Answer(answer.status, answer.headers, content)
        finally:
            connection.close()


def parts_of(link: str) -> tuple[int, str]:
    address, _, nonce = link.partition("/#")
    return int(address.rpartition(":")[2]), nonce


@contextmanager
def settings_page(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    real: bool = False,
    is_this_user: Callable[[int, int], bool] = peer.is_this_user,
) -> Iterator[Browser]:
    """A page that was not opened yet, without any password store; SECRET must be in none of its answers.

    Its files stand for themselves unless they are to be the real ones.
    """
    monkeypatch.setattr(page_module, "_WATCH_S", 0.01)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/none")
    static = STATIC if real else home / "static"
    static.mkdir(exist_ok=True)
    for name, _ in () if real else PAGES.values():
        (static / name).write_text(f"this is {name}")
    config = home / "config" / "archives.toml"
    state = home / "state"
    clients = Clients(
        platform="linux", environment={}, home=home, state_folder=state, command=("/opt/federator", "--config", "x")
    )
    parts = PageParts(
        archives=Archives(config, state_folder=state),
        board=Board(config, health_path=state / "health.json"),
        clients=clients,
        health_path=state / "health.json",
    )
    clock, problems = Clock(), []
    page = SettingsPage(parts, on_problem=problems.append, static=static, clock=clock, is_this_user=is_this_user)
    browser = Browser(page, clock, problems, config)
    try:
        yield browser
    finally:
        page.stop()
    assert SECRET.encode() not in b"".join(browser.seen)
