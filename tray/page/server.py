"""The settings page: a small web server for this user's browser only, started on click and gone when idle.

A link carries a nonce in its fragment: `http://127.0.0.1:PORT/#NONCE`. The script of the page takes the fragment out
of the address bar first of all, trades it with `POST /api/session {"nonce"}` for a token, keeps that in
`sessionStorage` and sends it as the header `X-Session` with every other call. Every call is a POST of JSON to `/api/…`
with `Content-Type: application/json`, and answers JSON.

    session          {nonce}                     {token}
    ping             {}                          {etag, signature}: every 15 s; `state` is worth asking when one changed
    state            {}                          the state, see below
    close            {}                          {}: the person is done
    archives/save    {name?, new_name?, etag, title, url | folder, auth, user, secret?, …}
                                                 {name} and the state; without `name` it is a new archive. Keys of an
                                                 archive as in archives.toml. An empty field takes the key out, a key
                                                 that is not sent stays. `secret` is typed text, an empty one leaves
                                                 the secret as it is; `keep` is "store" or "file"; `secret_reference`
                                                 is "env:VARIABLE" or "file:/path" instead
    archives/remove  {name, etag, forget_secret} the state
    archives/order   {names, etag}               the state
    archives/enable  {name, on, etag}            the state
    archives/restore {}                          the state, with the copy of the file in its place
    archives/test    {name}                      application/x-ndjson: {"step": {number, name, ok, message, advice,
                                                 details}} as each is done, at last {"archive": card}
    clients/plan     {client, remove?, file?}    {diff, hints, etag, changes, running}: shown before anything is
                                                 written
    clients/apply    {client, remove?, file?, etag, even_if_running?}   {message} and the state
    clients/undo     {client}                    {message} and the state

The state is {version, tray_note, store: ok|locked|missing|plain-text, file: {path, etag, can_edit, copy_time, faults:
[{message, key, line}]}, archives: [card], clients: [{id, title, state, message, files, choices, managed, can_undo,
last_used}]}. A card has every key of the archive, `has_secret`, `secret_kept` (store, file, variable), `shape` and
`text` (as the icon shows them), `tested_at`, `answered_at` (times in ISO 8601) and `steps` of the last test.

What was refused comes with a status and {error} in words for the person: 400 {field}, 401 never had a session, 409
{conflict} the file changed: ask for `state` and let the person repeat the change, 410 {over} the session is over:
show the words, drop the token and call no more, 422 {faults: [{field, message}]} or {field, store}. After the first
call that gets no answer at all the page drops its token: whoever has the port by then may be somebody else.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tray.page import peer
from tray.page.api import PageApi
from tray.page.connection import connection_of
from tray.page.guard import Guard
from tray.page.session import Over, Session
from tray.page.state import PageParts

STATIC = Path(__file__).parent / "static"
_SCRIPTS = (
    "app",
    "archive_card",
    "archive_fields",
    "archive_form",
    "archive_removal",
    "archives",
    "assistant_plan",
    "assistants",
    "dom",
    "fields",
    "session",
    "texts",
)
PAGES = {
    "/": ("index.html", "text/html"),
    "/app.css": ("app.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in _SCRIPTS},
}
_NOT_OPENED_S = 20.0
_WATCH_S = 0.5
_JOIN_S = 10.0


class SettingsPage:
    """The page of one user. `on_problem` is told in words what the person should know without the page.

    `clock` gives seconds that only ever grow. `is_this_user` says whose connection it is, from our port and its port.
    """

    def __init__(
        self,
        parts: PageParts,
        *,
        on_problem: Callable[[str], None],
        static: Path = STATIC,
        clock: Callable[[], float] = time.monotonic,
        is_this_user: Callable[[int, int], bool] = peer.is_this_user,
    ) -> None:
        self._parts = parts
        self._on_problem = on_problem
        self._static = static
        self._clock = clock
        self._is_this_user = is_this_user
        self._lock = threading.Lock()
        self._serving: _Serving | None = None

    def open_link(self) -> str:
        """A link that opens the page once, within a minute. The newest link takes the session over."""
        with self._lock:
            if self._serving is None or self._serving.session.over is not None:
                # One whose session is over may still wait to tell its page so: it ends by itself.
                self._serving = _Serving(
                    self._parts, self._on_problem, self._static, Session(self._clock), self._is_this_user, self._clock
                )
            return self._serving.link()

    def stop(self) -> None:
        """Closes the page, if it is open."""
        with self._lock:
            serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    def wait(self) -> None:
        """Returns when the page that was opened last is gone."""
        serving = self._serving
        if serving is not None:
            serving.wait()


class _Serving:
    """One server with one session, on a port that nobody else gets while a page could still talk to it."""

    def __init__(
        self,
        parts: PageParts,
        on_problem: Callable[[str], None],
        static: Path,
        session: Session,
        is_this_user: Callable[[int, int], bool],
        clock: Callable[[], float],
    ) -> None:
        self.session = session
        self._on_problem = on_problem
        self._clock = clock
        self._socket = _bound()
        self.port = int(self._socket.getsockname()[1])
        self._linked_at: float | None = None
        api = PageApi(parts, session)
        pages = [Route(path, _page(static / name, kind)) for path, (name, kind) in PAGES.items()]
        guard = Guard(
            Starlette(routes=[*pages, *api.routes()]),
            port=self.port,
            pages=PAGES,
            session=session,
            is_this_user=is_this_user,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                guard,
                http=connection_of(is_this_user),
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=32,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="settings page", daemon=True
        )
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="settings page watch", daemon=True)
        self._thread.start()
        self._watcher.start()

    def link(self) -> str:
        """A link that works once."""
        nonce = self.session.new_nonce()
        self._linked_at = self._clock()
        return f"http://127.0.0.1:{self.port}/#{nonce}"

    def stop(self) -> None:
        """End the session and give the port back."""
        self.session.close()
        self._over.set()
        self.wait()

    def wait(self) -> None:
        """Returns when the server is gone."""
        self._watcher.join()

    def _watch(self) -> None:
        """Ends the server when the session is over and no page can be left that still talks to it."""
        told = False
        while not self._over.wait(_WATCH_S):
            over = self.session.expire()
            if not told and over in {Over.REPLAYED, Over.UNUSED}:
                told = True
                self._on_problem(over.value)
            self._tell_if_not_opened()
            if self.session.may_let_go:
                break
        self._server.should_exit = True
        self._thread.join(_JOIN_S)
        self._socket.close()

    def _tell_if_not_opened(self) -> None:
        waited = self._linked_at is not None and self._clock() - self._linked_at > _NOT_OPENED_S
        if waited and not self.session.is_open and self.session.over is None:
            self._linked_at = None
            self._on_problem(
                "The settings page did not open. In a terminal, type: federator-tray archive list. "
                "Or open archives.toml in a text editor."
            )


def _bound() -> socket.socket:
    """A listening socket on 127.0.0.1 only: `localhost` may mean IPv6 or what a hosts file says."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":
        # Without it another program could bind the same port there.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(32)
    return listener


def _page(path: Path, kind: str) -> Callable[[object], Response]:
    def serve(_request: object) -> Response:
        return FileResponse(path, media_type=kind)

    return serve
