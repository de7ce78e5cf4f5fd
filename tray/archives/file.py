"""`archives.toml` on disk: read whole, changed only as it was last read, replaced in one step.

A broken file, or one of a newer version, is never written over: its faults are shown, and the copy can be restored.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from federator.config import Archive, ConfigError, ConfigFault, decode, parse
from federator.private import make_folder, make_own_folder
from federator.state_file import disk_words
from tray.archives.text import TextError
from tray.clients import files as client_files
from tray.clients.files import ClientError, Snapshot

_TITLE = "federator"
_MAX_TRIES = 100
_LOCK_WAIT_S = 10
_BROKEN_NAME = "broken-archives.toml"
Change = Callable[[str], str]
"""From the text of the file to the text as it should be; raises TextError."""


class ArchivesFileError(Exception):
    """Nothing was written; the message says why. `faults` are those of the file as it would have become."""

    def __init__(self, message: str, *, faults: tuple[ConfigFault, ...] = ()) -> None:
        self.faults = faults
        super().__init__(message)


class ConflictError(ArchivesFileError):
    """The file changed since it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivesFile:
    """The file as it was read: its archives, or the faults for which it has none to show.

    `etag` changes with any byte. `can_edit` is False where the file is broken or of a newer version.
    """

    path: Path
    etag: str
    archives: tuple[Archive, ...]
    faults: tuple[ConfigFault, ...]
    can_edit: bool
    copy_time: datetime | None


def read(path: Path) -> ArchivesFile:
    """The file at `path`; one that does not exist has no archives. Raises ArchivesFileError where it cannot be read."""
    snapshot = _snapshot(path)
    archives: tuple[Archive, ...] = ()
    faults: tuple[ConfigFault, ...] = ()
    try:
        archives = _parsed(snapshot)
    except ConfigError as error:
        faults = error.faults
    return ArchivesFile(
        path=path,
        etag=snapshot.etag,
        archives=archives,
        faults=faults,
        can_edit=not faults,
        copy_time=_copy_time(snapshot.path),
    )


def edit(path: Path, change: Change, *, state_folder: Path, etag: str = "") -> str:
    """Apply a change to the file and give its new etag; with `etag`, only to the file that had this one.

    Raises ConflictError where the file is another by now, ArchivesFileError where it or the result is at fault.
    """
    for _ in range(_MAX_TRIES):
        snapshot = _snapshot(path)
        if etag and snapshot.etag != etag:
            raise ConflictError("The archive file was changed meanwhile. Please look again and repeat your change.")
        new = _changed(snapshot, change)
        if snapshot.data is not None and new == snapshot.text:
            return snapshot.etag
        with suppress(ConflictError):
            _write(snapshot, new.encode(), state_folder=state_folder)
            return client_files.etag_of(new.encode())
    raise ConflictError("The archive file is being changed all the time by another program. Nothing was written.")


def try_out(path: Path, change: Change, *, etag: str = "") -> tuple[Archive, ...]:
    """The archives as they would be after the change; raises as `edit` does, and writes nothing."""
    snapshot = _snapshot(path)
    if etag and snapshot.etag != etag:
        raise ConflictError("The archive file was changed meanwhile. Please look again and repeat your change.")
    return parse(_changed(snapshot, change)).archives


def restore(path: Path, *, state_folder: Path) -> str:
    """Put the copy beside the file in its place, and give the new etag; the broken one is kept in the state folder."""
    snapshot = _snapshot(path)
    copy = _snapshot(_copy_path(snapshot.path))
    if copy.data is None:
        raise ArchivesFileError("There is no copy to restore.")
    try:
        _parsed(copy)
    except ConfigError as error:
        raise ArchivesFileError(f"The copy is broken as well: {error}", faults=error.faults) from error
    try:
        if snapshot.data is not None:
            client_files.write_private(state_folder / "backups" / _BROKEN_NAME, snapshot.data)
        client_files.write_private(snapshot.path, copy.data)
    except OSError as error:
        raise ArchivesFileError(f"The archive file cannot be written ({disk_words(error)}).") from error
    return copy.etag


def _snapshot(path: Path) -> Snapshot:
    """The bytes of the file; symbolic links are followed, so that a linked file is replaced where it really lies."""
    try:
        target = path.resolve()
        with target.open("rb") as file:
            data = file.read(client_files.MAX_BYTES + 1)
    except FileNotFoundError:
        return Snapshot(path=target, data=None, text="")
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "a link that leads to itself"
        raise ArchivesFileError(f"The archive file cannot be read ({reason}): {path}") from error
    return Snapshot(path=target, data=data, text=data.decode("utf-8-sig", errors="replace"))


def _parsed(snapshot: Snapshot) -> tuple[Archive, ...]:
    return () if snapshot.data is None else parse(decode(snapshot.data, path=snapshot.path)).archives


def _changed(snapshot: Snapshot, change: Change) -> str:
    """The text after the change, proved to be a good configuration."""
    try:
        new = change(_readable(snapshot))
    except TextError as error:
        raise ArchivesFileError(str(error)) from error
    try:
        parse(new)
    except ConfigError as error:
        raise ArchivesFileError(f"Nothing was saved. {_told(error)}", faults=error.faults) from error
    return new


def _readable(snapshot: Snapshot) -> str:
    """The text, if it is TOML of a version that is known here: faults in single entries can be mended by an edit."""
    try:
        _parsed(snapshot)
    except ConfigError as error:
        if any(not fault.key or fault.key == "schema_version" for fault in error.faults):
            message = f"The archive file was not touched. {_told(error)}"
            raise ArchivesFileError(message, faults=error.faults) from error
    return snapshot.text


def _told(error: ConfigError) -> str:
    return "; ".join(str(fault) for fault in error.faults)


def _write(snapshot: Snapshot, data: bytes, *, state_folder: Path) -> None:
    try:
        # Our own folder is for nobody else; one that is there already keeps the mode that it has.
        make_folder(snapshot.path.parent)
        make_own_folder(state_folder)
        locks = state_folder / "locks"
        make_own_folder(locks)
        with FileLock(locks / "archives.lock", timeout=_LOCK_WAIT_S, mode=0o600):
            _keep_copy(snapshot)
            client_files.replace(snapshot, data, state_folder=state_folder, title=_TITLE)
    except Timeout as error:
        raise ArchivesFileError("Another program is writing the archive file. Nothing was written.") from error
    except ClientError as error:
        if _snapshot(snapshot.path).etag != snapshot.etag:
            raise ConflictError(str(error)) from error
        raise ArchivesFileError(str(error)) from error
    except OSError as error:
        raise ArchivesFileError(f"The archive file cannot be written ({disk_words(error)}).") from error


def _keep_copy(snapshot: Snapshot) -> None:
    """One copy beside the file, of the last state that was good. The lock is held."""
    copy = _copy_path(snapshot.path)
    for left_over in copy.parent.glob(f".*-{copy.name}"):
        left_over.unlink(missing_ok=True)  # of a writer that was killed
    with suppress(ConfigError):
        if snapshot.data is not None and _parsed(snapshot):
            client_files.write_private(copy, snapshot.data)


def _copy_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.bak")


def _copy_time(path: Path) -> datetime | None:
    with suppress(OSError):
        return datetime.fromtimestamp(_copy_path(path).stat().st_mtime, UTC)
    return None
