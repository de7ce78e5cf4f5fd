"""Claude Code is set up through its own command: its settings file is rewritten by it all the time."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tray.clients.files import ClientError
from tray.clients.registry import SERVER_NAME, Client

_DEADLINE_S = 60


def add_arguments(command: Sequence[str]) -> tuple[str, ...]:
    """The arguments that add our server for the user; the name stands before the options that take many values."""
    return ("mcp", "add", "--scope", "user", SERVER_NAME, "--", *command)


def remove_arguments() -> tuple[str, ...]:
    """The arguments that take our server out."""
    return ("mcp", "remove", "--scope", "user", SERVER_NAME)


def connect(client: Client, program: Path, command: Sequence[str], *, replaces: bool) -> None:
    """Adds our server, and asks whether it is there now; ClientError where Claude Code says no."""
    if replaces:
        _run(client, program, remove_arguments())
    _run(client, program, add_arguments(command))
    told = _run(client, program, ("mcp", "get", SERVER_NAME))
    if command[0] not in told:
        raise ClientError(
            f"{client.title} took the entry but does not show it. Look with: claude mcp get {SERVER_NAME}"
        )


def disconnect(client: Client, program: Path) -> None:
    """Takes our server out."""
    _run(client, program, remove_arguments())


def _run(client: Client, program: Path, arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - an absolute program with a list of arguments, never a shell
            [str(program), *arguments],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_DEADLINE_S,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise ClientError(f"{client.title} did not answer within {_DEADLINE_S} seconds.") from error
    except OSError as error:
        raise ClientError(f"{client.title}'s command cannot be started ({error.strerror}): {program}") from error
    if done.returncode != 0:
        # What it printed may name other servers: it is not repeated.
        raise ClientError(
            f"{client.title}'s command said no: claude {' '.join(arguments[:2])} (exit {done.returncode})."
        )
    return done.stdout
