"""A connection to the settings page: closed at once where it is another user's, and soon where nothing comes of it.

Whose it is can be told when it is accepted. Told later, connections of others that say nothing would use up the
places of the page before anyone asked (CWE-400).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_REQUEST_S = 20.0
_REFUSED_S = 1.0
_MOST_REFUSED = 32
_TOLD = b"This page belongs to another user of this computer."
_NOT_YOURS = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(_TOLD)).encode() + b"\r\n\r\n" + _TOLD
)


class PageConnection(H11Protocol):
    """uvicorn's connection behind two questions: whose it is, and whether its first request comes in time."""

    is_mine: Callable[[int, int], bool]
    refused_now = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed through to uvicorn
        super().__init__(*arguments, **named)
        self._is_foreign = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take this user's connections only."""
        own, other = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if not own or not other or not type(self).is_mine(own[1], other[1]):
            self._is_foreign = True
            self._refuse(transport)
            return
        super().connection_made(transport)
        self._timer = self.loop.call_later(_REQUEST_S, self._too_late)

    def _refuse(self, transport: asyncio.Transport) -> None:
        """Say whose page it is, and give the other side a moment to read that, unless there are many such."""
        cls = type(self)
        if cls.refused_now >= _MOST_REFUSED:
            transport.abort()
            return
        cls.refused_now += 1
        transport.write(_NOT_YOURS)
        transport.write_eof()
        self._timer = self.loop.call_later(_REFUSED_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        if not self._is_foreign:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place free."""
        if self._timer is not None:
            self._timer.cancel()
            type(self).refused_now -= self._is_foreign
        if not self._is_foreign:
            super().connection_lost(exc)

    def _too_late(self) -> None:
        if getattr(self, "cycle", None) is None:
            self.transport.abort()


def connection_of(is_mine: Callable[[int, int], bool]) -> type[PageConnection]:
    """Connections that are taken where `is_mine` says so, from our port and the other side's."""
    return type("OwnPageConnection", (PageConnection,), {"is_mine": staticmethod(is_mine)})
