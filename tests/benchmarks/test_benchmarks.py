"""The benchmarks measure: each runs once with tiny sizes and gives sound lines. No time is asserted here."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import first_contact, folders, retrieving, searching, starting
from benchmarks.__main__ import SUITE, row_of
from benchmarks.archives import archives
from benchmarks.measuring import Line, Stdio, federator_command
from benchmarks.searching import config_of

ROOT = Path(__file__).parents[2]

TINY: dict[str, Callable[[], list[Line]]] = {
    "archives": lambda: searching.many_slow_archives(count=3, milliseconds=5, rounds=1),
    "newest": lambda: searching.newest_of_many(count=2, size=3_000),
    "day": lambda: first_contact.crowded_day(size=900),
    "call": lambda: first_contact.call_command(rounds=1),
    "merge": lambda: searching.merging(count=2, size=20, rounds=1),
    "start": lambda: starting.start_up(rounds=1),
    "tools": starting.tool_list,
    "idle": lambda: starting.idle_memory(count=1),
    "peak": lambda: starting.peak_memory(size_bytes=140 * 1_048_576, rows=300),
    "hundred": lambda: starting.hundred_archives(count=6, reachable=2, deadline_s=1.0, rounds=1),
    "decoding": lambda: retrieving.decoding(rounds=1),
    "indexing": lambda: folders.indexing(count=200),
    "folder": lambda: folders.searching(count=200, rounds=1),
    "frame": lambda: folders.one_frame(frames=10),
    "report": lambda: folders.large_report(size_bytes=60_000, rounds=1),
}
WITH_ORTHANC: dict[str, Callable[[], list[Line]]] = {
    "search": lambda: searching.against_a_raw_request(counts=(12,), rounds=1, starts=1, typing_s=0),
    "cold": lambda: first_contact.cold(counts=(12,), starts=1, typing_s=0),
    "kept": lambda: first_contact.kept(counts=(12,), starts=1, typing_s=0),
    "pictures": lambda: retrieving.pictures(rounds=1),
    "reports": lambda: retrieving.reports(rounds=1),
}


def check(lines: list[Line]) -> None:
    assert lines
    for line in lines:
        assert line.reached > 0
        told = row_of(line)
        assert told.count(" | ") == 4
        assert "nan" not in told


def printed_by(program: str, *arguments: str) -> str:
    """What a program of its own process prints; what it complains of where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return done.stdout or done.stderr


@pytest.mark.xdist_group("benchmarks")
@pytest.mark.parametrize("name", TINY)
def test_a_measurement_gives_sound_lines(name: str) -> None:
    """Issue 5: one command, one table, ratios taken in one run."""
    check(TINY[name]())


@pytest.mark.orthanc
@pytest.mark.xdist_group("benchmarks")
@pytest.mark.parametrize("name", WITH_ORTHANC)
def test_a_measurement_against_orthanc_gives_sound_lines(name: str) -> None:
    """Issue 5, on a real archive."""
    check(WITH_ORTHANC[name]())


def test_every_measurement_is_tried_here() -> None:
    """Issue 5: the suite is what `python -m benchmarks` runs."""
    assert {*TINY, *WITH_ORTHANC} == set(SUITE)


def test_what_is_not_bounded_by_what_it_should_be_is_called_missed() -> None:
    """Issue 5: state what you reached."""
    assert Line(what="a", against="b", reached=1.3, goal=1.25).met is False
    assert Line(what="a", against="b", reached=1.2, goal=1.25).met is True
    assert Line(what="a", against="b", reached=49, goal=50, at_least=True).met is False
    assert Line(what="a", against="b", reached=49).met is None


def test_an_answer_beyond_its_budget_is_told_as_such() -> None:
    """Issue 5: a clear outcome for a 200 MB answer; contract.md §3.1: never an empty list."""
    line, _ = starting.peak_memory(size_bytes=140 * 1_048_576, rows=10)
    assert "larger than 128 MiB (max_bytes)" in line.note


@pytest.mark.xdist_group("benchmarks")
def test_a_search_leaves_numpy_and_the_decoders_unloaded() -> None:
    """Issue 5, memory: the search path reads DICOM JSON as it came."""
    with archives("slow", 2, 0) as served:
        program = (
            "import sys, anyio, datetime\n"
            "from federator.config import Archive, Config\n"
            "from federator.dicom.query.language import parse\n"
            "from federator.federation.federation import Federation\n"
            "from federator.model import Level\n"
            "import federator.server.answers.search, federator.server.app\n"
            "async def main():\n"
            "    archives = tuple(Archive(name=f'a{n}', url=url) for n, url in enumerate(sys.argv[1:]))\n"
            "    async with Federation(Config(archives=archives)) as federation:\n"
            "        page = await federation.search(parse('', Level.STUDY, today=datetime.date(2026, 1, 1)))\n"
            "    assert len(page.entries) == 16, page\n"
            "anyio.run(main)\n"
            "print(sorted({'pydicom', 'numpy', 'PIL', 'highdicom', 'pdfplumber'} & set(sys.modules)))\n"
        )
        assert printed_by(program, *served.urls) == "[]\n"


@pytest.mark.xdist_group("benchmarks")
def test_a_server_that_stands_idle_after_a_search_holds_nothing_that_only_others_need(tmp_path: Path) -> None:
    """Issue 5, memory: decoders, the vault, folders, reports and the search for what was meant wait until wanted."""
    others = (
        *("pydicom", "numpy", "PIL", "highdicom", "pdfplumber", "keyring", "difflib"),
        *(
            "federator.archive.folder.app",
            "federator.archive.check.steps",
            "federator.demo",
            "federator.dicom.render",
            "federator.dicom.pixels",
        ),
        *(
            "federator.dicom.report.as_text",
            "federator.dicom.pdf.text",
            "federator.federation.reports",
            "federator.server.answers.frame",
        ),
    )
    told = tmp_path / "loaded"
    with archives("slow", 2, 0) as served, config_of({"a": served.urls[0], "b": served.urls[1]}) as config:
        program = (
            "import atexit, pathlib, sys\n"
            "from federator.__main__ import main\n"
            f"loaded = lambda: [name for name in {others} if name in sys.modules]\n"
            f"atexit.register(lambda: pathlib.Path({str(told)!r}).write_text(repr(loaded())))\n"
            f"main(['--config', {str(config)!r}])\n"
        )
        server = Stdio([sys.executable, "-c", program])
        server.initialize()
        assert server.structured("find-studies", query="PatientName=* limit=10")["studies"]
        server.close()
    assert told.read_text() == "[]"


@pytest.mark.xdist_group("benchmarks")
def test_the_first_question_to_an_archive_loads_nothing_more() -> None:
    """Issue 5: once the federation is open, as it is soon after the tool list, all that a search needs is loaded."""
    with archives("slow", 1, 0) as served:
        program = (
            "import sys, anyio, jsonschema\n"  # With what the client checks an answer.
            "from federator.config import Archive, Config\n"
            "from federator.server.caller import in_memory\n"
            "async def main():\n"
            "    async with in_memory(Config(archives=(Archive(name='a', url=sys.argv[1]),))) as caller:\n"
            "        refused = await caller.call('find-studies', {'query': 'archive=nobody'})\n"
            "        assert refused.is_error\n"
            "        before = set(sys.modules)\n"
            "        answered = await caller.call('find-studies', {'query': 'PatientName=* StudyDate=2000-'})\n"
            "        assert answered.structured['studies'], answered\n"
            "        print(sorted(set(sys.modules) - before))\n"
            "anyio.run(main)\n"
        )
        assert printed_by(program, *served.urls) == "[]\n"


@pytest.mark.xdist_group("benchmarks")
def test_one_call_at_the_shell_loads_and_builds_only_what_its_tool_needs() -> None:
    """Issue 10: `federator call list-archives` takes little more than the SDK's client and server alone."""
    others = ("jsonschema", "pydicom", "federator.archive.check.steps", "federator.server.answers.search")
    program = (
        "import gc, sys\n"
        "from federator.__main__ import main\n"
        "main(['--config', sys.argv[1], 'call', 'list-archives'])\n"
        f"print([name for name in {others} if name in sys.modules], gc.isenabled(), gc.get_freeze_count() > 100_000)\n"
    )
    with config_of({"nowhere": "http://127.0.0.1:9/dicom-web"}) as config:
        assert printed_by(program, str(config)).splitlines()[-1] == "[] True True"


@pytest.mark.xdist_group("benchmarks")
def test_a_call_that_fails_stops_a_measurement() -> None:
    """A benchmark of errors would be fast."""
    with config_of({"nowhere": "http://127.0.0.1:9/dicom-web"}) as config:
        server = Stdio(federator_command(config))
        server.initialize()
        with pytest.raises(RuntimeError, match="nowhere"):
            server.call("find-studies")
        server.close()
