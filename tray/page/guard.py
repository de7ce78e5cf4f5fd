"""What stands before the settings page: every request is checked here before anything else sees it.

Any web page in the same browser can send requests to the port, and any program of any user can connect to it. So
there is no cookie that could be sent unasked, and nothing is answered that did not come from the page itself.
"""

import json
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tray.page import peer
from tray.page.session import Session, SessionError

MAX_BODY_BYTES = 65_536
NO_SESSION_PATHS = frozenset({"/api/session"})
PING_PATH = "/api/ping"

_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
)
_HEADERS = (
    (b"content-security-policy", _CONTENT_SECURITY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
)


@dataclass(frozen=True, slots=True)
class _RefusedError(Exception):
    status: int
    message: str
    over: bool = False


class Guard:
    """The page behind its checks. `pages` are the paths that can be looked at; all others are the page's own calls."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        pages: Iterable[str],
        session: Session,
        is_this_user: Callable[[int, int], bool] = peer.is_this_user,
    ) -> None:
        self._app = app
        self._port = port
        self._host = f"127.0.0.1:{port}"
        self._pages = frozenset(pages)
        self._session = session
        self._is_this_user = is_this_user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, passed on with its body in memory, or refused."""
        if scope["type"] != "http":
            raise RuntimeError("the page is served over HTTP only")

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            body = await self._checked(scope, receive)
        except _RefusedError as refused:
            await _say(refused, sealed)
        else:
            await self._app(scope, _replayed(body, receive), sealed)

    async def _checked(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that may pass."""
        headers = _joined(scope)
        if headers.get("host") != self._host:
            raise _RefusedError(421, "This page has another address.")
        path, method = scope["path"], scope["method"]
        if not path.startswith("/api/"):
            self._check_page(path, method, headers)
        else:
            self._check_call(method, headers)
        if not self._is_this_user(self._port, (scope.get("client") or ("", 0))[1]):
            raise _RefusedError(403, "This page belongs to another user of this computer.")
        if not path.startswith("/api/"):
            return b""
        if path not in NO_SESSION_PATHS:
            self._check_session(headers, acts=path != PING_PATH)
        return await _read(headers, receive)

    def _check_page(self, path: str, method: str, headers: MutableMapping[str, str]) -> None:
        if path not in self._pages:
            raise _RefusedError(404, "There is nothing here.")
        if method not in {"GET", "HEAD"}:
            raise _RefusedError(405, "This can only be looked at.")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise _RefusedError(403, "Open this page from the tray icon.")

    def _check_call(self, method: str, headers: MutableMapping[str, str]) -> None:
        if method != "POST":
            raise _RefusedError(405, "This takes POST only.")
        if headers.get("origin") != f"http://{self._host}":
            raise _RefusedError(403, "Only the settings page itself may ask this.")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise _RefusedError(403, "Only the settings page itself may ask this.")
        if headers.get("content-type") != "application/json":
            raise _RefusedError(415, "This takes JSON only.")

    def _check_session(self, headers: MutableMapping[str, str], *, acts: bool) -> None:
        try:
            self._session.admit(headers.get("x-session", ""), acts=acts)
        except SessionError as error:
            if error.over is None:
                raise _RefusedError(401, str(error)) from error
            raise _RefusedError(410, str(error), over=True) from error


def _joined(scope: Scope) -> MutableMapping[str, str]:
    """The headers; doubled ones are joined, so that they equal nothing that is asked for."""
    joined: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        joined[key] = f"{joined[key]}, {value.decode('latin-1')}" if key in joined else value.decode("latin-1")
    return joined


async def _read(headers: MutableMapping[str, str], receive: Receive) -> bytes:
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        raise _RefusedError(411, "The length is missing.")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise _RefusedError(413, "This is too long.")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "The request broke off.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _RefusedError(413, "This is too long.")
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _say(refused: _RefusedError, send: Send) -> None:
    body = json.dumps({"error": refused.message, "over": refused.over}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
