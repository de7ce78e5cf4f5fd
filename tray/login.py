"""Whether the tray starts when its user signs in: per user, and off until asked."""

import plistlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tray.clients.files import write_private
from tray.clients.windows_registry import read_run_value, write_run_value

_NAME = "federator-tray"


class LoginError(Exception):
    """The login item cannot be written or taken away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginItem:
    """What makes the tray start at login: a file with its content, or on Windows (`path` None) a registry value."""

    path: Path | None
    content: bytes


def login_item(platform: str, home: Path, environment: Mapping[str, str], command: Sequence[str]) -> LoginItem:
    """The login item of a platform, as data."""
    if platform == "win32":
        return LoginItem(path=None, content=subprocess.list2cmdline(command).encode())
    if platform == "darwin":
        label = f"org.{_NAME}"
        content = {"Label": label, "ProgramArguments": list(command), "RunAtLoad": True, "ProcessType": "Interactive"}
        return LoginItem(path=home / "Library" / "LaunchAgents" / f"{label}.plist", content=plistlib.dumps(content))
    path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "autostart" / f"{_NAME}.desktop"
    lines = (
        "[Desktop Entry]",
        "Type=Application",
        "Name=Archive settings",
        "Comment=Archive settings of federator",
        f"Exec={' '.join(_desktop_quoted(part) for part in command)}",
        "Terminal=false",
        "X-GNOME-Autostart-enabled=true",
    )
    return LoginItem(path=path, content=("\n".join(lines) + "\n").encode())


def is_set(item: LoginItem) -> bool:
    """Whether the tray starts at login now, with this very command."""
    if item.path is None:
        return read_run_value(_NAME) == item.content.decode()
    try:
        return item.path.read_bytes() == item.content
    except OSError:
        return False


def switch(item: LoginItem, *, on: bool) -> None:
    """Makes the tray start at login, or not any more."""
    try:
        if item.path is None:
            write_run_value(_NAME, item.content.decode() if on else None)
        elif on:
            write_private(item.path, item.content)
        else:
            item.path.unlink(missing_ok=True)
    except OSError as error:
        raise LoginError(f"Start at login cannot be changed ({error.strerror}).") from error


def _desktop_quoted(part: str) -> str:
    """Quoted as the Desktop Entry Specification wants it: four characters escaped, the string escaped once more."""
    for character in ("\\", '"', "`", "$"):
        part = part.replace(character, "\\" + character)
    return '"' + part.replace("\\", "\\\\").replace("%", "%%") + '"'
