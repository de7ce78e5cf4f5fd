"""PDFs whose text is set in ways that readers stumble over: turned, doubled, right to left, vertical, in forms."""

from collections.abc import Sequence

HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
DINGBATS = b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"

_TURNS = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1), 45: (0.7071, 0.7071)}


def page(
    drawn: str | bytes,
    *objects: bytes,
    font: bytes = HELVETICA,
    entries: str = "",
    catalog: str = "",
    box: str = "0 0 595 842",
) -> bytes:
    """A PDF of one page whose font is /F; `objects` are numbered from 7 on, `entries` and `catalog` go to those."""
    content = drawn.encode("latin-1") if isinstance(drawn, str) else drawn
    resources = "/Resources << /Font << /F 5 0 R /Z 6 0 R >> >>"
    parts = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] {resources} /Contents 4 0 R {entries} >>".encode(),
        stream(content),
        font,
        DINGBATS,
        *objects,
    ]
    written, offsets = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(parts) + 1
    end = b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def stream(content: str | bytes, entries: str = "") -> bytes:
    inner = content.encode("latin-1") if isinstance(content, str) else content
    return f"<< {entries} /Length {len(inner)} >>\nstream\n".encode() + inner + b"\nendstream"


def line(x: float, y: float, words: str, *, size: float = 11, turn: int = 0, font: str = "F") -> str:
    """Draws one line from (x, y) in points, turned counterclockwise."""
    cosine, sine = _TURNS[turn]
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} {size} Tf {cosine} {sine} {-sine} {cosine} {x} {y} Tm ({escaped}) Tj ET\n"


def lines(*words: str, top: float = 780, x: float = 72) -> str:
    return "".join(line(x, top - 16 * at, text) for at, text in enumerate(words))


class MappedFont:
    """A font whose glyphs mean any letters (ToUnicode), drawn with shapes of Helvetica; it is objects 5 and 7."""

    def __init__(self, meanings: Sequence[str], *, width: int = 500) -> None:
        shapes = [chr(code) for code in (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0x30, 0x3A))]
        self.codes = dict(zip(dict.fromkeys(meanings), shapes, strict=False)) | {" ": " "}
        mapped = "".join(
            f"<{ord(code):02X}> <{meaning.encode('utf-16-be').hex().upper()}>\n" for meaning, code in self.codes.items()
        )
        self.mapping = stream(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def\n"
            "1 begincodespacerange <00> <FF> endcodespacerange\n"
            f"{len(self.codes)} beginbfchar\n{mapped}endbfchar endcmap end end\n"
        )
        widths = " ".join([str(width)] * 224)
        self.font = (
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 7 0 R "
            f"/FirstChar 32 /LastChar 255 /Widths [{widths}] >>"
        ).encode()

    def written(self, glyphs: Sequence[str]) -> str:
        """The codes of glyphs."""
        return "".join(self.codes[glyph] for glyph in glyphs)

    def page(self, drawn: str, **options: object) -> bytes:
        return page(drawn, self.mapping, font=self.font, **options)


def right_to_left(*texts: str) -> bytes:
    """Lines of Hebrew or Arabic as writers of PDF draw them: from left to right, numbers as they are."""
    font = MappedFont([letter for text in texts for letter in text if letter != " "])
    drawn = ""
    for at, text in enumerate(texts):
        words = text.split(" ")
        shown = " ".join(word if word[:1].isdigit() else word[::-1] for word in reversed(words))
        drawn += line(72, 700 - 20 * at, font.written(shown))
    return font.page(drawn)


def vertical(*columns: str, size: float = 12) -> bytes:
    """Columns of Japanese, the first one on the right, glyph below glyph."""
    font = MappedFont([letter for column in columns for letter in column], width=1000)
    drawn = "".join(
        line(500 - 2 * size * at, 760 - size * row, font.codes[letter], size=size)
        for at, column in enumerate(columns)
        for row, letter in enumerate(column)
    )
    return font.page(drawn)


def ruled(rows: Sequence[Sequence[str]], *, space: int = 278) -> bytes:
    """A table with drawn lines; its words are set apart by moving on, in thousandths of an em."""
    columns, height = (70, 200, 320, 440), 20
    bottom = 730 - height * len(rows)
    rules = [(70, 730 - height * at, 440, 730 - height * at) for at in range(len(rows) + 1)]
    rules += [(x, bottom, x, 730) for x in columns]
    drawn = "".join(f"{x} {y} m {to_x} {to_y} l S\n" for x, y, to_x, to_y in rules)
    for at, row in enumerate(rows):
        for x, words in zip(columns, row, strict=False):
            drawn += f"BT /F 8 Tf {x + 5} {730 - height * at - 14} Td [({f')-{space}('.join(words.split())})] TJ ET\n"
    return page(drawn)


def _field(kind: str, rest: str, box: str) -> bytes:
    return f"<< /Type /Annot /Subtype /Widget /FT /{kind} /F 4 /P 3 0 R /Rect [{box}] {rest} >>".encode()


def form(*, with_appearances: str) -> bytes:
    """A form with text, check boxes, choices; appearances are "full", "empty" as before it was filled in, or none."""
    look = "/Type /XObject /Subtype /Form /BBox [0 0 200 16] /Resources << /Font << /F 5 0 R /Z 6 0 R >> >>"
    shown = [
        ("Tx", "/T (lvef) /V (57 percent)", "57 percent", "200 690 400 706"),
        ("Tx", "/T (name) /V <FEFF004D00FC006C006C00650072>", "M\374ller", "200 660 400 676"),
        ("Ch", "/T (side) /V (L) /Opt [[(L) (left side)] [(R) (right side)]]", "left side", "200 630 400 646"),
        ("Ch", "/T (sites) /V [(lung) (liver)] /Opt [(lung) (liver) (bone)]", "lung, liver", "200 600 400 616"),
    ]
    fields, objects, drawn = [], [], lines("Echocardiography, values as entered:", top=750)
    for at, (kind, rest, text, box) in enumerate(shown):
        number = 7 + 2 * at
        appearance = f"/AP << /N {number + 1} 0 R >>" if with_appearances else ""
        fields.append(number)
        objects += [
            _field(kind, rest + appearance, box),
            stream(f"BT /F 11 Tf 2 4 Td ({text}) Tj ET" if with_appearances == "full" else "/Tx BMC EMC", look),
        ]
        drawn += line(72, float(box.split()[1]) + 4, ("Ejection:", "Reader:", "Side:", "Sites:")[at])
    for at, (label, state) in enumerate((("Fracture", "Yes"), ("Effusion", "Off"))):
        number, y = 15 + 2 * at, 560 - 30 * at
        fields.append(number)
        appearance = f"/AP << /N << /Yes {number + 1} 0 R >> >>" if with_appearances else ""
        objects += [
            _field("Btn", f"/T ({label}) /V /{state} /AS /{state} {appearance}", f"72 {y} 84 {y + 12}"),
            stream("BT /Z 10 Tf 1 2 Td (4) Tj ET", look),
        ]
        drawn += line(95, y + 2, label)
    listed = " ".join(f"{number} 0 R" for number in fields)
    catalog = f"/AcroForm << /Fields [{listed}] /DR << /Font << /F 5 0 R >> >> /DA (/F 11 Tf 0 g) >>"
    return page(drawn, *objects, entries=f"/Annots [{listed}]", catalog=catalog)


def annotated(*, hidden: bool = False) -> bytes:
    """A page with free text that has no appearance, a stamp that has nothing else, and a pop-up note."""
    flags = "/F 2" if hidden else "/F 4"
    look = "/Type /XObject /Subtype /Form /BBox [0 0 100 20] /Resources << /Font << /F 5 0 R >> >>"
    objects = [
        b"<< /Type /Annot /Subtype /FreeText /Rect [72 600 300 620] /Contents (Added by hand: see 2021) %s >>"
        % flags.encode(),
        f"<< /Type /Annot /Subtype /Stamp /Rect [300 700 500 740] /AP << /N 9 0 R >> {flags} >>".encode(),
        stream("BT /F 12 Tf 4 5 Td (PRELIMINARY) Tj ET", look),
        b"<< /Type /Annot /Subtype /Popup /Rect [0 0 10 10] /Contents (never shown) >>",
    ]
    return page(lines("No nodule."), *objects, entries="/Annots [7 0 R 8 0 R 10 0 R]")


def scan_with_text(text: str) -> bytes:
    """A picture of a page with its recognised text laid over it invisibly."""
    picture = stream(
        bytes(range(256)) * 16,
        "/Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8",
    )
    drawn = f"q 595 0 0 842 0 0 cm /Im Do Q 3 Tr {lines(*[text] * 8)}"
    return page(drawn, picture, entries="/Resources << /Font << /F 5 0 R >> /XObject << /Im 7 0 R >> >>").replace(
        b"/Resources << /Font << /F 5 0 R /Z 6 0 R >> >>", b" " * 46, 1
    )
