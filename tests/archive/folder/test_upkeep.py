"""Who asks of a folder gets what is read so far, and nobody waits longer than a question has."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest

from federator.archive.folder.files.header import Refusal, read_header
from federator.archive.folder.files.opening import NoFile
from federator.archive.folder.files.opening import opened as file_opened
from federator.archive.folder.index.index import FolderIndex
from federator.archive.folder.index.progress import Progress, asked_at, listener
from federator.archive.folder.index.readers import read_all
from federator.archive.folder.index.stamps import listings
from federator.archive.folder.index.upkeep import Upkeep
from tests.support.folder_archive import first, opened, write_tiny

pytestmark = pytest.mark.anyio
INSTANCE = "/studies/2.25.1/series/2.25.2/instances/2.25.3"


def put(folder: Path, number: int) -> None:
    uid = f"2.25.{number}"
    write_tiny(folder / f"{number:04}.dcm", study=uid, series=f"{uid}.1", instance=f"{uid}.1.1")


class Gate:
    """A reader that stops after `count` files until it is let go on."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.open = threading.Event()

    def __call__(self, folder, stamps, *, is_wanted):
        yield [(stamp, read_header(folder / os.fsdecode(stamp.path))) for stamp in stamps[: self.count]]
        self.open.wait()
        yield from read_all(folder, stamps[self.count :], is_wanted=is_wanted)


async def test_a_question_gets_what_is_read_so_far_and_the_next_one_more(tmp_path):
    """Issue 11, part 9: never "no answer within 10 s"; what is indexed so far is the answer, and how far that is."""
    for number in range(600):
        put(tmp_path / "files", number + 1)
    index, gate = FolderIndex(tmp_path / "files", tmp_path / "cache"), Gate(520)
    upkeep, told = Upkeep(index, read=gate), []

    async def hear(progress: Progress) -> None:
        told.append(str(progress))

    listener.set(hear)
    with anyio.move_on_after(30):
        while not told:
            with anyio.move_on_after(4):
                missing = await upkeep.current()
    assert str(missing) == "520 of 600 files read"
    assert set(told) <= {"0 of 600 files read", "520 of 600 files read"}
    assert not index.settle(float("inf"))
    assert len(index.rows("SELECT study FROM studies", ())) == 520
    gate.open.set()
    assert await upkeep.current() is None
    assert len(index.rows("SELECT study FROM studies", ())) == 600


async def test_a_file_written_right_after_a_question_is_seen_by_the_next(tmp_path):
    """Issue 11, part 9: appeared, changed in its place within the same tick, vanished; each at the next question."""
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        (tmp_path / "files").mkdir()
        for number in range(1, 12):
            put(tmp_path / "files", number)
            assert len((await client.get("/studies")).json()) == number
        for name in ("A", "B", "C"):
            write_tiny(
                tmp_path / "files" / "0001.dcm", study="2.25.1", series="2.25.2", instance="2.25.3", PatientName=name
            )
            (row,) = (await client.get("/studies?StudyInstanceUID=2.25.1&includefield=PatientName")).json()
            assert first(row, "00100010") == {"Alphabetic": name}
        for number in range(1, 12):
            (tmp_path / "files" / f"{number:04}.dcm").unlink()
            assert len((await client.get("/studies")).json()) == 11 - number


async def test_all_requests_of_one_call_see_the_folder_as_it_was_at_one_look(tmp_path):
    """Issue 11: a call of many requests lists 20,000 files once; the next call sees what has changed since."""
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        put(tmp_path / "files", 1)
        asked_at.set(time.monotonic())
        assert len((await client.get("/studies")).json()) == 1
        put(tmp_path / "files", 2)
        assert len((await client.get("/studies")).json()) == 1
        assert (await client.get("/federator/index")).json()["files"] == 1
        asked_at.set(time.monotonic())
        assert len((await client.get("/studies")).json()) == 2


async def test_an_object_that_changed_since_the_call_began_is_given_as_it_is(tmp_path):
    """PS3.18 §10.4: what is retrieved is what is stored, not what was."""
    path = tmp_path / "files" / "one.dcm"
    names = {"study": "2.25.1", "series": "2.25.2", "instance": "2.25.3"}
    async with opened(path.parent, tmp_path / "cache") as client:
        write_tiny(path, **names, PatientName="Before")
        asked_at.set(time.monotonic())
        assert len((await client.get("/studies")).json()) == 1
        write_tiny(path, **names, PatientName="Behind")
        (row,) = (await client.get(f"{INSTANCE}/metadata")).json()
        assert first(row, "00100010") == {"Alphabetic": "Behind"}
        path.unlink()
        assert (await client.get(f"{INSTANCE}/metadata")).status_code == 404


async def test_what_became_a_pipe_costs_its_object_only(tmp_path):
    """Issue 12, part 5, CWE-367: what was a file when the folder was listed is a pipe when it is opened."""
    path = tmp_path / "files" / "one.dcm"
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3")
    write_tiny(path.with_name("two.dcm"), study="2.25.11", series="2.25.12", instance="2.25.13")
    async with opened(path.parent, tmp_path / "cache") as client:
        assert len((await client.get("/studies")).json()) == 2
        path.unlink()
        os.mkfifo(path)
        with anyio.fail_after(30):
            assert len((await client.get("/studies")).json()) == 1
            assert (await client.get(f"{INSTANCE}/metadata")).status_code == 404
    with pytest.raises(NoFile):
        file_opened(path)
    assert read_header(path) == Refusal(reason="it is a pipe or a device")
    assert read_header(Path("/dev/zero")) == Refusal(reason="it is a pipe or a device")


async def test_a_file_that_vanished_is_gone_and_not_the_folder_unavailable(tmp_path):
    """contract.md §3.9: 4xx is said of one object."""
    path = tmp_path / "files" / "one.dcm"
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3")
    async with opened(path.parent, tmp_path / "cache") as client:
        assert (await client.get(INSTANCE)).status_code == 200
        path.unlink()
        assert (await client.get(INSTANCE)).status_code == 404


def test_links_in_circles_end(tmp_path):
    """Issue 12, part 5: no link to a folder is followed."""
    put(tmp_path / "a" / "b", 1)
    (tmp_path / "a" / "b" / "again").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert [stamp.path for listing in listings(tmp_path) for stamp in listing.stamps] == [b"a/b/0001.dcm"]


def test_a_thread_that_hangs_does_not_keep_the_process(tmp_path):
    """Issue 12, part 5: the process ends, whatever a drive does."""
    os.mkfifo(tmp_path / "pipe")
    program = (
        "import sys, anyio\n"
        "from federator.archive.folder.index.threads import Threads\n"
        "async def main():\n"
        "    with anyio.move_on_after(0.1):\n"
        "        await Threads().run(open, sys.argv[1])\n"
        "anyio.run(main)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "pipe")], check=True, timeout=60)
