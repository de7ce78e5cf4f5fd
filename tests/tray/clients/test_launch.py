"""The command that is written, the login item, and one tray per user (facts/tray sections 3.2, 6.4 and 7)."""

import configparser
import plistlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tray import instance, login
from tray.clients import launch
from tray.clients.launch import Installation, LaunchError, program_command, server_command


def installation(tmp_path: Path, prefix: str, *, platform: str = "linux", **changes) -> Installation:
    folder = tmp_path / prefix
    scripts = folder / ("Scripts" if platform == "win32" else "bin")
    scripts.mkdir(parents=True)
    values = {
        "platform": platform,
        "home": tmp_path,
        "environment": {},
        "executable": scripts / "python",
        "prefix": folder,
    }
    return Installation(**(values | changes))


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_venv_gives_its_own_script(tmp_path: Path) -> None:
    """Facts 6.4: PREFIX/bin/federator."""
    where = installation(tmp_path, "venv of Müller")
    script = touched(where.prefix / "bin" / "federator")
    assert program_command(where) == (str(script),)
    assert server_command(where, Path("archives.toml")) == (str(script), "--config", str(Path.cwd() / "archives.toml"))


def test_windows_gives_the_exe(tmp_path: Path) -> None:
    """Facts 6.4."""
    where = installation(tmp_path, "venv", platform="win32")
    script = touched(where.prefix / "Scripts" / "federator.exe")
    assert program_command(where) == (str(script),)


@pytest.mark.parametrize(
    ("prefix", "variable"),
    [(".local/share/uv/tools/federator", "UV_TOOL_BIN_DIR"), (".local/share/pipx/venvs/federator", "PIPX_BIN_DIR")],
)
def test_a_tool_installation_gives_the_shim_that_survives_upgrades(prefix: str, variable: str, tmp_path: Path) -> None:
    """Facts 6.4: the shim, not the interpreter behind it; the tools' own variables are respected."""
    where = installation(tmp_path, prefix)
    touched(where.prefix / "bin" / "federator")
    shim = touched(tmp_path / ".local/bin/federator")
    assert program_command(where) == (str(shim),)
    elsewhere = touched(tmp_path / "shims/federator")
    other = installation(tmp_path / "o", prefix, environment={variable: str(elsewhere.parent)})
    assert program_command(other) == (str(elsewhere),)


def test_uvx_is_written_itself_with_the_version_and_never_its_cache(tmp_path: Path) -> None:
    """Facts 6.4: prefix contains archive-v0, environments-v or builds-v."""
    where = installation(tmp_path, ".cache/uv/archive-v0/x1")
    touched(where.prefix / "bin" / "federator")
    with pytest.raises(LaunchError, match="uv tool install"):
        program_command(where)
    uvx = touched(tmp_path / ".local/bin/uvx")
    command = program_command(where)
    assert command[0] == str(uvx)
    assert command[2].startswith("federator[tray]==")
    assert not any("archive-v0" in part for part in command)


def test_a_frozen_program_gives_the_server_beside_it(tmp_path: Path) -> None:
    """Facts 6.4: the server binary beside the tray binary."""
    where = installation(
        tmp_path, "App", executable=tmp_path / "App" / "federator-tray.exe", frozen=True, platform="win32"
    )
    assert program_command(where) == (str(tmp_path / "App" / "federator.exe"),)
    assert program_command(where, "federator-tray") == (str(tmp_path / "App" / "federator-tray.exe"),)


def test_anything_else_gives_the_interpreter_and_the_module(tmp_path: Path) -> None:
    """Facts 6.4: [sys.executable, "-I", "-m", "federator"]."""
    where = installation(tmp_path, "odd")
    assert program_command(where) == (str(where.executable), "-I", "-m", "federator")


def test_this_installation_gives_a_command_that_is_there() -> None:
    """Facts 6.4: the command is absolute."""
    command = program_command(Installation.current())
    assert Path(command[0]).is_absolute()
    assert Path(command[0]).exists()


def test_the_bare_environment_holds_no_path_of_the_user() -> None:
    """facts/mcp section 5: hosts start servers with a minimal PATH."""
    bare = launch.bare_environment("linux", {"HOME": "/h", "PATH": "/h/bin", "SECRET": "x", "PYTHONPATH": "/p"})
    assert bare == {"HOME": "/h", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    windows = launch.bare_environment("win32", {"SystemRoot": "C:\\W", "Path": "C:\\W", "SECRET": "x"})
    assert windows == {"SystemRoot": "C:\\W", "Path": "C:\\W"}


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit(3)", "stopped without an answer"),
        ("print('hello')", "stopped without an answer"),
        ("print('{}')", "stopped without an answer"),
        ("print('[1]')", "stopped without an answer"),
        ("import sys; sys.stdin.read()", "did not answer within"),
        ("import sys; sys.stdout.write('x' * 10_000_000); sys.stdin.read()", "stopped without an answer"),
    ],
)
def test_a_server_that_does_not_answer_initialize_is_told(program: str, words: str) -> None:
    """Facts 6.4: only a server that answers is written; the attempt ends in any case."""
    with pytest.raises(LaunchError, match=words):
        launch.try_server((sys.executable, "-S", "-c", program), {}, deadline_s=1)


def test_our_own_server_answers_in_the_bare_environment(tmp_path: Path) -> None:
    """Issue 4 part 6: started once with the bare environment that clients give, it must answer."""
    config = tmp_path / "archives.toml"
    config.write_text('[archives.one]\nurl = "http://127.0.0.1:9/dicom-web"\n')
    command = server_command(Installation.current(), config)
    environment = launch.bare_environment(sys.platform, {"HOME": str(tmp_path)})
    assert launch.try_server(command, environment).startswith("federator ")


def test_a_path_that_is_no_text_is_not_written_for_a_client() -> None:
    """Issue 4: a refusal says why; JSON and TOML hold text, and a name on Linux any bytes."""
    with pytest.raises(LaunchError, match="Move the file"):
        server_command(Installation.current(), Path("/home/\udcff/archives.toml"))


def test_the_login_item_of_linux_survives_every_character(tmp_path: Path) -> None:
    """Desktop Entry Specification, Exec key: quoting and the escape of the string value."""
    command = ("/opt/my $apps/50% `off`/federator-tray", 'say "hi"', "back\\slash")
    item = login.login_item("linux", tmp_path, {}, command)
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str
    parser.read_string(item.content.decode())
    exec_line = parser["Desktop Entry"]["Exec"]
    assert exec_line == ('"/opt/my \\\\$apps/50%% \\\\`off\\\\`/federator-tray" "say \\\\"hi\\\\"" "back\\\\\\\\slash"')
    assert item.path == tmp_path / ".config/autostart/federator-tray.desktop"


def test_the_login_items_of_macos_and_windows(tmp_path: Path) -> None:
    """Facts section 7: LaunchAgents with RunAtLoad; HKCU Run with a quoted path."""
    command = ("C:\\Program Files\\federator\\federator-tray.exe",)
    mac = login.login_item("darwin", tmp_path, {}, command)
    assert mac.path == tmp_path / "Library/LaunchAgents/org.federator-tray.plist"
    agent = plistlib.loads(mac.content)
    assert agent["ProgramArguments"] == list(command)
    assert agent["RunAtLoad"] is True
    windows = login.login_item("win32", tmp_path, {}, command)
    assert windows.path is None
    assert windows.content == b'"C:\\Program Files\\federator\\federator-tray.exe"'


def test_start_at_login_is_off_until_asked_and_can_be_switched_off(tmp_path: Path) -> None:
    """Facts section 7: per user, off until asked; an item of an older place counts as off."""
    item = login.login_item("linux", tmp_path, {}, ("/a/federator-tray",))
    assert not login.is_set(item)
    login.switch(item, on=True)
    assert login.is_set(item)
    assert not login.is_set(login.login_item("linux", tmp_path, {}, ("/b/federator-tray",)))
    login.switch(item, on=False)
    assert not login.is_set(item)
    login.switch(item, on=False)


def test_a_folder_in_the_way_of_the_login_item_is_told(tmp_path: Path) -> None:
    """A refusal says why and changes nothing."""
    item = login.login_item("linux", tmp_path, {}, ("/a/federator-tray",))
    item.path.mkdir(parents=True)
    with pytest.raises(login.LoginError, match="cannot be changed"):
        login.switch(item, on=True)
    with pytest.raises(login.LoginError, match="no registry here"):
        login.switch(login.login_item("win32", tmp_path, {}, ("x",)), on=True)


def test_a_second_tray_asks_the_first_to_open_the_page(tmp_path: Path) -> None:
    """Facts 3.2 rule 12: one tray per user; the second start asks the first."""
    knocked = threading.Event()
    with instance.Instance(tmp_path, on_knock=knocked.set) as first:
        assert first.claim()
        second = instance.Instance(tmp_path, on_knock=lambda: None)
        assert not second.claim()
        assert second.knock()
        assert knocked.wait(5)
        assert (tmp_path / "instance.json").stat().st_mode & 0o077 == 0
    third = instance.Instance(tmp_path, on_knock=lambda: None)
    assert third.claim()
    third.release()


def test_a_caller_without_the_token_opens_nothing(tmp_path: Path) -> None:
    """Facts 3.2 rule 12: instance.json with mode 0600 holds the token."""
    knocks = []
    with instance.Instance(tmp_path, on_knock=lambda: knocks.append(1)) as first:
        assert first.claim()
        address = tmp_path / "instance.json"
        good = address.read_bytes()
        address.write_bytes(good.replace(b'"token": "', b'"token": "x'))
        stranger = instance.Instance(tmp_path, on_knock=lambda: None)
        assert not stranger.knock()
        address.write_bytes(b"{")
        assert not stranger.knock()
        address.write_bytes(good)
        assert stranger.knock()
    assert knocks == [1]


def test_the_lock_of_a_killed_tray_is_free(tmp_path: Path) -> None:
    """Facts 3.2 rule 12: freed by the kernel on kill -9."""
    program = (
        "import sys; from pathlib import Path; from tray.instance import Instance\n"
        "assert Instance(Path(sys.argv[1]), on_knock=print).claim()\nprint('held', flush=True)\nsys.stdin.read()"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(arguments, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        mine = instance.Instance(tmp_path, on_knock=lambda: None)
        assert not mine.claim()
        holder.kill()
        holder.wait()
        assert not mine.knock()
        assert mine.claim()
        mine.release()
