"""The whole chain from the shell: two real archives set up, two assistants connected, and both answer (issue 4)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.support.orthanc_server import Orthanc, OrthancPair, made, running
from tray.clients.launch import bare_environment

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

PASSWORD = "pa55-never-shown"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPair]:
    """Two archives with a study each and one that both hold; the second asks for a password."""
    folder = tmp_path_factory.mktemp("chain")
    with (
        running(folder, "main", "/dicom-web/") as first,
        running(folder, "research", "/rs/", user="alice", password=PASSWORD) as second,
    ):
        fill(first, "1.5.1", "1.5.2")
        fill(second, "1.5.2", "1.5.3")
        yield OrthancPair(first=first, second=second)


def fill(archive: Orthanc, *studies: str) -> None:
    for number, uid in enumerate(studies, 1):
        for file in made(
            uid, PatientName="Chain^Test", PatientID="C1", StudyDate=f"2024010{number}", StudyTime="101500"
        ):
            assert archive.store(file)


def tray(home: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "federator-tray"), *arguments],
        env=bare_environment("linux", {"HOME": str(home)}),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=home,
    )


async def test_from_a_fresh_home_to_answers_in_two_assistants(archives: OrthancPair, tmp_path: Path) -> None:
    """Issue 4: the written commands are started as those clients would and answer find-studies from both archives."""
    home = tmp_path / "Dr. Müller"
    claude, vscode = home / ".config/Claude", home / ".config/Code/User"
    for folder in (claude, vscode):
        folder.mkdir(parents=True)
    sign_in = ("--user", "alice", "--secret-stdin", "--secret-in-file")
    steps = (
        (("archive", "add", "main", "--title", "Main PACS", "--url", archives.first.url), ""),
        (("archive", "add", "research", "--url", archives.second.url, *sign_in), f"{PASSWORD}\n"),
        (("archive", "test"), ""),
        (("connect", "claude-desktop", "--even-if-running"), ""),
        (("connect", "vscode"), ""),
    )
    for arguments, text in steps:
        done = tray(home, *arguments, text=text)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert PASSWORD not in done.stdout + done.stderr
    written = (
        json.loads((claude / "claude_desktop_config.json").read_text())["mcpServers"]["federator"],
        json.loads((vscode / "mcp.json").read_text())["servers"]["federator"],
    )
    for entry in written:
        assert PASSWORD not in json.dumps(entry)
        server = StdioServerParameters(
            command=entry["command"],
            args=entry["args"],
            env=bare_environment("linux", {"HOME": str(home)}),
            cwd="/",
        )
        async with Client(server) as client:
            found = await client.call_tool("find-studies", {"query": "PatientName=Chain*"})
        studies = found.structured_content["studies"]
        tagged = [study["studyInstanceUid"].split("@") for study in studies]
        held_by = {uid: set(names.split(",")) for uid, names in tagged}
        assert held_by == {"1.5.1": {"main"}, "1.5.2": {"main", "research"}, "1.5.3": {"research"}}
        assert found.structured_content["complete"] is True
    listed = tray(home, "clients").stdout
    assert listed.count("connected ") >= 2
    assert tray(home, "disconnect", "vscode").returncode == 0
    assert "federator" not in (vscode / "mcp.json").read_text()
