"""The only door to pystray: its thirteen known faults are guarded here and in `tray.icon_*`.

Every call may come from any thread; none of them touches the icon there. `on_ui` takes them to where it is safe.
"""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tray.icon import linux as icon_linux
from tray.icon import macos as icon_macos
from tray.icon import windows as icon_windows
from tray.icon.menu import MenuEntry

if TYPE_CHECKING:
    from PIL import Image

_NAME = "federator"
# Windows cuts nothing itself: a longer text raises ValueError in ctypes.
_MAX_TITLE = 120
_MAX_MESSAGE = 250
_MAX_MESSAGE_TITLE = 60
_LINUX_BACKENDS = ("appindicator", "gtk", "xorg")
NEWER_WAY = frozenset({"appindicator"})
"""The backends for panels that show StatusNotifierItems; the other two of Linux are embedded in an X11 panel."""
_GUARDS: dict[str, Callable[[Any], type]] = {
    "appindicator": icon_linux.guarded_appindicator,
    "gtk": icon_linux.guarded_gtk,
    "xorg": icon_linux.guarded_xorg,
    "win32": icon_windows.guarded_win32,
    "darwin": icon_macos.guarded_darwin,
}

OnChoice = Callable[[MenuEntry], None]


class NoTrayError(Exception):
    """No tray icon can be shown here; the message says what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A way to show an icon that works here; `pystray` and `icon_class` are loosely typed for want of types."""

    name: str
    pystray: Any
    icon_class: type


def load(platform: str = sys.platform) -> Backend:
    """The first backend that can be used; NoTrayError where none can."""
    wanted = os.environ.get("PYSTRAY_BACKEND")
    names = {"win32": ("win32",), "darwin": ("darwin",)}.get(platform, _LINUX_BACKENDS)
    faults: tuple[type[Exception], ...] = (ImportError, ValueError, OSError, RuntimeError, AttributeError)
    faults += _display_errors()
    tried: list[str] = []
    for name in (wanted,) if wanted in _GUARDS else names:
        try:
            return _load(name)
        except faults as fault:
            # pystray itself goes on to the next one after an ImportError only; missing typelibs raise ValueError.
            tried.append(f"{name}: {fault}")
        finally:
            if wanted is None:
                os.environ.pop("PYSTRAY_BACKEND", None)
    raise NoTrayError("; ".join(tried))


def _load(name: str) -> Backend:
    for module in [module for module in sys.modules if module.split(".")[0] == "pystray"]:
        del sys.modules[module]
    os.environ["PYSTRAY_BACKEND"] = name
    pystray = importlib.import_module("pystray")
    backend = importlib.import_module(f"pystray._{name}")
    return Backend(name=name, pystray=pystray, icon_class=_GUARDS[name](backend))


def _display_errors() -> tuple[type[Exception], ...]:
    """What python-xlib raises where there is no display: no kin of any other error."""
    try:
        from Xlib import error
    except ImportError:
        return ()
    return (error.DisplayError, error.XauthError)


class TrayIcon:
    """The icon in the tray. `run` blocks the main thread until `stop`; all the rest may be called from anywhere."""

    def __init__(self, backend: Backend, *, image: "Image.Image", title: str, on_choice: OnChoice) -> None:
        self._backend = backend
        self._on_choice = on_choice
        self._entries: tuple[MenuEntry, ...] = ()
        self._shown: tuple[object, str] = (None, "")
        self._updating = threading.Lock()
        self._stopped = False
        self._icon: Any = backend.icon_class(
            _NAME, icon=image, title=title[:_MAX_TITLE], menu=backend.pystray.Menu(self._items)
        )

    def run(self) -> None:
        """Shows the icon until `stop`, SIGTERM or Ctrl+C; the main thread only."""
        self._stop_on_signals()
        self._icon.run(setup=lambda _icon: self.on_ui(self._make_visible))

    def stop(self) -> None:
        """Takes the icon away, with its file in the temporary folder; `run` returns."""
        self._stopped = True
        self.on_ui(self._icon.stop)

    def show(self, *, key: object, image: "Image.Image", title: str, entries: Sequence[MenuEntry]) -> None:
        """Shows a state; what did not change is not touched. `key` stands for the image."""

        def update() -> None:
            with self._updating:
                if self._stopped:
                    return
                if self._shown[0] != key:
                    self._icon.icon = image
                if self._shown[1] != title:
                    self._icon.title = title[:_MAX_TITLE]
                self._shown = (key, title)
                if self._entries != tuple(entries):
                    self._entries = tuple(entries)
                    self._icon.update_menu()

        self.on_ui(update)

    def notify(self, message: str, *, title: str) -> None:
        """Shows a message for a moment, where the desktop can."""
        if not self._icon.HAS_NOTIFICATION:
            return
        cut, cut_title = message[:_MAX_MESSAGE], title[:_MAX_MESSAGE_TITLE]
        if self._backend.name == "darwin":
            # osascript is waited for, and must not be waited for in the main thread.
            threading.Thread(target=self._icon.notify, args=(cut, cut_title), daemon=True).start()
        else:
            self.on_ui(lambda: self._icon.notify(cut, cut_title))

    def on_ui(self, function: Callable[[], None]) -> None:
        """Runs a function where the icon may be touched; the only way to it."""
        if self._backend.name == "darwin":
            icon_macos.call_on_main_thread(function)
        elif self._backend.name == "win32":
            self._icon.post(function)
        else:
            function()  # GTK's backends queue every step in their own loop, and so does X11's

    def _make_visible(self) -> None:
        with self._updating:
            self._icon.visible = True

    def _stop_on_signals(self) -> None:
        if self._backend.name == "darwin":
            icon_macos.on_terminate(self.stop)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())

    def _items(self) -> list[Any]:
        return [self._item(entry) for entry in self._entries]

    def _item(self, entry: MenuEntry) -> Any:  # noqa: ANN401 - pystray ships no types
        menu, item = self._backend.pystray.Menu, self._backend.pystray.MenuItem
        if not entry.text:
            return menu.SEPARATOR
        # An ampersand marks the letter to press on Windows.
        text = entry.text.replace("&", "&&") if self._backend.name == "win32" else entry.text
        if entry.submenu:
            return item(text, menu(*(self._item(part) for part in entry.submenu)))
        ticked = bool(entry.checked)
        checked = None if entry.checked is None else lambda _item: ticked
        return item(text, self._chosen(entry), checked=checked, default=entry.default)

    def _chosen(self, entry: MenuEntry) -> Callable[[object, object], None]:
        def choose(_icon: object, _item: object) -> None:
            # Slow work would freeze the menu: a callback only starts a thread.
            threading.Thread(target=self._on_choice, args=(entry,), daemon=True).start()

        return choose
