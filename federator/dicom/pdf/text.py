"""A PDF as text, page by page; pages without a text layer as images (the one door to pdfplumber)."""

import io
import logging
import math
import struct
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from federator.dicom.pdf.annotations import read_annotations
from federator.dicom.pdf.drawn import DrawnDocument, DrawnPage
from federator.dicom.pdf.fonts import faithful_fonts
from federator.dicom.pdf.glyphs import glyphs_of
from federator.dicom.pdf.pages import ranges, selected
from federator.dicom.pdf.reading import read_page
from federator.dicom.pdf.soundness import check, truncation
from federator.dicom.pdf.trust import why_an_image
from federator.dicom.report.text import clean
from federator.errors import ContentError

MAX_PAGES_READ = 200
MAX_CHARACTERS = 90_000
MAX_IMAGES = 4
MAX_IMAGE_BYTES = 600_000
"""What all images of one answer may weigh together, before base64 (contract.md section 5)."""

_MAX_SECONDS = 7.5
"""After which no further page is begun: the process is ended at 10 s, and nothing would be read then."""

_MAX_PICTURE_PIXELS = 120_000_000

# What pdfminer and PDFium raise over broken content besides what pdfplumber wraps.
_FAULTS = (
    ArithmeticError,
    AttributeError,
    AssertionError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfPage:
    """One page. `text` is the document's; `image` is a JPEG where the text alone does not tell; `note` says why."""

    number: int
    text: str
    image: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfText:
    """The pages that were read of a document of `page_count`; `notices` say what was left out."""

    page_count: int
    pages: tuple[PdfPage, ...]
    notices: tuple[str, ...]


def read_pdf(content: bytes, *, pages: str = "", max_characters: int = MAX_CHARACTERS) -> PdfText:
    """The pages of a PDF that `pages` selects ("1-3,5"; all where it is empty), within what an answer may hold.

    A ContentError says why a document cannot be read; a RequestError what is wrong with `pages`.
    """
    check(content)
    faults = truncation(content)
    with _opened(content) as document:
        page_count = len(document.pages)
        if not page_count:
            raise ContentError(" ".join(("The PDF has no pages.", *faults)))
        wanted = selected(pages, page_count)
        drawn = DrawnDocument(content)
        try:
            reading = _Reading(document, drawn, max_characters=max_characters)
            read = tuple(reading.pages(wanted))
        finally:
            drawn.close()
    return PdfText(page_count=page_count, pages=read, notices=(*faults, *reading.notices(wanted, read)))


class _Reading:
    """Reads pages until a limit is reached: characters, pages, images, or time."""

    def __init__(self, document: Any, drawn: DrawnDocument, *, max_characters: int) -> None:  # noqa: ANN401 - pdfplumber ships no types
        self._document = document
        self._drawn = drawn
        self._characters = max_characters
        self._images = MAX_IMAGES
        self._image_bytes = MAX_IMAGE_BYTES
        self._deadline = time.monotonic() + _MAX_SECONDS
        self._cut: list[int] = []
        self._not_shown: list[int] = []
        self._hidden: list[int] = []
        self._recognised: list[int] = []

    def pages(self, wanted: tuple[int, ...]) -> Iterator[PdfPage]:
        for number in wanted[:MAX_PAGES_READ]:
            if self._characters <= 0 or time.monotonic() > self._deadline:
                return
            page = self._document.pages[number - 1]
            yield self._page(page, number)
            page.close()

    def notices(self, wanted: tuple[int, ...], read: tuple[PdfPage, ...]) -> tuple[str, ...]:
        """What was left out, and which pages to ask for to see it."""
        said = []
        if self._cut:
            said.append(f"The text of page {ranges(tuple(self._cut))} is cut off.")
        if self._hidden:
            said.append(
                f"Text that cannot be seen on page {ranges(tuple(self._hidden))} (outside of it, covered, in the "
                "colour of the paper, or tiny) is left out."
            )
        if self._recognised:
            said.append(
                f"The text of page {ranges(tuple(self._recognised))} was recognised from a scan by a program: "
                "letters and digits may be wrong."
            )
        left = wanted[len(read) :]
        if left:
            said.append(f"Pages {ranges(left)} are left out to keep the answer short: ask for them with pages.")
        if self._not_shown:
            said.append(
                f"Pages {ranges(tuple(self._not_shown))} need to be seen, but only {MAX_IMAGES} images fit into one "
                "answer: ask for them with pages."
            )
        return tuple(said)

    def _page(self, page: Any, number: int) -> PdfPage:  # noqa: ANN401 - pdfplumber ships no types
        text, note, image = "", "", b""
        with self._shown(number) as shown:
            try:
                text, note = self._read(page, number, shown)
            except _faults():
                note = "The text of this page cannot be read."
            if note:
                image, shown_as = self._image(page, number, shown)
                note = f"{note} {shown_as}"
        if len(text) > self._characters:
            self._cut.append(number)
            text = text[: self._characters] + "…"
        self._characters -= len(text)
        return PdfPage(number=number, text=text, image=image, note=note)

    @contextmanager
    def _shown(self, number: int) -> Iterator[DrawnPage | None]:
        """The page as it is drawn; None where it cannot be."""
        with ExitStack() as stack:
            try:
                shown = stack.enter_context(self._drawn.page(number))
            except _faults():
                shown = None
            yield shown

    def _read(self, page: Any, number: int, shown: DrawnPage | None) -> tuple[str, str]:  # noqa: ANN401 - pdfplumber ships no types
        """The text of a page, and why it must be seen as an image."""
        # Before anything of the page is looked at: it is taken apart only once.
        entries = read_annotations(page.page_obj)
        glyphs = glyphs_of(page)
        read = read_page(page, glyphs, entries, shown if _is_drawable(page) else None)
        if read.hidden:
            self._hidden.append(number)
        if shown is not None and shown.is_recognised():
            self._recognised.append(number)
        text = clean(read.text)
        area = sum(picture["width"] * picture["height"] for picture in _pictures(page))
        note = why_an_image(
            text,
            picture_share=area / max(float(page.width * page.height), 1.0),
            hidden_share=read.hidden_share,
            second=shown.words() if shown is not None else (),
            hidden=read.hidden,
        )
        return text, note

    def _image(self, page: Any, number: int, shown: DrawnPage | None) -> tuple[bytes, str]:  # noqa: ANN401 - pdfplumber ships no types
        if not self._images:
            self._not_shown.append(number)
            return b"", "Its image is not in this answer."
        if not _is_drawable(page):
            return b"", "It holds a picture that is too large to be drawn."
        try:
            image = shown.picture(self._image_bytes // self._images) if shown is not None else None
        except _faults():
            image = None
        if image is None:
            return b"", "It cannot be drawn either."
        if not image:
            return b"", "Its image is too large to be shown."
        self._images -= 1
        self._image_bytes -= len(image)
        return image, "It comes as an image."


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    import pdfplumber
    from pdfminer.pdfdocument import PDFEncryptionError

    _quiet()
    try:
        document = pdfplumber.open(io.BytesIO(content))
        document.rsrcmgr = faithful_fonts()
        # Only counting the pages shows whether the document holds together.
        len(document.pages)
    except _faults() as fault:
        if any(isinstance(cause, PDFEncryptionError) for cause in fault.args):
            raise ContentError("The PDF is encrypted and opens only with its password.") from fault
        said = ("The PDF is damaged and cannot be read.", *truncation(content))
        raise ContentError(" ".join(said)) from fault
    try:
        yield document
    finally:
        document.close()


def _quiet() -> None:
    """Keep the libraries' remarks out of stderr and logs: they quote what stands in the document."""
    for name in ("pdfminer", "pdfplumber"):
        # A filter of the process: `warnings.catch_warnings` is not safe among threads.
        warnings.filterwarnings("ignore", module=rf"{name}\b")
        logger = logging.getLogger(name)
        if logger.level != logging.CRITICAL:
            logger.setLevel(logging.CRITICAL)


def _faults() -> tuple[type[BaseException], ...]:
    from pdfminer.psexceptions import PSException
    from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

    return (*_FAULTS, PSException, MalformedPDFException, PdfminerException)


def _is_drawable(page: Any) -> bool:  # noqa: ANN401 - pdfplumber ships no types
    return not any(math.prod(picture["srcsize"]) > _MAX_PICTURE_PIXELS for picture in _pictures(page))


def _pictures(page: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - pdfplumber ships no types
    """The pictures on a page; none where the page cannot be taken apart, which PDFium may still draw."""
    try:
        return list(page.images)
    except _faults():
        return []
