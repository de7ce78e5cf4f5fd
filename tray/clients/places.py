"""Which of a client's files there are on this computer, whether it runs, and whether an IT department manages it."""

import csv
import io
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tray.clients.registry import Client, FileFormat, SettingsFile
from tray.clients.windows_registry import has_machine_key

_DEADLINE_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files to write; `choices` where several are possible and a person must say which."""

    files: tuple[Path, ...] = ()
    choices: tuple[Path, ...] = ()
    installed: bool = False


def look(client: Client, *, chosen: Path | None = None) -> Found:
    """Where the settings of a client lie, or would lie."""
    present = next((files for place in client.alternatives if (files := _files(place))), ())
    possible = present or next((files for place in client.alternatives if (files := _future_files(place))), ())
    installed = bool(possible) or any(sign.exists() for sign in client.signs)
    if chosen is not None:
        possible = tuple(path for path in possible if path.resolve() == chosen.resolve()) or possible
    if len(possible) > 1:
        return Found(choices=possible, installed=True)
    last = client.alternatives[-1]
    main = possible[0] if possible else last.root / last.pattern
    further = [folder / place.every_folder for place in client.additional for folder in _folders(place)]
    return Found(files=(main, *further), installed=installed)


def _files(place: SettingsFile) -> tuple[Path, ...]:
    return tuple(sorted(path for path in place.root.glob(place.pattern) if path.is_file()))


def _folders(place: SettingsFile) -> tuple[Path, ...]:
    return tuple(sorted(path for path in place.root.glob(place.pattern) if path.is_dir()))


def _future_files(place: SettingsFile) -> tuple[Path, ...]:
    """Where the client would look for settings that it has not written yet: below a folder that exists."""
    first, _, rest = place.pattern.partition("/")
    if "*" in first:
        return tuple(sorted(folder / rest for folder in place.root.glob(first) if folder.is_dir()))
    return (place.root / place.pattern,) if place.root.is_dir() else ()


def program_of(client: Client, environment: Mapping[str, str]) -> Path | None:
    """The program of a client that is set up through its own command, as an absolute path."""
    if client.file_format is not FileFormat.COMMAND:
        return None
    name = client.programs[0].name
    on_path = [Path(part) / name for part in environment.get("PATH", "").split(os.pathsep) if part]
    return next((path for path in (*on_path, *client.programs) if path.is_absolute() and path.is_file()), None)


def is_managed(client: Client, platform: str) -> bool:
    """Whether a policy of an IT department is in force for a client."""
    if any(path.exists() for path in client.policies):
        return True
    return platform == "win32" and any(has_machine_key(key) for key in client.policy_keys)


def is_running(client: Client, platform: str) -> bool:
    """Whether a client that writes its settings back when it ends runs now; False too where that cannot be told."""
    return bool(client.processes) and not _programs(platform).isdisjoint(client.processes)


def _programs(platform: str) -> set[str]:
    """The names of the programs that run; upper and lower case count, for `claude` is another program than Claude."""
    if platform == "win32":
        rows = csv.reader(io.StringIO(_output("tasklist", "/FO", "CSV", "/NH")))
        return {row[0] for row in rows if row}
    if platform == "darwin":
        return {Path(line.strip()).name for line in _output("/bin/ps", "-axo", "comm=").splitlines()}
    names: set[str] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            program = (folder / "cmdline").read_bytes().split(b"\0", 1)[0]
        except OSError:
            continue  # it ended meanwhile, or is another user's
        names.update(Path(os.fsdecode(program)).parts)
    return names


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DEADLINE_S, check=False, text=True)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
