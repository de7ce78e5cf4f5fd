"""Secrets, by reference only: the operating system's store, an environment variable or a protected file.

This is the only door to keyring. A backend is taken from a fixed list of protected stores, never from what happens to
be installed: with `keyrings.alt` in place keyring would choose a plain-text file. Everything runs in a daemon thread
with a deadline, for a locked store may wait for ever; a Secret Service is first asked whether it is locked, so that no
dialog opens behind whatever is on the screen. No message ever carries a secret.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from federator.archive.secrets import file as secret_file
from federator.archive.secrets.file import SecretError
from federator.config import SecretReference, SecretStore
from federator.model import OutcomeState

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = [
    "SecretError",
    "StoreError",
    "StoreState",
    "fits_windows",
    "forget",
    "forget_file",
    "read",
    "rename",
    "store_state",
    "write",
    "write_file",
]

SERVICE = "federator"
READ_DEADLINE_S = 5.0
WRITE_DEADLINE_S = 20.0

write_file = secret_file.write
forget_file = secret_file.forget

_MAX_WINDOWS_BYTES = 2560
_MAX_WORKERS = 4
_FREEDESKTOP = "keyring.backends.SecretService.Keyring"
_BACKENDS = {
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
    "darwin": ("keyring.backends.macOS.Keyring",),
}
_BACKENDS_ELSEWHERE = (_FREEDESKTOP, "keyring.backends.kwallet.DBusKeyring", "keyring.backends.libsecret.Keyring")

_T = TypeVar("_T")
_workers = threading.BoundedSemaphore(_MAX_WORKERS)


class StoreState(StrEnum):
    """What password store this computer offers to this user right now."""

    OK = "ok"
    LOCKED = "locked"
    MISSING = "missing"
    PLAIN_TEXT = "plain-text"


_TOLD = {
    StoreState.LOCKED: "the password store of this computer is locked. Unlock it: sign out and in again, or open "
    '"Passwords and Keys" and unlock the login keyring.',
    StoreState.MISSING: "this computer has no password store that protects what it keeps, or it is not running for "
    "this user. Keep the secret in a protected file or in an environment variable.",
    StoreState.PLAIN_TEXT: "the only password store here keeps passwords as plain text, which is not used. Keep the "
    "secret in a protected file or in an environment variable.",
}


def read(reference: SecretReference) -> str:
    """The secret behind a reference; blocks up to 5 s. A SecretError says in plain words why there is none."""
    match reference.store:
        case SecretStore.KEYRING:
            secret = _in_time(lambda: _ring().get_password(SERVICE, reference.name), READ_DEADLINE_S)
            if not secret:
                raise _refused(f"the password store holds no secret named '{reference.name}'. Save it again.")
        case SecretStore.ENVIRONMENT:
            secret = os.environ.get(reference.name)
            if not secret:
                raise _refused(f"the environment variable {reference.name}, which should hold the secret, is not set.")
        case SecretStore.FILE:
            secret = secret_file.read(reference.name)
    return secret


def write(name: str, secret: str) -> None:
    """Save a secret in the operating system's store and read it back."""
    if sys.platform == "win32" and not fits_windows(secret):
        raise _refused(
            "the secret is too long for the Windows password store (1,280 characters). Ask IT for a file or a variable."
        )

    def save() -> bool:
        ring = _ring()
        ring.set_password(SERVICE, name, secret)
        return ring.get_password(SERVICE, name) == secret

    if not _in_time(save, WRITE_DEADLINE_S):
        raise _refused("the password store took the secret, but did not give it back.")


def forget(name: str) -> None:
    """Delete a secret from the operating system's store; one that is not there is no error."""

    def delete() -> None:
        ring = _ring()
        if ring.get_password(SERVICE, name) is not None:
            ring.delete_password(SERVICE, name)

    _in_time(delete, WRITE_DEADLINE_S)


def rename(old: str, new: str) -> None:
    """Move a secret to another name; the old one goes only after the new one could be read back."""
    write(new, read(SecretReference(store=SecretStore.KEYRING, name=old)))
    forget(old)


def store_state() -> StoreState:
    """What there is to keep secrets in; asks without opening any dialog."""
    try:
        _in_time(_ring, READ_DEADLINE_S)
    except StoreError as error:
        return error.store
    except SecretError:
        # It is there, but does not answer: for keeping secrets that is the same.
        return StoreState.MISSING
    return StoreState.OK


def fits_windows(secret: str) -> bool:
    """Whether the Windows Credential Manager can keep the secret: 2,560 bytes of UTF-16."""
    return len(secret.encode("utf-16-le")) <= _MAX_WINDOWS_BYTES


class StoreError(SecretError):
    """The store itself cannot be used; `store` says why."""

    def __init__(self, store: StoreState, told: str = "") -> None:
        self.store = store
        super().__init__(told or _TOLD[store], state=OutcomeState.REFUSED)


def _refused(message: str) -> SecretError:
    return SecretError(message, state=OutcomeState.REFUSED)


def _ring() -> "KeyringBackend":
    """The protected store of this system, unlocked; a StoreError where there is none."""
    # Imported here, as below: it costs 60 ms, and most servers start without needing a secret at once.
    import keyring.core

    _find_bus()
    for name in _BACKENDS.get(sys.platform, _BACKENDS_ELSEWHERE):
        try:
            ring = keyring.core.load_keyring(name)
        except (ImportError, AttributeError):
            # A library that the backend needs is not there.
            continue
        except _store_failures():
            # There is no bus, or nobody serves on it.
            continue
        if name == _FREEDESKTOP:
            _must_be_unlocked()
        if sys.platform == "win32":
            # The default would let the secret roam to every computer of the user.
            setattr(ring, "persist", "local machine")  # noqa: B010 - only the Windows backend has it
        return ring
    raise StoreError(StoreState.PLAIN_TEXT if _has_plain_text_store() else StoreState.MISSING)


def _find_bus() -> None:
    """Name the session bus where the program that started us did not: clients start servers with a bare environment.

    systemd puts a user's bus at a fixed place, in a folder that only the user can enter.
    """
    if not sys.platform.startswith("linux") or os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return
    bus = user_bus()
    if bus.is_socket() and bus.stat().st_uid == os.getuid():
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"


def user_bus() -> Path:
    """Where systemd puts this user's session bus."""
    return Path(f"/run/user/{os.getuid()}/bus")


def _must_be_unlocked() -> None:
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            # Not get_default_collection: that one opens a dialog to make a collection where there is none.
            locked = secretstorage.Collection(bus).is_locked()
        except secretstorage.ItemNotFoundException as error:
            told = (
                'the password store of this computer has no keyring yet. Open "Passwords and Keys" and make one that '
                "is the default, or keep the secret in a protected file."
            )
            raise StoreError(StoreState.MISSING, told) from error
    if locked:
        raise StoreError(StoreState.LOCKED)


def _has_plain_text_store() -> bool:
    try:
        return find_spec("keyrings.alt") is not None
    except ModuleNotFoundError:
        return False


def _in_time(action: Callable[[], _T], deadline_s: float) -> _T:
    """The result of a blocking call, or a SecretError by the deadline; a call that hangs keeps its daemon thread."""
    if not _workers.acquire(timeout=deadline_s):
        raise _refused("the password store does not answer.")
    results: list[_T] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            results.append(action())
        except SecretError as error:
            failures.append(error)
        except _store_failures() as error:
            failures.append(error)
        finally:
            _workers.release()

    worker = threading.Thread(target=work, name="federator-vault", daemon=True)
    worker.start()
    worker.join(deadline_s)
    if results:
        return results[0]
    if failures and isinstance(failures[0], SecretError):
        raise failures[0]
    if failures:
        # The name of the class says enough for IT, and the text might say too much.
        raise _refused(f"the password store failed ({type(failures[0]).__name__}).") from failures[0]
    raise _refused(f"the password store did not answer within {deadline_s:g} s.")


def _store_failures() -> tuple[type[Exception], ...]:
    """What the backends raise: keyring's own errors, and those of the libraries below that keyring lets through."""
    from keyring.errors import KeyringError

    failures: list[type[Exception]] = [KeyringError, OSError, RuntimeError, ValueError]
    if "secretstorage" in sys.modules:
        from jeepney.wrappers import DBusErrorResponse  # type: ignore[import-untyped] # jeepney ships no types
        from secretstorage.exceptions import SecretStorageException

        failures += [SecretStorageException, DBusErrorResponse]
    if sys.platform == "win32":
        from win32ctypes.pywin32 import pywintypes

        failures.append(pywintypes.error)
    return tuple(failures)
