"""Limits of the HTTP service: how many connections, how long each part of a request may take, and how large it may be.

Whoever can reach the port can open connections and send nothing, until no file is left for others (CWE-400, CWE-772).
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take: connections in all, seconds for a header and for a body, bytes of a body."""

    connections: int = 256
    header_s: float = 20.0
    body_s: float = 20.0
    body_bytes: int = 4_000_000


_MOST_VALUES = 50_000
"""Brackets, braces and commas of a body: the SDK builds every value, on the event loop, before it looks at any of them.

Four megabytes of empty lists took it seconds and a gigabyte. A question has a few dozen.
"""


class _TooMuchError(Exception):
    """The body is larger than it may be, or holds more values."""


class BoundedBody:
    """An ASGI application that gets a body only where it is not too large; it is read before the request goes on."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(receive)
        except _TooMuchError:
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, send)
        else:
            if body is not None:
                await self._app(scope, _replayed(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None where the client has gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise _TooMuchError
            if not message.get("more_body", False):
                if sum(map(body.count, (b"[", b"{", b","))) > _MOST_VALUES:
                    raise _TooMuchError
                return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(status: HTTPStatus, send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class BoundedConnection(H11Protocol):
    """A connection of uvicorn, closed where there are too many or where a request does not come to its end."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed through to uvicorn
        super().__init__(*arguments, **named)
        self._refused = False
        self._waits_for = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are too many."""
        if len(self.connections) >= self.limits.connections:
            # Others are let in again as soon as one of these has ended or run out of time.
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; a header that comes letter by letter gets no more time."""
        if not self._refused:
            super().data_received(data)
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request, as long as for the first."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place free."""
        self._stop()
        if not self._refused:
            super().connection_lost(exc)

    def _wait(self) -> None:
        """Start the time anew where another part of a request is waited for than before."""
        part = self._part()
        if part == self._waits_for:
            return
        self._stop()
        self._waits_for = part
        seconds = {"header": self.limits.header_s, "body": self.limits.body_s}.get(part)
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._too_late)

    def _part(self) -> str:
        if self.cycle is None or self.cycle.response_complete:
            return "header"
        return "body" if self.cycle.more_body else "answer"

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self.transport.abort()


def protocol_within(limits: Limits) -> type[BoundedConnection]:
    """Connections with these limits."""
    return type("Bounded", (BoundedConnection,), {"limits": limits})
