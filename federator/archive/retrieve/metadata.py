"""WADO-RS metadata, from the whole instance where the archive has no /metadata (PS3.18 §10.4.1.1.2)."""

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.folder.files.json import to_json
from federator.archive.retrieve.accept import ABSENT, NotOffered, ask, object_path, wrong_content
from federator.archive.retrieve.instances import retrieve_instance
from federator.archive.search import rows
from federator.dicom import json
from federator.dicom.quiet import READ_FAULTS, quiet_pydicom
from federator.errors import ContentError
from federator.model import DicomJson, Level

if TYPE_CHECKING:
    from pydicom import Dataset

_UNSUPPORTED = "metadata"


async def retrieve_metadata(client: ArchiveClient, study: str, series: str = "", instance: str = "") -> list[DicomJson]:
    """The attributes of every instance in a study or series, or of one instance, as DICOM JSON without bulk data.

    Archives that have no /metadata are asked for the whole instance instead; for a study or series that is the caller's
    decision (it may be gigabytes), so there it is an ArchiveError. Rows of other objects are dropped.

    Standard: PS3.18 §10.4.1.1.2, §F.2
    """
    wanted = {Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}
    if not (instance and _UNSUPPORTED in client.habits.known.unsupported):
        try:
            return await ask(
                client,
                f"{object_path(study, series, instance)}/metadata",
                resource="metadata",
                accepts=("application/dicom+json",),
                read=partial(_rows_in, wanted=wanted),
                absent=ABSENT if instance else frozenset(),
            )
        except NotOffered:
            if not instance:
                raise
    content = await retrieve_instance(client, study, series, instance)
    # The object is there, so it is the resource that the archive does not have.
    client.habits.lacks(_UNSUPPORTED)
    return [await anyio.to_thread.run_sync(row_of_file, content)]


def row_of_file(content: bytes) -> DicomJson:
    """A DICOM file as DICOM JSON; binary values over 1 kB stand as a BulkDataURI that tells their size (`#bytes=…`).

    Raises ContentError for a file that is DICOM by its mark only.
    """
    import pydicom

    quiet_pydicom()
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        return to_json(dataset, partial(_size_as_address, dataset))
    except READ_FAULTS as error:
        raise ContentError("The file cannot be read as DICOM.") from error


def _size_as_address(dataset: "Dataset", path: Sequence[str]) -> str:
    """The size of the value at a path of tags and item numbers, where an address would stand."""
    for sequence, item in zip(path[:-1:2], path[1:-1:2], strict=True):
        dataset = dataset[int(sequence, 16)].value[int(item)]
    return f"#bytes={len(dataset[int(path[-1], 16)].value)}"


def _rows_in(answer: Answer, *, wanted: dict[Level, str]) -> list[DicomJson]:
    found = [row for row in rows.parse(answer).rows if _is_wanted(row, wanted)]
    if not found:
        raise wrong_content("sent no metadata of the object that was asked for")
    return found


def _is_wanted(row: DicomJson, wanted: dict[Level, str]) -> bool:
    return all(not uid or json.uid(row, level.uid_tag) in {"", uid} for level, uid in wanted.items())
