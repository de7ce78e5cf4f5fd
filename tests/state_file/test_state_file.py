"""The files of the state folder under kill -9 and without room on the disk: nothing is lost, and all heals."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from federator.archive.habits.folder import HabitsFolder, today
from federator.archive.habits.kept import Kept
from federator.model import Outcome, OutcomeState
from federator.server.health import HealthFile
from federator.state_file import StateFile

URL = "https://mercy.example/dicom-web"
KILLED = 3
FULL = 10
_WRITER = """
import itertools, sys
from pathlib import Path
from tests.state_file.test_state_file import write
for number in itertools.count(1):
    write(sys.argv[1], Path(sys.argv[2]), number)
    print(number, flush=True)
"""


def write(kind: str, state: Path, number: int) -> None:
    """What a server does after a call, with a number that tells one writing from another."""
    if kind == "health":
        health = HealthFile(state / "health.json")
        health.used_by("claude-ai")
        health.note([Outcome(archive=f"a{number % 300}", state=OutcomeState.ANSWERED)])
        health.save()
    else:
        folder = HabitsFolder(state / "habits")
        folder.note("mercy", URL, Kept(since=today(), cap=number))
        folder.save()


def read(kind: str, state: Path) -> int:
    """How much the file tells; it has to be whole."""
    (path,) = state.glob("health.json" if kind == "health" else "habits/mercy-*.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    return len(told["archives"]) if kind == "health" else int(told["cap"])


def left_over(state: Path) -> list[Path]:
    return [path for path in state.rglob(".*") if path.is_file()]


@pytest.mark.parametrize("kind", ["health", "habits"])
def test_a_server_that_is_killed_while_it_writes_loses_nothing(tmp_path: Path, kind: str) -> None:
    """Issue 12, part 6: what was written stands there whole, and what lies beside it is cleared away."""
    rng, before = random.Random(kind), 0
    for _ in range(KILLED):
        command = [sys.executable, "-c", _WRITER, kind, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(rng.randrange(1, 40))]
            process.send_signal(signal.SIGKILL)
        told, confirmed = read(kind, tmp_path), int(lines[-1])
        assert told >= (max(before, confirmed) if kind == "health" else 1)
        before = told if kind == "health" else 0
    for path in left_over(tmp_path):
        os.utime(path, (0, 0))
    write(kind, tmp_path, 1)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("kind", ["health", "habits"])
def test_without_room_on_the_disk_what_stood_there_stays_and_what_is_new_waits(tmp_path: Path, kind: str) -> None:
    """Issue 12, part 6: no half file, no remains, and the news is written when there is room again."""
    health, folder = HealthFile(tmp_path / "health.json"), HabitsFolder(tmp_path / "habits")
    write(kind, tmp_path, 1)
    before = read(kind, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in range(2, FULL + 2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (number * 5, hard))
        try:
            if kind == "health":
                health.note([Outcome(archive=f"a{number}", state=OutcomeState.ANSWERED)])
                health.used_by(f"client {number}")
                health.save()
            else:
                folder.note("mercy", URL, Kept(since=today(), cap=number))
                folder.save()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert read(kind, tmp_path) == before
        assert left_over(tmp_path) == []
    (health if kind == "health" else folder).save()
    assert read(kind, tmp_path) == FULL + 1
    if kind == "health":
        clients = json.loads((tmp_path / "health.json").read_text(encoding="utf-8"))["clients"]
        assert list(clients) == ["claude-ai", *(f"client {number}" for number in range(2, FULL + 2))]


def test_a_folder_or_a_pipe_in_the_place_of_the_file_holds_nobody_up(tmp_path: Path) -> None:
    """The file is never needed: what is no file counts as none, and makes room for the next one."""
    file = StateFile(tmp_path / "state" / "health.json", version=1)
    file.path.mkdir(parents=True)
    assert file.read() == {}
    file.replace({"clients": {}})
    assert file.read() == {"schema_version": 1, "clients": {}}
    file.path.unlink()
    os.mkfifo(file.path)
    assert file.read() == {}
    file.replace({"clients": {}})
    assert file.read() == {"schema_version": 1, "clients": {}}
