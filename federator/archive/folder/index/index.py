"""The index over a folder of DICOM files: a small SQLite database in the user's cache, refreshed by time stamps.

It is written a few files at a time, each time in one transaction, so that an interrupted refresh goes on where it
was. It holds what the files' headers hold, so it is readable by its owner only. What the instances of a series share is
kept once (`uppers`), so that the rows of studies are made from a few texts and not from thousands.
"""

import hashlib
import json as text_json
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from federator.archive.folder.files.header import Header, Refusal
from federator.archive.folder.index.database import Database
from federator.archive.folder.index.rows import series_row, study_row
from federator.archive.folder.index.stamps import Listing, Stamp, listings
from federator.dicom import json

_SCHEMA_VERSION = 2
_SCHEMA = (
    "CREATE TABLE uppers(id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE)",
    """CREATE TABLE files(
        path BLOB NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
        refusal TEXT, study TEXT, series TEXT, instance TEXT, upper INTEGER, row TEXT, used INTEGER NOT NULL
    )""",
    "CREATE INDEX files_by_path ON files(path, mtime_ns, size)",
    "CREATE INDEX files_by_instance ON files(instance)",
    "CREATE INDEX files_by_study ON files(study, series, used)",
    "CREATE TABLE studies(study TEXT PRIMARY KEY, date TEXT NOT NULL, row TEXT NOT NULL)",
    "CREATE TABLE series(study TEXT NOT NULL, series TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY(study, series))",
    "CREATE TABLE unsettled(study TEXT PRIMARY KEY)",
)
_STUDY_DATE = "00080020"
_MAX_NAMED = 100
_RACY_NS = 50_000_000


@dataclass(slots=True, kw_only=True)
class Changes:
    """What is not yet in the index: files to read, files that are gone, and whether rows of studies are out of date."""

    changed: list[Stamp] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    unsettled: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.unsettled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the folder holds. `unreadable` names at most a hundred files; `remark` says why the index is not kept."""

    files: int
    instances: int
    duplicates: int
    not_dicom: int
    unreadable_count: int
    unreadable: tuple[tuple[str, str], ...]
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file of the index with the UIDs of its study, series and instance, and its time stamp when it was read."""

    path: Path
    mtime_ns: int
    size: int
    uids: tuple[str, ...]

    @property
    def is_stamped(self) -> bool:
        """Whether its time stamp tells it from what it was before; not when it was read within the same tick."""
        return self.mtime_ns >= 0

    @property
    def is_as_read(self) -> bool:
        """Whether the file has not changed since."""
        try:
            told = self.path.stat()
        except OSError:
            return False
        return (told.st_mtime_ns, told.st_size) == (self.mtime_ns, self.size)


class FolderIndex:
    """The index of one folder. Its methods block: run them in a thread.

    They raise OSError where the folder cannot be read, Remade where the index has to be filled again first, and
    sqlite3.OperationalError where another program keeps it locked.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = Path(os.path.realpath(folder.expanduser()))
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:24]
        self.database = Database(cache / f"folder-{digest}.sqlite3", _SCHEMA, _SCHEMA_VERSION)
        self._seen: dict[bytes, int] = {}
        self._seen_in = (-1, -1)

    def changes(self) -> Changes:
        """Compare the time stamps of all files with those in the index.

        Of a folder whose listing is the same as last time nothing is looked up: 20,000 files cost their `stat`.
        """
        listed = {listing.place: listing for listing in listings(self.folder)}
        with self.database.opened() as database:
            (version,) = database.execute("PRAGMA data_version").fetchone()
            if self._seen_in != (self.database.generation, version):
                self._seen, self._seen_in = {}, (self.database.generation, version)
            digests = {place: hash(listing.told) for place, listing in listed.items()}
            if digests == self._seen:
                return Changes()
            changed = [place for place, digest in digests.items() if self._seen.get(place) != digest]
            known = _known(database, None if not self._seen or self._seen.keys() - digests.keys() else changed)
            unsettled = bool(database.execute("SELECT COUNT(*) FROM unsettled").fetchone()[0])
        present = {stamp.path: stamp for place in changed for stamp in listed[place].stamps}
        gone = known.keys() - (present.keys() if len(changed) == len(listed) else _paths(listed))
        found = Changes(
            changed=sorted(stamp for path, stamp in present.items() if known.get(path) != stamp[1:]),
            removed=sorted(gone),
            unsettled=unsettled,
        )
        if not found:
            self._seen = digests
        return found

    def take(self, read: Sequence[tuple[Stamp, Header | Refusal]], removed: Sequence[bytes] = ()) -> None:
        """Replace what the index knows of some files, in one transaction, and note the studies that they belong to."""
        with self.database.writing() as database:
            _write(database, read, removed)

    def settle(self, end: float) -> bool:
        """Make the rows of noted studies anew, until `end` on the monotonic clock; whether some are left."""
        with self.database.writing() as database:
            return _settle(database, end)

    def state(self) -> tuple[int, ...]:
        """What is another one whenever the index may hold something else, whichever program wrote it."""
        with self.database.opened() as database:
            (version,) = database.execute("PRAGMA data_version").fetchone()
            return self.database.generation, version, database.total_changes

    def rows(self, statement: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
        """The answer of the index to a SELECT statement."""
        with self.database.opened() as database:
            return database.execute(statement, tuple(values)).fetchall()

    def held(self, study: str, series: str = "", instance: str = "") -> list[Held]:
        """The objects of a study, of a series or one instance, in the order of their files' paths."""
        statement = "SELECT path, mtime_ns, size, study, series, instance FROM files WHERE used AND study = ?"
        asked = [study]
        for column, uid in (("series", series), ("instance", instance)):
            if uid:
                statement += f" AND {column} = ?"
                asked.append(uid)
        return [
            Held(path=self.place(path), mtime_ns=mtime_ns, size=size, uids=tuple(uids))
            for path, mtime_ns, size, *uids in self.rows(f"{statement} ORDER BY path", asked)
        ]

    def place(self, path: bytes) -> Path:
        """Where a file of the index lies."""
        return self.folder / os.fsdecode(path)

    def unreadable_count(self) -> int:
        """How many files are DICOM files, but cannot be used."""
        ((count,),) = self.rows("SELECT COUNT(*) FROM files WHERE refusal <> ''", ())
        return int(count)

    def summary(self) -> Summary:
        """How many files of which kind there are."""
        ((files, instances, duplicates, not_dicom, unreadable),) = self.rows(
            "SELECT COUNT(*), TOTAL(used), TOTAL(refusal IS NULL AND NOT used),"
            " TOTAL(refusal = ''), TOTAL(refusal <> '') FROM files",
            (),
        )
        named = self.rows("SELECT path, refusal FROM files WHERE refusal <> '' ORDER BY path LIMIT ?", (_MAX_NAMED,))
        return Summary(
            files=files,
            instances=int(instances),
            duplicates=int(duplicates),
            not_dicom=int(not_dicom),
            unreadable_count=int(unreadable),
            unreadable=tuple((_shown(path), reason) for path, reason in named),
            remark=self.database.remark,
        )


def _known(database: sqlite3.Connection, places: Sequence[bytes] | None) -> dict[bytes, tuple[int, int]]:
    """The time stamps in the index, of all files or of those directly in some folders."""
    if places is None or b"" in places:
        found = database.execute("SELECT path, mtime_ns, size FROM files")
        return {path: (mtime_ns, size) for path, mtime_ns, size in found}
    known: dict[bytes, tuple[int, int]] = {}
    for place in places:
        found = database.execute(
            "SELECT path, mtime_ns, size FROM files WHERE path = ? OR path BETWEEN ? AND ?",
            (place, place + b"/", place + b"0"),
        )
        known |= {path: (mtime_ns, size) for path, mtime_ns, size in found}
    return known


def _paths(listed: dict[bytes, Listing]) -> set[bytes]:
    return {stamp.path for listing in listed.values() for stamp in listing.stamps}


def _write(
    database: sqlite3.Connection, read: Sequence[tuple[Stamp, Header | Refusal]], removed: Sequence[bytes]
) -> None:
    gone = [(path,) for path in (*(stamp.path for stamp, _ in read), *removed)]
    touched, studies = set[str](), set[str]()
    for path in gone:
        for study, instance in database.execute("SELECT study, instance FROM files WHERE path = ?", path):
            if instance is not None:
                studies.add(study)
                touched.add(instance)
    database.executemany("DELETE FROM files WHERE path = ?", gone)
    now = time.time_ns()
    uppers: dict[str, int] = {}
    rows: list[tuple[object, ...]] = []
    for stamp, header in read:
        # What was written while it was read may change once more within the same tick of the file system's clock.
        mtime_ns = -1 if 0 <= now - stamp.mtime_ns < _RACY_NS else stamp.mtime_ns
        if isinstance(header, Refusal):
            rows.append((stamp.path, mtime_ns, stamp.size, header.reason, None, None, None, None, None, 0))
            continue
        if header.upper not in uppers:
            uppers[header.upper] = _upper_id(database, header.upper)
        study, series, instance = header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid
        rows.append(
            (stamp.path, mtime_ns, stamp.size, None, study, series, instance, uppers[header.upper], header.row, 1)
        )
        studies.add(study)
        touched.add(instance)
    database.executemany("INSERT INTO files VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
    studies |= _choose_used(database, touched)
    database.executemany("INSERT OR IGNORE INTO unsettled VALUES (?)", [(study,) for study in studies])


def _upper_id(database: sqlite3.Connection, content: str) -> int:
    database.execute("INSERT OR IGNORE INTO uppers(content) VALUES (?)", (content,))
    found: tuple[int] = database.execute("SELECT id FROM uppers WHERE content = ?", (content,)).fetchone()
    return found[0]


def _choose_used(database: sqlite3.Connection, touched: set[str]) -> set[str]:
    """Of several files with one instance the first by its path counts; the studies that this concerns."""
    database.execute("DELETE FROM touched")
    database.executemany("INSERT INTO touched VALUES (?)", [(instance,) for instance in touched])
    several = database.execute(
        "SELECT instance, MIN(path) FROM touched JOIN files USING (instance) GROUP BY instance"
        " HAVING COUNT(*) > 1 OR TOTAL(used) <> 1"
    ).fetchall()
    studies: set[str] = set()
    for instance, first in several:
        database.execute("UPDATE files SET used = (path = ?) WHERE instance = ?", (first, instance))
        studies |= {study for (study,) in database.execute("SELECT study FROM files WHERE instance = ?", (instance,))}
    return studies


def _settle(database: sqlite3.Connection, end: float) -> bool:
    while waiting := database.execute("SELECT study FROM unsettled LIMIT 1").fetchone():
        if time.monotonic() > end:
            return True
        _gather(database, waiting[0])
        database.execute("DELETE FROM unsettled WHERE study = ?", waiting)
    return False


def _gather(database: sqlite3.Connection, study: str) -> None:
    """Make the rows of a study and of its series from what their instances share."""
    database.execute("DELETE FROM studies WHERE study = ?", (study,))
    database.execute("DELETE FROM series WHERE study = ?", (study,))
    found = database.execute(
        "SELECT series, content, COUNT(*) FROM files JOIN uppers ON upper = id"
        " WHERE used AND study = ? GROUP BY series, upper ORDER BY MIN(path)",
        (study,),
    ).fetchall()
    if not found:
        return
    shared: dict[str, list[dict[str, Any]]] = {}
    counts: dict[str, int] = {}
    for series, content, count in found:
        shared.setdefault(series, []).append(_loaded(content))
        counts[series] = counts.get(series, 0) + count
    whole = study_row(list(shared.values()), sum(counts.values()))
    database.execute(
        "INSERT INTO studies VALUES (?,?,?)",
        (study, json.date(whole, _STUDY_DATE), text_json.dumps(whole, ensure_ascii=False)),
    )
    database.executemany(
        "INSERT INTO series VALUES (?,?,?)",
        [
            (study, uid, text_json.dumps(series_row(rows, counts[uid]), ensure_ascii=False))
            for uid, rows in shared.items()
        ],
    )


@lru_cache(maxsize=256)
def _loaded(content: str) -> dict[str, Any]:
    loaded: dict[str, Any] = text_json.loads(content)
    return loaded


def _shown(path: bytes) -> str:
    return os.fsdecode(path).encode("utf-8", "replace").decode("utf-8")
