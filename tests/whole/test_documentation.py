"""Nothing is undocumented: what a person or a model can write, and what it is told, stands in the documentation."""

import argparse
import re
from pathlib import Path

import pytest

from federator.__main__ import _parser as server_parser
from federator.config import ARCHIVE_KEYS
from federator.model import OutcomeState
from scripts import reference
from tray.__main__ import _parser as tray_parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTED = [code for page in PAGES for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))]


def stands(name: str) -> bool:
    """Whether a page shows the name as code, whole."""
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", code) for code in DOCUMENTED)


@pytest.mark.anyio
async def test_the_reference_is_what_the_program_says():
    """rooms.md: help texts and samples are written by the program. If this fails: python -m scripts.reference."""
    assert reference.PAGE.read_text(encoding="utf-8") == await reference.page()


@pytest.mark.anyio
async def test_every_tool_and_parameter_stands_in_a_page():
    """rooms.md: a tool or parameter that no page names fails."""
    tools = await reference.tools()
    names = {tool.name for tool in tools} | {name for tool in tools for name in tool.input_schema["properties"]}
    assert len(names) > 20
    assert [name for name in sorted(names) if not stands(name)] == []


@pytest.mark.parametrize("parser", [server_parser(), tray_parser()], ids=lambda parser: parser.prog)
def test_every_command_and_option_stands_in_a_page(parser: argparse.ArgumentParser):
    """rooms.md: a command or option that no page names fails."""
    found = list(reference.commands(parser))
    names = [command.words for command in found]
    names += [word for command in found for option in command.options for word in re.findall(r"--[\w-]+", option)]
    assert len(names) > 10
    assert [name for name in dict.fromkeys(names) if not stands(name)] == []


@pytest.mark.parametrize("key", ARCHIVE_KEYS)
def test_every_key_stands_in_a_page_and_is_explained_in_the_example(key: str):
    """rooms.md: a key of archives.toml that no page names fails."""
    assert stands(key)
    assert reference.keys()[key]


@pytest.mark.parametrize("state", OutcomeState)
def test_every_outcome_stands_in_a_page(state: OutcomeState):
    """rooms.md: an outcome word that no page names fails."""
    assert stands(state.value)


def test_an_option_without_help_is_refused_by_name():
    """The generator explains everything or names what it cannot explain."""
    parser = argparse.ArgumentParser(prog="program", description="A program.")
    parser.add_argument("--mute")
    (command,) = reference.commands(parser)
    with pytest.raises(reference.UnexplainedError, match="--mute"):
        reference.shown(command)


def test_the_links_of_every_page_lead_somewhere():
    """A link that leads nowhere is worse than none."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
