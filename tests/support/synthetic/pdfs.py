"""PDFs made up for tests: no package ships an encapsulated report."""

import io
import zlib
from collections.abc import Callable

from PIL import Image, ImageDraw
from reportlab.lib import pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate, Table

LEFT_COLUMN = [
    "The left column tells of the lungs in full sentences",
    "so that every line reaches close to the gutter of it.",
    "There is a nodule of eight millimetres in the upper",
    "lobe, which was not there three years ago, and which",
    "should be seen again within three months from now.",
    "LEFT-END",
]
RIGHT_COLUMN = [
    "RIGHT-START the other column goes on with the heart,",
    "which is of normal size and shape in every diameter.",
    "No fluid is seen around it, and the great vessels are",
    "open as far as they are covered by this examination.",
    "The bones show the wear that comes with that age.",
    "RIGHT-END",
]
LABELS = [("Left ventricular diameter", "4.7 cm"), ("Ejection fraction", "61 %"), ("Aortic root", "3.2 cm")]
TABLE_ROWS = [["Lesion", "2021", "2024"], ["Upper lobe", "5 mm", "8 mm"], ["Liver", "none", "12 mm"]]


def drawn(*pages: Callable[[Canvas], None], **options: object) -> bytes:
    """A PDF with one page per function."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, **options)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(*texts: str, x: float = 72, top: float = 770) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        for at, text in enumerate(texts):
            canvas.drawString(x, top - 13 * at, text)

    return draw


def two_columns(canvas: Canvas) -> None:
    lines("A heading that runs over both of the columns and over the gutter between them as well")(canvas)
    lines(*LEFT_COLUMN, x=50, top=740)(canvas)
    lines(*RIGHT_COLUMN, x=320, top=740)(canvas)
    lines("A footer below both of the columns, which also runs across the gutter between the two", top=600)(canvas)


def columns_out_of_step(canvas: Canvas) -> None:
    """Two columns of prose whose lines do not stand at the same height."""
    lines(*LEFT_COLUMN, x=50, top=740)(canvas)
    lines(*RIGHT_COLUMN, x=320, top=734)(canvas)


FORM = [
    ("Patient name:", "Anna Mueller", "Date of examination:", "31.01.2024"),
    ("Date of birth:", "03.02.1961", "Referring physician:", "Dr. Jane Roe"),
    ("Clinical question:", "Cough for three weeks", "Accession number:", "A-1001"),
    ("Examination type:", "CT chest with contrast", "Department of origin:", "Pneumology ward 3B"),
    ("Insurance number:", "A 123 456 789 12", "Responsible physician:", "Dr. Robert Koch-Meyer"),
]
REFERENCE_VALUES = [
    ("Left ventricular end diastolic diameter", "4.7 cm", "normal 4.2 to 5.8 cm for adult men"),
    ("Left ventricular end systolic diameter", "3.1 cm", "normal 2.5 to 4.0 cm for adult men"),
    ("Interventricular septum thickness in diastole", "1.1 cm", "normal 0.6 to 1.0 cm for adult men"),
    ("Left ventricular posterior wall thickness", "0.9 cm", "normal 0.6 to 1.0 cm for adult men"),
    ("Left atrial anterior posterior diameter", "3.9 cm", "normal 3.0 to 4.0 cm for adult men"),
]


def rows(table: list[tuple[str, ...]], *columns: float) -> Callable[[Canvas], None]:
    """A table without lines; `columns` are where its columns begin."""

    def draw(canvas: Canvas) -> None:
        for x, texts in zip(columns, zip(*table, strict=True), strict=True):
            lines(*texts, x=x)(canvas)

    return draw


def labels_and_values(canvas: Canvas) -> None:
    lines(*[label for label, _ in LABELS], x=72)(canvas)
    lines(*[value for _, value in LABELS], x=300)(canvas)


def scan(canvas: Canvas) -> None:
    """A page that is only a picture of text."""
    picture = Image.new("L", (620, 877), 255)
    ImageDraw.Draw(picture).text((60, 60), "SCANNED REPORT: no change since 2021", fill=0)
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)


def ruled_table() -> bytes:
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=A4, invariant=1).build(
        [Table(TABLE_ROWS, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")])]
    )
    return buffer.getvalue()


def encrypted(*, password: str) -> bytes:
    protection = pdfencrypt.StandardEncryption(password, ownerPassword="owner", strength=128)
    return drawn(lines("secret findings"), encrypt=protection)


def written_by_hand(objects: list[bytes]) -> bytes:
    """A PDF from the bodies of its objects, the catalogue first."""
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return content + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def no_pages() -> bytes:
    return written_by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])


def bomb() -> bytes:
    """A page whose content unpacks to 320 MB from a few hundred kB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 16_000_000) for _ in range(20)) + packer.flush()
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return written_by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, stream])


def one_page(content: bytes, resources: bytes, *more: bytes) -> bytes:
    """A page of 200 by 200 points that draws `content`; `more` are objects from number 5 on."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << %s >> >>" % resources
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return written_by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, stream, *more])


def gigantic_picture() -> bytes:
    """A picture that says that it has 3.6 gigapixels."""
    header = b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray "
    picture = header + b"/BitsPerComponent 8 /Length 4 >>\nstream\nabcd\nendstream"
    return one_page(b"q 200 0 0 200 0 0 cm /Im Do Q", b"/XObject << /Im 5 0 R >>", picture)


def unmapped_glyphs() -> bytes:
    """Text in a font of glyph numbers that nothing maps to characters."""
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /Nameless /Encoding /Identity-H /DescendantFonts [6 0 R] >>"
    descendant = (
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Nameless /DW 500 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 7 0 R >>"
    )
    descriptor = b"<< /Type /FontDescriptor /FontName /Nameless /Flags 4 /FontBBox [0 0 500 500] >>"
    text = b"BT /F1 12 Tf 20 100 Td <00410042> Tj 40 0 Td <00430044> Tj ET"
    return one_page(text, b"/Font << /F1 5 0 R >>", font, descendant, descriptor)
