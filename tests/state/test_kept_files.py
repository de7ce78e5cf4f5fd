"""Every file that is written, by writers that are killed and on disks that are full: nothing lost, and it heals."""

import functools
import itertools
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from federator.archive.habits.folder import HabitsFolder, today
from federator.archive.habits.kept import Kept as Habit
from federator.archive.secrets import file as secret_file
from federator.config import load
from federator.errors import ArchiveError
from federator.model import Outcome, OutcomeState
from federator.server.health import HealthFile
from tests.state.child import killed_at, run, steps_of, with_room_for
from tests.support.folder_archive import opened, write_tiny
from tray.archives import file as archives_file
from tray.archives import text as archives_text
from tray.archives.file import ArchivesFileError
from tray.clients import files as client_files
from tray.clients import jsonc
from tray.clients.files import ClientError
from tray.clients.receipts import Receipt, Receipts
from tray.instance import Instance

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes, limits and modes")

_TIMES = 10
_ARCHIVES = '# theirs\nschema_version = 1\n[archives.a]\nurl = "https://a.example"\n'
_SETTINGS = '{\n  // theirs\n  "mcpServers": {"other": {"command": "x"}}\n}\n'
_SECRET = "old-and-good"
_URL = "https://mercy.example/dicom-web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that is kept: how it was before, one change of it, and what must be true after it was cut short.

    `is_whole` raises where something was lost. `refusals` are what the change may raise on a disk without room.
    """

    before: Callable[[Path], object]
    change: Callable[[Path], object]
    is_whole: Callable[[Path], object]
    is_changed: Callable[[Path], bool]
    refusals: tuple[type[Exception], ...] = ()


def _archives(root: Path) -> Path:
    return root / "config" / "archives.toml"


def _archives_before(root: Path) -> None:
    _archives(root).parent.mkdir(exist_ok=True)
    _archives(root).write_text(_ARCHIVES)


def _archives_changed(root: Path) -> None:
    add = functools.partial(archives_text.put, name="b", values={"url": "https://b.example"})
    archives_file.edit(_archives(root), add, state_folder=root / "state")


def _archives_whole(root: Path) -> None:
    assert _archives(root).read_text().startswith(_ARCHIVES)
    assert [archive.name for archive in load(_archives(root)).archives] in (["a"], ["a", "b"])


def _settings_before(root: Path) -> None:
    (root / "mcp.json").write_text(_SETTINGS)


def _settings_changed(root: Path) -> None:
    snapshot = client_files.read(root / "mcp.json", title="X")
    text = jsonc.put(snapshot.text, ("mcpServers", "federator"), {"command": "federator"})
    client_files.replace(snapshot, text.encode(), state_folder=root / "state", title="X")


def _settings_whole(root: Path) -> None:
    text = (root / "mcp.json").read_text()
    assert "// theirs" in text
    assert jsonc.parse(text)["mcpServers"]["other"] == {"command": "x"}


def _receipt(etag: str) -> Receipt:
    return Receipt(client="cursor", path="/home/a/mcp.json", etag=etag, backup="", created=False, entry={"a": etag})


def _receipts_before(root: Path) -> None:
    Receipts(root / "state" / "receipts").keep(_receipt("old"))


def _receipts_changed(root: Path) -> None:
    Receipts(root / "state" / "receipts").keep(_receipt("new"))


def _etag(root: Path) -> str:
    (receipt,) = Receipts(root / "state" / "receipts").of("cursor")
    return receipt.etag


def _secret_before(root: Path) -> None:
    secret_file.write(root / "config" / "secrets", "a", _SECRET)


def _secret(root: Path) -> str:
    return (root / "config" / "secrets" / "a.secret").read_text()


def _health(root: Path) -> HealthFile:
    return HealthFile(root / "state" / "health.json")


def _health_before(root: Path) -> None:
    _health_changed(root, "old")


def _health_changed(root: Path, archive: str = "new") -> None:
    health = _health(root)
    outcome = Outcome(archive=archive, state=OutcomeState.ANSWERED, rows=0, attempts=1, milliseconds=1, message="")
    health.note([outcome])
    health.save()


def _health_told(root: Path) -> set[str]:
    return set(json.loads((root / "state" / "health.json").read_text())["archives"])


def _habits_before(root: Path) -> None:
    _habits_changed(root, cap=50)


def _habits_changed(root: Path, cap: int = 100) -> None:
    folder = HabitsFolder(root / "state" / "habits")
    folder.note("mercy", _URL, Habit(since=today(), cap=cap))
    folder.save()


def _habit(root: Path) -> int:
    found = HabitsFolder(root / "state" / "habits").read("mercy", _URL)
    assert found is not None
    return {50: 50, 100: 100}[found.cap]


def _index_before(root: Path) -> None:
    for number in range(30):
        write_tiny(root / "images" / f"{number}.dcm", study=f"1.2.{number}", series="1.3", instance=f"1.4.{number}")
    _index_changed(root)
    for number in range(30, 60):
        write_tiny(root / "images" / f"{number}.dcm", study=f"1.2.{number}", series="1.3", instance=f"1.4.{number}")


def _index_changed(root: Path) -> None:
    assert anyio.run(_studies, root) == 60 or not (root / "images" / "59.dcm").exists()


async def _studies(root: Path) -> int:
    async with opened(root / "images", root / "cache") as client:
        return len((await client.get("/studies", params={"limit": "1000"})).json())


KEPT = {
    "configuration": Kept(
        before=_archives_before,
        change=_archives_changed,
        is_whole=_archives_whole,
        is_changed=lambda root: len(load(_archives(root)).archives) == 2,
        refusals=(ArchivesFileError,),
    ),
    "settings of an assistant": Kept(
        before=_settings_before,
        change=_settings_changed,
        is_whole=_settings_whole,
        is_changed=lambda root: "federator" in jsonc.parse((root / "mcp.json").read_text())["mcpServers"],
        refusals=(ClientError,),
    ),
    "receipts": Kept(
        before=_receipts_before,
        change=_receipts_changed,
        is_whole=_etag,
        is_changed=lambda root: _etag(root) == "new",
        refusals=(OSError,),
    ),
    "secrets": Kept(
        before=_secret_before,
        change=lambda root: secret_file.write(root / "config" / "secrets", "a", "new"),
        is_whole=lambda root: {_SECRET: 1, "new": 1}[_secret(root)],
        is_changed=lambda root: _secret(root) == "new",
        refusals=(ArchiveError,),
    ),
    "health": Kept(
        before=_health_before,
        change=_health_changed,
        is_whole=lambda root: {("old",): 1, ("new", "old"): 1}[tuple(sorted(_health_told(root)))],
        is_changed=lambda root: "new" in _health_told(root),
    ),
    "habits": Kept(
        before=_habits_before,
        change=_habits_changed,
        is_whole=_habit,
        is_changed=lambda root: _habit(root) == 100,
    ),
    "index of a folder": Kept(
        before=_index_before,
        change=_index_changed,
        is_whole=lambda _root: None,
        is_changed=lambda root: anyio.run(_studies, root) == 60,
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_writer_that_is_killed_loses_nothing_and_the_next_one_goes_on(name: str, tmp_path: Path) -> None:
    """Issue 12: ten random kill -9 for each file that is written; each at a step that the interpreter reports."""
    kept, roots = KEPT[name], itertools.count()

    def fresh() -> Path:
        root = tmp_path / str(next(roots))
        root.mkdir()
        kept.before(root)
        return root

    last = steps_of(lambda: functools.partial(kept.change, fresh()))
    chance = random.Random(name)
    for _ in range(_TIMES):
        root = fresh()
        killed_at(chance.randint(1, last), functools.partial(kept.change, root))
        kept.is_whole(root)
        for left_over in root.rglob(".*"):
            os.utime(left_over, (0, 0))
        assert run(functools.partial(kept.change, root)) == 0
        kept.is_whole(root)
        assert kept.is_changed(root)
        assert [path.name for path in root.rglob(".*") if path.is_file()] == []


@pytest.mark.parametrize("name", KEPT)
def test_on_a_full_disk_the_old_file_stays_and_with_room_again_the_new_one_is_written(
    name: str, tmp_path: Path
) -> None:
    """Issue 12: ten disks without room for each file that is written, each with less or more of it."""
    kept = KEPT[name]
    chance = random.Random(name)
    for number in range(_TIMES):
        root = tmp_path / str(number)
        root.mkdir()
        kept.before(root)
        status = with_room_for(
            chance.choice((0, chance.randrange(400), chance.randrange(40_000))), functools.partial(_refused, kept, root)
        )
        assert status == 0
        kept.is_whole(root)
        assert run(functools.partial(kept.change, root)) == 0
        assert kept.is_changed(root)
        kept.is_whole(root)


def _refused(kept: Kept, root: Path) -> None:
    """The change, or one of the refusals that say why."""
    try:
        kept.change(root)
    except kept.refusals as error:
        assert "large" in str(error) or "space" in str(error), error  # noqa: PT017 - in a child


def _all_of_it(root: Path) -> None:
    os.umask(0)
    for kept in KEPT.values():
        kept.before(root)
        kept.change(root)
    (root / "run").mkdir(mode=0o755)
    instance = Instance(root / "run", on_knock=lambda: None)
    assert instance.claim()
    instance.release()


@pytest.mark.parametrize("is_there", [False, True], ids=["fresh", "made with wide rights before"])
def test_every_folder_and_file_of_state_is_the_users_alone(is_there: bool, tmp_path: Path) -> None:
    """Issue 12, part 7: 0700 and 0600 for all that is written, whatever the umask says."""
    for folder in ("state", "cache", "state/locks", "config/secrets") if is_there else ():
        (tmp_path / folder).mkdir(parents=True, mode=0o755, exist_ok=True)
    assert run(functools.partial(_all_of_it, tmp_path)) == 0
    own = [path for top in ("state", "cache", "run", "config/secrets") for path in (tmp_path / top).rglob("*")]
    tops = [tmp_path / top for top in ("state", "cache", "run", "config/secrets")]
    assert len(own) > 10
    wide = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode)
        for path in (*own, *tops)
        if path.stat().st_mode & 0o77
    }
    assert wide == {}


def test_folders_are_made_in_one_place() -> None:
    """Issue 12, part 7: whoever writes something new asks `federator.private` for its folder."""
    root = Path(__file__).parents[2]
    makers = [
        str(path.relative_to(root))
        for package in ("federator", "tray")
        for path in (root / package).rglob("*.py")
        if ".mkdir(" in path.read_text(encoding="utf-8") or "makedirs(" in path.read_text(encoding="utf-8")
    ]
    assert makers == ["federator/private.py"]
