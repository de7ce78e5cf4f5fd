r"""Where the files of one user live on each operating system.

Windows departs from the custom of AppData on purpose: Claude Desktop is an MSIX package there, and every process
that it starts sees a private and soon stale copy of AppData. The root of the profile is not redirected.
"""

from collections.abc import Mapping
from pathlib import Path

_FOLDER = "federator"


def default_path(platform: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The user's `archives.toml`; `platform` as in `sys.platform`."""
    return _config_folder(platform, home, environment) / "archives.toml"


def state_path(platform: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The folder of the log, of `health.json` and of the dated backups."""
    if platform == "win32":
        return _windows_folder(home) / "state"
    if platform == "darwin":
        return home / "Library" / "Logs" / _FOLDER
    return _xdg(environment, "XDG_STATE_HOME", home / ".local" / "state") / _FOLDER


def runtime_path(platform: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The folder of what lives only as long as a process: locks and `instance.json`."""
    if platform in {"win32", "darwin"}:
        return _config_folder(platform, home, environment) / "run"
    fallback = state_path(platform, home, environment) / "run"
    value = environment.get("XDG_RUNTIME_DIR", "")
    return Path(value) / _FOLDER if Path(value).is_absolute() else fallback


def _config_folder(platform: str, home: Path, environment: Mapping[str, str]) -> Path:
    if platform == "win32":
        return _windows_folder(home)
    if platform == "darwin":
        return home / "Library" / "Application Support" / _FOLDER
    return _xdg(environment, "XDG_CONFIG_HOME", home / ".config") / _FOLDER


def _windows_folder(home: Path) -> Path:
    return home / f".{_FOLDER}"


def _xdg(environment: Mapping[str, str], variable: str, otherwise: Path) -> Path:
    # The XDG Base Directory Specification: a path that is not absolute is to be ignored.
    value = Path(environment.get(variable, ""))
    return value if value.is_absolute() else otherwise
