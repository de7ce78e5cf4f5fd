"""Encapsulated documents in full: PDF, CDA, models (PS3.3 §A.45, §C.24.2)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.encoding.sniff import Kind, ends_as_begun, sniff
from federator.archive.retrieve.accept import ABSENT, NotOffered, ask, object_path, parts_of, wrong_kind
from federator.archive.retrieve.bulk_data import elements_of, retrieve_bulk_data
from federator.archive.retrieve.files import read_file
from federator.archive.retrieve.instances import retrieve_instance
from federator.dicom import json
from federator.errors import ContentError
from federator.model import DicomJson

_DOCUMENT = "00420011"
_DOCUMENT_LENGTH = "00420015"
_SOP_CLASS = "00080016"
_PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
_RENDERED_PDF = f"rendered:{_PDF_STORAGE}"


async def retrieve_document(
    client: ArchiveClient, study: str, series: str, instance: str, metadata: DicomJson | None = None
) -> bytes:
    """The document inside of an encapsulated PDF, CDA or model, without its pad byte.

    Asked for in turn: the archive's own PDF, Encapsulated Document (0042,0011) in the metadata or behind its
    BulkDataURI, the whole instance. The first two need the instance's `metadata`; a way that is closed, or that does
    not demonstrably give the whole document, is passed over. Raises ContentError where the instance holds no document.

    Standard: PS3.3 §C.24.2, PS3.18 §10.4.1.1.3
    """
    row = metadata or {}
    length = json.integer(row, _DOCUMENT_LENGTH) or 0
    if json.uid(row, _SOP_CLASS) == _PDF_STORAGE:
        document = await _rendered_pdf(client, study, series, instance)
        if _is_whole(document, length):
            return _without_padding(document, length)
    document = await _from_metadata(client, row.get(_DOCUMENT), study, series, instance)
    if _is_whole(document, length):
        return _without_padding(document, length)
    content = await retrieve_instance(client, study, series, instance)
    elements = await read_file(elements_of, content, (_DOCUMENT, _DOCUMENT_LENGTH))
    if not elements.get(_DOCUMENT):
        raise ContentError(f"The instance in {client.name} holds no encapsulated document.")
    stated = int.from_bytes(elements.get(_DOCUMENT_LENGTH, b""), "little")
    return _without_padding(elements[_DOCUMENT], stated or length)


async def _rendered_pdf(client: ArchiveClient, study: str, series: str, instance: str) -> bytes:
    """The PDF as the archive serves it; empty where it does not (Orthanc before 1.23, Azure, Google)."""
    if _RENDERED_PDF in client.habits.known.unsupported:
        return b""
    try:
        return await ask(
            client,
            f"{object_path(study, series, instance)}/rendered",
            resource="rendered PDF",
            accepts=("application/pdf",),
            read=_pdf_in,
            absent=ABSENT,
        )
    except NotOffered:
        client.habits.lacks(_RENDERED_PDF)
        return b""


async def _from_metadata(client: ArchiveClient, element: Any, study: str, series: str, instance: str) -> bytes:  # noqa: ANN401 - what an archive sent
    """The document that stands in the metadata or behind their BulkDataURI; empty where neither is of use."""
    if not isinstance(element, Mapping):
        return b""
    inline, uri = element.get("InlineBinary"), element.get("BulkDataURI")
    try:
        if isinstance(inline, str):
            return base64.b64decode(inline, validate=True)
        if isinstance(uri, str):
            return await retrieve_bulk_data(client, uri, study=study, series=series, instance=instance)
    except (ContentError, binascii.Error):
        return b""
    return b""


def _pdf_in(answer: Answer) -> bytes:
    content = parts_of(answer)[0].content
    if sniff(content) is not Kind.PDF:
        raise wrong_kind(content, "a PDF")
    return content


def _is_whole(document: bytes, length: int) -> bool:
    """Whether it is all of it and nothing else: by the length that the metadata state, or by the end of a PDF."""
    if length:
        return len(document) in {length, length + 1}
    kind = sniff(document)
    return kind is Kind.PDF and ends_as_begun(document, kind)


def _without_padding(document: bytes, length: int) -> bytes:
    """Cut to Encapsulated Document Length (0042,0015), or without the byte that makes the length even.

    A stated length that would cut off the end of a PDF is wrong, and not followed.
    """
    if 0 < length <= len(document):
        cut = document[:length]
        if len(document) - length <= 1 or ends_as_begun(cut, sniff(cut)):
            return cut
    return document[:-1] if len(document) % 2 == 0 and document.endswith(b"\0") else document
