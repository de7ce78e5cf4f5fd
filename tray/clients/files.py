"""Settings files of other programs: read whole, checked before and after, replaced in one step or not at all."""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from federator.private import make_folder, make_own_folder, sweep
from federator.state_file import disk_words

MAX_BYTES = 5_000_000
_BACKUPS_KEPT = 10
_REPLACE_TRIES = 10
_REPLACE_PAUSE_S = 0.1
_LOCK_WAIT_S = 10
_TEMPORARY = ".federator-"


class ClientError(Exception):
    """Nothing was changed; the message says why in plain words, without a value from the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A file as it was read; `data` is None where there is none. `path` has symbolic links followed."""

    path: Path
    data: bytes | None
    text: str

    @property
    def etag(self) -> str:
        """What changes with any byte of the file."""
        return etag_of(self.data)

    @property
    def has_bom(self) -> bool:
        """Whether the file begins with a byte order mark, which makes some programs drop the whole file."""
        return self.data is not None and self.data.startswith(b"\xef\xbb\xbf")


def etag_of(data: bytes | None) -> str:
    """SHA-256 of a file's bytes; a word for no file."""
    return "absent" if data is None else hashlib.sha256(data).hexdigest()


def read(path: Path, *, title: str) -> Snapshot:
    """A settings file of the program called `title`; ClientError where it is too large or not UTF-8."""
    whose = f"{title}'s own settings file"
    try:
        path = path.resolve()
        if not path.exists():
            return Snapshot(path=path, data=None, text="")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "a link that leads to itself"
        raise ClientError(f"{whose} cannot be read ({reason}). We left it as it is: {path}") from error
    if len(data) > MAX_BYTES:
        raise ClientError(f"{whose} is larger than {MAX_BYTES // 1_000_000} MB. We left it as it is: {path}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise ClientError(f"{whose} is written in UTF-16. We left it as it is: {path}")
    try:
        return Snapshot(path=path, data=data, text=data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ClientError(f"{whose} is not UTF-8 text. We left it as it is: {path}") from error


def replace(snapshot: Snapshot, data: bytes | None, *, state_folder: Path, title: str) -> Path | None:
    """Writes `data` in place of what was read, None to delete the file; the path of the copy kept, if there was a file.

    Raises ClientError, with nothing changed, where the file is not as it was read any more.
    """
    try:
        with _locked(snapshot.path, state_folder):
            if read(snapshot.path, title=title).etag != snapshot.etag:
                raise ClientError(f"{title}'s settings changed meanwhile. Nothing was written; please look again.")
            for left_over in snapshot.path.parent.glob(f"{_TEMPORARY}*-{snapshot.path.name}"):
                left_over.unlink(missing_ok=True)  # of a writer that was killed: we hold the lock now
            backup = _back_up(snapshot, state_folder / "backups")
            _put_in_place(snapshot.path, data)
            if read(snapshot.path, title=title).etag != etag_of(data):
                raise ClientError(f"{title} changed its settings at the same moment. Please look at them again.")
            return backup
    except OSError as error:
        raise ClientError(f"{title}'s settings cannot be written ({disk_words(error)}): {snapshot.path}") from error


def write_private(path: Path, data: bytes) -> None:
    """A file of our own that only its owner can read, replaced in one step."""
    make_folder(path.parent)
    sweep(path.parent, _TEMPORARY)
    _put_in_place(path, data, mode=0o600)


@contextlib.contextmanager
def _locked(path: Path, state_folder: Path) -> Iterator[None]:
    folder = state_folder / "locks"
    make_own_folder(state_folder)
    make_own_folder(folder)
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    try:
        with FileLock(folder / f"{name}.lock", timeout=_LOCK_WAIT_S, mode=0o600):
            yield
    except Timeout as error:
        raise ClientError("Another window is writing the same settings. Nothing was written.") from error


def _back_up(snapshot: Snapshot, folder: Path) -> Path | None:
    if snapshot.data is None:
        return None
    mark = hashlib.sha256(os.fsencode(snapshot.path)).hexdigest()[:8]
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    backup = folder / f"{mark}-{moment}-{snapshot.path.name}"
    write_private(backup, snapshot.data)
    for old in sorted(folder.glob(f"{mark}-*"))[:-_BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
    return backup


def _put_in_place(path: Path, data: bytes | None, *, mode: int | None = None) -> None:
    """The old or the new file, whole, at every moment; the mode of an existing file is kept."""
    if data is None:
        path.unlink(missing_ok=True)
        return
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY, suffix=f"-{path.name}")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is None and path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(temporary: Path, path: Path) -> None:
    """On Windows a scanner may hold the file for a moment."""
    for _ in range(_REPLACE_TRIES - 1):
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(_REPLACE_PAUSE_S)
        else:
            return
    temporary.replace(path)
