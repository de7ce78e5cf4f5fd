"""One tray per user: a second start asks the first to open the settings page, and ends."""

import contextlib
import hmac
import json
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from federator.private import make_own_folder
from tray.clients.files import write_private

_MESSAGE_BYTES = 256
_DEADLINE_S = 5.0


class Instance:
    """The lock of this user's tray, and the door at which a second start knocks.

    `folder` is the folder of what lives only as long as a process. The kernel frees the lock when the process dies.
    """

    def __init__(self, folder: Path, *, on_knock: Callable[[], None]) -> None:
        make_own_folder(folder)
        self._lock = FileLock(folder / "tray.lock", timeout=0, mode=0o600)
        self._address = folder / "instance.json"
        self._on_knock = on_knock
        self._token = secrets.token_urlsafe(32)
        self._listener: socket.socket | None = None

    def claim(self) -> bool:
        """Whether this process is the one tray; if so, it answers knocks from now on."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        self._listener = listener
        address = {"port": listener.getsockname()[1], "token": self._token}
        write_private(self._address, json.dumps(address).encode())
        threading.Thread(target=self._answer, args=(listener,), name="second starts", daemon=True).start()
        return True

    def knock(self) -> bool:
        """Asks the tray that runs already to open its page; False where it does not answer."""
        try:
            address = json.loads(self._address.read_bytes())
            with socket.create_connection(("127.0.0.1", int(address["port"])), timeout=_DEADLINE_S) as line:
                line.sendall(f"{address['token']}\n".encode())
                return line.recv(_MESSAGE_BYTES) == b"ok\n"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return False

    def release(self) -> None:
        """Gives the lock back and closes the door."""
        if self._listener is not None:
            # A blocked accept() is not woken by close() on Linux.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self._address.unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _answer(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return  # closed: this tray ends
            with line:
                line.settimeout(_DEADLINE_S)
                if self._is_ours(line):
                    self._on_knock()

    def _is_ours(self, line: socket.socket) -> bool:
        """Whether the caller knows the token, which only this user can read."""
        try:
            told = line.recv(_MESSAGE_BYTES).strip()
            if not hmac.compare_digest(told, self._token.encode()):
                return False
            line.sendall(b"ok\n")
        except OSError:
            return False
        return True
