"""A folder of DICOM files checked step by step: is it there, can it be read, what was found in it."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from federator.archive.check.diagnosis import sentence
from federator.archive.check.findings import Fault, Passed, StepName
from federator.archive.connection.client import ArchiveClient
from federator.config import Archive
from federator.errors import ArchiveError

_INDEX = "/federator/index"
_INDEX_LIMIT_S = 120.0
_MAX_NAMED = 5


async def check_folder(archive: Archive) -> AsyncIterator[Fault | Passed]:
    """The steps for an archive that is a folder: Folder and Files."""
    if archive.folder is None:
        raise ValueError("this archive is a service, not a folder")
    fault = await anyio.to_thread.run_sync(_unreadable, archive.folder)
    yield fault or (StepName.FOLDER, f"{archive.folder} can be read.", True)
    if fault is not None:
        return
    yield await _indexed(archive)


def _unreadable(folder: Path) -> Fault | None:
    if not folder.exists():
        told, advice = "This folder does not exist.", "Check the spelling. Is the drive or the CD there?"
    elif not folder.is_dir():
        told, advice = "This is a file, not a folder.", "Write the folder in which the file lies."
    elif not os.access(folder, os.R_OK | os.X_OK):
        told, advice = "This folder cannot be read with your account.", "Ask IT for the right to read it."
    else:
        return None
    return Fault(step=StepName.FOLDER, message=told, advice=advice, details=str(folder))


async def unreadable_files(client: ArchiveClient) -> str:
    """How many files of the folder behind `client` cannot be read, and the first of them by name; empty for none.

    Raises ArchiveError.
    """
    answer = await client.get(_INDEX, accept="application/json")
    return _unreadable_files(json.loads(answer.body))


async def _indexed(archive: Archive) -> Fault | Passed:
    """Whether the folder answers; the first time it is read through, which takes longer."""
    with anyio.move_on_after(_INDEX_LIMIT_S):
        async with ArchiveClient(archive) as client:
            try:
                answer = await client.get(_INDEX, accept="application/json")
            except ArchiveError as error:
                told = sentence(str(error))
                return Fault(step=StepName.FILES, message=told, advice="Check what lies in the folder.")
        return _summarised(json.loads(answer.body), archive)
    return Fault(
        step=StepName.FILES,
        message=f"The folder could not be read through within {_INDEX_LIMIT_S:g} seconds.",
        advice="It may hold very many files, or lie on a slow drive. Test again: it goes on from where it was.",
    )


def _summarised(found: Mapping[str, Any], archive: Archive) -> Fault | Passed:
    told = f"DICOM objects: {found['instances']:,}, in {found['files']:,} files."
    if found["progress"]:
        return Fault(
            step=StepName.FILES,
            message=f"The folder is not read through yet: {found['progress']}. {told}",
            advice="It may hold very many files, or lie on a slow drive. Test again: it goes on from where it was.",
            details=str(archive.folder),
        )
    if found["duplicates"]:
        told += f" Copies: {found['duplicates']:,}."
    if left_out := _unreadable_files(found):
        told += f" {left_out[:1].upper()}{left_out[1:]}."
    if found["remark"]:
        told += f" {sentence(found['remark'])} It is read through again at every start."
    if not found["instances"]:
        advice = "Write the folder that holds the image files."
        nothing = f"There are no DICOM files that can be read in this folder. {told}"
        return Fault(step=StepName.FILES, message=nothing, advice=advice, details=str(archive.folder))
    return StepName.FILES, told, True


def _unreadable_files(found: Mapping[str, Any]) -> str:
    if not found["unreadable_count"]:
        return ""
    named = "; ".join(f"{file['path']} ({file['reason']})" for file in found["unreadable"][:_MAX_NAMED])
    among = "among them " if found["unreadable_count"] > _MAX_NAMED else ""
    return f"not readable and left out: {found['unreadable_count']:,}, {among}{named}"
