"""The index of a folder is a cache: whatever becomes of its file, the answers stay right."""

import contextlib
import os
import resource
import shutil
import sqlite3
from pathlib import Path

import pytest

from federator.archive.folder.told import HOST, words_in
from tests.support.folder_archive import opened, write_tiny

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty studies, enough for a database of many pages."""
    for number in range(40):
        uid = f"2.25.{number + 1}"
        write_tiny(
            tmp_path / "files" / f"{number}.dcm",
            study=uid,
            series=f"{uid}.1",
            instance=f"{uid}.1.1",
            StudyDescription="x" * 60,
            PatientName=f"P{number:02}",
        )
    return tmp_path / "files"


async def count(client) -> int:
    """How many studies are found; never fewer than there are without a word."""
    response = await client.get("/studies")
    assert response.status_code == 200
    return len(response.json())


def cut(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2 + 100)


def emptied(database: Path) -> None:
    os.truncate(database, 0)


def overwritten(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(os.urandom(database.stat().st_size))


def half_right(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(database.stat().st_size - 8192))


def another_program_s(database: Path) -> None:
    database.write_bytes(b"no database at all" * 1000)


def of_another_version(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as index:
        index.execute("DROP TABLE studies")
        index.execute("PRAGMA user_version = 99")


def of_another_schema(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as index:
        index.execute("ALTER TABLE studies RENAME COLUMN row TO line")


def nonsense_in_rows(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as index:
        index.execute("UPDATE studies SET row = '{\"0020000D\": 7'")


def a_folder(database: Path) -> None:
    database.unlink()
    (database / "full").mkdir(parents=True)


def a_pipe(database: Path) -> None:
    database.unlink()
    os.mkfifo(database)


def a_link_into_nothing(database: Path) -> None:
    database.unlink()
    database.symlink_to("/nowhere/at/all")


def gone(database: Path) -> None:
    database.unlink()


DAMAGES = [
    cut,
    emptied,
    overwritten,
    half_right,
    another_program_s,
    of_another_version,
    of_another_schema,
    nonsense_in_rows,
    a_folder,
    a_pipe,
    a_link_into_nothing,
    gone,
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_index_is_made_anew(folder, tmp_path, damage):
    """Issue 12, part 6: at the next start, and while the archive is open."""
    async with opened(folder, tmp_path / "cache") as client:
        assert await count(client) == 40
        (database,) = (tmp_path / "cache").glob("*.sqlite3")
        damage(database)
        assert await count(client) == 40
    damage(database)
    async with opened(folder, tmp_path / "cache") as client:
        assert await count(client) == 40
        assert database.is_file()
        assert (await client.get("/federator/index")).json()["remark"] == ""


async def test_without_room_on_the_disk_answers_come_from_memory_and_it_is_said(folder, tmp_path):
    """Issue 12, part 6; contract.md §6: words that the operator can act on, and where."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        async with opened(folder, tmp_path / "cache") as client:
            assert await count(client) == 40
            remark = (await client.get("/federator/index")).json()["remark"]
            assert "disk" in remark
            assert str(tmp_path / "cache") in remark
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    async with opened(folder, tmp_path / "cache") as client:
        assert await count(client) == 40
        assert (await client.get("/federator/index")).json()["remark"] == ""


async def test_a_cache_that_cannot_be_written_is_done_without_and_it_is_said(folder, tmp_path):
    """Issue 12, part 6; contract.md §6."""
    (tmp_path / "cache").write_text("a file where the folder should be")
    async with opened(folder, tmp_path / "cache") as client:
        assert await count(client) == 40
        assert "a file lies where a folder should" in (await client.get("/federator/index")).json()["remark"]
        write_tiny(folder / "new.dcm", study="2.25.99", series="2.25.98", instance="2.25.97")
        assert await count(client) == 41


async def test_a_folder_that_is_gone_says_so_in_words(folder, tmp_path):
    """contract.md §6: not that it is too busy."""
    async with opened(folder, tmp_path / "cache") as client:
        assert await count(client) == 40
        shutil.rmtree(folder)
        response = await client.get("/studies")
        assert response.status_code == 503
        assert words_in(response.headers, HOST) == "its folder is not there. Is the drive connected?"


def test_words_are_taken_from_folders_only():
    """contract.md §6: archive bodies and headers never become messages."""
    assert words_in({"Federator-Told": "come here"}, "pacs.example") == ""
