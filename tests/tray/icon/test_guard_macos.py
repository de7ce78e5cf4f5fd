"""The guards for macOS, against stand-ins for Apple's frameworks: no Mac was at hand (facts 1.2 no. 5, 8 and 10)."""

import io
import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

from tray.icon import macos as icon_macos
from tray.icon.drawing import draw
from tray.icon.guard import Backend, TrayIcon
from tray.icon.menu import Action, MenuEntry, Shape

IMAGE = draw(Shape.OK, size_px=64)


class MainLoop:
    """The application's loop: what is called after is run only when the loop comes to it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.on_signal: dict[int, Callable[[int], None]] = {}

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def main_loop(monkeypatch) -> MainLoop:
    loop = MainLoop()
    tools = ModuleType("PyObjCTools")
    tools.AppHelper = SimpleNamespace(callAfter=loop.waiting.append)
    tools.MachSignals = SimpleNamespace(signal=loop.on_signal.__setitem__)
    monkeypatch.setitem(sys.modules, "PyObjCTools", tools)
    return loop


class Icon:
    """An icon that notes in which thread it was touched, and how."""

    HAS_NOTIFICATION = True

    def __init__(self, name, *, icon, title, menu) -> None:
        super().__setattr__("touched", [])
        super().__setattr__("notified", threading.Event())

    def __setattr__(self, name, value) -> None:
        self.touched.append(name)

    def update_menu(self) -> None:
        self.touched.append("menu")

    def stop(self) -> None:
        self.touched.append("stop")

    def run(self, setup) -> None:
        # pystray calls its setup in a thread of its own.
        thread = threading.Thread(target=setup, args=(self,))
        thread.start()
        thread.join()

    def notify(self, message, title) -> None:
        self.touched.append((message, title, threading.current_thread()))
        self.notified.set()


def made() -> tuple[TrayIcon, Icon]:
    pystray = SimpleNamespace(Menu=lambda *items: items, MenuItem=lambda *arguments, **options: arguments)
    tray = TrayIcon(
        Backend(name="darwin", pystray=pystray, icon_class=Icon), image=IMAGE, title="fine", on_choice=lambda _: None
    )
    return tray, tray._icon


def test_nothing_touches_the_icon_but_the_main_loop(main_loop):
    """Facts 1.2 no. 5: since macOS 26 a touch from another thread is a hard crash, the one that shows the icon too."""
    tray, icon = made()
    entries = (MenuEntry(text="Quit", action=Action.QUIT),)
    tray.run()
    show = threading.Thread(target=lambda: tray.show(key=1, image=IMAGE, title="else", entries=entries))
    show.start()
    show.join()
    assert icon.touched == []
    main_loop.run()
    assert icon.touched == ["visible", "icon", "title", "menu"]
    stop = threading.Thread(target=tray.stop)
    stop.start()
    stop.join()
    assert icon.touched[-1] != "stop"
    main_loop.run()
    assert icon.touched[-1] == "stop"


def test_sigterm_stops_the_icon_through_the_main_loop(main_loop):
    """Facts 1.2 no. 12: the icon is taken away; Python's own handlers are not called while Apple's loop runs."""
    tray, icon = made()
    tray.run()
    main_loop.run()
    (handler,) = main_loop.on_signal.values()
    handler(15)
    main_loop.run()
    assert icon.touched == ["visible", "stop"]


def test_a_message_is_shown_from_a_worker_and_always_has_a_title(main_loop):
    """Facts 1.2 no. 8: osascript is waited for, and a message without a title fails."""
    tray, icon = made()
    tray.notify("m" * 500, title="Archive settings")
    assert icon.notified.wait(10)
    ((message, title, thread),) = icon.touched
    assert (len(message), title) == (250, "Archive settings")
    assert thread is not threading.main_thread()
    assert main_loop.waiting == []


def test_the_icon_is_drawn_at_twice_its_size_and_keeps_its_colours(monkeypatch):
    """Facts 1.2 no. 10: sharp on Retina; no template image, which would be black."""
    shown = []

    class NSImage:
        @classmethod
        def alloc(cls) -> "NSImage":
            return cls()

        def initWithData_(self, data) -> "NSImage":  # noqa: N802 - Apple's name
            self.picture = Image.open(io.BytesIO(data))
            return self

        def setSize_(self, size) -> None:  # noqa: N802 - Apple's name
            self.size = size

        def setTemplate_(self, template) -> None:  # noqa: N802 - Apple's name
            self.template = template

    monkeypatch.setitem(sys.modules, "AppKit", SimpleNamespace(NSImage=NSImage))
    monkeypatch.setitem(sys.modules, "Foundation", SimpleNamespace(NSData=bytes))
    icon = icon_macos.guarded_darwin(SimpleNamespace(Icon=object))()
    icon._icon = IMAGE
    icon._status_bar = SimpleNamespace(thickness=lambda: 22.0)
    icon._status_item = SimpleNamespace(button=lambda: SimpleNamespace(setImage_=shown.append))
    icon._assert_image()
    (image,) = shown
    assert (image.picture.size, image.size, image.template) == ((44, 44), (22, 22), False)
