"""The command line as a person or a client starts it (contract.md section 8)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from federator import __version__
from federator.__main__ import main

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    path = tmp_path / "archives.toml"
    path.write_text(f"schema_version = 1\n[archives.cd]\nfolder = {json.dumps(str(images))}\n", encoding="utf-8")
    return path


def environment(tmp_path: Path) -> dict[str, str]:
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("STATE", "CACHE", "CONFIG")}
    return {**{key: value for key, value in os.environ.items() if not key.startswith("DICOMWEB")}, **folders}


def run(tmp_path: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "federator", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(tmp_path),
        cwd=Path(__file__).parents[2],
    )


def test_it_says_its_version(capsys):
    """contract.md section 8."""
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"federator {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "check", "demo", "call"])
def test_the_help_names_every_command(command, capsys):
    """contract.md section 8."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"\n    {command} " in capsys.readouterr().out


def test_alone_it_serves_on_stdio_and_leaves_at_the_end_of_the_input(tmp_path, config):
    """contract.md section 8: `federator` alone serves on stdio; nothing but the protocol goes to stdout."""
    done = run(tmp_path, "--config", str(config), stdin=json.dumps(INITIALIZE) + "\n")
    assert done.returncode == 0
    (answer,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert answer["result"]["serverInfo"]["name"] == "federator"
    assert done.stderr == ""


def test_starting_imports_none_of_the_heavy_libraries(tmp_path, config):
    """Issue 2 part 6: start-up imports neither NumPy nor highdicom nor Pillow nor pdfplumber; nor httpx, pydicom."""
    heavy = ["numpy", "highdicom", "PIL", "pdfplumber", "pydicom", "httpx", "keyring", "tenacity"]
    code = (
        "import sys; from federator.__main__ import main; main(['--config', sys.argv[1]]);"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config)],
        input=json.dumps(INITIALIZE) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(tmp_path),
        cwd=Path(__file__).parents[2],
    )
    assert '"serverInfo"' in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_over_stdio_gets_answers_in_either_era(tmp_path, config, mode):
    """facts/mcp.md section 1: one server serves both eras on stdio; the health file names the client."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "federator", "--config", str(config)], env=environment(tmp_path)
    )
    async with Client(server, mode=mode) as client:
        found = await client.call_tool("find-studies", {})
        refused = await client.call_tool("find-studies", {"query": "PatientNam=x"})
    assert found.structured_content["studies"] == []
    assert found.content[0].text.startswith("No study matches in cd.")
    assert refused.is_error
    health = json.loads((tmp_path / "state" / "federator" / "health.json").read_text(encoding="utf-8"))
    assert list(health["clients"]) == ["mcp"]
    assert health["archives"]["cd"]["ok"] is True


def test_call_runs_one_tool(tmp_path, config):
    """contract.md section 8: `federator call TOOL key=value …`; the exit status tells a refusal."""
    done = run(tmp_path, "call", "find-studies", "--json", "query=PatientName=Doe*", "--config", str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["studies"] == []
    refused = run(tmp_path, "call", "--config", str(config), "find-studies", "query=PatientNam=Doe*")
    assert refused.returncode == 1
    assert "Did you mean PatientName?" in refused.stdout
    unfit = run(tmp_path, "call", "--config", str(config), "find-studies", "Doe")
    assert (unfit.returncode, unfit.stdout) == (2, "")
    assert unfit.stderr == "federator: 'Doe' is not key=value, for example query='PatientName=Doe*'.\n"


def test_check_walks_the_archives(tmp_path, config):
    """contract.md section 8: `federator check [NAME]` step by step; --json streams the steps."""
    done = run(tmp_path, "check", "--config", str(config))
    assert done.stdout.startswith("cd\n")
    streamed = run(tmp_path, "check", "cd", "--config", str(config), "--json")
    steps = [json.loads(line) for line in streamed.stdout.splitlines()]
    assert {step["archive"] for step in steps} == {"cd"}
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    assert done.returncode == streamed.returncode == int(any(step["ok"] is False for step in steps))
    unknown = run(tmp_path, "check", "dc", "--config", str(config))
    assert (unknown.returncode, unknown.stderr) == (2, "federator: Unknown archive 'dc'. Configured: cd.\n")


def test_every_fault_of_the_file_is_told_at_once_and_no_traceback(tmp_path):
    """contract.md section 6: the operator must act: every fault of the file at once, by key."""
    path = tmp_path / "archives.toml"
    path.write_text("[archives.Mercy]\nurl = 'pacs'\n[archives.north]\nurll = 'x'\n", encoding="utf-8")
    done = run(tmp_path, "check", "--config", str(path))
    assert done.returncode == 2
    assert "archives.Mercy" in done.stderr
    assert "archives.north.urll" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.anyio
async def test_a_server_without_a_configuration_starts_and_says_what_to_do(tmp_path):
    """contract.md section 6: the operator must act; a client that starts us must get an answer, not a dead process."""
    missing = tmp_path / "none.toml"
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "federator", "--config", str(missing)], env=environment(tmp_path)
    )
    async with Client(server) as client:
        refused = await client.call_tool("find-studies", {})
        missing.write_text(f"[archives.cd]\nfolder = {json.dumps(str(tmp_path / 'images'))}\n", encoding="utf-8")
        (tmp_path / "images").mkdir()
        found = await client.call_tool("find-studies", {})
    assert refused.is_error
    assert refused.content[0].text.endswith("none.toml: there is no such file")
    assert not found.is_error


def test_the_collector_does_not_walk_the_rows_of_every_answer(tmp_path, config):
    """Issue 5, load: by Python's own 700 new objects it took half of the time for rows of which none is garbage."""
    program = (
        "import argparse, gc, pathlib, sys\n"
        "from federator.__main__ import _built\n"
        "_built(argparse.Namespace(config=pathlib.Path(sys.argv[1])))\n"
        "print(gc.isenabled(), gc.get_threshold()[0] >= 10_000, gc.get_freeze_count() > 50_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(config)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(tmp_path),
    )
    assert done.stdout == "True True True\n", done.stderr
