"""The commands `check` and `call`, as a person at a shell sees them."""

import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from federator.archive.habits.folder import HabitsFolder
from federator.config import Archive, Config, ConfigSource
from federator.errors import RequestError
from federator.server.bar import Bar
from federator.server.caller import Picture, in_memory

if TYPE_CHECKING:
    from federator.archive.check.steps import Step
    from federator.archive.connection.journal import Sent
    from federator.archive.folder.index.progress import Progress

_MARKS = {True: "ok  ", False: "FAIL", None: "-   "}


async def run_check(config: Config, *, name: str = "", as_json: bool = False, verbose: bool = False) -> int:
    """Test the archives step by step and print what is found; 0 where all is well, 1 where a step failed.

    With `verbose` also each request that was made on the way to a step, with its status and time.
    """
    from federator.archive.check.steps import check
    from federator.archive.connection.journal import current_journal

    archives = _chosen(config, name)
    if not archives:
        raise RequestError("No archive is configured, or none is enabled. See archives.example.toml.")
    failed = False
    sent: list[Sent] = []
    if verbose:
        current_journal.set(sent.append)
    for archive in archives:
        if not as_json:
            title = f" ({archive.title})" if archive.title else ""
            _say(f"{archive.name}{title}")
        async for step in _with_bar(check(archive)):
            failed = failed or step.ok is False
            for request in sent:
                _say(_request_as_json(archive, request) if as_json else _request_as_text(request))
            sent.clear()
            _say(_step_as_json(archive, step) if as_json else _step_as_text(step))
    return 1 if failed else 0


async def _with_bar(steps: "AsyncIterator[Step]") -> "AsyncIterator[Step]":
    """The steps, and on the way to each a bar while a folder is read through."""
    from federator.archive.folder.index.progress import listener

    bar = Bar(sys.stderr)

    async def show(progress: "Progress") -> None:
        await bar.told(progress.read / max(1, progress.total), 1.0, str(progress))

    heard = listener.set(show)
    async for step in steps:
        bar.clear()
        yield step
    listener.reset(heard)


def _chosen(config: Config, name: str) -> Sequence[Archive]:
    if not name:
        return config.enabled
    chosen = [archive for archive in config.archives if archive.name == name]
    if not chosen:
        known = ", ".join(archive.name for archive in config.archives)
        raise RequestError(f"Unknown archive '{name}'. Configured: {known}.")
    return chosen


def _step_as_text(step: "Step") -> str:
    lines = [f"  {_MARKS[step.ok]} {step.number}. {step.name}: {step.message}"]
    if step.advice:
        lines.append(f"          {step.advice}")
    return "\n".join(lines)


def _request_as_text(request: "Sent") -> str:
    came = str(request.status or "") + (f" {request.fault}" if request.fault else "")
    return f"       > {request.method} {request.address}: {came.strip()}, {request.milliseconds} ms"


def _request_as_json(archive: Archive, request: "Sent") -> str:
    return json.dumps({"archive": archive.name, "request": dataclasses.asdict(request)}, ensure_ascii=False)


def _step_as_json(archive: Archive, step: "Step") -> str:
    return json.dumps({"archive": archive.name, **dataclasses.asdict(step)}, ensure_ascii=False)


async def run_call(
    source: ConfigSource | Config,
    tool: str,
    arguments: Sequence[str],
    *,
    habits: HabitsFolder | None = None,
    as_json: bool = False,
    save: Path | None = None,
) -> int:
    """Run one tool as a client would and print its answer; 0 where it answered, 1 where it refused or failed.

    `habits` is where it is kept what archives were found to do.
    `arguments` are `key=value`. Images go to `save`, or are named by type and size.
    """
    pairs = dict(_pair(argument) for argument in arguments)
    bar = Bar(sys.stderr)
    async with in_memory(source, habits=habits, only=tool) as caller:
        answer = await caller.call(tool, pairs, on_progress=bar.told)
    bar.clear()
    if as_json and answer.structured is not None:
        _say(json.dumps(answer.structured, ensure_ascii=False, indent=2))
    elif answer.text:
        _say(answer.text)
    for number, picture in enumerate(answer.pictures, start=1):
        _say(_told_of(picture, save, number))
    return 1 if answer.is_error else 0


def _pair(argument: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not equals or not key:
        raise RequestError(f"'{argument}' is not key=value, for example query='PatientName=Doe*'.")
    return key, value


def _told_of(picture: Picture, save: Path | None, number: int) -> str:
    told = f"{picture.media_type}, {len(picture.content):,} bytes"
    if save is None:
        return f"[{told}; --save FILE keeps it]"
    path = save if number == 1 else save.with_stem(f"{save.stem}-{number}")
    try:
        path.write_bytes(picture.content)
    except OSError as error:
        raise RequestError(f"--save: cannot write {path}: {error.strerror}.") from error
    return f"[{told}: {path}]"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the command is for
