"""From a fresh home to answers: two real archives to set up, and the settings of two assistants to be written."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from tests.support.orthanc_server import Orthanc, OrthancPair, made, running
from tray.clients.launch import bare_environment

PASSWORD = "pa55-never-shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home folder in which Claude Desktop and VS Code were started once."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a program finds that is started from a menu there."""
        return bare_environment("linux", {"HOME": str(self.path)})

    @property
    def vscode_settings(self) -> Path:
        """Where VS Code keeps its servers."""
        return self.path / ".config/Code/User/mcp.json"

    def written(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Our entry in the settings of each assistant."""
        desktop = self.path / ".config/Claude/claude_desktop_config.json"
        return (
            json.loads(desktop.read_text())["mcpServers"]["federator"],
            json.loads(self.vscode_settings.read_text())["servers"]["federator"],
        )

    def server(self, entry: Mapping[str, Any]) -> StdioServerParameters:
        """The server as the assistant starts it by this entry."""
        return StdioServerParameters(
            command=entry["command"], args=entry["args"], env=self.environment, cwd=self.path.anchor
        )


@pytest.fixture
def fresh_home(tmp_path: Path) -> Home:
    """The home of somebody with a space and a letter beyond ASCII in the name."""
    home = Home(path=tmp_path / "Dr. Müller")
    for folder in (".config/Claude", ".config/Code/User"):
        (home.path / folder).mkdir(parents=True)
    return home


@pytest.fixture(scope="module")
def chained_archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPair]:
    """Two archives: 1.5.1 in the first, 1.5.3 in the second, 1.5.2 in both. The second asks for a password."""
    folder = tmp_path_factory.mktemp("chain")
    with (
        running(folder, "main", "/dicom-web/") as first,
        running(folder, "research", "/rs/", user="alice", password=PASSWORD) as second,
    ):
        _fill(first, "1.5.1", "1.5.2")
        _fill(second, "1.5.2", "1.5.3")
        yield OrthancPair(first=first, second=second)


def check_answer(found: Mapping[str, Any], *, first: str, second: str) -> None:
    """find-studies told all three studies, each with its holders, and that this is all."""
    tagged = [study["studyInstanceUid"].split("@") for study in found["studies"]]
    held_by = {uid: set(names.split(",")) for uid, names in tagged}
    assert held_by == {"1.5.1": {first}, "1.5.2": {first, second}, "1.5.3": {second}}
    assert found["complete"] is True


def _fill(archive: Orthanc, *studies: str) -> None:
    for number, uid in enumerate(studies, 1):
        for file in made(
            uid, PatientName="Chain^Test", PatientID="C1", StudyDate=f"2024010{number}", StudyTime="101500"
        ):
            assert archive.store(file)
