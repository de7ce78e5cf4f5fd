"""What an archive supports beyond the plainest search: a few small questions, one sentence.

The rows that come back are used for their UIDs and their number and are then dropped.
"""

from collections.abc import Awaitable, Callable

import anyio

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.rendered import retrieve_rendered
from federator.archive.search.request import INCLUDE, Request, ask
from federator.dicom import json
from federator.errors import ArchiveError, ContentError
from federator.model import DicomJson, Level

_PATIENT_ID = "00100020"
_PATIENT_NAME = "00100010"
_MODALITY = "00080060"
_MODALITIES_IN_STUDY = "00080061"
_IMAGES = ("CT", "MR", "DX", "CR", "US")
_NOBODY = "QZXQNOSUCHVALUE"
_VIEWPORT = (64, 64)


async def supports(client: ArchiveClient, limit_s: float) -> str:
    """One sentence on what was found; what could not be found out in time is left out. Never raises."""
    told: list[str] = []
    with anyio.move_on_after(limit_s):
        for probe in (_listing, _filters, _wild_cards, _pictures):
            sentence = await _tried(probe, client)
            if sentence:
                told.append(sentence)
    told += client.habits.known.findings()
    return f"It {'; '.join(told)}." if told else "Nothing more could be found out in time."


async def _tried(probe: Callable[[ArchiveClient], Awaitable[str]], client: ArchiveClient) -> str:
    try:
        return await probe(client)
    except (ArchiveError, ContentError):
        return ""


async def _listing(client: ArchiveClient) -> str:
    found = await _studies(client)
    missing = [tag for tag in INCLUDE[Level.STUDY] if found and tag not in found[0]]
    if not found:
        return "holds no studies that this account may see"
    return "gives every attribute of the listing" if not missing else "lists studies"


async def _filters(client: ArchiveClient) -> str:
    found = await _studies(client, (_PATIENT_ID, _NOBODY))
    return "ignores filters (federator checks every row itself)" if found else "filters"


async def _wild_cards(client: ArchiveClient) -> str:
    if not await _studies(client):
        return ""
    found = await _studies(client, (_PATIENT_NAME, "*"))
    return "takes wild cards" if found else "does not take wild cards"


async def _pictures(client: ArchiveClient) -> str:
    """Whether the archive makes a picture of the first image that it names."""
    found = await _image(client)
    if found is None:
        return ""
    try:
        await retrieve_rendered(client, *found, 1, viewport=_VIEWPORT)
    except (ArchiveError, ContentError):
        return "makes no pictures of an image that was tried (federator makes them)"
    return "makes pictures itself"


async def _image(client: ArchiveClient) -> tuple[str, str, str] | None:
    """The UIDs of one instance in a series of images."""
    for modality in _IMAGES:
        studies = await _studies(client, (_MODALITIES_IN_STUDY, modality))
        study = json.uid(studies[0], Level.STUDY.uid_tag) if studies else ""
        if not study:
            continue
        path = f"/studies/{study}/series"
        series = await _first(client, Level.SERIES, path, (_MODALITY, modality))
        instance = await _first(client, Level.INSTANCE, f"{path}/{series}/instances") if series else ""
        if instance:
            return study, series, instance
    return None


async def _studies(client: ArchiveClient, *terms: tuple[str, str]) -> list[DicomJson]:
    return (await ask(client, Request(level=Level.STUDY, path="/studies", terms=terms, limit=1))).rows


async def _first(client: ArchiveClient, level: Level, path: str, *terms: tuple[str, str]) -> str:
    found = (await ask(client, Request(level=level, path=path, terms=terms, limit=1))).rows
    return json.uid(found[0], level.uid_tag) if found else ""
