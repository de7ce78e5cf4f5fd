"""A PDF as text, page by page; pages without a text layer as images (the one door to pdfplumber)."""

import io
import logging
import math
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from federator.dicom.pdf.layout import RuledTable, Word, page_text
from federator.dicom.pdf.pages import ranges, selected
from federator.dicom.pdf.soundness import check, truncation
from federator.dicom.report.text import clean
from federator.errors import ContentError

MAX_PAGES_READ = 200
MAX_CHARACTERS = 90_000
MAX_IMAGES = 4
MAX_IMAGE_BYTES = 600_000
"""What all images of one answer may weigh together, before base64 (contract.md section 5)."""

_MAX_SECONDS = 60.0
_MAX_EDGE_PX = 1568
_MAX_RESOLUTION_DPI = 150
_MIN_EDGE_PX = 400
_QUALITIES = (85, 70, 55, 40)
_MAX_RULES = 2_000
_LITTLE_TEXT = 150
_UNREADABLE_SHARE = 0.3
_IMAGE_SHARE = 0.5
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

# PDFium may not be used from two threads at once.
_pdfium = threading.Lock()


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
        reading = _Reading(document, max_characters=max_characters)
        read = tuple(reading.pages(wanted))
    return PdfText(page_count=page_count, pages=read, notices=(*faults, *reading.notices(wanted, read)))


class _Reading:
    """Reads pages until a limit is reached: characters, pages, images, or time."""

    def __init__(self, document: Any, *, max_characters: int) -> None:  # noqa: ANN401 - pdfplumber ships no types
        self._document = document
        self._characters = max_characters
        self._images = MAX_IMAGES
        self._image_bytes = MAX_IMAGE_BYTES
        self._deadline = time.monotonic() + _MAX_SECONDS
        self._cut: list[int] = []
        self._not_shown: list[int] = []

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
        try:
            words = _words(page)
            text = clean(page_text(words, _tables(page)))
            note = _why_an_image(page, text)
        except _faults():
            text, note = "", "The text of this page cannot be read."
        image = b""
        if note:
            image, shown = self._image(page, number)
            note = f"{note} {shown}"
        if len(text) > self._characters:
            self._cut.append(number)
            text = text[: self._characters] + "…"
        self._characters -= len(text)
        return PdfPage(number=number, text=text, image=image, note=note)

    def _image(self, page: Any, number: int) -> tuple[bytes, str]:  # noqa: ANN401 - pdfplumber ships no types
        if not self._images:
            self._not_shown.append(number)
            return b"", "Its image is not in this answer."
        budget = self._image_bytes // self._images
        try:
            if any(math.prod(picture["srcsize"]) > _MAX_PICTURE_PIXELS for picture in _pictures(page)):
                return b"", "It holds a picture that is too large to be drawn."
            image = _rendered(page, budget)
        except _faults():
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


def _words(page: Any) -> list[Word]:  # noqa: ANN401 - pdfplumber ships no types
    return [
        Word(text=word["text"], x0=word["x0"], x1=word["x1"], top=word["top"], bottom=word["bottom"])
        for word in page.extract_words(x_tolerance_ratio=0.15)
    ]


def _tables(page: Any) -> list[RuledTable]:  # noqa: ANN401 - pdfplumber ships no types
    """The ruled tables of at least two rows and two columns; drawings of thousands of lines hold none."""
    if len(page.edges) > _MAX_RULES:
        return []
    found = []
    for table in page.find_tables():
        rows = tuple(tuple(" ".join((cell or "").split()) for cell in row) for row in table.extract())
        if len(rows) > 1 and max(len(row) for row in rows) > 1:
            found.append(RuledTable(box=table.bbox, rows=rows))
    return found


def _pictures(page: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - pdfplumber ships no types
    """The pictures on a page; none where the page cannot be taken apart, which PDFium may still draw."""
    try:
        return list(page.images)
    except _faults():
        return []


def _why_an_image(page: Any, text: str) -> str:  # noqa: ANN401 - pdfplumber ships no types
    """Why the page must be seen as an image; empty where its text tells all."""
    if not text.strip():
        return "This page has no text layer."
    if text.count("(cid:") > _UNREADABLE_SHARE * len(text.split()):
        return "The text layer of this page is not readable."
    area = sum(picture["width"] * picture["height"] for picture in _pictures(page))
    if len(text) < _LITTLE_TEXT and area > _IMAGE_SHARE * page.width * page.height:
        return "Most of this page is a picture with hardly any text."
    return ""


def _rendered(page: Any, max_bytes: int) -> bytes:  # noqa: ANN401 - pdfplumber ships no types
    """The page as a JPEG of at most `max_bytes`; empty where that cannot be had at a legible size."""
    edge_pt = max(float(page.width), float(page.height), 1.0)
    resolution = min(_MAX_RESOLUTION_DPI, _MAX_EDGE_PX * 72 / edge_pt)
    with _pdfium:
        picture = page.to_image(resolution=resolution).original.convert("RGB")
    while max(picture.size) >= _MIN_EDGE_PX:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= max_bytes:
                return buffer.getvalue()
        picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
    return b""
