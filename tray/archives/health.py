"""What the server noted in `health.json`: which assistant used it last, and how each archive answered it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_SCHEMA_VERSION = 1
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How an archive answered the server, and when."""

    at: datetime
    ok: bool
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The last use by each client (as it names itself to the server), and the last answer of each archive."""

    clients: Mapping[str, datetime] = field(default_factory=dict)
    archives: Mapping[str, Answered] = field(default_factory=dict)


def read(path: Path) -> Health:
    """The health file; empty where there is none, or none that this version understands."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return Health()
    if not isinstance(content, dict) or content.get("schema_version") != _SCHEMA_VERSION:
        return Health()
    clients = {name: moment for name, note in _notes(content, "clients") if (moment := _moment(note))}
    archives = {
        name: Answered(at=moment, ok=note.get("ok") is True, outcome=str(note.get("outcome", "")))
        for name, note in _notes(content, "archives")
        if (moment := _moment(note))
    }
    return Health(clients=clients, archives=archives)


def _notes(content: Mapping[str, object], key: str) -> list[tuple[str, Mapping[str, object]]]:
    held = content.get(key)
    return (
        [(str(name), note) for name, note in held.items() if isinstance(note, dict)] if isinstance(held, dict) else []
    )


def _moment(note: Mapping[str, object]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(note.get("time", "")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
