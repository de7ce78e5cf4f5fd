"""What pystray's Windows backend needs: its menu is never destroyed while it is on the screen."""

import queue
from collections.abc import Callable
from typing import Any

_WM_APP_RUN = 0x8000 + 1


def guarded_win32(backend: Any) -> type:  # noqa: ANN401 - pystray ships no types
    """The notification area icon; `post` runs a function in its own thread, after an open menu has closed."""
    win32 = backend.win32

    class GuardedIcon(backend.Icon):  # type: ignore[misc]  # pystray ships no types
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(*arguments, **options)
            self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
            self._menu_is_open = False
            self._message_handlers[_WM_APP_RUN] = self._on_posted

        def post(self, function: Callable[[], None]) -> None:
            self._posted.put(function)
            if self._hwnd is not None:
                win32.PostMessage(self._hwnd, _WM_APP_RUN, 0, 0)

        def _on_posted(self, wparam: int, lparam: int) -> None:  # noqa: ARG002 - the signature of a message handler
            # An open menu pumps messages too: what it shows must not be destroyed under it.
            if not self._menu_is_open:
                self._run_posted()

        def _on_notify(self, wparam: int, lparam: int) -> None:
            self._menu_is_open = True
            try:
                super()._on_notify(wparam, lparam)
            finally:
                self._menu_is_open = False
                self._run_posted()

        def _mark_ready(self) -> None:
            super()._mark_ready()
            self._run_posted()

        def _run_posted(self) -> None:
            while not self._posted.empty():
                self._posted.get()()

    return GuardedIcon
