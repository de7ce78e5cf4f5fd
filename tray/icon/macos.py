"""What pystray's macOS backend needs: a sharp icon in its own colours, and nothing of it off the main thread."""

import io
import signal
from collections.abc import Callable
from typing import Any


def guarded_darwin(backend: Any) -> type:  # noqa: ANN401 - pystray ships no types
    """The status bar icon, drawn at twice its size for Retina; no template image, for its colour is meant."""
    import AppKit
    import Foundation

    class GuardedIcon(backend.Icon):  # type: ignore[misc]  # pystray ships no types
        def _assert_image(self) -> None:
            edge = int(self._status_bar.thickness())
            large = self._icon.resize((edge * 2, edge * 2))
            encoded = io.BytesIO()
            large.save(encoded, "png")
            image = AppKit.NSImage.alloc().initWithData_(Foundation.NSData(encoded.getvalue()))
            image.setSize_((edge, edge))
            image.setTemplate_(False)
            self._icon_image = image
            self._status_item.button().setImage_(image)

    return GuardedIcon


def call_on_main_thread(function: Callable[[], None]) -> None:
    """Runs a function in the main thread: since macOS 26 anything else is a crash."""
    from PyObjCTools import AppHelper

    AppHelper.callAfter(function)


def on_terminate(function: Callable[[], None]) -> None:
    """Calls a function on SIGTERM, which Python's own handlers do not see while the application loop runs."""
    from PyObjCTools import MachSignals

    MachSignals.signal(signal.SIGTERM, lambda _number: function())
