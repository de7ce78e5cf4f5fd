"""The health file and the log: what they tell, and what they never tell."""

import json
import logging
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from federator.model import Outcome, OutcomeState
from federator.server import logs
from federator.server.health import HealthFile

ANSWERED = Outcome(archive="mercy", state=OutcomeState.ANSWERED, rows=3, message="all well")
SILENT = Outcome(archive="north", state=OutcomeState.TIMED_OUT, message="No answer within 10 s.")


def test_it_tells_who_asked_and_how_each_archive_answered(tmp_path):
    """facts/tray.md 5.4: archive name, time, ok and outcome code, client name; the tray reads it."""
    path = tmp_path / "state" / "health.json"
    health = HealthFile(path)
    health.note([ANSWERED, SILENT])
    health.used_by("claude-ai")
    health.save()
    told = json.loads(path.read_text(encoding="utf-8"))
    assert set(told) == {"schema_version", "clients", "archives"}
    assert set(told["clients"]) == {"claude-ai"}
    assert (told["archives"]["mercy"]["outcome"], told["archives"]["mercy"]["ok"]) == ("answered", True)
    assert (told["archives"]["north"]["outcome"], told["archives"]["north"]["ok"]) == ("timed_out", False)
    assert told["archives"]["mercy"]["time"].endswith("Z")
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["health.json"]


def test_several_servers_share_the_file(tmp_path):
    """facts/tray.md 5.4: each client starts a server of its own; what one writes does not erase the other's."""
    path = tmp_path / "health.json"
    first, second = HealthFile(path), HealthFile(path)
    first.note([ANSWERED])
    first.used_by("claude-ai")
    first.save()
    second.note([SILENT])
    second.used_by("Visual Studio Code")
    second.save()
    told = json.loads(path.read_text(encoding="utf-8"))
    assert list(told["clients"]) == ["claude-ai", "Visual Studio Code"]
    assert set(told["archives"]) == {"mercy", "north"}


def test_a_damaged_file_is_replaced_and_a_folder_that_cannot_be_used_is_left_alone(tmp_path):
    """The file is never needed to answer a question, so no fault of it may spoil an answer."""
    path = tmp_path / "health.json"
    half = '{"schema_version": 1, "clients": {"\\ud800": {}}}'
    damaged = (
        "{",
        "[]",
        '{"schema_version": 99}',
        '{"schema_version": 1, "clients": 3}',
        "\x00" * 40,
        "[" * 9_999,
        half,
    )
    for damage in damaged:
        path.write_text(damage, encoding="utf-8")
        health = HealthFile(path)
        health.note([ANSWERED])
        health.used_by("claude-ai")
        health.save()
        assert set(json.loads(path.read_text(encoding="utf-8"))["archives"]) == {"mercy"}
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    HealthFile(blocked / "health.json").save()
    assert blocked.read_text(encoding="utf-8") == ""


def test_clients_do_not_grow_without_end(tmp_path):
    """A client names itself; a hundred names, and long ones, stay a small file."""
    health = HealthFile(tmp_path / "health.json")
    for number in range(100):
        health.used_by(f"{number}-" + "x" * 1000)
        health.save()
    told = json.loads((tmp_path / "health.json").read_text(encoding="utf-8"))
    assert len(told["clients"]) == 20
    assert max(map(len, told["clients"])) == 64
    assert next(reversed(told["clients"])).startswith("99-")


def test_threads_may_save_at_once(tmp_path):
    """Calls run side by side; the file is whole at any moment."""
    path = tmp_path / "health.json"
    health = HealthFile(path)

    def use(number: int) -> None:
        health.note([Outcome(archive=f"a{number}", state=OutcomeState.ANSWERED)])
        health.used_by("claude-ai")
        health.save()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(40)))
    assert len(json.loads(path.read_text(encoding="utf-8"))["archives"]) == 40


def logged(name: str, message: str, *arguments: object, error: Exception | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger(name).makeRecord(name, logging.ERROR, __file__, 7, message, arguments, exc_info)
    return logs.DiscreetFormatter().format(record)


def test_the_text_of_other_libraries_stays_out_of_the_log():
    """contract.md section 6: attribute values never reach a log, and a library may quote one."""
    told = logged("pydicom", "Invalid value for VR UI: '%s'", "Doe^Jane")
    assert told == f"ERROR: pydicom at {Path(__file__).name}:7"
    assert logged("federator.archive", "mercy: %s", "circuit open") == "ERROR: mercy: circuit open"


def test_an_exception_is_logged_without_its_text():
    """contract.md section 6: an exception's text may quote anything."""
    with pytest.raises(KeyError) as raised:
        {}["Doe^Jane"]
    told = logged("mcp.server", "failed: %r", raised.value, error=raised.value)
    assert f"KeyError at {Path(__file__).name}:" in told
    assert "Doe" not in told


def test_logging_goes_to_stderr_at_warning(capsys):
    """facts/mcp.md section 1: stdout is the wire of the protocol; nothing else may be written to it."""
    root = logging.getLogger()
    kept_level, kept_handlers = root.level, root.handlers[:]
    with warnings.catch_warnings():
        try:
            logs.configure()
            logging.getLogger("federator").warning("one")
            logging.getLogger("httpx").info("GET https://pacs.example/studies?PatientName=Doe")
            warnings.warn("Doe", stacklevel=1)
        finally:
            root.handlers[:] = kept_handlers
            root.setLevel(kept_level)
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == "WARNING: one\n"


def test_what_fails_in_a_loop_is_told_once_a_minute():
    """CWE-400: a log that one connection can fill is no log; and how often it was is told later."""
    now = [0.0]
    once = logs.OncePerPlace(lambda: now[0])
    record = logging.LogRecord("asyncio", logging.ERROR, "events.py", 7, "%s", ("socket.accept() failed",), None)
    other = logging.LogRecord("federator", logging.ERROR, "boundary.py", 7, "Archive mercy failed", (), None)
    assert [once.filter(record) for _ in range(1_000)].count(True) == 1
    assert once.filter(other)
    now[0] = 61.0
    assert once.filter(record)
    assert "(999 more since it was told last)" in logs.DiscreetFormatter().format(record)


@pytest.mark.skipif(os.name != "posix", reason="rights are told otherwise on Windows")
def test_the_state_folder_is_this_users_alone(tmp_path):
    """Issue 12, part 7: 0700, also where the folder was there before with wider rights."""
    for folder in (tmp_path / "made", tmp_path / "found"):
        if folder.name == "found":
            folder.mkdir(mode=0o755)
        health = HealthFile(folder / "health.json")
        health.used_by("claude-ai")
        health.save()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "health.json").stat().st_mode & 0o777 == 0o600
