"""What the tray knows of each archive, and what its menu does (facts/tray sections 5.4, 8.2 and 8.3)."""

import datetime as dt
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from federator.errors import ConfigError
from tray import login
from tray.app import Tray
from tray.archives import health
from tray.archives.board import Board
from tray.clients.connect import Clients
from tray.icon.menu import Action, MenuEntry, Shape

NOW = dt.datetime.now(dt.UTC)


class Archive(http.server.BaseHTTPRequestHandler):
    """An archive that holds nothing, or one that refuses the sign-in."""

    status = 204

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@contextmanager
def archive(status: int) -> Iterator[str]:
    handler = type("Handler", (Archive,), {"status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def board_of(folder: Path, **urls: str) -> Board:
    lines = [f'[archives.{name}]\ntitle = "{name.title()}"\nurl = "{url}"\n' for name, url in urls.items()]
    (folder / "archives.toml").write_text("\n".join(lines))
    return Board(folder / "archives.toml", health_path=folder / "health.json")


def write_health(folder: Path, moment: dt.datetime, **outcomes: str) -> None:
    archives = {
        name: {"time": moment.isoformat(), "outcome": outcome, "ok": outcome == "answered"}
        for name, outcome in outcomes.items()
    }
    content = {"schema_version": 1, "clients": {"claude-ai": {"time": moment.isoformat()}}, "archives": archives}
    (folder / "health.json").write_text(json.dumps(content))


def shown(board: Board) -> dict[str, tuple[Shape, str]]:
    return {line.name: (line.shape, line.text) for line in board.lines()}


def test_a_test_tells_working_from_refused_from_unreachable(tmp_path: Path) -> None:
    """Facts 8.3: ok, error (sign-in), warn (unreachable), off (not tested)."""
    with archive(204) as good, archive(401) as refusing:
        board = board_of(tmp_path, good=good, refusing=refusing, gone="http://127.0.0.1:9/", idle=good)
        changes: list[dict[str, tuple[Shape, str]]] = []
        board.subscribe(lambda: changes.append(shown(board)))
        steps = []
        for name in ("good", "refusing", "gone"):
            board.test(name, on_step=steps.append)
    assert changes[0]["good"] == (Shape.BUSY, "testing")
    assert shown(board) == {
        "good": (Shape.OK, "working"),
        "refusing": (Shape.ERROR, "sign-in refused"),
        "gone": (Shape.WARN, "not reachable"),
        "idle": (Shape.OFF, "not tested"),
    }
    assert steps[0].name == "Address"
    assert board.result("gone").steps[-1].ok is False
    assert board.test("nobody") is None


def test_an_archive_whose_address_changed_is_not_tested_any_more(tmp_path: Path) -> None:
    """A result is about the archive as it was tested."""
    with archive(204) as good:
        board = board_of(tmp_path, main=good)
        board.test("main")
        assert shown(board)["main"] == (Shape.OK, "working")
        board_of(tmp_path, main=f"{good}/other")
        assert shown(board)["main"] == (Shape.OFF, "not tested")


def test_what_the_server_found_counts_if_it_is_newer(tmp_path: Path) -> None:
    """Facts 8.3: the server's own results count too, so mostly nothing is sent."""
    board = board_of(tmp_path, main="http://127.0.0.1:9/")
    write_health(tmp_path, NOW, main="answered")
    assert shown(board)["main"] == (Shape.OK, "working")
    board.test("main")
    assert shown(board)["main"] == (Shape.WARN, "not reachable")
    later = NOW + dt.timedelta(days=1)
    for outcome, expected in (
        ("answered", (Shape.OK, "working")),
        ("timed_out", (Shape.WARN, "did not answer in time")),
        ("refused", (Shape.ERROR, "sign-in refused")),
        ("failed", (Shape.ERROR, "search does not work")),
    ):
        write_health(tmp_path, later, main=outcome)
        assert shown(board)["main"] == expected


def test_an_archive_is_tested_again_after_a_quarter_of_an_hour_and_later_the_more_it_failed(tmp_path: Path) -> None:
    """Facts 8.3: every 15 min per archive, back off to 60; the server's answers count."""
    with archive(204) as good:
        board = board_of(tmp_path, good=good, gone="http://127.0.0.1:9/")
        assert board.due(now=NOW) == ("good", "gone")
        board.test_all()
    after = [board.due(now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)) for minutes in (14, 16, 31)]
    assert after == [(), ("good",), ("good", "gone")]
    for _ in range(3):
        board.test("gone")
    assert board.result("gone").failures == 4
    assert "gone" not in board.due(now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=59))
    assert "gone" in board.due(now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61))
    write_health(tmp_path, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=50), gone="answered")
    assert "gone" not in board.due(now=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61))


def test_a_broken_file_is_a_problem_with_its_place(tmp_path: Path) -> None:
    """Facts 5.2: a broken file is told; nothing is guessed."""
    board = board_of(tmp_path, main="http://127.0.0.1:9/")
    assert board.problem() == ""
    (tmp_path / "archives.toml").write_text("[archives.main]\nurl = \n")
    assert "line 2" in board.problem()
    with pytest.raises(ConfigError):
        board.lines()
    (tmp_path / "archives.toml").unlink()
    assert board.lines() == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema_version": 2, "clients": {"x": {"time": "2026-01-01T00:00:00Z"}}}',
        '{"schema_version": 1, "clients": [], "archives": {"a": 1, "b": {"time": "soon"}}}',
        '{"schema_version": 1, "archives": {"c": {"time": "2026-01-01T00:00:00"}}}',
    ],
)
def test_a_health_file_that_is_not_understood_says_nothing(content: str, tmp_path: Path) -> None:
    """The file is the server's; another version, or half a file, must not stop the tray."""
    (tmp_path / "health.json").write_text(content)
    assert health.read(tmp_path / "health.json") == health.Health()
    assert health.read(tmp_path / "none.json") == health.Health()


def test_the_health_file_tells_which_assistant_used_the_server_last(tmp_path: Path) -> None:
    """Issue 4 part 8."""
    write_health(tmp_path, NOW, main="answered")
    found = health.read(tmp_path / "health.json")
    assert found.clients == {"claude-ai": NOW}
    assert found.archives["main"].ok


class Page:
    """A page whose links can be counted."""

    def __init__(self) -> None:
        self.links = 0

    def open_link(self) -> str:
        self.links += 1
        return "http://127.0.0.1:9/#once"

    def stop(self) -> None:
        self.links = -1


def tray_of(folder: Path, board: Board, page: Page, platform: str = "linux") -> Tray:
    clients = Clients(
        platform=platform, environment={}, home=folder, state_folder=folder / "state", command=("/opt/federator",)
    )
    item = login.login_item(platform, folder, {}, ("/opt/federator-tray",))
    return Tray(board=board, clients=clients, page=page, login_item=item, open_in_browser=bool)


def test_the_menu_opens_the_page_tests_and_switches(tmp_path: Path) -> None:
    """Facts 8.2: what each line of the menu does."""
    page = Page()
    board = board_of(tmp_path, main="http://127.0.0.1:9/", other="http://127.0.0.1:9/")
    tray = tray_of(tmp_path, board, page)
    tray.choose(MenuEntry(text="Open", action=Action.OPEN_PAGE))
    tray.choose(MenuEntry(text="Edit", action=Action.EDIT_ARCHIVE, subject="main"))
    tray.choose(MenuEntry(text="Help", action=Action.HELP))
    assert page.links == 3
    tray.choose(MenuEntry(text="Test again", action=Action.TEST_ARCHIVE, subject="main"))
    assert board.result("main").shape is Shape.WARN
    assert board.result("other") is None
    tray.choose(MenuEntry(text="Test all now", action=Action.TEST_ALL))
    assert board.result("other").shape is Shape.WARN
    item = tmp_path / ".config/autostart/federator-tray.desktop"
    tray.choose(MenuEntry(text="Start at login", action=Action.SWITCH_LOGIN))
    assert item.exists()
    tray.choose(MenuEntry(text="Start at login", action=Action.SWITCH_LOGIN))
    assert not item.exists()
    tray.choose(MenuEntry())
    tray.choose(MenuEntry(text="Quit", action=Action.QUIT))


def test_a_broken_file_stops_no_menu_entry(tmp_path: Path) -> None:
    """The icon shows the broken file; nothing crashes."""
    board = board_of(tmp_path, main="http://127.0.0.1:9/")
    tray = tray_of(tmp_path, board, Page())
    (tmp_path / "archives.toml").write_text("[")
    tray.choose(MenuEntry(text="Test again", action=Action.TEST_ARCHIVE, subject="main"))
    tray.choose(MenuEntry(text="Test all now", action=Action.TEST_ALL))
    assert tray._situation().problem.startswith("archives.toml cannot be read")


def test_assistants_that_are_connected_or_lost_are_in_the_menu(tmp_path: Path) -> None:
    """Facts 8.2: a line for Claude Desktop; one that was never connected has none."""
    tray = tray_of(tmp_path, board_of(tmp_path, main="http://127.0.0.1:9/"), Page())
    (tmp_path / ".cursor").mkdir()
    assert tray._situation().clients == ()
    entry = {"mcpServers": {"federator": {"command": "/opt/federator", "args": []}}}
    (tmp_path / ".cursor" / "mcp.json").write_text(json.dumps(entry))
    assert [(line.title, line.text, line.lost) for line in tray._situation().clients] == [
        ("Cursor", "connected", False)
    ]
    entry["mcpServers"]["federator"]["command"] = "/elsewhere/federator"
    (tmp_path / ".cursor" / "mcp.json").write_text(json.dumps(entry))
    assert [line.lost for line in tray._situation().clients] == [True]
