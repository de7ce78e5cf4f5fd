"""The README says what is: its tools, outcomes, examples and commands exist."""

import json
import re
import shlex
from pathlib import Path

import pytest
from mcp import Client

from federator.__main__ import main
from federator.config import Config, parse
from federator.model import OutcomeState
from federator.server.app import build_server
from tray.__main__ import _parser as tray_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

COMMANDS = re.findall(r"(?m)^federator ((?:serve|check|call|demo)\b.*?)(?:  +#.*)?$", README)
COMMANDS += re.findall(r"`federator ((?:serve|check|call|demo)\b[^`]*)`", README)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.anyio
async def test_it_names_every_tool_and_no_other():
    """contract.md section 4."""
    async with Client(build_server(Config(archives=()))) as client:
        offered = [tool.name for tool in (await client.list_tools()).tools]
    assert sorted(re.findall(r"(?m)^\| `([a-z-]+)` \|", README.split("## Tools")[1].split("## What")[0])) == sorted(
        offered
    )


def test_it_explains_every_outcome():
    """contract.md section 3.1."""
    explained = re.findall(r"(?m)^\| `([a-z_]+)` \|", README.split("## What")[1].split("## Security")[0])
    assert explained == [state.value for state in OutcomeState]


def test_its_configuration_can_be_read():
    """contract.md section 7."""
    (example,) = blocks("toml")
    assert [archive.name for archive in parse(example).archives] == ["mercy", "teaching"]


def test_its_entry_for_clients_is_json():
    """facts/mcp.md section 5: strict JSON in Claude Desktop's file."""
    (entry,) = blocks("json")
    assert set(json.loads(entry)["mcpServers"]["federator"]) == {"command", "args"}


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_are_understood(line, monkeypatch, tmp_path):
    """contract.md section 8: every command of the README passes the command line's reader."""
    seen = []
    for name in ("_check", "_serve", "_call", "_demo"):
        monkeypatch.setattr(f"federator.__main__.{name}", lambda options: seen.append(options) or 0)
    assert main(shlex.split(line)) == 0
    assert len(seen) == 1


TRAY_COMMANDS = re.findall(r"(?m)^federator-tray (.*?)(?:  +#.*)?$", README)
TRAY_COMMANDS += [line for line in re.findall(r"`federator-tray ([^`]*)`", README) if "CLIENT" not in line]


@pytest.mark.parametrize("line", TRAY_COMMANDS)
def test_its_commands_of_the_tray_are_understood(line):
    """Issue 4 part 7: what the README has people type passes the command line's reader."""
    assert tray_parser().parse_args(shlex.split(line)).run
    assert len(TRAY_COMMANDS) > 5


def test_the_files_that_it_points_to_are_there():
    """A link that leads nowhere is worse than none."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
