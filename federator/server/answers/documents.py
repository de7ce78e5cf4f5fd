"""What the tool that reads encapsulated documents does: a PDF page by page, a clinical document as text."""

import base64
from dataclasses import dataclass
from functools import partial

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.retrieve import retrieve_document, retrieve_metadata
from federator.dicom import json
from federator.dicom.cda.document import CdaText, read_cda
from federator.dicom.pdf.text import PdfText, read_pdf
from federator.dicom.report.sop_classes import ENCAPSULATED_CDA, is_encapsulated_document
from federator.dicom.report.summary import summarize
from federator.dicom.uid import TaggedUID
from federator.errors import ContentError
from federator.federation.target import Target
from federator.model import DicomJson
from federator.server.answers.report_text import kind_of, other_tool
from federator.server.shared import App
from federator.server.wording.results import MAX_CHARACTERS, text_only
from federator.server.wording.wording import counted, fenced, fenced_pages, one_line, served_by
from federator.workers.limits import MIB, Limits

_ROOM = MAX_CHARACTERS - 2_000
"""Characters for archive text; the rest is for our own sentences around it."""

_START = 2_000

PDF_LIMITS = Limits(subject="The PDF", memory_bytes=256 * MIB, seconds=10)
CDA_LIMITS = Limits(subject="The clinical document (CDA)", memory_bytes=256 * MIB, seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    row: DicomJson
    content: bytes


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
            raise ContentError(f"This is no PDF or clinical document but {kind_of(sop_class)}. {other_tool(sop_class)}")
        content = await retrieve_document(client, study.uid, series.uid, instance.uid, row)
        return _Document(row=row, content=content)

    served = await federation.retrieve(Target(study=study, series=series, instance=instance), read)
    app.note(served.earlier)
    summary = summarize(served.value.row)
    known = (("Title", summary.title), ("Date", summary.date))
    title = "".join(f"{name}: {one_line(value)}\n" for name, value in known if value)
    head = [*summary.warnings, served_by(served.archive, served.earlier)]
    content = served.value.content
    if _is_clinical(json.uid(served.value.row, "00080016"), content):
        read_it = partial(read_cda, content, pages=pages, max_characters=_ROOM)
        return _cda_result(await app.in_process(read_it, limits=CDA_LIMITS), head, title, summary.kind)
    pdf = await app.in_process(partial(read_pdf, content, pages=pages, max_characters=_ROOM), limits=PDF_LIMITS)
    return _pdf_result(pdf, head, title, summary.kind)


def _is_clinical(sop_class: str, content: bytes) -> bool:
    """Whether it is a clinical document, by its first bytes where they tell: either kind of object may hold either."""
    start = content[:_START]
    if b"%PDF-" in start:
        return False
    return sop_class == ENCAPSULATED_CDA or b"ClinicalDocument" in start


def _cda_result(read: CdaText, head: list[str], title: str, label: str) -> CallToolResult:
    head += read.notices
    if read.pdf is not None:
        return _pdf_result(read.pdf, head, f"{title}{read.text}\n\n", label)
    if not read.picture:
        return text_only("\n".join(head), fenced(f"{title}{read.text}", label))
    encoded = base64.b64encode(read.picture).decode("ascii")
    blocks: list[ContentBlock] = [_text("\n".join(head)), _text(fenced(f"{title}{read.text}", label))]
    return CallToolResult(content=[*blocks, ImageContent(type="image", data=encoded, mime_type=read.picture_type)])


def _pdf_result(pdf: PdfText, head: list[str], before: str, label: str) -> CallToolResult:
    head += [f"{len(pdf.pages)} of {counted(pdf.page_count, 'page')}.", *pdf.notices]
    head += [f"Page {page.number}: {page.note}" for page in pdf.pages if page.note]
    pages = [(f"Page {page.number} of {pdf.page_count}", page.text) for page in pdf.pages]
    blocks: list[ContentBlock] = [_text("\n".join(head)), _text(fenced_pages(before.lstrip(), pages, label))]
    for page in pdf.pages:
        if page.image:
            encoded = base64.b64encode(page.image).decode("ascii")
            blocks += [_text(f"Page {page.number}:"), ImageContent(type="image", data=encoded, mime_type="image/jpeg")]
    return CallToolResult(content=blocks)


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)
