"""WADO-RS metadata, from the whole instance where the archive has no /metadata (PS3.18 §10.4.1.1.2)."""

import io
import warnings
from functools import partial

import anyio.to_thread

from federator.archive import rows
from federator.archive.accept import ABSENT, NotOffered, ask, object_path, wrong_content
from federator.archive.client import Answer, ArchiveClient
from federator.archive.instances import retrieve_instance
from federator.dicom import json
from federator.model import DicomJson, Level

_UNSUPPORTED = "metadata"
_INLINE_MAX_BYTES = 1024


async def retrieve_metadata(client: ArchiveClient, study: str, series: str = "", instance: str = "") -> list[DicomJson]:
    """The attributes of every instance in a study or series, or of one instance, as DICOM JSON without bulk data.

    Archives that have no /metadata are asked for the whole instance instead; for a study or series that is the caller's
    decision (it may be gigabytes), so there it is an ArchiveError. Rows of other objects are dropped.

    Standard: PS3.18 §10.4.1.1.2, §F.2
    """
    wanted = {Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}
    if not (instance and _UNSUPPORTED in client.habits.unsupported):
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
    client.habits.unsupported.add(_UNSUPPORTED)
    return [await anyio.to_thread.run_sync(row_of_file, content)]


def row_of_file(content: bytes) -> DicomJson:
    """A DICOM file as DICOM JSON; values over 1 kB stand as a BulkDataURI that tells their size (`#bytes=…`)."""
    import pydicom

    with warnings.catch_warnings():
        # Odd values are shown as they are; pydicom's warnings would quote them into the log.
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        row: DicomJson = dataset.to_json_dict(
            bulk_data_threshold=_INLINE_MAX_BYTES,
            bulk_data_element_handler=lambda element: f"#bytes={len(element.value)}",
            suppress_invalid_tags=True,
        )
    return row


def _rows_in(answer: Answer, *, wanted: dict[Level, str]) -> list[DicomJson]:
    found = [row for row in rows.parse(answer).rows if _is_wanted(row, wanted)]
    if not found:
        raise wrong_content("sent no metadata of the object that was asked for")
    return found


def _is_wanted(row: DicomJson, wanted: dict[Level, str]) -> bool:
    return all(not uid or json.uid(row, level.uid_tag) in {"", uid} for level, uid in wanted.items())
