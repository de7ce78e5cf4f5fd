"""The index over a folder of DICOM files: a small SQLite database in the user's cache, refreshed by time stamps.

It is written a few files at a time, each time in one transaction, so that an interrupted refresh goes on where it
was. It holds what the files' headers hold, so it is readable by its owner only.
"""

import contextlib
import hashlib
import json as text_json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federator.archive.folder.header import Header, Refusal, read_header
from federator.archive.folder.rows import series_row, study_row
from federator.archive.folder.stamps import Stamp, stamps
from federator.dicom import json

_SCHEMA_VERSION = 1
_SCHEMA = (
    """CREATE TABLE files(
        path BLOB PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
        refusal TEXT, study TEXT, series TEXT, instance TEXT, row TEXT, used INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX files_by_instance ON files(instance, path)",
    "CREATE INDEX files_by_study ON files(study, series, used)",
    "CREATE TABLE studies(study TEXT PRIMARY KEY, date TEXT NOT NULL, row TEXT NOT NULL)",
    "CREATE TABLE series(study TEXT NOT NULL, series TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY(study, series))",
    "CREATE TABLE unsettled(study TEXT PRIMARY KEY)",
)
_STUDY_DATE = "00080020"
_BUSY_S = 5.0
_BATCH_S = 0.25
_MAX_NAMED = 100


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
    """What the folder holds. `unreadable` names at most a hundred files with their reasons."""

    files: int
    instances: int
    duplicates: int
    not_dicom: int
    unreadable_count: int
    unreadable: tuple[tuple[str, str], ...]


class FolderIndex:
    """The index of one folder. Its methods block: run them in a worker thread. They raise OSError or sqlite3.Error."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = Path(os.path.realpath(folder.expanduser()))
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:24]
        self.database = cache / f"folder-{digest}.sqlite3"

    def changes(self) -> Changes:
        """Compare the time stamps of all files with those in the index."""
        self._prepare()
        present = {stamp.path: stamp for stamp in stamps(self.folder)}
        with self._opened() as database:
            known = {
                path: (mtime_ns, size)
                for path, mtime_ns, size in database.execute("SELECT path, mtime_ns, size FROM files")
            }
            unsettled = bool(database.execute("SELECT COUNT(*) FROM unsettled").fetchone()[0])
        changed = [s for s in present.values() if known.get(s.path) != (s.mtime_ns, s.size)]
        return Changes(changed=changed, removed=sorted(known.keys() - present.keys()), unsettled=unsettled)

    def take_some(self, changes: Changes) -> None:
        """Bring a part of the changes into the index, for about a quarter of a second, in one transaction."""
        end = time.monotonic() + _BATCH_S
        if not changes.changed and not changes.removed:
            with self._writing() as database:
                changes.unsettled = _settle(database, end)
            return
        read: list[tuple[Stamp, Header | Refusal]] = []
        while changes.changed and (not read or time.monotonic() < end):
            stamp = changes.changed.pop()
            read.append((stamp, read_header(self.place(stamp.path))))
        removed, changes.removed = changes.removed, []
        with self._writing() as database:
            _write(database, read, removed)
        changes.unsettled = True

    def rows(self, statement: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
        """The answer of the index to a SELECT statement."""
        with self._opened() as database:
            return database.execute(statement, tuple(values)).fetchall()

    def places(self, study: str, series: str = "", instance: str = "") -> list[Path]:
        """The files of a study, of a series or of one instance, in the order of their paths."""
        statement = "SELECT path FROM files WHERE used AND study = ?"
        asked = [study]
        for column, uid in (("series", series), ("instance", instance)):
            if uid:
                statement += f" AND {column} = ?"
                asked.append(uid)
        return [self.place(path) for (path,) in self.rows(f"{statement} ORDER BY path", asked)]

    def place(self, path: bytes) -> Path:
        """Where a file of the index lies."""
        return self.folder / os.fsdecode(path)

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
        )

    def _prepare(self) -> None:
        """Make the database if there is none, and make it anew if it is broken or of another version."""
        self.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made empty with its rights before anything is in it.
        os.close(os.open(self.database, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            self._make_tables()
        except sqlite3.OperationalError:
            raise  # locked or not writable, but not broken
        except sqlite3.DatabaseError:
            self.database.write_bytes(b"")
            self._make_tables()

    def _make_tables(self) -> None:
        with self._opened() as database:
            if database.execute("PRAGMA user_version").fetchone() == (_SCHEMA_VERSION,):
                return
        with self._writing() as database:
            # Another program may have made them meanwhile.
            if database.execute("PRAGMA user_version").fetchone() == (_SCHEMA_VERSION,):
                return
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(f"DROP TABLE {table}")
            for statement in (*_SCHEMA, f"PRAGMA user_version = {_SCHEMA_VERSION}"):
                database.execute(statement)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self.database.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")  # a cache: after a loss of power it is made again
            yield database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which waits for those of other programs."""
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


def _write(database: sqlite3.Connection, read: list[tuple[Stamp, Header | Refusal]], removed: list[bytes]) -> None:
    """Replace what the index knows of some files, and note the studies that they belong or belonged to."""
    paths = [stamp.path for stamp, _ in read] + removed
    touched = {found for path in paths for found in _held(database, "path", path)}
    database.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in paths])
    for stamp, header in read:
        database.execute(
            "INSERT INTO files(path, mtime_ns, size, refusal, study, series, instance, row) VALUES (?,?,?,?,?,?,?,?)",
            (stamp.path, stamp.mtime_ns, stamp.size, *_columns(header)),
        )
        touched |= set(_held(database, "path", stamp.path))
    studies = {study for study, _ in touched}
    for _, instance in touched:
        studies |= {study for study, _ in _held(database, "instance", instance)}
        database.execute(
            "UPDATE files SET used = (path = (SELECT MIN(path) FROM files WHERE instance = ?)) WHERE instance = ?",
            (instance, instance),
        )
    database.executemany("INSERT OR IGNORE INTO unsettled VALUES (?)", [(study,) for study in studies])


def _settle(database: sqlite3.Connection, end: float) -> bool:
    """Make the rows of noted studies anew until `end`; whether some are left."""
    while waiting := database.execute("SELECT study FROM unsettled LIMIT 1").fetchone():
        if time.monotonic() > end:
            return True
        _gather(database, waiting[0])
        database.execute("DELETE FROM unsettled WHERE study = ?", waiting)
    return False


def _held(database: sqlite3.Connection, column: str, value: object) -> list[tuple[str, str]]:
    statement = f"SELECT study, instance FROM files WHERE {column} = ? AND instance IS NOT NULL"  # noqa: S608 - ours
    return database.execute(statement, (value,)).fetchall()


def _columns(header: Header | Refusal) -> tuple[str | None, ...]:
    if isinstance(header, Refusal):
        return header.reason, None, None, None, None
    row = text_json.dumps(header.row, ensure_ascii=False, separators=(",", ":"))
    return None, header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid, row


def _gather(database: sqlite3.Connection, study: str) -> None:
    """Make the rows of a study and of its series from the rows of its instances."""
    database.execute("DELETE FROM studies WHERE study = ?", (study,))
    database.execute("DELETE FROM series WHERE study = ?", (study,))
    found = database.execute(
        "SELECT series, row FROM files WHERE used AND study = ? ORDER BY path", (study,)
    ).fetchall()
    if not found:
        return
    by_series: dict[str, list[dict[str, Any]]] = {}
    for series, row in found:
        by_series.setdefault(series, []).append(text_json.loads(row))
    whole = study_row(list(by_series.values()))
    database.execute(
        "INSERT INTO studies VALUES (?,?,?)",
        (study, json.date(whole, _STUDY_DATE), text_json.dumps(whole, ensure_ascii=False)),
    )
    database.executemany(
        "INSERT INTO series VALUES (?,?,?)",
        [(study, uid, text_json.dumps(series_row(rows), ensure_ascii=False)) for uid, rows in by_series.items()],
    )


def _shown(path: bytes) -> str:
    return os.fsdecode(path).encode("utf-8", "replace").decode("utf-8")
