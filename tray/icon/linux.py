"""What pystray's three Linux backends need before they work; no X or GTK library is imported before one is in use."""

import signal
import sys
import threading
from typing import Any


def guarded_xorg(backend: Any) -> type:  # noqa: ANN401 - pystray ships no types
    """The X11 icon, with the clicks that it forgets to ask the X server for."""
    from Xlib import X

    class GuardedIcon(backend.Icon):  # type: ignore[misc]  # pystray ships no types
        def _create_window(self) -> Any:  # noqa: ANN401
            window = super()._create_window()
            window.change_attributes(event_mask=X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask)
            return window

        def run(self, setup: Any = None) -> None:  # noqa: ANN401
            # The setup thread may show the icon before the loop has said which thread it runs in.
            self._thread = threading.current_thread()
            super().run(setup)

    return GuardedIcon


def guarded_gtk(backend: Any) -> type:  # noqa: ANN401 - pystray ships no types
    """The GTK icon, which starts without a notification daemon."""
    _make_notifier_lazy(backend)
    return type("GuardedIcon", (_with_signals(backend.Icon),), {})


def guarded_appindicator(backend: Any) -> type:  # noqa: ANN401 - pystray ships no types
    """The StatusNotifierItem icon, which starts without a notification daemon and tells a screen reader its state."""
    _make_notifier_lazy(backend)
    from gi.repository import GLib

    class GuardedIcon(_with_signals(backend.Icon)):  # type: ignore[misc]  # pystray ships no types
        def _show(self) -> None:
            super()._show()
            GLib.idle_add(self._describe)

        def _update_icon(self) -> None:
            super()._update_icon()
            GLib.idle_add(self._describe)

        def _update_title(self) -> None:
            super()._update_title()
            GLib.idle_add(self._describe)

        def _describe(self) -> bool:
            # Runs in GTK's loop, after what pystray queued there: the indicator is gone when the icon has stopped.
            indicator = getattr(self, "_appindicator", None)
            if indicator is not None and self._icon_path:
                indicator.set_icon_full(self._icon_path, self.title)
            return False

    return GuardedIcon


def _with_signals(icon_class: type) -> type:
    """The icon with the program's own handler of Ctrl+C, which GTK's loop sets back to sudden death."""

    class IconWithSignals(icon_class):  # type: ignore[misc]  # pystray ships no types
        def _initialize(self) -> None:
            before = signal.getsignal(signal.SIGINT)
            super()._initialize()
            signal.signal(signal.SIGINT, before)

    return IconWithSignals


def _make_notifier_lazy(backend: Any) -> None:  # noqa: ANN401 - pystray ships no types
    """A notifier connects before the loop starts, and the icon dies with it if the daemon does not start."""
    notify_dbus = sys.modules[backend.GtkIcon.__module__].notify_dbus
    if not hasattr(notify_dbus, "EagerNotifier"):
        notify_dbus.EagerNotifier = notify_dbus.Notifier
        notify_dbus.Notifier = _lazy_notifier(notify_dbus)


def _lazy_notifier(notify_dbus: Any) -> type:  # noqa: ANN401 - pystray ships no types
    from gi.repository import GLib

    class LazyNotifier:
        """Connects when there is something to say, in a thread: a hanging daemon must not freeze the menu."""

        def __init__(self) -> None:
            self._lock = threading.Lock()
            self._notifier: Any = None

        def notify(self, title: str, message: str, icon: str) -> None:
            threading.Thread(target=self._notify, args=(title, message, icon), daemon=True).start()

        def hide(self) -> None:
            """Leaves the message to the desktop, which takes it away by itself."""

        def _notify(self, title: str, message: str, icon: str) -> None:
            # Nobody is there to be told that nobody is there to be told; the page and the icon show the state too.
            try:
                with self._lock:
                    self._notifier = self._notifier or notify_dbus.EagerNotifier()
                    self._notifier.notify(title, message, icon)
            except (GLib.Error, OSError):
                self._notifier = None

    return LazyNotifier
