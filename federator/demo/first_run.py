"""The guided first run: sample archives from nothing, the main job on them, and what an assistant is told."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio

from federator.config import state_path
from federator.demo.samples.catalogue import write_samples
from federator.demo.silent import silent_archive
from federator.errors import ConfigError, ConfigFault
from federator.private import make_folder
from federator.server.caller import Answered, Caller, over_stdio

_MARK = "made-by-federator-demo"
_FIRST_LINES, _LAST_LINES = 20, 5
_SILENT_DEADLINE_S = 0.8


def run_demo(folder: Path | None = None) -> int:
    """Build the samples below `folder` (else in the user's state folder), show the main job; 0 where all went well."""
    began = time.perf_counter()
    root = _prepared(folder)
    archives = write_samples(root / "archives")
    lasting = _write_config(root / "archives.toml", archives)
    _say(f"Three sample archives with made-up patients: {root / 'archives'}")
    with silent_archive() as url:
        config = _write_config(root / "with-silent.toml", archives, silent=url)
        _say("A fourth one, 'silent', takes connections and never answers, as a hung PACS does.")
        problems = anyio.run(_show, config, root)
    _say("\n".join(_closing(lasting, seconds=time.perf_counter() - began)))
    return 1 if problems else 0


def _prepared(folder: Path | None) -> Path:
    root = (folder or state_path(sys.platform, Path.home(), os.environ) / "demo").expanduser().absolute()
    try:
        if root.exists() and any(root.iterdir()):
            if not (root / _MARK).exists():
                fault = ConfigFault(key="--folder", message=f"{root} is not empty; name a folder that is, or a new one")
                raise ConfigError([fault])
            shutil.rmtree(root)
        make_folder(root)
        (root / _MARK).touch()
    except OSError as error:
        raise ConfigError([ConfigFault(key="--folder", message=f"cannot use {root}: {error.strerror}")]) from error
    return root


def _write_config(path: Path, archives: Iterable[Path], *, silent: str = "") -> Path:
    lines = ["schema_version = 1"]
    for archive in archives:
        lines += ["", f"[archives.{archive.name}]", f"folder = {json.dumps(str(archive))}"]
    if silent:
        lines += ["", "[archives.silent]", f'url = "{silent}"', f"deadline_s = {_SILENT_DEADLINE_S}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def _show(config: Path, root: Path) -> int:
    """Run the main job and print it; the number of answers that were errors."""
    async with over_stdio(config, state=root / "state") as caller:
        story = _Story(caller, pictures=root)
        return await story.tell()


class _Story:
    """The questions of a morning, each asked with what the answers before it gave."""

    def __init__(self, caller: Caller, *, pictures: Path) -> None:
        self._caller = caller
        self._pictures = pictures
        self._problems = 0

    async def tell(self) -> int:
        """Ask them all; the number of answers that were errors."""
        everything = await self._ask("What is there, newest first?", "find-studies", {})
        studies = _listed(everything, "studies")
        await self._ask("And under a name in Japanese?", "find-studies", {"query": "PatientName=*山田*"})
        shared = next((study for study in studies if len(study["heldBy"]) > 1), None)
        if shared is not None:
            await self._ask("One study lies in two archives. What belongs to it?", "find-series", _within(shared))
        reported = next((study for study in studies if {"CT", "SR"} <= set(study.get("modalities", ()))), None)
        if reported is not None:
            await self._ask(
                "The newest CT with a report: what to compare it with?", "find-prior-studies", _within(reported)
            )
            await self._read(reported)
            await self._look(reported)
        await self._ask("And a misspelt question?", "find-studies", {"query": "PatientNam=Okafor*"}, refused=True)
        return self._problems

    async def _read(self, study: Mapping[str, Any]) -> None:
        found = await self._ask("Which reports does it have?", "find-structured-reports", _within(study))
        reports = _listed(found, "reports")
        for report in _titled(reports, "Diagnostic"):
            await self._ask("What does the radiologist say?", "get-structured-report-text", _within(study, report))
        for report in _titled(reports, "Measurement"):
            await self._ask("And in numbers?", "get-structured-report-measurements", _within(study, report))

    async def _look(self, study: Mapping[str, Any]) -> None:
        series = _listed(await self._ask("What images are there?", "find-series", _within(study)), "series")
        images = next((one for one in series if one.get("modality") == "CT"), None)
        if images is None:
            return
        answer = await self._ask(
            "Show me its lungs.", "render-series-overview", {**_within(study, images), "window": "lung"}
        )
        for picture in answer.pictures:
            path = self._pictures / f"overview.{picture.media_type.rpartition('/')[2]}"
            await anyio.Path(path).write_bytes(picture.content)
            _say(f"    [the picture is in {path}]")

    async def _ask(self, question: str, tool: str, arguments: Mapping[str, Any], *, refused: bool = False) -> Answered:
        began = time.perf_counter()
        answer = await self._caller.call(tool, arguments)
        self._problems += answer.is_error is not refused
        shown = " ".join(f"{name}={_short(value)}" for name, value in arguments.items())
        _say(f"\n== {question}\n-> {tool} {shown}  ({time.perf_counter() - began:.1f} s)")
        _say(_indented(answer.text))
        return answer


def _within(*objects: Mapping[str, Any]) -> dict[str, Any]:
    """The UIDs of a study and of what lies in it, as the next call takes them."""
    names = ("studyInstanceUid", "seriesInstanceUid", "sopInstanceUid")
    return {name: one[name] for one in objects for name in names if name in one}


def _listed(answer: Answered, name: str) -> list[Mapping[str, Any]]:
    return list((answer.structured or {}).get(name, []))


def _titled(reports: list[Mapping[str, Any]], word: str) -> list[Mapping[str, Any]]:
    """The first report with the word in its title, if there is one."""
    return [report for report in reports if word in report.get("title", "")][:1]


def _short(value: object, length: int = 70) -> str:
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def _indented(text: str) -> str:
    lines = [f"    {line}" for line in text.splitlines()]
    left_out = len(lines) - _FIRST_LINES - _LAST_LINES
    if left_out > 1:
        lines[_FIRST_LINES:-_LAST_LINES] = [f"    … {left_out} lines more, which the assistant gets …"]
    return "\n".join(lines)


def _closing(config: Path, *, seconds: float) -> list[str]:
    command = Path(sys.executable).with_name("federator.exe" if sys.platform == "win32" else "federator")
    entry = {"mcpServers": {"federator": {"command": str(command), "args": ["--config", str(config)]}}}
    return [
        f"\nThat took {seconds:.1f} s. Every answer above came over stdio, as Claude Desktop would get it.",
        "",
        "To ask yourself, put this into Claude Desktop (Settings > Developer > Edit Config) and start it again:",
        "",
        json.dumps(entry, indent=2, ensure_ascii=False),
        "",
        "Your own archives: copy archives.example.toml, or run federator-tray settings. To test them: federator check.",
        f"The samples stay in {config.parent} until you delete that folder.",
    ]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the command is for
