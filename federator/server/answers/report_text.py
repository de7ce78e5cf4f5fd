"""What the tools that read reports do: the object from whichever archive serves it, and its text."""

import base64
from dataclasses import dataclass
from functools import partial

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.metadata import row_of_file
from federator.archive.retrieve.retrieve import retrieve_document, retrieve_instance, retrieve_metadata
from federator.dicom import json
from federator.dicom.pdf.text import PdfText, read_pdf
from federator.dicom.report.as_text import report_text
from federator.dicom.report.cda import read_cda
from federator.dicom.report.sop_classes import (
    ENCAPSULATED_CDA,
    class_name,
    is_encapsulated_document,
    is_structured_report,
)
from federator.dicom.report.summary import summarize
from federator.dicom.uid import TaggedUID
from federator.errors import ContentError, FederatorError, RequestError
from federator.federation.federation import Federation
from federator.federation.retrieval import Served
from federator.federation.target import Target
from federator.model import DicomJson
from federator.server.shared import App
from federator.server.wording.results import MAX_CHARACTERS, text_only
from federator.server.wording.wording import counted, fenced, one_line, served_by

_CONTENT_SEQUENCE = "0040A730"
_REPORT_MODALITIES = frozenset({"SR"})
_SUPERSEDED_WITHIN_S = 3.0
_MAX_OPENED = 20
_ROOM = MAX_CHARACTERS - 2_000
"""Characters for archive text; the rest is for our own sentences around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    row: DicomJson
    content: bytes


async def structured_report(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID
) -> CallToolResult:
    """A structured report as text, with what speaks against taking it for the last word on top."""
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    later: list[str] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_look_for_successors, federation, study, instance, later)
        served = await retrieve_report(federation, study, series, instance)
    app.note(served.earlier)
    read = await app.in_calm_worker(partial(report_text, served.value, max_characters=_ROOM))
    head = [*later, *read.summary.warnings, served_by(served.archive, served.earlier), *read.notices]
    return text_only("\n".join(head), fenced(read.text, f"{one_line(read.summary.kind)}, structured report"))


async def retrieve_report(
    federation: Federation, study: TaggedUID, series: TaggedUID, instance: TaggedUID
) -> Served[DicomJson]:
    """The content of a structured report as DICOM JSON; a ContentError says what else the object is."""

    async def read(client: ArchiveClient) -> DicomJson:
        row = (await retrieve_metadata(client, study.uid, series.uid, instance.uid))[0]
        sop_class = json.uid(row, "00080016")
        if not is_structured_report(sop_class) and not json.items(row, _CONTENT_SEQUENCE):
            raise ContentError(f"This is no structured report but {_kind(sop_class)}. {_other_tool(sop_class)}")
        if json.items(row, _CONTENT_SEQUENCE) and not await anyio.to_thread.run_sync(_lacks_values, row):
            return row
        # Some archives leave sequences, or values that are long, out of the metadata; the object itself has them.
        content = await retrieve_instance(client, study.uid, series.uid, instance.uid)
        return await anyio.to_thread.run_sync(row_of_file, content)

    return await federation.retrieve(Target(study=study, series=series, instance=instance), read)


def _lacks_values(row: DicomJson) -> bool:
    """Whether a value of the content tree stands elsewhere: a long text behind an address would be lost in reading.

    Standard: PS3.18 §F.2.2
    """
    pending = list(json.items(row, _CONTENT_SEQUENCE))
    while pending:
        item = pending.pop()
        for tag, element in item.items():
            vr = json.vr_of(tag)
            if vr == "SQ":
                pending += json.items(item, tag)
            elif vr and not vr.startswith("O") and isinstance(element, dict) and element.get("BulkDataURI"):
                return True
    return False


async def _look_for_successors(federation: Federation, study: TaggedUID, instance: TaggedUID, later: list[str]) -> None:
    """Say whether another report of the study replaces this one, as far as that can be told in a few seconds."""
    with anyio.move_on_after(_SUPERSEDED_WITHIN_S) as deadline:
        try:
            found = await federation.find_reports(
                study, is_structured_report, modalities=_REPORT_MODALITIES, max_opened=_MAX_OPENED
            )
        except FederatorError:
            later.append("Whether a later report replaces this one could not be checked.")
            return
        replaced_by = next((report.superseded_by for report in found.reports if report.entry.uid == instance.uid), ())
        uids = {uid.uid for uid in replaced_by}
        successors = [report for report in found.reports if report.entry.uid in uids]
        later += [
            "SUPERSEDED: a later report replaces or amends this one: "
            f"{TaggedUID.of(report.entry.uid, report.entry.holders)} in series "
            f"{TaggedUID.of(report.series_instance_uid, report.entry.holders)}. Read that one."
            for report in successors
        ]
        silent = [outcome.archive for outcome in found.outcomes if not outcome.complete]
        if silent and not successors:
            later.append(f"Whether a report in {', '.join(silent)} replaces this one could not be checked.")
        elif found.unopened and not successors:
            later.append(f"Whether one of {found.unopened} further reports replaces this one was not checked.")
    if deadline.cancelled_caught:
        later.append("Whether a later report replaces this one could not be checked in time.")


async def document(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID, *, pages: str
) -> CallToolResult:
    """An encapsulated PDF page by page, with images where it has no text; or a clinical document as text."""
    app = ctx.request_context.lifespan_context
    federation = await app.federation()

    async def read(client: ArchiveClient) -> _Document:
        row = (await retrieve_metadata(client, study.uid, series.uid, instance.uid))[0]
        sop_class = json.uid(row, "00080016")
        if sop_class and not is_encapsulated_document(sop_class):
            raise ContentError(f"This is no PDF or clinical document but {_kind(sop_class)}. {_other_tool(sop_class)}")
        content = await retrieve_document(client, study.uid, series.uid, instance.uid, row)
        return _Document(row=row, content=content)

    served = await federation.retrieve(Target(study=study, series=series, instance=instance), read)
    app.note(served.earlier)
    summary = summarize(served.value.row)
    label = ", ".join(one_line(part) for part in (summary.title, summary.kind, summary.date) if part)
    head = [*summary.warnings, served_by(served.archive, served.earlier)]
    content = served.value.content
    if json.uid(served.value.row, "00080016") == ENCAPSULATED_CDA and b"%PDF-" not in content[:1024]:
        if pages.strip():
            raise RequestError("pages: a clinical document (CDA) has no pages. Leave pages out.")
        text = await app.in_worker(partial(read_cda, content, max_characters=_ROOM))
        return text_only("\n".join([*head, *text.notices]), fenced(text.text, label))
    pdf = await app.in_worker(partial(read_pdf, content, pages=pages, max_characters=_ROOM))
    return _pdf_result(pdf, head, label)


def _pdf_result(pdf: PdfText, head: list[str], label: str) -> CallToolResult:
    head += [f"{len(pdf.pages)} of {counted(pdf.page_count, 'page')}.", *pdf.notices]
    head += [f"Page {page.number}: {page.note}" for page in pdf.pages if page.note]
    whole = "\n\n".join(f"Page {page.number} of {pdf.page_count}\n{page.text}".rstrip() for page in pdf.pages)
    blocks: list[ContentBlock] = [_text("\n".join(head)), _text(fenced(whole, label))]
    for page in pdf.pages:
        if page.image:
            encoded = base64.b64encode(page.image).decode("ascii")
            blocks += [_text(f"Page {page.number}:"), ImageContent(type="image", data=encoded, mime_type="image/jpeg")]
    return CallToolResult(content=blocks)


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _kind(sop_class_uid: str) -> str:
    return one_line(class_name(sop_class_uid)) if sop_class_uid else "an object that does not tell its SOP Class"


def _other_tool(sop_class_uid: str) -> str:
    if is_structured_report(sop_class_uid):
        return "Call get-structured-report-text."
    if is_encapsulated_document(sop_class_uid):
        return "Call get-encapsulated-pdf-report-text."
    return "Call render-instance-frame to see it, or get-instance-metadata for its attributes."
