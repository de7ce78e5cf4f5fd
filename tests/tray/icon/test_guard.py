"""The one door to pystray, and those of its guards that need no desktop (facts 1.2; the others: test_desktop)."""

import ast
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tray import app
from tray.icon import desktop_host, guard
from tray.icon import windows as icon_windows
from tray.icon.drawing import draw
from tray.icon.guard import Backend, TrayIcon
from tray.icon.menu import Action, MenuEntry, Shape

ROOT = Path(__file__).parents[3]
IMAGE = draw(Shape.OK, size_px=16)


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            names |= {str(a.value).split(".")[0] for a in node.args if isinstance(a, ast.Constant)}
    return names


def test_pystray_has_one_door() -> None:
    """The house: pystray → tray.icon.guard."""
    modules = [*ROOT.glob("federator/**/*.py"), *ROOT.glob("tray/**/*.py")]
    assert [path for path in modules if "pystray" in imports_of(path)] == [ROOT / "tray/icon/guard.py"]
    assert [path for path in modules if "PyObjCTools" in imports_of(path)] == [ROOT / "tray/icon/macos.py"]


def test_without_a_display_every_backend_is_tried_and_the_reasons_are_told() -> None:
    """Facts 1.2 no. 1 and 2: whatever an import raises, the next one is tried; then there is no tray, and no crash."""
    program = (
        "from tray.icon import guard\n"
        "try:\n    guard.load('linux')\nexcept guard.NoTrayError as error:\n    print(error)\n"
        "import os; print('PYSTRAY_BACKEND' in os.environ)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = done.stdout.splitlines()
    assert [reason for reason in ("appindicator: ", "gtk: ", "xorg: ") if reason not in done.stdout] == []
    assert told[-1] == "False"


def test_a_missing_typelib_is_no_reason_to_have_no_icon(tmp_path: Path) -> None:
    """Facts 1.2 no. 1 and 11: a missing typelib raises ValueError; xorg, with its black corners, is tried last."""
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").write_text(
        "def require_version(name, version):\n    raise ValueError(f'Namespace {name} not available')\n"
    )
    program = (
        "from tray.icon import guard\n"
        "try:\n    guard.load('linux')\nexcept guard.NoTrayError as error:\n    print(error)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    tried = [part.strip().partition(":")[0] for part in done.stdout.split(";")]
    assert tried == ["appindicator", "gtk", "xorg"]
    assert done.stdout.count("not available") == 2


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/at/all", "nonsense", "tcp:host=127.0.0.1,port=9"])
def test_a_desktop_without_a_session_bus_is_told_apart(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts 1.2: no bus, no watcher and a host are told apart."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert desktop_host.tray_host() is desktop_host.Host.NO_BUS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="two kinds of panels are Linux's")
@pytest.mark.parametrize(
    ("embeds", "backend", "is_shown"),
    [
        (True, "xorg", True),
        (True, "gtk", True),
        (False, "appindicator", True),
        (False, "gtk", False),
        (False, "xorg", False),
    ],
)
def test_an_icon_that_no_panel_would_embed_is_no_tray(
    embeds: bool, backend: str, is_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts D3: never an icon that nobody sees, as in an environment without PyGObject on a panel of today."""
    host = desktop_host.Host
    monkeypatch.setattr(desktop_host, "status_notifier_host", lambda: host.PRESENT)
    monkeypatch.setattr(desktop_host, "embedding_tray", lambda: host.PRESENT if embeds else host.NO_HOST)
    loaded = Backend(name=backend, pystray=PYSTRAY, icon_class=RecordedIcon)
    monkeypatch.setattr(guard, "load", lambda: loaded)
    if is_shown:
        assert app.usable_backend() is loaded
    else:
        with pytest.raises(guard.NoTrayError, match="newer way only"):
            app.usable_backend()


class RecordedIcon:
    """What a backend's icon is asked to do; it has the limits of Windows' notification area."""

    HAS_NOTIFICATION = True

    def __init__(self, name, icon, title, menu) -> None:
        self.calls = []
        self.menu = menu
        self.title = title
        self.icon = icon

    def __setattr__(self, name, value) -> None:
        if name == "title" and len(value) > 127:
            raise ValueError("string too long")
        if name not in {"calls", "menu"}:
            self.calls.append(name)
        super().__setattr__(name, value)

    def update_menu(self) -> None:
        self.calls.append("menu")

    def notify(self, message, title) -> None:
        assert len(message) < 256
        assert len(title) < 64
        self.calls.append("notify")


class Item:
    def __init__(self, text, action, *, checked=None, default=False) -> None:
        self.text, self.action, self.default = text, action, default
        self.checked = checked


PYSTRAY = SimpleNamespace(Menu=lambda *items: items, MenuItem=Item)
PYSTRAY.Menu.SEPARATOR = "separator"


def tray_icon(on_choice=print, title: str = "fine") -> tuple[TrayIcon, RecordedIcon]:
    backend = Backend(name="gtk", pystray=PYSTRAY, icon_class=RecordedIcon)
    made = TrayIcon(backend, image=IMAGE, title=title, on_choice=on_choice)
    made._icon.calls.clear()
    return made, made._icon


def test_long_texts_are_cut_before_windows_refuses_them() -> None:
    """Facts 1.2 no. 7: a title over 128 characters raises ValueError."""
    made, icon = tray_icon(title="t" * 500)
    made.show(key=1, image=IMAGE, title="u" * 500, entries=())
    made.notify("m" * 500, title="h" * 500)
    assert icon.title == "u" * 120
    assert "notify" in icon.calls


def test_what_did_not_change_is_not_touched() -> None:
    """Facts 1.2 no. 6: never update while unchanged."""
    made, icon = tray_icon()
    entries = (MenuEntry(text="Quit", action=Action.QUIT),)
    made.show(key=Shape.OK, image=IMAGE, title="fine", entries=entries)
    assert icon.calls == ["icon", "title", "menu"]
    made.show(key=Shape.OK, image=IMAGE, title="fine", entries=entries)
    assert icon.calls == ["icon", "title", "menu"]
    made.show(key=Shape.OK, image=IMAGE, title="else", entries=entries)
    assert icon.calls == ["icon", "title", "menu", "title"]


def test_a_callback_only_starts_a_thread() -> None:
    """Facts 1.2 no. 9: slow work in a callback would freeze the menu."""
    chosen: list[tuple[MenuEntry, threading.Thread]] = []
    done = threading.Event()

    def work(entry: MenuEntry) -> None:
        chosen.append((entry, threading.current_thread()))
        done.set()

    made, icon = tray_icon(on_choice=work)
    entries = (
        MenuEntry(
            text="Tom & Jerry", submenu=(MenuEntry(text="Test again", action=Action.TEST_ARCHIVE, subject="tom"),)
        ),
        MenuEntry(),
        MenuEntry(text="Start at login", action=Action.SWITCH_LOGIN, checked=False),
    )
    made.show(key=1, image=IMAGE, title="x", entries=entries)
    items = icon.menu[0]()
    assert items[0].text == "Tom & Jerry"
    assert items[1] == "separator"
    assert items[2].checked(None) is False
    items[0].action[0].action(None, None)
    assert done.wait(5)
    assert chosen[0][0].subject == "tom"
    assert chosen[0][1] is not threading.current_thread()


class WindowsShell:
    """Windows' part in an icon: a queue of messages, and a menu that pumps messages while it is on the screen."""

    def __init__(self) -> None:
        self.messages = []
        self.events = []
        self.while_open = lambda: None
        shell = self

        class Icon:
            def __init__(self) -> None:
                self._hwnd = None
                self._message_handlers = {}

            def _mark_ready(self) -> None:
                shell.events.append("ready")

            def _on_notify(self, wparam, lparam) -> None:
                shell.events.append("menu opens")
                shell.while_open()
                shell.pump(self)  # TrackPopupMenuEx dispatches messages itself
                shell.events.append("menu closes")

        self.Icon = Icon
        self.win32 = SimpleNamespace(PostMessage=lambda *message: self.messages.append(message))

    def pump(self, icon) -> None:
        while self.messages:
            _, number, *parameters = self.messages.pop(0)
            icon._message_handlers[number](*parameters)


def test_an_open_menu_on_windows_is_not_destroyed_under_the_mouse() -> None:
    """Facts 1.2 no. 6: an update waits until the menu has closed, although the menu pumps messages."""
    shell = WindowsShell()
    icon = icon_windows.guarded_win32(shell)()
    icon.post(lambda: shell.events.append("early"))
    assert shell.messages == []
    icon._hwnd = 7
    icon._mark_ready()
    shell.while_open = lambda: icon.post(lambda: shell.events.append("update"))
    icon._on_notify(0, 0)
    icon.post(lambda: shell.events.append("later"))
    shell.pump(icon)
    assert shell.events == ["ready", "early", "menu opens", "menu closes", "update", "later"]
