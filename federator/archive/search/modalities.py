"""The modalities of a study by its series, for archives that do not tell them of the study (contract.md section 3.7).

Standard: PS3.18 Table 10.6.3-3 requires Modalities in Study, Table 10.6.3-4 the Modality of each series.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.search.request import Request, ask
from federator.archive.search.wire import MODALITIES_IN_STUDY, STUDY_UID
from federator.dicom import json
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

_MODALITY = "00080060"
_MOST_SERIES = 1000


async def told(client: ArchiveClient, row: DicomJson) -> DicomJson:
    """The row of a study with the modalities of its series, as it is where they do not tell. Raises ArchiveError."""
    path = f"/studies/{json.uid(row, STUDY_UID)}/series"
    answer = await ask(client, Request(level=Level.SERIES, path=path, limit=_MOST_SERIES))
    values = [json.text(series, _MODALITY) for series in answer.rows]
    if answer.more or answer.count != len(values) or not all(values) or len(values) >= _MOST_SERIES:
        return row
    return {**row, MODALITIES_IN_STUDY: {"vr": "CS", "Value": list(dict.fromkeys(values))}}


async def told_of(client: ArchiveClient, rows: Mapping[str, DicomJson]) -> dict[str, DicomJson]:
    """The same of several studies by UID; one that could not be looked into stays as it is."""
    found = dict(rows)

    async def one(uid: str) -> None:
        with suppress(ArchiveError):
            found[uid] = await told(client, rows[uid])

    await concurrently([partial(one, uid) for uid in rows])
    return found
