"""Sample reports as encapsulated PDF: a page with a text layer and, if asked for, one that is only drawn.

Standard: PS3.3 §A.45.1
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from federator.demo.samples.study import Study, made

if TYPE_CHECKING:
    from pydicom import FileDataset

_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
# A scanned page as archives hold them: a drawing of a body with a mark, no letters.
_DRAWN_PAGE = (
    "0.9 g 60 120 475 600 re f 0 g 3 w 180 220 240 420 re S "
    "300 640 m 360 640 360 560 300 560 c 240 560 240 640 300 640 c S 1 0 0 RG 250 430 30 30 re S"
)


def pdf_report(
    study: Study, series_number: int, *, title: str, lines: Sequence[str], with_drawing: bool = False
) -> Iterator["FileDataset"]:
    """A PDF that says `lines` below its title."""
    dataset = made(study, sop_class_uid=_ENCAPSULATED_PDF, modality="DOC", series=(series_number, title))
    content = pdf([title, "", *lines], with_drawing=with_drawing)
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "YES"
    dataset.DocumentTitle = title
    dataset.AcquisitionDateTime = ""
    dataset.ConceptNameCodeSequence = []
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    dataset.EncapsulatedDocumentLength = len(content)
    yield dataset


def pdf(lines: Sequence[str], *, with_drawing: bool = False) -> bytes:
    """A PDF 1.4 of one page with the lines in Helvetica (Latin-1), followed by a drawn page if asked for."""
    shown = "".join(f"({_escaped(line)}) Tj T* " for line in lines)
    contents = [f"BT /F1 12 Tf 16 TL 60 780 Td {shown}ET"]
    if with_drawing:
        contents.append(_DRAWN_PAGE)
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(contents)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(contents)} /Kids [{kids}] >>",
        font,
    ]
    for place, content in enumerate(contents):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * place} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    return _assembled(objects)


def _assembled(objects: Sequence[str]) -> bytes:
    """The objects with their numbers, the table of their places and the trailer."""
    content, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n{written}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
