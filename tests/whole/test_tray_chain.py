"""The whole chain from the shell: two real archives set up, two assistants connected, and both answer (issue 4)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from tests.support.chain import PASSWORD, Home, check_answer
from tests.support.orthanc_server import OrthancPair

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]


def tray(home: Home, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "federator-tray"), *arguments],
        env=home.environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=home.path,
    )


async def test_from_a_fresh_home_to_answers_in_two_assistants(chained_archives: OrthancPair, fresh_home: Home) -> None:
    """Issue 4: the written commands are started as those clients would and answer find-studies from both archives."""
    sign_in = ("--user", "alice", "--secret-stdin", "--secret-in-file")
    steps = (
        (("archive", "add", "main", "--title", "Main PACS", "--url", chained_archives.first.url), ""),
        (("archive", "add", "research", "--url", chained_archives.second.url, *sign_in), f"{PASSWORD}\n"),
        (("archive", "test"), ""),
        (("connect", "claude-desktop", "--even-if-running"), ""),
        (("connect", "vscode"), ""),
    )
    for arguments, text in steps:
        done = tray(fresh_home, *arguments, text=text)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert PASSWORD not in done.stdout + done.stderr
    for entry in fresh_home.written():
        assert PASSWORD not in json.dumps(entry)
        async with Client(fresh_home.server(entry)) as client:
            found = await client.call_tool("find-studies", {"query": "PatientName=Chain*"})
        check_answer(found.structured_content, first="main", second="research")
    listed = tray(fresh_home, "clients").stdout
    assert listed.count("connected ") >= 2
    assert tray(fresh_home, "disconnect", "vscode").returncode == 0
    assert "federator" not in fresh_home.vscode_settings.read_text()
