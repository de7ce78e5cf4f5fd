"""Writes docs/reference.md: every command, option, tool, parameter, key and outcome, in the program's own words.

    python -m scripts.reference     writes the page anew; a test compares it with the program

What has no help text, no description or no comment is refused by its name: nothing stands there unexplained.
"""

import argparse
import dataclasses
import inspect
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from federator.__main__ import _parser as server_parser
from federator.config import ARCHIVE_KEYS, Archive, Config, load
from federator.demo.samples.catalogue import write_samples
from federator.model import OutcomeState
from federator.server.app import build_server
from federator.server.caller import in_memory
from federator.server.wording.wording import PLAIN_STATE
from tray.__main__ import _parser as tray_parser

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference.md"
EXAMPLE = ROOT / "archives.example.toml"

_HEAD = """\
# Reference

Written by the program (`python -m scripts.reference`), so that it says what is true; change the program's words, not
this page. How the parts work together is told in the [README](../README.md).
"""
_SAMPLES = (
    ("find-studies", {"query": "PatientName=Okafor* limit=2"}),
    ("find-studies", {"query": "PatientNam=Okafor*"}),
    ("list-archives", {}),
)


class UnexplainedError(Exception):
    """Something that a person can write has no word of explanation."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a program with what may follow it: `words` as it is typed, `options` with their help."""

    words: str
    about: str
    options: Mapping[str, str]


def commands(parser: argparse.ArgumentParser, about: str = "") -> Iterator[Command]:
    """A parser and all below it, in the order in which help shows them."""
    options: dict[str, str] = {}
    below: list[tuple[argparse.ArgumentParser, str]] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its actions
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            below += [(inner, told.get(name, "")) for name, inner in action.choices.items()]
        elif not isinstance(action, argparse._HelpAction):  # noqa: SLF001
            options[_written(action)] = action.help or ""
    yield Command(words=parser.prog, about=about or parser.description or "", options=options)
    for inner, said in below:
        yield from commands(inner, said)


def keys() -> Mapping[str, str]:
    """Every key of an archive's entry and what its line in archives.example.toml says of it."""
    found: dict[str, str] = {}
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        said = re.match(r"(?:# )?(\w+) = (?:\"[^\"]*\"|[^#]*?)\s*#\s*(.*)$", line)
        if said:
            found.setdefault(said[1], said[2])
    return {key: found.get(key, "") for key in ARCHIVE_KEYS}


async def tools() -> list[Any]:
    """The tools as a client is told of them."""
    async with Client(build_server(Config(archives=()))) as client:
        return list((await client.list_tools()).tools)


async def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Commands\n"]
    for parser in (server_parser(), tray_parser()):
        parts += [shown(command) for command in commands(parser)]
    parts += ["## Tools\n", *[_tool(tool) for tool in await tools()]]
    parts += ["## Keys of an archive\n", _keys(), "## Outcomes\n", _outcomes(), "## Samples\n", *await _samples()]
    return "\n".join(parts).rstrip() + "\n"


def shown(command: Command) -> str:
    """One command as a section of the page; UnexplainedError where a word of it has no help."""
    lines = [f"### `{command.words}`\n", _explained(command.about, of=command.words) + "\n"]
    if command.options:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{name}` | {_explained(said, of=name)} |" for name, said in command.options.items()]
        lines.append("")
    return "\n".join(lines)


def _written(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    shown = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    return f"{names} {shown}".strip() if names else str(action.metavar or action.dest)


def _explained(said: str, *, of: str) -> str:
    if not said.strip():
        raise UnexplainedError(f"{of} has no word of explanation")
    return " ".join(said.split()).replace("|", "\\|")


def _tool(tool: Any) -> str:  # noqa: ANN401 - the SDK's own type
    lines = [f"### `{tool.name}`\n", f"*{tool.title}.* {inspect.cleandoc(tool.description)}\n"]
    parameters = tool.input_schema.get("properties", {})
    required = tool.input_schema.get("required", [])
    if parameters:
        lines += ["| parameter | | |", "|---|---|---|"]
        for name, schema in parameters.items():
            default = "required" if name in required else f"default {schema.get('default', 'none')}"
            lines.append(f"| `{name}` | {default} | {_explained(schema.get('description', ''), of=name)} |")
        lines.append("")
    return "\n".join(lines)


def _keys() -> str:
    defaults = {field.name: field.default for field in dataclasses.fields(Archive)}
    lines = ["| key | default | |", "|---|---|---|"]
    for key, said in keys().items():
        default = defaults[key]
        shown = "" if default in {None, ""} else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        lines.append(f"| `{key}` | {shown} | {_explained(said, of=key)} |")
    return "\n".join(lines) + "\n"


def _outcomes() -> str:
    lines = ["| outcome | the archive … |", "|---|---|"]
    return "\n".join([*lines, *[f"| `{state.value}` | {PLAIN_STATE[state]} |" for state in OutcomeState]]) + "\n"


async def _samples() -> list[str]:
    told = []
    with tempfile.TemporaryDirectory() as folder:
        names = write_samples(Path(folder))
        text = "\n".join(f'[archives.{archive.name}]\nfolder = "{archive.as_posix()}"' for archive in names)
        config = Path(folder) / "archives.toml"
        config.write_text(text, encoding="utf-8")
        async with in_memory(load(config)) as caller:
            for tool, arguments in _SAMPLES:
                answer = await caller.call(tool, arguments)
                asked = " ".join(f"{name}='{value}'" for name, value in arguments.items())
                told.append(f"`federator call {f'{tool} {asked}'.strip()}`\n\n```\n{_lasting(answer.text)}\n```\n")
    return told


def _lasting(text: str) -> str:
    """The answer without what differs from run to run: marks of fences, times, folders of this machine."""
    for mark in re.findall(r"^--- ([0-9a-f]{8})$", text, re.MULTILINE):
        text = text.replace(mark, "f00df00d")
    return re.sub(r"\b[\d.,]+ (ms|s)\b", r"… \1", text).replace(tempfile.gettempdir(), "/tmp")


def main() -> None:
    """Write the page."""
    PAGE.write_text(anyio.run(page), encoding="utf-8")


if __name__ == "__main__":
    main()
