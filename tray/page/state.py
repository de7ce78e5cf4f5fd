"""What the settings page shows, as plain data; no secret is ever in it, only whether there is one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from federator import __version__
from federator.archive.secrets import vault
from federator.config import Archive, ConfigError, SecretStore
from tray.archives import health
from tray.archives.board import Board
from tray.archives.entries import Archives
from tray.clients.connect import Clients, ClientStatus
from tray.icon.menu import ArchiveLine

_KEPT = {SecretStore.KEYRING: "store", SecretStore.FILE: "file", SecretStore.ENVIRONMENT: "variable"}
# How the assistants call themselves to the server, small letters and digits only. The first that fits counts:
# programs made from Visual Studio Code carry its name as well.
_CALLS_ITSELF = (
    ("claude-code", ("claudecode",)),
    ("claude-desktop", ("claudeai", "claudedesktop", "localagentmode")),
    ("cursor", ("cursor",)),
    ("windsurf", ("windsurf", "codeium")),
    ("vscode", ("visualstudiocode", "vscode")),
    ("lmstudio", ("lmstudio",)),
    ("codex", ("codex",)),
    ("gemini", ("gemini",)),
    ("zed", ("zed",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """What the page works on: the archives, their last tests, the assistants, and where the server notes its use.

    `tray_note` says once why there is no tray icon; it is empty where there is one.
    """

    archives: Archives
    board: Board
    clients: Clients
    health_path: Path
    tray_note: str = ""


def state(parts: PageParts) -> dict[str, object]:
    """Everything that the page shows."""
    shown = parts.archives.read()
    lines = _lines(parts)
    noted = health.read(parts.health_path)
    return {
        "version": __version__,
        "tray_note": parts.tray_note,
        "store": vault.store_state().value,
        "file": {
            "path": str(shown.path),
            "etag": shown.etag,
            "can_edit": shown.can_edit,
            "copy_time": _time(shown.copy_time),
            "faults": [asdict(fault) for fault in shown.faults],
        },
        "archives": [_card(parts, archive, lines, noted) for archive in shown.archives],
        "clients": [_client(status, noted.clients) for status in parts.clients.states()],
    }


def card(parts: PageParts, name: str) -> dict[str, object]:
    """One archive as `state` has it; empty where there is none of this name any more."""
    found = next((archive for archive in parts.archives.read().archives if archive.name == name), None)
    return {} if found is None else _card(parts, found, _lines(parts), health.read(parts.health_path))


def signature(parts: PageParts) -> str:
    """What changes when something that the page shows changed by another hand."""
    noted = health.read(parts.health_path)
    held = (parts.clients.signature(), sorted(noted.clients.items()), list(_lines(parts).items()))
    return sha256(repr(held).encode()).hexdigest()


def client_of(name: str) -> str:
    """The identifier of the assistant that calls itself `name`; empty for one that is not known."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((client for client, marks in _CALLS_ITSELF if any(mark in plain for mark in marks)), "")


def _lines(parts: PageParts) -> dict[str, ArchiveLine]:
    try:
        return {line.name: line for line in parts.board.lines()}
    except ConfigError:
        # The faults are shown in place of the archives.
        return {}


def _card(
    parts: PageParts, archive: Archive, lines: Mapping[str, ArchiveLine], noted: health.Health
) -> dict[str, object]:
    line = lines.get(archive.name)
    result = parts.board.result(archive.name)
    current = result if result is not None and result.archive == archive else None
    answered = noted.archives.get(archive.name)
    reference = archive.secret
    return {
        "name": archive.name,
        "title": archive.title,
        "url": archive.url,
        "folder": _path(archive.folder),
        "auth": archive.auth.value,
        "user": archive.user,
        "header": archive.header,
        "token_url": archive.token_url,
        "client_id": archive.client_id,
        "scope": archive.scope,
        "ca_file": _path(archive.ca_file),
        "client_cert": _path(archive.client_cert),
        "client_key": _path(archive.client_key),
        "deadline_s": archive.deadline_s,
        "max_connections": archive.max_connections,
        "max_bytes": archive.max_bytes,
        "max_rows": archive.max_rows,
        "patient_id_issuer": archive.patient_id_issuer,
        "viewer_url": archive.viewer_url,
        "enabled": archive.enabled,
        "has_secret": reference is not None,
        "secret_kept": _KEPT[reference.store] if reference is not None else "",
        "shape": line.shape.value if line is not None else "off",
        "text": line.text if line is not None else "not asked for now",
        "tested_at": _time(current.at if current is not None else None),
        "answered_at": _time(answered.at if answered is not None else None),
        "steps": [asdict(step) for step in current.steps] if current is not None else [],
    }


def _client(status: ClientStatus, used: Mapping[str, datetime]) -> dict[str, object]:
    identifier = status.client.identifier
    times = [time for name, time in used.items() if client_of(name) == identifier]
    return {
        "id": identifier,
        "title": status.client.title,
        "state": status.state.value,
        "message": status.message,
        "files": [str(path) for path in status.files],
        "choices": [str(path) for path in status.choices],
        "managed": status.managed,
        "can_undo": status.can_undo,
        "last_used": _time(max(times, default=None)),
    }


def _path(path: Path | None) -> str:
    return str(path) if path is not None else ""


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment is not None else ""
