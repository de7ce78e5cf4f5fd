"""`health.json`: when which client last used the server and how each archive answered, without patient data.

The tray reads it to say "last used by Claude Desktop 10 minutes ago", the only real proof that a connection works.

    {"schema_version": 1,
     "clients": {"claude-ai": {"time": "2026-01-31T09:41:07Z"}},
     "archives": {"mercy": {"time": "2026-01-31T09:41:07Z", "outcome": "answered", "ok": true}}}
"""

import datetime as dt
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from federator.model import Outcome
from federator.state_file import StateFile

_SCHEMA_VERSION = 1
_MAX_CLIENTS = 20
_MAX_CLIENT_NAME = 64


class HealthFile:
    """The file at `path`; several servers may share it, and it is never needed to answer a question."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, version=_SCHEMA_VERSION)
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
        """Put the news into the file, whole or not at all; where that fails, they wait for the next time."""
        with self._writing:
            # The event loop takes the other lock, which must not be held while a disk is waited for.
            with self._lock:
                clients, self._clients = self._clients, {}
                archives, self._archives = self._archives, {}
            try:
                self._file.replace(_merged(self._file.read(), clients=clients, archives=archives))
            except OSError:
                with self._lock:
                    self._clients = _newest({**_without(clients, self._clients), **self._clients})
                    self._archives = {**archives, **self._archives}


def _merged(known: Mapping[str, Any], *, clients: Mapping[str, Any], archives: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "clients": _newest({**_without(_notes(known.get("clients")), clients), **clients}),
        "archives": {**_notes(known.get("archives")), **archives},
    }


def _without(clients: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: used for name, used in clients.items() if name not in others}


def _newest(clients: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(clients.items())[-_MAX_CLIENTS:])


def _notes(value: object) -> dict[str, Any]:
    """What a file tells of each client or archive, without what no version of federator has written there."""
    notes = value.items() if isinstance(value, dict) else ()
    plain = {
        name: {key: told for key, told in note.items() if isinstance(told, str | bool)}
        for name, note in notes
        if isinstance(note, dict)
    }
    return {name: note for name, note in plain.items() if "time" in note}


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
