"""Assistants from the shell (issue 4 part 7): exit status 0 only when done; a refusal says why and changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OTHERS = '{"mcpServers": {"other": {"command": "x", "env": {"KEY": "sk-never-shown"}}}}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / ".cursor").mkdir(parents=True)
    (folder / ".cursor" / "mcp.json").write_text(OTHERS)
    (folder / "my archives.toml").write_text('[archives.one]\nurl = "http://127.0.0.1:9/dicom-web"\n')
    return folder


def tray(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "FEDERATOR_CONFIG": str(home / "my archives.toml")}
    command = [str(Path(sys.executable).parent / "federator-tray"), *arguments]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=60)


def test_connect_writes_a_command_that_starts_the_server_and_disconnect_takes_it_out(home: Path) -> None:
    """Issue 4 part 7, and what it must show: the written command is started as the client would, and answers."""
    done = tray(home, "connect", "cursor")
    assert done.returncode == 0, done.stderr
    assert "Cursor is connected." in done.stdout
    assert "sk-never-shown" not in done.stdout + done.stderr
    entry = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["federator"]
    assert entry["args"] == ["--config", str(home / "my archives.toml")]
    question = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "cursor", "version": "1"},
        },
    }
    answer = subprocess.run(
        [entry["command"], *entry["args"]],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        input=json.dumps(question) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
    )
    assert json.loads(answer.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "federator"
    listed = tray(home, "clients").stdout
    assert "cursor          connected" in listed
    assert "zed             not found" in listed
    assert tray(home, "disconnect", "cursor").returncode == 0
    assert (home / ".cursor" / "mcp.json").read_text() == OTHERS


def test_a_dry_run_shows_the_change_and_writes_nothing(home: Path) -> None:
    """The change is shown before it is written."""
    done = tray(home, "connect", "cursor", "--dry-run")
    assert done.returncode == 0
    assert '+   "federator": {' in done.stdout
    assert (home / ".cursor" / "mcp.json").read_text() == OTHERS
    assert not (home / ".local").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("connect", "zed"), 1, "Zed was not found on this computer."),
        (("disconnect", "zed"), 1, "Zed was not found on this computer."),
        (("connect", "emacs"), 2, "'claude-desktop', 'claude-code', 'cursor', 'vscode', 'windsurf', 'lmstudio'"),
        (("connect",), 2, "CLIENT"),
    ],
)
def test_a_refusal_says_why(arguments: tuple[str, ...], status: int, words: str, home: Path) -> None:
    """Issue 4 part 7."""
    done = tray(home, *arguments)
    assert done.returncode == status
    assert words in done.stderr


def test_a_damaged_file_is_refused_and_untouched(home: Path) -> None:
    """Issue 4 part 7: a refusal changes nothing."""
    path = home / ".cursor" / "mcp.json"
    path.write_text('{\n  "mcpServers": {\n')
    done = tray(home, "connect", "cursor")
    assert done.returncode == 1
    assert "Cursor's own settings file is damaged (line 3:" in done.stderr
    assert path.read_text() == '{\n  "mcpServers": {\n'
