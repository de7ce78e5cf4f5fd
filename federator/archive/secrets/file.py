"""A secret in a file of its own, which nobody but its owner can read."""

import os
import stat
import sys
import tempfile
from pathlib import Path

from federator.config import SecretReference, SecretStore
from federator.errors import ArchiveError
from federator.model import OutcomeState
from federator.private import make_own_folder, sweep
from federator.state_file import disk_words

_MAX_BYTES = 65_536
_ANYONE_ELSE = stat.S_IRWXG | stat.S_IRWXO


class SecretError(ArchiveError):
    """A secret cannot be read or kept; the message says in plain words why, and never what it is."""


def read(path: str) -> str:
    """The secret in the file at `path`, without the line end that editors add; refused where others can read it."""
    try:
        # Not blocking: a named pipe in its place would be waited for without end.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            _must_be_private(os.fstat(handle))
            content = os.read(handle, _MAX_BYTES + 1)
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise _refused("the file that should hold its secret does not exist.") from error
    except OSError as error:
        raise _refused(f"the file that holds its secret cannot be read: {error.strerror}.") from error
    try:
        secret = content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise _refused("the file that holds its secret is not UTF-8 text.") from error
    if not secret or len(content) > _MAX_BYTES:
        raise _refused("the file that should hold its secret is empty or far too long.")
    return secret


def write(folder: Path, name: str, secret: str) -> SecretReference:
    """Save a secret as a file that only this user can read, in a folder of ours; gives the reference to write down."""
    target = folder / f"{name}.secret"
    try:
        make_own_folder(folder)
        sweep(folder, f".{name}.")
        # mkstemp makes the file with mode 0600 from the start.
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secret.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _refused(f"the file for the secret cannot be written: {disk_words(error)}.") from error
    return SecretReference(store=SecretStore.FILE, name=str(target))


def forget(reference: SecretReference, folder: Path) -> None:
    """Delete the file of a secret if it lies in our folder; any other file is somebody else's matter."""
    path = Path(reference.name)
    if reference.store is SecretStore.FILE and path.parent == folder:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(f"the file of the secret cannot be deleted: {error.strerror}.") from error


def _must_be_private(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refused("what should hold its secret is not a file.")
    if sys.platform == "win32":
        # There the file inherits who may read it from the user's profile; the mode says nothing.
        return
    if status.st_uid != os.geteuid():
        raise _refused("the file that holds its secret belongs to another user. It must be your own.")
    if status.st_mode & _ANYONE_ELSE:
        raise _refused("the file that holds its secret can be read by other users. Run: chmod 600 on it.")


def _refused(message: str) -> SecretError:
    return SecretError(message, state=OutcomeState.REFUSED)
