"""The guided first run, from nothing (contract.md section 8)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from federator.config import load

ROOT = Path(__file__).parents[2]


def demo(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    command = [sys.executable, "-m", "federator", "demo", "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> tuple[str, Path]:
    home = tmp_path_factory.mktemp("home")
    done = demo(home / "demo", home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout, home / "demo"


def test_it_shows_the_main_job_on_sample_archives(shown):
    """Issue 2 part 7: at least three sample archives and one that never answers, the main job over stdio."""
    text, folder = shown
    assert text.count("PARTIAL ANSWER: silent did not answer in time") >= 1
    for tool in ("find-studies", "find-series", "find-prior-studies"):
        assert f"\n-> {tool} " in text
    assert "Did you mean PatientName?" in text
    assert "undated" in text
    assert len(load(folder / "archives.toml").archives) >= 3


def test_it_ends_with_a_block_that_starts_the_server(shown):
    """Issue 2 part 7: ends with the block to paste into Claude Desktop, with absolute paths; and the block works."""
    text, _ = shown
    entry = json.loads(re.search(r"^\{\n.*?^\}$", text, re.MULTILINE | re.DOTALL)[0])["mcpServers"]["federator"]
    assert Path(entry["command"]).is_absolute()
    done = subprocess.run(
        [entry["command"], *entry["args"], "call", "find-studies", "query=limit=1", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd="/",
    )
    assert json.loads(done.stdout)["complete"] is True


def test_it_takes_its_own_folder_again_and_no_other(shown, tmp_path):
    """A demo must never delete what it did not make."""
    _, folder = shown
    again = demo(folder, tmp_path)
    assert again.returncode == 0, again.stderr
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years", encoding="utf-8")
    refused = demo(foreign, tmp_path)
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]
