"""One real HTTP server on loopback for any number of simulated archives, each below a path of its own."""

import itertools
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import uvicorn

App = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Loopback:
    """Serves ASGI applications from a thread of its own, so that clients meet real sockets."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._names = itertools.count(1)
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio does so only for sockets that name their protocol; without it every answer waits 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            self._dispatch,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def origin(self) -> str:
        """http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @contextmanager
    def serve(self, *apps: App) -> Iterator[list[str]]:
        """Serve the applications while the context lasts; gives their base URLs."""
        paths = [f"/{next(self._names)}/dicom-web" for _ in apps]
        self._apps.update(zip(paths, apps, strict=True))
        try:
            yield [self.origin + path for path in paths]
        finally:
            for path in paths:
                del self._apps[path]

    async def _dispatch(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        number = scope["path"].split("/")[1]
        app = self._apps.get(f"/{number}/dicom-web")
        if app is None:
            await send({"type": "http.response.start", "status": 410, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await app({**scope, "root_path": f"/{number}/dicom-web"}, receive, send)
