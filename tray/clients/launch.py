"""The command that a client is given to start the server: absolute, surviving upgrades, tried before it is written."""

import json
import os
import queue
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from federator import __version__

_UVX_MARKS = ("archive-v0", "environments-v", "builds-v")
_MAX_ANSWER_BYTES = 1_000_000
_PASSED_ON = {
    "win32": (
        "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE",
        "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE",
    ),
    "posix": ("HOME", "LOGNAME", "SHELL", "TERM", "USER"),
}  # fmt: skip
_POSIX_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


class LaunchError(Exception):
    """The server cannot be started; the message says why in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is known of the running program: enough to tell by which way it was installed."""

    platform: str
    home: Path
    environment: Mapping[str, str]
    executable: Path
    prefix: Path
    frozen: bool = False

    @classmethod
    def current(cls) -> "Installation":
        """The program that is running."""
        return cls(
            platform=sys.platform,
            home=Path.home(),
            environment=dict(os.environ),
            executable=Path(sys.executable),
            prefix=Path(sys.prefix),
            frozen=bool(getattr(sys, "frozen", False)),
        )

    def program(self, folder: Path, name: str) -> Path:
        """A program of this name in a folder, with the platform's ending."""
        return folder / (f"{name}.exe" if self.platform == "win32" else name)


def program_command(installation: Installation, name: str = "federator") -> tuple[str, ...]:
    """The absolute command for one of our programs that survives upgrades; LaunchError where none is found."""
    for candidate in (_frozen, _from_cache, _shim, _beside_interpreter):
        command = candidate(installation, name)
        if command:
            return command
    module = "federator" if name == "federator" else "tray"
    return (str(installation.executable), "-I", "-m", module)


def server_command(installation: Installation, config_path: Path) -> tuple[str, ...]:
    """The command with its arguments as clients are to start it; the path of the configuration is absolute."""
    path = os.path.abspath(config_path)  # noqa: PTH100 - no link followed
    if any("\udc80" <= character <= "\udcff" for character in path):
        # Linux allows any byte in a name; the settings of the clients are text.
        raise LaunchError(
            "The path of the archive file holds bytes that are no text. Move the file, or rename its folder."
        )
    return (*program_command(installation), "--config", path)


def _frozen(installation: Installation, name: str) -> tuple[str, ...]:
    if not installation.frozen:
        return ()
    return (str(installation.program(installation.executable.parent, name)),)


def _from_cache(installation: Installation, name: str) -> tuple[str, ...]:
    """Run by uvx: its cache may be cleaned at any time, so uvx itself is written, with the version pinned."""
    if not any(mark in part for part in installation.prefix.parts for mark in _UVX_MARKS):
        return ()
    uvx = _found(installation, "uvx")
    if uvx is None:
        raise LaunchError(
            "This program was started by uvx, and uvx is not found. Install it: uv tool install federator"
        )
    return (str(uvx), "--from", f"federator[tray]=={__version__}", name)


def _shim(installation: Installation, name: str) -> tuple[str, ...]:
    """Installed by `uv tool` or pipx: their shim stays where it is when the environment behind it is rebuilt."""
    parts = installation.prefix.parts
    for variable, marks in (("UV_TOOL_BIN_DIR", ("uv", "tools")), ("PIPX_BIN_DIR", ("pipx", "venvs"))):
        if not any(parts[place : place + 2] == marks for place in range(len(parts))):
            continue
        folder = Path(installation.environment.get(variable) or installation.home / ".local" / "bin")
        shim = installation.program(folder, name)
        if shim.exists():
            return (str(shim),)
    return ()


def _beside_interpreter(installation: Installation, name: str) -> tuple[str, ...]:
    folder = installation.prefix / ("Scripts" if installation.platform == "win32" else "bin")
    script = installation.program(folder, name)
    return (str(script),) if script.exists() else ()


def _found(installation: Installation, name: str) -> Path | None:
    folders = [installation.home / ".local" / "bin", installation.home / ".cargo" / "bin"]
    separator = ";" if installation.platform == "win32" else ":"
    folders += [Path(part) for part in installation.environment.get("PATH", "").split(separator) if part]
    programs = (installation.program(folder, name) for folder in folders)
    return next((program for program in programs if program.is_absolute() and program.exists()), None)


def bare_environment(platform: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that clients give to a server: next to nothing, and a PATH without the user's own folders."""
    names = _PASSED_ON["win32" if platform == "win32" else "posix"]
    kept = {name: value for name, value in environment.items() if name.upper() in names}
    return kept if platform == "win32" else {**kept, "PATH": _POSIX_PATH}


def try_server(command: Sequence[str], environment: Mapping[str, str], *, deadline_s: float = 30.0) -> str:
    """Starts the server once as a client would and asks it to initialize; its name and version. LaunchError if not.

    Standard: Model Context Protocol, lifecycle and stdio transport.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is our own, as a list, without a shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise LaunchError(f"The server does not start ({error.strerror}): {command[0]}") from error
    try:
        return _server_name(_first_answer(process, deadline_s))
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was not taken is written once more when it is closed
                    stream.close()


def _first_answer(process: "subprocess.Popen[bytes]", deadline_s: float) -> bytes:
    question = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "federator-tray", "version": __version__},
        },
    }
    answers: queue.Queue[bytes] = queue.Queue(maxsize=1)

    def ask() -> None:
        line = b""
        if process.stdin is not None and process.stdout is not None:
            try:
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline(_MAX_ANSWER_BYTES)
            except (OSError, ValueError):
                line = b""  # the server closed its end: told below as no answer
        answers.put(line)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        return answers.get(timeout=deadline_s)
    except queue.Empty as error:
        raise LaunchError(f"The server was started but did not answer within {deadline_s:g} seconds.") from error
    finally:
        process.kill()
        asking.join()


def _server_name(line: bytes) -> str:
    try:
        server = json.loads(line)["result"]["serverInfo"]
        return f"{server['name']} {server['version']}"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LaunchError("The server was started but stopped without an answer.") from error


def shell_line(command: Sequence[str]) -> str:
    """A command as a person may type it."""
    return shlex.join(command)
