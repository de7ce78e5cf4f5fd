"""`health.json`: when which client last used the server and how each archive answered, without patient data.

The tray reads it to say "last used by Claude Desktop 10 minutes ago", the only real proof that a connection works.

    {"schema_version": 1,
     "clients": {"claude-ai": {"time": "2026-01-31T09:41:07Z"}},
     "archives": {"mercy": {"time": "2026-01-31T09:41:07Z", "outcome": "answered", "ok": true}}}
"""

import datetime as dt
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from federator.model import Outcome

_SCHEMA_VERSION = 1
_MAX_CLIENTS = 20
_MAX_CLIENT_NAME = 64
_MAX_BYTES = 1_000_000


class HealthFile:
    """The file at `path`; several servers may share it, and it is never needed to answer a question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archives: dict[str, dict[str, Any]] = {}
        self._clients: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Remember what became of asking the archives until the next `save`."""
        now = _now()
        with self._lock:
            for outcome in outcomes:
                self._archives[outcome.archive] = {"time": now, "outcome": outcome.state.value, "ok": outcome.complete}

    def used_by(self, client: str) -> None:
        """Remember until the next `save` that a client, by the name that it gave itself, called a tool just now."""
        name = client[:_MAX_CLIENT_NAME]
        with self._lock:
            # The one used last stands last: those that stand first are forgotten first.
            self._clients.pop(name, None)
            self._clients[name] = {"time": _now()}

    def save(self) -> None:
        """Put the news into the file, whole or not at all; a file that cannot be written is left alone."""
        with self._writing:
            # The event loop takes the other lock, which must not be held while a disk is waited for.
            with self._lock:
                clients, self._clients = self._clients, {}
                archives, self._archives = self._archives, {}
            with suppress(OSError, RecursionError):
                self._replace(_merged(self._read(), clients=clients, archives=archives))

    def _read(self) -> Mapping[str, Any]:
        try:
            with self._path.open("rb") as file:
                content = json.loads(file.read(_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) and content.get("schema_version") == _SCHEMA_VERSION else {}

    def _replace(self, content: Mapping[str, Any]) -> None:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            # One that another program made, or an earlier version: what lies there is this user's alone.
            folder.chmod(0o700)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".health-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                # Escaped, because a damaged file may hold halves of characters, which no file can be written with.
                json.dump(content, file, indent=1)
            Path(name).replace(self._path)
        finally:
            Path(name).unlink(missing_ok=True)


def _merged(known: Mapping[str, Any], *, clients: Mapping[str, Any], archives: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: used for name, used in _mapping(known.get("clients")).items() if name not in clients}
    return {
        "schema_version": _SCHEMA_VERSION,
        "clients": dict(list({**others, **clients}.items())[-_MAX_CLIENTS:]),
        "archives": {**_mapping(known.get("archives")), **archives},
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
