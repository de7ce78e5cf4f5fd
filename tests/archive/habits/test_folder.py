"""What is kept of archives on disk: whose it is, what stands there, and what of it is believed."""

import dataclasses
import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from federator.archive.habits.folder import HabitsFolder, today
from federator.archive.habits.kept import DAYS_KEPT, Kept, Recent, from_json
from federator.archive.habits.naming import Naming
from federator.archive.habits.owner import Habits
from federator.model import Level

URL = "https://mercy.example/dicom-web"
KEPT = Kept(
    since=today(),
    server="0123456789ab",
    naming=Naming.KEYWORD,
    max_limit=100,
    plain_json=True,
    cap=50,
    recent=Recent(studies=50, days=12),
    unsound=frozenset({(Naming.TAG, "person names"), (Naming.KEYWORD, "wild cards in PatientID")}),
    avoided=frozenset({(Naming.TAG, Level.STUDY, "00080061")}),
)


def saved(path: Path, kept: Kept = KEPT, name: str = "mercy", url: str = URL) -> Path:
    folder = HabitsFolder(path)
    folder.note(name, url, kept)
    folder.save()
    (file,) = path.glob(f"{name}-*.json")
    return file


def test_another_process_reads_what_was_kept(tmp_path: Path) -> None:
    """Issue 10, part 1: habits may be kept across processes."""
    saved(tmp_path / "state" / "habits")
    assert HabitsFolder(tmp_path / "state" / "habits").read("mercy", URL) == KEPT


def test_what_is_kept_belongs_to_an_archive_and_its_address(tmp_path: Path) -> None:
    """Issue 10, part 1: per archive and address; another address is another archive, and so is another's file."""
    file = saved(tmp_path)
    folder = HabitsFolder(tmp_path)
    assert folder.read("mercy", "https://mercy.example/new") is None
    assert folder.read("north", URL) is None
    file.rename(file.with_name(file.name.replace("mercy", "north")))
    assert folder.read("north", URL) is None


@pytest.mark.skipif(os.name != "posix", reason="rights are told otherwise on Windows")
def test_the_folders_and_the_files_are_this_users_alone(tmp_path: Path) -> None:
    """Issue 12, part 7: 0700 and 0600, also where a folder was there before with wider rights."""
    for state in (tmp_path / "made", tmp_path / "found"):
        if state.name == "found":
            (state / "habits").mkdir(mode=0o755, parents=True)
        file = saved(state / "habits")
        assert [path.stat().st_mode & 0o777 for path in (state, state / "habits", file)] == [0o700, 0o700, 0o600]
        assert list((state / "habits").iterdir()) == [file]


def test_the_file_says_whose_it_is_and_nothing_of_patients(tmp_path: Path) -> None:
    """Issue 10, part 1: tags, caps and booleans only."""
    told = json.loads(saved(tmp_path).read_text(encoding="utf-8"))
    assert told.pop("archive") == "mercy"
    assert told.pop("address") == URL
    assert told == {
        "schema_version": 1,
        "since": today().isoformat(),
        "server": "0123456789ab",
        "naming": "keyword",
        "max_limit": 100,
        "plain_json": True,
        "cap": 50,
        "recent": [50, 12],
        "unsound": [["keyword", "wild cards in PatientID"], ["tag", "person names"]],
        "avoided": [["tag", "study", "00080061"]],
    }


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def overwritten(path: Path) -> None:
    path.write_bytes(os.urandom(300))


def nested(path: Path) -> None:
    path.write_text("[" * 90_000)


def a_list(path: Path) -> None:
    path.write_text("[1]")


def of_another_version(path: Path) -> None:
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "within").mkdir(parents=True)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_into_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nothing" / "there")


DAMAGES = [emptied, cut, overwritten, nested, a_list, of_another_version, a_folder, a_pipe, a_link_into_nothing]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_used_is_as_if_there_were_none_and_is_made_anew(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Issue 12, part 6: damaged, of another program, of another version, no file at all."""
    damage(saved(tmp_path))
    folder = HabitsFolder(tmp_path)
    assert folder.read("mercy", URL) is None
    folder.note("mercy", URL, KEPT)
    folder.save()
    assert HabitsFolder(tmp_path).read("mercy", URL) == KEPT


WRONG = [
    ("since", "yesterday"), ("since", 20260101), ("since", (today() + dt.timedelta(2)).isoformat()),
    ("since", (today() - dt.timedelta(DAYS_KEPT)).isoformat()), ("server", "Orthanc/1.10"), ("naming", "number"),
    ("max_limit", 0), ("max_limit", True), ("max_limit", "100"), ("cap", -1), ("cap", 10**9), ("recent", [50]),
    ("recent", [None, 3]), ("recent", "50"), ("recent", [50, 0]), ("unsound", [["tag", "Doe^Jane"]]), ("unsound", 3),
    ("unsound", [["tag"]]), ("avoided", [["tag", "study", "PatientID"]]), ("avoided", [["tag", "page", "00100010"]]),
    ("unsound", [["tag", "a"]] * 900),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_an_entry_is_believed_whole_or_not_at_all(key: str, value: object) -> None:
    """Issue 10, part 1: what no version of federator has written there, or is too old, is no hint."""
    told = json.loads(json.dumps(KEPT.as_json()))
    assert from_json(told, today()) == KEPT
    assert from_json({**told, key: value}, today()) is None


def test_forgotten_is_gone_and_the_number_of_archives_is_bounded(tmp_path: Path) -> None:
    """Issue 10, part 1: bounded by number and age."""
    folder = HabitsFolder(tmp_path)
    for number in range(205):
        folder.note(f"a{number}", URL, KEPT)
    folder.save()
    assert len(list(tmp_path.iterdir())) == 200
    old = saved(tmp_path)
    os.utime(old, (0, 0))
    saved(tmp_path, name="north")
    assert not old.exists()
    folder.note("north", URL, None)
    folder.save()
    assert folder.read("north", URL) is None
    assert not list(tmp_path.glob("north*"))


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    """A call may come every second; a disk need not hear of it."""
    file = saved(tmp_path)
    folder = HabitsFolder(tmp_path)
    folder.read("mercy", URL)
    file.unlink()
    folder.note("mercy", URL, KEPT)
    folder.save()
    assert not file.exists()
    folder.note("mercy", URL, dataclasses.replace(KEPT, cap=100))
    folder.save()
    assert file.exists()


def test_a_place_that_cannot_be_written_is_said_once_and_what_is_new_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """contract.md §6: words that the operator can act on; no answer is affected."""
    blocked = tmp_path / "habits"
    blocked.write_text("a file where the folder should be")
    folder = HabitsFolder(blocked)
    for _ in range(3):
        folder.note("mercy", URL, KEPT)
        folder.save()
    (record,) = caplog.records
    assert "a file lies where a folder should" in record.getMessage()
    assert str(blocked) in record.getMessage()
    blocked.unlink()
    folder.save()
    assert HabitsFolder(blocked).read("mercy", URL) == KEPT


def learned(kept: Kept | None = None, server: str = "Orthanc") -> Habits:
    habits = Habits(kept=kept)
    habits.served_by(server)
    return habits


def test_a_process_hands_on_what_it_found_and_what_it_was_handed() -> None:
    """Issue 10, part 1: hints stay until they are refuted or too old."""
    day = today()
    first = learned()
    first.named(Naming.TAG)
    first.takes_limit(200)
    first.cuts(Level.STUDY, 100)
    first.sound(Naming.TAG, "person names", yes=False)
    first.sound(Naming.TAG, "PatientID", yes=True)
    first.ignored(Naming.TAG, Level.STUDY, {"00080061"})
    first.ignored(Naming.TAG, Level.SERIES, {"00080060"})
    first.lie_within(50, 251)
    kept = first.to_keep(day)
    assert kept is not None
    assert (kept.naming, kept.max_limit, kept.cap, kept.recent) == (Naming.TAG, 200, 100, Recent(studies=50, days=260))
    assert kept.unsound == {(Naming.TAG, "person names")}
    assert kept.avoided == {(Naming.TAG, Level.STUDY, "00080061")}
    assert learned(kept).to_keep(day + dt.timedelta(3)) == kept
    second = learned(kept)
    second.lie_anywhere()
    assert second.to_keep(day) == dataclasses.replace(kept, recent=None)
    assert Habits(kept=kept).to_keep(day) is None
    assert Habits(trusted=True).to_keep(day) is None


def refuted_by_naming(habits: Habits) -> None:
    habits.named(Naming.TAG)


def refuted_by_length(habits: Habits) -> None:
    habits.saw(Level.STUDY, 200)


def refuted_by_trial(habits: Habits) -> None:
    habits.sound(Naming.TAG, "person names", yes=True)


def refuted_by_media_type(habits: Habits) -> None:
    habits.accepts("search", "application/dicom+json")


def refuted_by_another_server(habits: Habits) -> None:
    habits.served_by("Orthanc of another version")


@pytest.mark.parametrize(
    "refute", [refuted_by_naming, refuted_by_length, refuted_by_trial, refuted_by_media_type, refuted_by_another_server]
)
def test_an_archive_that_does_otherwise_is_met_anew(refute: Callable[[Habits], None]) -> None:
    """Issue 10, part 1: a changed archive is noticed."""
    day = today() + dt.timedelta(1)
    habits = learned(dataclasses.replace(KEPT, server=learned().to_keep(day).server))
    assert habits.known.kept is not None
    assert habits.to_keep(day).since == KEPT.since
    refute(habits)
    kept = habits.to_keep(day)
    assert (kept.since, kept.max_limit, kept.avoided) == (day, None, frozenset())
