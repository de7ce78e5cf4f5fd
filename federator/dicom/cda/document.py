"""A clinical document as an answer: its own text, and what its body is where that is another document."""

from dataclasses import dataclass
from typing import cast

from federator.dicom.cda.body import Body, body_of
from federator.dicom.cda.html import text_of_html
from federator.dicom.cda.narrative import Narrative
from federator.dicom.cda.rtf import text_of_rtf
from federator.dicom.cda.tables import MAX_COLUMNS
from federator.dicom.cda.xml import read
from federator.dicom.pdf.text import PdfText, read_pdf
from federator.dicom.report.text import clean
from federator.errors import ContentError, RequestError

MAX_CHARACTERS = 90_000
MAX_PICTURE_BYTES = 600_000

_PICTURES = frozenset({"image/png", "image/jpeg"})
_MAX_ADDRESS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CdaText:
    """A clinical document as text; `notices` say what was left out. Its body may be a PDF or a picture."""

    text: str
    notices: tuple[str, ...]
    pdf: PdfText | None = None
    picture: bytes = b""
    picture_type: str = ""


def read_cda(content: bytes, *, pages: str = "", max_characters: int = MAX_CHARACTERS) -> CdaText:
    """The text of a CDA document; a ContentError says why it cannot be read. `pages` are those of a PDF within."""
    listener, said = read(content, lambda: Narrative(max_characters=max_characters))
    heard = cast("Narrative", listener)
    text = heard.text()
    notices = [*said]
    if heard.has_deletions:
        notices.append("Text that is marked as deleted is left out.")
    if heard.has_wide_rows:
        notices.append(f"Rows of tables are cut off after {MAX_COLUMNS} columns.")
    if heard.pictures:
        notices.append("Pictures that the document shows within its text are not shown here: [picture …].")
    if heard.has_body or heard.body_address:
        return _with_body(heard, text, notices, pages=pages, max_characters=max_characters)
    _refuse(pages)
    if not text:
        raise ContentError("The clinical document holds no text.")
    return _cut(text, notices, max_characters)


def _refuse(pages: str) -> None:
    if pages.strip():
        raise RequestError("pages: this clinical document (CDA) has no pages. Leave pages out.")


def _cut(text: str, notices: list[str], max_characters: int) -> CdaText:
    if len(text) > max_characters:
        text, notices = text[:max_characters] + "…", [*notices, "The document is too long: it is cut off."]
    return CdaText(text=text, notices=tuple(notices))


def _with_body(heard: Narrative, text: str, notices: list[str], *, pages: str, max_characters: int) -> CdaText:
    """The document with a body that is no XML: read where it can be, named where it cannot."""
    written = "".join(heard.body)
    if heard.body_address and not written.strip():
        _refuse(pages)
        notices = [*notices, "Its body is another document, which is not in this object: [body: …]."]
        return _cut(f"{text}\n[body: {clean(heard.body_address[:_MAX_ADDRESS])}]".strip(), notices, max_characters)
    body = body_of(written, heard.body_attributes)
    if body.media_type == "application/pdf":
        pdf = read_pdf(body.content, pages=pages, max_characters=max_characters - min(len(text), max_characters // 2))
        return CdaText(text=text[: max_characters // 2], notices=(*notices, "Its body is a PDF."), pdf=pdf)
    _refuse(pages)
    if body.media_type in _PICTURES and len(body.content) <= MAX_PICTURE_BYTES:
        notices = [*notices, "Its body is a picture."]
        return CdaText(text=text, notices=tuple(notices), picture=body.content, picture_type=body.media_type)
    inner = clean(_text_of(body)).strip()
    if not inner:
        said = f"Its body is of the type {body.media_type}, which is not read here."
        if not text:
            raise ContentError(f"The clinical document holds no text. {said}")
        return _cut(text, [*notices, said], max_characters)
    return _cut(f"{text}\n\n{inner}".strip(), notices, max_characters)


def _text_of(body: Body) -> str:
    """The text of a body; empty where its type is none that is read."""
    if body.media_type in {"text/rtf", "application/rtf"}:
        return text_of_rtf(body.content)
    if body.media_type in {"text/html", "application/xhtml+xml"}:
        return text_of_html(_decoded(body.content))
    return _decoded(body.content) if body.media_type.startswith("text/") else ""


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
