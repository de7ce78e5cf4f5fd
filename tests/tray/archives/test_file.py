"""`archives.toml` on disk: refused, replaced, restored (facts/tray.md sections 5.2 and 5.4)."""

import functools
import itertools
import os
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from federator.config import load
from tray.archives import file as archives_file
from tray.archives import text as archives_text
from tray.archives.file import ArchivesFileError, ConflictError

ONE = '# Mercy\n[archives.mercy]\nurl = "https://a"\n'
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes and modes")


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "config" / "archives.toml"


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


def add(name: str) -> Callable[[str], str]:
    return functools.partial(archives_text.put, name=name, values={"url": f"https://{name}"})


def made(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names(path: Path) -> list[str]:
    return [archive.name for archive in archives_file.read(path).archives]


@posix_only
def test_a_new_file_and_its_folder_are_for_the_user_alone(path, state):
    """facts/tray.md 5.2: folder 0700, file 0600."""
    assert archives_file.read(path).archives == ()
    etag = archives_file.edit(path, add("a"), state_folder=state)
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert archives_file.read(path).etag == etag
    assert names(path) == ["a"]
    assert list(path.parent.iterdir()) == [path]


@posix_only
def test_an_existing_file_keeps_its_mode(path, state):
    """facts/tray.md 5.2: keep the mode."""
    made(path, ONE).chmod(0o640)
    archives_file.edit(path, add("b"), state_folder=state)
    assert path.stat().st_mode & 0o777 == 0o640


@posix_only
def test_a_link_is_followed_and_stays_a_link(path, state, tmp_path):
    """facts/tray.md 5.2: follow a symlink to its target first."""
    target = made(tmp_path / "shared" / "archives.toml", ONE)
    path.parent.mkdir()
    path.symlink_to(target)
    archives_file.edit(path, add("b"), state_folder=state)
    assert path.is_symlink()
    assert names(target) == ["mercy", "b"]


def test_a_change_of_a_file_that_is_another_by_now_is_refused(path, state):
    """facts/tray.md 5.2: etag; the page says that the list has changed."""
    etag = archives_file.read(made(path, ONE)).etag
    made(path, ONE + "# by hand\n")
    with pytest.raises(ConflictError, match="changed meanwhile"):
        archives_file.edit(path, add("b"), state_folder=state, etag=etag)
    assert path.read_text() == ONE + "# by hand\n"


def test_a_change_by_another_program_during_the_edit_is_not_lost(path, state):
    """facts/tray.md 5.2: re-checked under a lock just before the replace."""
    made(path, ONE)
    hand = iter([ONE + "# by hand\n"])

    def slowly(text: str) -> str:
        for changed in hand:
            path.write_text(changed)
        return add("b")(text)

    archives_file.edit(path, slowly, state_folder=state)
    assert "# by hand" in path.read_text()
    assert names(path) == ["mercy", "b"]


def test_a_change_that_changes_nothing_writes_nothing(path, state):
    """Issue 4: a second run changes nothing."""
    archives_file.edit(made(path, ONE), add("b"), state_folder=state)
    before = path.stat()
    archives_file.edit(path, add("b"), state_folder=state)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[archives.a\n", "line 1"),
        ('[archives.a]\nurl = "x\n', "column"),
        (b"\xff\xfe[\x00", "UTF-8"),
        (b'[archives.a]\ntitle = "M\xfcnchen"', "UTF-8"),
        ("schema_version = 2\n[archives.a]\nlink = 1\n", "newer version"),
        ("# " + "x" * 1_048_576, "larger"),
    ],
)
def test_a_broken_or_newer_file_is_refused_and_untouched_byte_for_byte(path, state, content, words):
    """facts/tray.md 5.2, 5.4: never overwritten; the fault is told with line and column."""
    before = made(path, content).read_bytes()
    shown = archives_file.read(path)
    assert not shown.can_edit
    assert words in "; ".join(map(str, shown.faults))
    with pytest.raises(ArchivesFileError, match="not touched"):
        archives_file.edit(path, add("b"), state_folder=state)
    assert path.read_bytes() == before


def test_a_change_that_would_make_a_faulty_file_is_refused_with_its_faults(path, state):
    """contract.md §6: every fault by key."""
    made(path, ONE)
    with pytest.raises(ArchivesFileError, match="Nothing was saved") as caught:
        archives_file.edit(
            path,
            lambda text: archives_text.put(text, "mercy", {"url": "pacs", "auth": "digest"}),
            state_folder=state,
        )
    assert [fault.key for fault in caught.value.faults] == ["archives.mercy.url", "archives.mercy.auth"]
    assert path.read_text() == ONE


def test_a_fault_of_one_entry_can_be_mended_or_removed(path, state):
    """Only what cannot be read at all is out of reach."""
    made(path, ONE + '[archives.bad]\nurl = "x"\n')
    archives_file.edit(path, lambda text: archives_text.remove(text, "bad"), state_folder=state)
    assert path.read_text() == ONE


def test_byte_order_mark_goes_and_windows_line_ends_stay(path, state):
    """facts/tray.md 5.2: read utf-8-sig, write without."""
    made(path, b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    archives_file.edit(path, add("b"), state_folder=state)
    content = path.read_bytes()
    assert content.startswith(b"# Mercy\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert names(path) == ["mercy", "b"]


def test_one_copy_stands_beside_the_file_and_ten_dated_ones_in_the_state_folder(path, state):
    """facts/tray.md 5.2."""
    made(path, ONE)
    for number in range(13):
        before = path.read_text()
        archives_file.edit(path, add(f"n{number}"), state_folder=state)
        assert path.with_name("archives.toml.bak").read_text() == before
    assert len(list((state / "backups").iterdir())) == 10


@pytest.mark.parametrize("broken", ["[archives.a\n", b"\xff\xfe[\x00", ""])
def test_the_copy_can_be_restored_and_the_broken_file_is_kept(path, state, broken):
    """facts/tray.md 5.2: restore the copy of 09:41."""
    archives_file.edit(made(path, ONE), add("b"), state_folder=state)
    content = made(path, broken).read_bytes()
    assert archives_file.read(path).copy_time is not None
    etag = archives_file.restore(path, state_folder=state)
    assert path.read_text() == ONE
    assert archives_file.read(path).etag == etag
    assert (state / "backups" / "broken-archives.toml").read_bytes() == content


def test_a_missing_or_broken_copy_is_not_restored(path, state):
    """facts/tray.md 5.2."""
    made(path, "[broken")
    with pytest.raises(ArchivesFileError, match="no copy"):
        archives_file.restore(path, state_folder=state)
    made(path.with_name("archives.toml.bak"), "[broken as well")
    with pytest.raises(ArchivesFileError, match="broken as well"):
        archives_file.restore(path, state_folder=state)
    assert path.read_text() == "[broken"


def test_a_link_that_leads_to_itself_is_told(path, state):
    """Issue 4: a refusal says why, in words that are not our program's own."""
    path.parent.mkdir(parents=True)
    path.symlink_to(path)
    with pytest.raises(ArchivesFileError, match="leads to itself"):
        archives_file.read(path)


def test_what_is_no_file_is_told(path, state):
    """contract.md §6."""
    path.mkdir(parents=True)
    with pytest.raises(ArchivesFileError, match="cannot be read"):
        archives_file.read(path)


def in_child(work: Callable[[], None]) -> int:
    """Runs `work` in a forked process and gives its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


@posix_only
def test_three_writers_at_once_lose_nothing(path, state):
    """Issue 4: 3 writers at once, nothing lost; facts/tray.md 5.2: 3 writers × 20 adds."""
    made(path, ONE)

    def work(writer: int) -> None:
        for number in range(20):
            archives_file.edit(path, add(f"w{writer}-{number}"), state_folder=state)

    children = [in_child(functools.partial(work, writer)) for writer in range(3)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    expected = {"mercy", *(f"w{writer}-{number}" for writer in range(3) for number in range(20))}
    assert set(names(path)) == expected
    assert path.read_text().startswith(ONE)


@posix_only
def test_a_reader_never_sees_half_a_file_while_it_is_written(path, state):
    """facts/tray.md 5.2: with a plain write, half of the concurrent reads saw an empty file."""
    made(path, ONE)
    child = in_child(
        lambda: [archives_file.edit(path, add(f"n{number}"), state_folder=state) for number in range(40)] and None
    )
    seen: list[int] = []
    while not os.waitpid(child, os.WNOHANG)[0]:
        seen.append(len(load(path).archives))
    assert seen == sorted(seen)
    assert len(load(path).archives) == 41


@posix_only
def test_a_writer_killed_at_any_point_leaves_the_old_or_the_new_file_whole(path, state):
    """Issue 4: kill -9 at any point of a write; each step of a write that the interpreter reports is one point."""
    new = add("b")(ONE)
    outcomes = []
    for point in itertools.count(1):
        made(path, ONE)
        child = in_child(functools.partial(_write_and_die, path, state, point))
        _, status = os.waitpid(child, 0)
        content = path.read_text()
        assert content in {ONE, new}
        outcomes.append(content == new)
        assert tomllib.loads(path.read_text())
        if not os.WIFSIGNALED(status):
            break
    assert outcomes == sorted(outcomes)
    assert {False, True} == set(outcomes)
    assert len(outcomes) > 20
    # What a killed writer left behind is in nobody's way and is cleared by the next one.
    archives_file.edit(path, add("c"), state_folder=state)
    assert not [file for file in path.parent.iterdir() if file.name.startswith(".")]


def _write_and_die(path: Path, state: Path, point: int) -> None:
    steps = itertools.count(1)
    kinds = ("open", "os.", "tempfile.", "shutil.", "fcntl.")

    def die(event: str, _arguments: object) -> None:
        if event.startswith(kinds) and next(steps) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die)
    archives_file.edit(path, add("b"), state_folder=state)
