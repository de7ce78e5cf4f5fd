"""The assistants that can be connected, as data: where their settings lie and how an entry is written there.

Pure: nothing is looked up. `home` and the environment are given, so that all three platforms can be read anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SERVER_NAME = "federator"


class FileFormat(StrEnum):
    """How a client's settings are written."""

    JSON = "json"
    JSON_COMMENTS = "json with comments, without trailing commas"
    JSONC = "jsonc"
    TOML = "toml"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """Where settings lie; `pattern` is a glob below `root`, and a plain path where it holds no star.

    `every_folder` names a file that belongs into each folder the pattern finds, made where it is missing.
    """

    root: Path
    pattern: str
    every_folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One assistant.

    `alternatives` are tried in order: the first that finds a file is the place, and several finds of one alternative
    are for the person to choose from; found nowhere, the first plain path below a folder that exists is taken.
    `additional` are written as well as the main one. `signs` show by existing that the client is installed.
    `processes` are the names under which it runs, `policies` the files and `policy_keys` the Windows registry keys by
    which an IT department manages it. `programs` are tried for a client that is set up through its own command.
    """

    identifier: str
    title: str
    file_format: FileFormat
    key: str
    alternatives: tuple[SettingsFile, ...]
    signs: tuple[Path, ...]
    additional: tuple[SettingsFile, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    processes: tuple[str, ...] = ()
    policies: tuple[Path, ...] = ()
    policy_keys: tuple[str, ...] = ()
    programs: tuple[Path, ...] = ()
    after: str = "Start a new session to use it."

    @property
    def path(self) -> tuple[str, str]:
        """The names under which our entry stands in the settings."""
        return (self.key, SERVER_NAME)

    def entry(self, command: tuple[str, ...]) -> dict[str, object]:
        """What is written under our name for a command and its arguments."""
        return {**dict(self.extra), "command": command[0], "args": list(command[1:])}


def registry(platform: str, environment: Mapping[str, str], home: Path) -> tuple[Client, ...]:
    """All assistants for a platform ("win32", "darwin" or anything else for Linux)."""
    places = _Places(platform, environment, home)
    return (
        _claude_desktop(places),
        _claude_code(places),
        _cursor(places),
        _vscode(places),
        _windsurf(places),
        _lmstudio(places),
        _codex(places),
        _gemini(places),
        _zed(places),
    )


class _Places:
    """The folders of a platform."""

    def __init__(self, platform: str, environment: Mapping[str, str], home: Path) -> None:
        self.windows = platform == "win32"
        self.mac = platform == "darwin"
        self.home = home
        self.environment = environment
        self.roaming = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
        self.local = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
        self.programs = Path(environment.get("PROGRAMFILES") or "C:/Program Files")
        self.xdg = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        self.support = home / "Library" / "Application Support"

    def pick(self, *, windows: Path, mac: Path, linux: Path) -> Path:
        return windows if self.windows else mac if self.mac else linux

    def from_environment(self, variable: str, usual: Path) -> Path:
        return Path(self.environment.get(variable) or usual)


def _claude_desktop(places: _Places) -> Client:
    name = "claude_desktop_config.json"
    folder = places.pick(windows=places.roaming / "Claude", mac=places.support / "Claude", linux=places.xdg / "Claude")
    plain = SettingsFile(root=folder, pattern=name)
    # The Windows installer is an MSIX package since 2026: what the program calls AppData lies in its package.
    package = SettingsFile(root=places.local / "Packages", pattern=f"Claude_*/LocalCache/Roaming/Claude/{name}")
    return Client(
        identifier="claude-desktop",
        title="Claude Desktop",
        file_format=FileFormat.JSON,
        key="mcpServers",
        alternatives=(package, plain) if places.windows else (plain,),
        signs=(folder, Path("/Applications/Claude.app")) if places.mac else (folder,),
        processes=("Claude.exe",) if places.windows else ("Claude",) if places.mac else ("claude-desktop",),
        policies=(Path("/Library/Managed Preferences/com.anthropic.claudefordesktop.plist"),) if places.mac else (),
        policy_keys=(r"SOFTWARE\Policies\Claude",) if places.windows else (),
        after="Quit Claude completely, then start it again.",
    )


def _claude_code(places: _Places) -> Client:
    folder = places.from_environment("CLAUDE_CONFIG_DIR", places.home)
    managed = places.pick(
        windows=places.programs / "ClaudeCode",
        mac=Path("/Library/Application Support/ClaudeCode"),
        linux=Path("/etc/claude-code"),
    )
    program = "claude.exe" if places.windows else "claude"
    return Client(
        identifier="claude-code",
        title="Claude Code",
        file_format=FileFormat.COMMAND,
        key="mcpServers",
        # Read only, to know the state: Claude Code writes this file all the time, so entries go through its command.
        alternatives=(SettingsFile(root=folder, pattern=".claude.json"),),
        signs=(),
        policies=(managed / "managed-mcp.json",),
        programs=(
            places.home / ".local" / "bin" / program,
            places.home / ".claude" / "local" / program,
            Path("/opt/homebrew/bin") / program,
            Path("/usr/local/bin") / program,
            Path("/usr/bin") / program,
        ),
    )


def _cursor(places: _Places) -> Client:
    folder = places.home / ".cursor"
    return Client(
        identifier="cursor",
        title="Cursor",
        file_format=FileFormat.JSONC,
        key="mcpServers",
        alternatives=(SettingsFile(root=folder, pattern="mcp.json"),),
        signs=(folder,),
        after="Open Cursor's settings, Tools & MCP, and switch federator on.",
    )


def _vscode(places: _Places) -> Client:
    folder = (
        places.pick(windows=places.roaming / "Code", mac=places.support / "Code", linux=places.xdg / "Code") / "User"
    )
    return Client(
        identifier="vscode",
        title="VS Code",
        file_format=FileFormat.JSONC,
        key="servers",
        alternatives=(SettingsFile(root=folder, pattern="mcp.json"),),
        additional=(SettingsFile(root=folder / "profiles", pattern="*", every_folder="mcp.json"),),
        signs=(folder,),
        extra=(("type", "stdio"),),
        after="VS Code asks once whether you trust the server.",
    )


def _windsurf(places: _Places) -> Client:
    folder = places.home / ".codeium" / "windsurf"
    return Client(
        identifier="windsurf",
        title="Windsurf",
        file_format=FileFormat.JSONC,
        key="mcpServers",
        alternatives=(SettingsFile(root=folder, pattern="mcp_config.json"),),
        signs=(folder,),
        after="Press Refresh in Windsurf's list of MCP servers.",
    )


def _lmstudio(places: _Places) -> Client:
    usual, older = places.home / ".lmstudio", places.home / ".cache" / "lm-studio"
    return Client(
        identifier="lmstudio",
        title="LM Studio",
        file_format=FileFormat.JSONC,
        key="mcpServers",
        alternatives=(SettingsFile(root=usual, pattern="mcp.json"), SettingsFile(root=older, pattern="mcp.json")),
        signs=(usual, older),
        after="Switch federator on in LM Studio's list of integrations.",
    )


def _codex(places: _Places) -> Client:
    folder = places.from_environment("CODEX_HOME", places.home / ".codex")
    return Client(
        identifier="codex",
        title="Codex",
        file_format=FileFormat.TOML,
        key="mcp_servers",
        alternatives=(SettingsFile(root=folder, pattern="config.toml"),),
        signs=(folder,),
    )


def _gemini(places: _Places) -> Client:
    folder = places.home / ".gemini"
    return Client(
        identifier="gemini",
        title="Gemini CLI",
        file_format=FileFormat.JSON_COMMENTS,
        key="mcpServers",
        alternatives=(SettingsFile(root=folder, pattern="settings.json"),),
        signs=(folder,),
        after="Start Gemini again in a folder that it trusts.",
    )


def _zed(places: _Places) -> Client:
    # Zed uses ~/.config on macOS too.
    folder = places.pick(windows=places.roaming / "Zed", mac=places.home / ".config" / "zed", linux=places.xdg / "zed")
    return Client(
        identifier="zed",
        title="Zed",
        file_format=FileFormat.JSONC,
        key="context_servers",
        alternatives=(SettingsFile(root=folder, pattern="settings.json"),),
        signs=(folder,),
        extra=(("source", "custom"),),
    )
