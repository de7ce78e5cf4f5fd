"""Secrets by reference: protected stores, variables and private files (facts/tray.md section 4)."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from federator.archive.secrets import vault
from federator.archive.secrets.vault import SecretError, StoreState
from federator.config import SecretReference, SecretStore
from federator.model import OutcomeState
from tests.support.secret_service import bus_for, keyring_daemon, lock, needs_secret_service, prompts

SECRET = "hunter2-ÄΩ山"

secret_service = pytest.mark.secret_service
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")


@pytest.fixture(autouse=True)
def _no_bus_of_this_machine(monkeypatch, tmp_path):
    """The bus of whoever runs the tests is none of ours."""
    monkeypatch.setattr(vault, "user_bus", lambda: tmp_path / "bus")


def reference(text: str) -> SecretReference:
    store, _, name = text.partition(":")
    return SecretReference(store=SecretStore(store), name=name)


def refusal(text: str) -> str:
    with pytest.raises(SecretError) as caught:
        vault.read(reference(text))
    assert caught.value.state is OutcomeState.REFUSED
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_variable_is_read_when_it_is_set(monkeypatch):
    """contract.md §7: env:VARIABLE."""
    monkeypatch.setenv("FEDERATOR_TEST_SECRET", SECRET)
    assert vault.read(reference("env:FEDERATOR_TEST_SECRET")) == SECRET
    monkeypatch.setenv("FEDERATOR_TEST_SECRET", "")
    assert "FEDERATOR_TEST_SECRET" in refusal("env:FEDERATOR_TEST_SECRET")
    monkeypatch.delenv("FEDERATOR_TEST_SECRET")
    assert "not set" in refusal("env:FEDERATOR_TEST_SECRET")


@posix_only
def test_a_file_is_written_private_and_read_back(tmp_path):
    """facts/tray.md 4.2: a file with mode 0600 in our own folder, mode 0700."""
    written = vault.write_file(tmp_path / "new" / "secrets", "mercy", SECRET)
    path = Path(written.name)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert vault.read(written) == SECRET
    vault.write_file(path.parent, "mercy", "second")
    assert vault.read(written) == "second"
    assert list(path.parent.iterdir()) == [path]


def test_the_line_end_and_the_byte_order_mark_of_an_editor_are_no_part_of_a_secret(tmp_path):
    """A trailing line end would be sent as part of the password."""
    path = tmp_path / "secret"
    for content in (SECRET, SECRET + "\n", SECRET + "\r\n", "\ufeff" + SECRET):
        path.write_bytes(content.encode())
        path.chmod(0o600)
        assert vault.read(reference(f"file:{path}")) == SECRET
    path.write_bytes(b"two\n\n")
    assert vault.read(reference(f"file:{path}")) == "two\n"


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622, 0o601])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path, mode):
    """facts/tray.md 4.2: refused if group or others can read it."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(mode)
    assert "other users" in refusal(f"file:{path}")


@posix_only
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path):
    """facts/tray.md 4.2: refused if it is not ours."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    assert "belongs to another user" in refusal(f"file:{path}")


@posix_only
def test_what_is_no_readable_file_with_text_is_refused_without_waiting(tmp_path):
    """house.md: no unbounded read."""
    assert "does not exist" in refusal(f"file:{tmp_path / 'none'}")
    assert "not a file" in refusal(f"file:{tmp_path}")
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a file" in refusal(f"file:{tmp_path / 'pipe'}")
    for name, content, words in (
        ("empty", b"", "empty"),
        ("huge", b"x" * 65_537, "too long"),
        ("odd", b"\xff", "UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
        assert words in refusal(f"file:{tmp_path / name}")


@pytest.mark.parametrize(
    ("secret", "fits"), [("x" * 1280, True), ("x" * 1281, False), ("😀" * 640, True), ("😀" * 641, False)]
)
def test_the_windows_store_takes_2560_bytes_of_utf_16(secret, fits):
    """facts/tray.md 4.1."""
    assert vault.fits_windows(secret) is fits


def test_a_store_that_hangs_is_given_up_by_the_deadline():
    """facts/tray.md 4.2: a locked store may wait for a dialog for ever."""
    never = threading.Event()
    try:
        with pytest.raises(SecretError, match="did not answer"):
            vault._in_time(never.wait, 0.05)
    finally:
        never.set()


def test_hanging_stores_never_hold_more_than_a_few_threads():
    """house.md: no unbounded queue."""
    never = threading.Event()
    before = threading.active_count()
    try:
        for _ in range(8):
            with pytest.raises(SecretError, match="answer"):
                vault._in_time(never.wait, 0.02)
        assert threading.active_count() - before <= 4
    finally:
        never.set()


def test_what_a_store_says_when_it_fails_is_not_passed_on():
    """contract.md §6: secrets are in no message."""

    def fail() -> str:
        raise OSError(SECRET)

    with pytest.raises(SecretError) as caught:
        vault._in_time(fail, 5)
    assert SECRET not in str(caught.value)
    assert "OSError" in str(caught.value)


@pytest.fixture
def bus(tmp_path_factory, monkeypatch) -> Iterator[Path]:
    with bus_for(monkeypatch, tmp_path_factory.mktemp("bus")) as folder:
        yield folder


@pytest.fixture
def unlocked(bus) -> Iterator[None]:
    with keyring_daemon(bus, unlocked=True):
        yield


@secret_service
@needs_secret_service
def test_a_secret_is_saved_replaced_renamed_and_forgotten(unlocked):
    """facts/tray.md 4.2; 20,000 characters were kept there as well."""
    assert vault.store_state() is StoreState.OK
    assert "Save it again" in refusal("keyring:mercy")
    vault.write("mercy", SECRET)
    assert vault.read(reference("keyring:mercy")) == SECRET
    vault.write("mercy", "x" * 20_000)
    assert vault.read(reference("keyring:mercy")) == "x" * 20_000
    vault.rename("mercy", "mercy-2")
    assert vault.read(reference("keyring:mercy-2")) == "x" * 20_000
    assert "holds no secret named 'mercy'" in refusal("keyring:mercy")
    vault.forget("mercy-2")
    vault.forget("mercy-2")
    assert "holds no secret named 'mercy-2'" in refusal("keyring:mercy-2")


@secret_service
@needs_secret_service
def test_a_locked_store_is_told_at_once_and_no_dialog_opens(unlocked, bus):
    """facts/tray.md 4.2: locked is asked first, so no prompter starts."""
    vault.write("mercy", SECRET)
    lock()
    with prompts(bus) as asked:
        assert vault.store_state() is StoreState.LOCKED
        assert "is locked. Unlock it" in refusal("keyring:mercy")
        for change in (
            lambda: vault.write("mercy", "other"),
            lambda: vault.forget("mercy"),
            lambda: vault.rename("mercy", "x"),
        ):
            with pytest.raises(SecretError, match="is locked"):
                change()
    assert asked == []


@secret_service
@needs_secret_service
def test_a_store_without_any_keyring_is_told_and_no_dialog_opens(bus):
    """facts/tray.md 4.2; making the first keyring would ask for a password in a dialog."""
    with keyring_daemon(bus, unlocked=False), prompts(bus) as asked:
        assert vault.store_state() is StoreState.MISSING
        assert "no keyring yet" in refusal("keyring:mercy")
        with pytest.raises(SecretError, match="no keyring yet"):
            vault.write("mercy", SECRET)
    assert asked == []


@secret_service
@needs_secret_service
def test_a_bus_without_a_store_and_no_bus_at_all_are_told(bus, monkeypatch):
    """facts/tray.md 4.1: no session bus."""
    assert vault.store_state() is StoreState.MISSING
    assert "no password store" in refusal("keyring:mercy")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus}/none")
    assert vault.store_state() is StoreState.MISSING
    with pytest.raises(SecretError, match="no password store"):
        vault.write("mercy", SECRET)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="there is always a protected store there")
@secret_service
@needs_secret_service
def test_the_users_own_bus_is_found_in_the_bare_environment_that_clients_give(unlocked, monkeypatch):
    """Facts of MCP clients: a server is started without DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR."""
    vault.write("bare", "kept in the store")
    address = os.environ["DBUS_SESSION_BUS_ADDRESS"]
    socket = Path(address.removeprefix("unix:path=").partition(",")[0])
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(vault, "user_bus", lambda: socket)
    assert vault.read(SecretReference(store=SecretStore.KEYRING, name="bare")) == "kept in the store"


def test_a_plain_text_store_is_named_and_never_used(tmp_path):
    """facts/tray.md 4.1: with keyrings.alt installed keyring itself would choose the plain-text file."""
    package = tmp_path / "keyrings" / "alt"
    package.mkdir(parents=True)
    used = tmp_path / "used"
    (package / "__init__.py").write_text("")
    (package / "file.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "class PlaintextKeyring(KeyringBackend):\n"
        "    priority = 100\n"
        f"    def set_password(self, *args): open({str(used)!r}, 'a').write('set')\n"
        f"    def get_password(self, *args): open({str(used)!r}, 'a').write('get')\n"
    )
    script = (
        "from federator.archive.secrets import vault\n"
        "print(vault.store_state().value)\n"
        "try: vault.write('mercy', 'hunter2')\n"
        "except vault.SecretError as error: print(error)\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])]),
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
    }
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[0] == "plain-text"
    assert "keeps passwords as plain text, which is not used" in told.stdout
    assert not used.exists()
