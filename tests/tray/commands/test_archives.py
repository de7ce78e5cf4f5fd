"""Archives from the shell, with their secrets (issue 4 part 7; facts/tray.md section 4.2)."""

import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from federator.archive.secrets import vault
from federator.archive.secrets.vault import SecretError
from federator.config import SecretReference, SecretStore, load
from tests.support.canned_server import STUDY_LIST, canned, http
from tests.support.secret_service import bus_for, keyring_daemon, lock, needs_secret_service
from tray.__main__ import main

SECRET = "hunter2-never-shown"
URL = "https://pacs.example.invalid/dicom-web"
secret_service = pytest.mark.secret_service


class Shell:
    """Runs commands as a person would type them; keeps what they said."""

    def __init__(self, home: Path, capsys, monkeypatch) -> None:
        self.path = home / "config" / "archives.toml"
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.out = self.err = ""

    def __call__(self, *arguments: str, stdin: str = "") -> int:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            status = main(["archive", *arguments, "--config", str(self.path)])
        except SystemExit as stopped:
            status = int(str(stopped.code))
        self.out, self.err = self._capsys.readouterr()
        assert SECRET not in self.out + self.err
        assert bool(self.err) == bool(status)
        return status

    @property
    def text(self) -> str:
        return self.path.read_text() if self.path.exists() else ""

    def archive(self, name: str):
        return next(archive for archive in load(self.path).archives if archive.name == name)


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    """A home of its own, without any password store."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    shell = Shell(tmp_path, capsys, monkeypatch)
    yield shell
    assert SECRET not in shell.text


@pytest.fixture
def with_store(shell, tmp_path_factory, monkeypatch) -> Iterator[Shell]:
    """The same with a real, unlocked Secret Service."""
    with bus_for(monkeypatch, tmp_path_factory.mktemp("bus")) as bus, keyring_daemon(bus, unlocked=True):
        yield shell


def kept(name: str) -> str | None:
    try:
        return vault.read(SecretReference(store=SecretStore.KEYRING, name=name))
    except SecretError:
        return None


def test_an_archive_is_added_listed_changed_and_removed(shell):
    """Issue 4 part 7."""
    assert shell("add", "mercy", "--url", URL, "--title", "Mercy General", "--deadline-s", "20") == 0
    assert shell.text == (
        f'schema_version = 1\n\n[archives.mercy]\ntitle = "Mercy General"\nurl = "{URL}"\ndeadline_s = 20.0\n'
    )
    assert shell("list") == 0
    assert f"mercy            {URL}  Mercy General" in shell.out
    assert shell("edit", "mercy", "--title", "", "--deadline-s", "5", "--disable") == 0
    assert shell.text == f'schema_version = 1\n\n[archives.mercy]\nurl = "{URL}"\ndeadline_s = 5.0\nenabled = false\n'
    assert shell("list") == 0
    assert "not asked for now" in shell.out
    assert shell("edit", "mercy", "--enable") == 0
    assert "enabled" not in shell.text
    assert shell("edit", "mercy", "--new-name", "main") == 0
    assert shell("list", "--json") == 0
    assert [json.loads(line)["name"] for line in shell.out.splitlines()] == ["main"]
    assert shell("remove", "main") == 0
    assert shell.text == "schema_version = 1\n"
    assert shell("list") == 0
    assert "no archives" in shell.out


def test_a_relative_folder_is_written_whole(shell, tmp_path, monkeypatch):
    """contract.md §7: the server starts elsewhere."""
    monkeypatch.chdir(tmp_path)
    assert shell("add", "cd", "--folder", "images") == 0
    assert shell.archive("cd").folder == tmp_path / "images"


def test_comments_and_other_archives_stay(shell):
    """facts/tray.md 5.3."""
    before = f'# mine\n\n# North\n[archives.north]\nurl = "{URL}" # here\n'
    shell.path.parent.mkdir()
    shell.path.write_text(before)
    assert shell("add", "mercy", "--url", URL) == 0
    assert shell.text.startswith(before)
    assert shell("remove", "mercy") == 0
    assert shell.text == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "Main PACS", "--url", URL], "For example: main-pacs"),
        (["add", "mercy", "--url", URL], "already an archive named 'mercy'"),
        (["add", "a", "--url", "pacs.example.org"], "starts with https://"),
        (["add", "a", "--url", f"https://u:{SECRET}@x/"], "without user name and password"),
        (["add", "a"], "address is missing"),
        (["add", "a", "--url", URL, "--folder", "/x"], "either a url or a folder"),
        (["add", "a", "--url", URL, "--user", "u"], "needs a secret"),
        (["add", "a", "--url", URL, "--auth", "digest"], "none, basic, bearer"),
        (["add", "a", "--url", URL, "--auth", "none", "--user", "u"], "no use"),
        (["add", "a", "--url", URL, "--secret", SECRET], "never stands in this file"),
        (["add", "a", "--url", URL, "--user", "u", "--secret-stdin"], "empty"),
        (["add", "a", "--url", URL, "--deadline-s", "9999"], "from 0.1 to 300"),
        (["add", "a", "--url", URL, "--ca-file", "~nobody-here/x"], "home"),
        (["edit", "mercy"], "nothing to change"),
        (["edit", "none", "--title", "x"], "Configured: mercy"),
        (["edit", "mercy", "--url", ""], "address is missing"),
        (["edit", "mercy", "--new-name", "north"], "already an archive named 'north'"),
        (["edit", "mercy", "--new-name", "NORTH"], "cannot be an archive's name"),
        (["remove", "none"], "Configured: mercy, north"),
        (["test", "none"], "Configured: mercy, north"),
    ],
)
def test_a_refusal_says_why_and_changes_nothing(shell, arguments, words):
    """Issue 4 part 7: exit status 0 only when done; a refusal says why and changes nothing."""
    assert shell("add", "mercy", "--url", URL) == 0
    assert shell("add", "north", "--url", URL) == 0
    before = shell.text
    assert shell(*arguments) == 1
    assert words in shell.err
    assert shell.err.startswith("federator-tray: ")
    assert shell.text == before


def test_a_test_of_nothing_is_no_success(shell):
    """Issue 4 part 7: exit status 0 only when done."""
    assert shell("test") == 1
    assert "no archives" in shell.err
    assert shell("add", "mercy", "--url", "http://127.0.0.1:9/", "--disable") == 0
    assert shell("test") == 1
    assert "Name one" in shell.err


def test_a_broken_file_is_told_by_every_command_and_untouched(shell):
    """facts/tray.md 5.2."""
    shell.path.parent.mkdir()
    shell.path.write_text("[archives.a\n")
    for command in (["add", "b", "--url", URL], ["edit", "a", "--title", "x"], ["remove", "a"], ["list"], ["test"]):
        assert shell(*command) == 1
        assert "line 1" in shell.err
    assert shell.text == "[archives.a\n"


def test_a_faulty_entry_can_be_mended_from_the_shell(shell):
    """A fault of one entry is no reason to send a person to a text editor."""
    shell.path.parent.mkdir()
    shell.path.write_text('[archives.a]\nurl = "pacs"\n')
    assert shell("list") == 1
    assert "archives.a.url" in shell.err
    assert shell("edit", "a", "--url", URL) == 0
    assert shell("list") == 0


def test_without_a_password_store_the_secret_is_refused_until_a_file_is_asked_for(shell):
    """facts/tray.md 4.2: fallback order: the store, then a private file if asked for, then a variable."""
    sign_in = ["add", "mercy", "--url", URL, "--user", "u", "--secret-stdin"]
    assert shell(*sign_in, stdin=f"{SECRET}\n") == 1
    assert "--secret-in-file" in shell.err
    assert shell.text == ""
    assert shell(*sign_in, "--secret-in-file", stdin=f"{SECRET}\n") == 0
    reference = shell.archive("mercy").secret
    assert reference is not None
    assert vault.read(reference) == SECRET
    assert Path(reference.name).parent == shell.path.parent / "secrets"
    assert shell("remove", "mercy") == 0
    assert not Path(reference.name).exists()
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret", "env:PACS_PASSWORD") == 0
    assert shell.archive("mercy").secret == SecretReference(store=SecretStore.ENVIRONMENT, name="PACS_PASSWORD")
    assert shell("remove", "mercy") == 0


def test_a_secret_in_a_file_goes_with_its_archive_and_is_never_written_over(shell):
    """facts/tray.md 4.2: renaming moves the secret; one archive's password is never sent to another archive."""
    sign_in = ["--url", URL, "--user", "u", "--secret-stdin", "--secret-in-file"]
    assert shell("add", "mercy", *sign_in, stdin=SECRET) == 0
    assert shell("edit", "mercy", "--new-name", "main") == 0
    moved = shell.archive("main").secret
    assert Path(moved.name).name == "main.secret"
    assert vault.read(moved) == SECRET
    assert [path.name for path in Path(moved.name).parent.iterdir()] == ["main.secret"]
    assert shell("add", "other", "--url", URL, "--user", "u", "--secret", "keyring:north") == 0
    assert shell("add", "third", "--url", URL, "--user", "u", "--secret", f"{moved}") == 0
    assert shell("remove", "main") == 0
    before = shell.text
    assert shell("add", "main", *sign_in, stdin="another") == 1
    assert "'third'" in shell.err
    assert shell("add", "north", *sign_in[:-1], stdin="another") == 1
    assert "'other'" in shell.err
    assert shell.text == before
    assert vault.read(moved) == SECRET


@pytest.mark.parametrize("stdin", ["two\nlines", "broken \udcff", "tab\there", "nul\0"])
def test_what_is_no_password_is_refused_and_leaves_no_file(shell, stdin):
    """Issue 4 part 7: a refusal changes nothing; what was piped in may be any file."""
    sign_in = ["--url", URL, "--user", "u", "--secret-stdin", "--secret-in-file"]
    assert shell("add", "mercy", *sign_in, stdin=stdin) == 1
    assert "more than one line" in shell.err
    assert [path.name for path in shell.path.parent.glob("**/*")] == []


def test_bytes_that_are_no_text_are_refused_as_a_secret(tmp_path):
    """Issue 4 part 7: a refusal says why and changes nothing, not a line of our own program."""
    for locale in ("C.UTF-8", "en_US.UTF-8"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tray",
                "archive",
                "add",
                "mercy",
                "--url",
                URL,
                "--secret-stdin",
                "--secret-in-file",
            ],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LC_ALL": locale},
            cwd=Path(__file__).parents[3],
            input=b"\xff\xfe\x80",
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert b"Nothing was saved" in done.stderr
        assert b"Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.secret")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        (f"{SECRET}\n".encode(), 0, "was added"),
        (b"\x03", 130, "stopped"),
        (b"\x04", 1, "No secret was given"),
    ],
)
def test_a_person_at_a_terminal_is_asked_for_the_secret_and_does_not_see_it(tmp_path, typed, status, told):
    """facts/tray.md 2.3: a site that minds the browser uses the command line (getpass)."""
    import pty

    child, terminal = pty.fork()
    if not child:
        place = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
        arguments = ["archive", "add", "mercy", "--url", URL, "--secret-stdin", "--secret-in-file"]
        os.execve(sys.executable, [sys.executable, "-m", "tray", *arguments], place)
    shown = b""
    with suppress(OSError):  # how Linux tells the end of a terminal
        while select.select([terminal], [], [], 30)[0] and (part := os.read(terminal, 4096)):
            shown += part
            if b"Password or token for mercy: " in shown and typed:
                os.write(terminal, typed)
                typed = b""
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status
    assert told in shown.decode()
    assert SECRET not in shown.decode()
    assert "Traceback" not in shown.decode()
    assert list(tmp_path.rglob("*.secret")) == [tmp_path / ".config/federator/secrets/mercy.secret"][: status == 0]


def test_a_console_of_another_code_page_ends_no_command_half_way(tmp_path):
    """Windows' consoles and pipes have code pages: what they cannot show is a question mark, not an error."""
    config = tmp_path / "archives.toml"
    config.write_text('[archives.tokyo]\nurl = "https://pacs.example.invalid/rs"\ntitle = "東京 PACS"\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tray", "--config", str(config), "archive", "list"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "latin-1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?? PACS" in done.stdout


def test_a_file_of_it_is_never_deleted(shell, tmp_path):
    """facts/tray.md 4.2: only what is ours is forgotten."""
    theirs = tmp_path / "pacs-password"
    theirs.write_text(SECRET)
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret", f"file:{theirs}") == 0
    assert shell("remove", "mercy") == 0
    assert theirs.read_text() == SECRET


@pytest.mark.parametrize(
    ("options", "auth"),
    [
        ([], "bearer"),
        (["--user", "u"], "basic"),
        (["--header", "X-Api-Key"], "header"),
        (["--token-url", "https://sso.example.invalid/token", "--client-id", "c"], "oauth2"),
    ],
)
def test_the_way_to_sign_in_is_found_out_from_the_other_options(shell, options, auth):
    """Issue 4 part 7: add NAME --url URL [--user USER] [--secret-stdin]."""
    assert shell("add", "mercy", "--url", URL, *options, "--secret", "env:X") == 0
    assert shell.archive("mercy").auth.value == auth


def test_another_way_to_sign_in_takes_out_what_has_no_use_with_it(shell):
    """contract.md §7: user without basic is a fault."""
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret", "env:X") == 0
    assert shell("edit", "mercy", "--auth", "bearer") == 0
    assert (shell.archive("mercy").auth.value, shell.archive("mercy").user) == ("bearer", "")
    assert shell("edit", "mercy", "--auth", "none") == 0
    assert shell.archive("mercy").secret is None
    assert shell("edit", "mercy", "--folder", "/images") == 0
    assert shell.archive("mercy").url == ""


@secret_service
@needs_secret_service
def test_the_secret_goes_with_its_archive(with_store):
    """facts/tray.md 4.2: renaming moves the secret, removing deletes it."""
    shell = with_store
    sign_in = ["--url", URL, "--user", "u", "--secret-stdin"]
    assert shell("add", "mercy", *sign_in, stdin=f"{SECRET}\n") == 0
    assert shell.archive("mercy").secret == SecretReference(store=SecretStore.KEYRING, name="mercy")
    assert kept("mercy") == SECRET
    assert shell("edit", "mercy", "--secret-stdin", stdin="second") == 0
    assert kept("mercy") == "second"
    assert shell("edit", "mercy", "--new-name", "main") == 0
    assert (kept("mercy"), kept("main")) == (None, "second")
    assert shell.archive("main").secret == SecretReference(store=SecretStore.KEYRING, name="main")
    assert shell("edit", "main", "--auth", "none") == 0
    assert kept("main") is None
    assert shell("edit", "main", "--auth", "basic", "--user", "u", "--secret-stdin", stdin=SECRET) == 0
    assert shell("remove", "main", "--keep-secret") == 0
    assert kept("main") == SECRET
    assert shell("add", "main", "--url", URL, "--user", "u", "--secret", "keyring:main") == 0
    assert shell("add", "second", "--url", URL, "--user", "u", "--secret", "keyring:main") == 0
    assert shell("remove", "main") == 0
    assert kept("main") == SECRET, "another archive uses it"
    assert shell("remove", "second") == 0
    assert kept("main") is None


def test_an_archive_whose_secret_was_never_saved_can_be_renamed(shell):
    """Only a locked store stands in the way: there the secret may be."""
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret", "keyring:mercy") == 0
    assert shell("edit", "mercy", "--new-name", "main") == 0
    assert shell.archive("main").secret == SecretReference(store=SecretStore.KEYRING, name="main")


@secret_service
@needs_secret_service
def test_a_refused_change_leaves_the_secret_as_it_was(with_store):
    """Issue 4 part 7: a refusal changes nothing."""
    shell = with_store
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret-stdin", stdin="first") == 0
    before = shell.text
    assert shell("edit", "mercy", "--url", "x", "--secret-stdin", stdin="second") == 1
    assert (kept("mercy"), shell.text) == ("first", before)
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret-stdin", stdin="second") == 1
    assert kept("mercy") == "first"


@secret_service
@needs_secret_service
def test_a_secret_is_put_back_when_the_file_cannot_be_written(with_store):
    """Issue 4 part 7: the file and the secret together, or neither."""
    shell = with_store
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret-stdin", stdin="first") == 0
    before = shell.text
    # Where the lock of the file should be there is a folder: nothing can be written.
    locks = Path(os.environ["XDG_STATE_HOME"]) / "federator" / "locks"
    (locks / "archives.lock").unlink()
    (locks / "archives.lock").mkdir()
    assert shell("edit", "mercy", "--secret-stdin", "--title", "x", stdin="second") == 1
    assert shell("remove", "mercy") == 1
    assert shell("edit", "mercy", "--new-name", "other") == 1
    assert shell("add", "new", "--url", URL, "--user", "u", "--secret-stdin", stdin="third") == 1
    assert (kept("mercy"), kept("other"), kept("new"), shell.text) == ("first", None, None, before)


@secret_service
@needs_secret_service
def test_a_locked_store_is_told_and_nothing_is_changed(with_store):
    """Issue 4: a real locked Secret Service: no hang, no dialog, the plain message."""
    shell = with_store
    assert shell("add", "mercy", "--url", URL, "--user", "u", "--secret-stdin", stdin=SECRET) == 0
    lock()
    before = shell.text
    for command in (
        ["add", "b", "--url", URL, "--user", "u", "--secret-stdin"],
        ["edit", "mercy", "--secret-stdin"],
        ["edit", "mercy", "--new-name", "b"],
        ["remove", "mercy"],
    ):
        assert shell(*command, stdin="x") == 1
        assert "locked" in shell.err
    assert shell.text == before
    assert shell("remove", "mercy", "--keep-secret") == 0


def test_archives_are_tested_step_by_step(shell):
    """Issue 4 part 7: archive test [NAME]; exit status 0 only when all is well."""
    with canned(lambda _: http(200, STUDY_LIST)) as port, canned(lambda _: http(404)) as wrong:
        assert shell("add", "good", "--url", f"http://127.0.0.1:{port}/rs", "--title", "Good one") == 0
        assert shell("test") == 0
        assert "good (Good one)\n  ok   1. Address:" in shell.out
        assert "ok   7. Search: Search works." in shell.out
        assert shell("add", "wrong", "--url", f"http://127.0.0.1:{wrong}/rs") == 0
        status = main_of(shell, "test", "--json")
        assert status == 1
        steps = [json.loads(line) for line in shell.out.splitlines()]
        assert {step["archive"] for step in steps} == {"good", "wrong"}
        assert steps[-1]["ok"] is False
        assert shell("test", "good") == 0
        assert shell("edit", "wrong", "--disable") == 0
        assert shell("test") == 0
        assert "wrong" not in shell.out


def main_of(shell: Shell, *arguments: str) -> int:
    """A command that may end with a failed step, which is told on standard output."""
    status = main(["archive", *arguments, "--config", str(shell.path)])
    shell.out, shell.err = shell._capsys.readouterr()
    return status


def test_the_command_works_as_a_program_of_its_own(tmp_path):
    """contract.md §8: federator-tray; the option --config stands before or behind the command."""
    path = tmp_path / "archives.toml"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    program = [sys.executable, "-m", "tray"]

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *arguments],
            input=stdin,
            env=environment,
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=False,
        )

    added = run(
        "--config", str(path), "archive", "add", "a", "--url", URL, "--secret-in-file", "--secret-stdin", stdin="x"
    )
    assert (added.returncode, added.stderr) == (0, "")
    assert run("archive", "list", "--config", str(path)).stdout.startswith("a ")
    assert run("archive", "remove", "b", "--config", str(path)).returncode == 1
    assert run("archive", "add").returncode == 2
    environment["FEDERATOR_CONFIG"] = str(path)
    assert run("archive", "remove", "a").returncode == 0
    assert path.read_text() == "schema_version = 1\n"
