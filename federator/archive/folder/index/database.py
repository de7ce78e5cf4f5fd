"""The SQLite file behind an index: a cache, so whatever is wrong with it, it is made anew or done without."""

import contextlib
import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from federator.private import make_own_folder
from federator.state_file import disk_words

logger = logging.getLogger(__name__)

_BUSY_S = 5.0
_WAITS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# What SQLite says where the disk is the trouble rather than what stands on it.
_DISK = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_IOERR: "the disk does not take it (it may be full, or broken)",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened for writing",
    sqlite3.SQLITE_PERM: "this account may not write it",
    sqlite3.SQLITE_TOOBIG: "it has become too large",
}
_COMPANIONS = ("", "-journal", "-wal", "-shm")


class Remade(Exception):  # noqa: N818 - says what happened; whoever asked fills the index again and asks once more
    """The database was not usable any more. There is an empty one in its place now."""


class Database:
    """One connection, for one thread at a time; `generation` counts them.

    `remark` says in words why the cache is not kept, where it is not.
    """

    def __init__(self, path: Path, schema: Sequence[str], version: int) -> None:
        self.path = path
        self.remark = ""
        self.generation = 0
        self._schema, self._version = schema, version
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The connection. Raises Remade where it was found unusable, sqlite3.OperationalError where others lock it."""
        with self._lock:
            try:
                yield self._connected()
            except (sqlite3.Error, OSError) as error:
                self._mend(error)
                raise Remade from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which waits for those of other programs."""
        with self.opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def distrust(self) -> None:
        """Make it anew, because what stands in it makes no sense."""
        with self._lock:
            self._mend(sqlite3.DatabaseError("what it holds is damaged"))

    def close(self) -> None:
        """Give the file back; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self.generation += 1

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and not self.remark and self._identity != _identity(self.path):
            self.close()  # something else lies there now
        if self._connection is None:
            self._connection = self._on_disk()
        return self._connection

    def _on_disk(self) -> sqlite3.Connection:
        make_own_folder(self.path.parent)
        self._make_room()
        # Made empty with its rights before anything is in it.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NONBLOCK", 0), 0o600))
        connection = _connect(f"{self.path.absolute().as_uri()}?mode=rw")
        try:
            self._make_tables(connection)
        except BaseException:
            connection.close()
            raise
        self._identity = _identity(self.path)
        return connection

    def _make_room(self) -> None:
        """Put aside what is no file."""
        with contextlib.suppress(FileNotFoundError):
            kind = self.path.lstat().st_mode
            if stat.S_ISDIR(kind):
                self.path.replace(self.path.with_suffix(f".aside-{time.time_ns()}"))
            elif not stat.S_ISREG(kind):
                self.path.unlink()

    def _make_tables(self, database: sqlite3.Connection) -> None:
        if self._is_as_made(database):
            return
        database.execute("BEGIN IMMEDIATE")
        # Another program may have made them meanwhile.
        if not self._is_as_made(database):
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(f'DROP TABLE "{table}"')
            for statement in (*self._schema, f"PRAGMA user_version = {self._version}"):
                database.execute(statement)
        database.execute("COMMIT")

    def _is_as_made(self, database: sqlite3.Connection) -> bool:
        """Whether the tables are those of this version, to the letter."""
        made = {sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        return database.execute("PRAGMA user_version").fetchone() == (self._version,) and made == set(self._schema)

    def _mend(self, error: sqlite3.Error | OSError) -> None:
        """Have an empty database: a new file, or one in memory where the disk does not take it."""
        if _primary(error) in _WAITS:
            raise error
        self.close()
        if not self.remark and not _of_the_disk(error):
            logger.warning("The index of a folder could not be used (%s) and is made anew.", type(error).__name__)
            try:
                self._make_room()
                for companion in _COMPANIONS:
                    Path(f"{self.path}{companion}").unlink(missing_ok=True)
                self._connection = self._on_disk()
            except (sqlite3.Error, OSError) as second:
                if _primary(second) in _WAITS:
                    raise
                error = second
            else:
                return
        self._go_without(error)

    def _go_without(self, error: sqlite3.Error | OSError) -> None:
        self.remark = f"its index cannot be kept in {self.path}: {_of_the_disk(error) or 'it cannot be made there'}."
        logger.warning("An index is kept in memory only: %s", self.remark)
        self._connection = _connect(":memory:")
        self._make_tables(self._connection)


def _connect(place: str) -> sqlite3.Connection:
    connection = sqlite3.connect(place, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # a cache: after a loss of power it is made again
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("CREATE TEMP TABLE touched(instance TEXT PRIMARY KEY) WITHOUT ROWID")
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        told = path.lstat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def _primary(error: BaseException) -> int:
    """SQLite's result code without its details."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _of_the_disk(error: sqlite3.Error | OSError) -> str:
    """What is the matter with the disk, in words; empty where it is something else."""
    if isinstance(error, OSError):
        return disk_words(error)
    return _DISK.get(_primary(error), "")
