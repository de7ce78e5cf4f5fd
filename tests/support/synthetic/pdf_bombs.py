"""PDFs of a few kB that take gigabytes or minutes, or refer to themselves without end (CWE-409, CWE-674)."""

import base64
import zlib
from collections.abc import Callable

from tests.support.synthetic.pdf_text import lines, page, stream
from tests.support.synthetic.pdfs import written_by_hand

HALF_A_GIGABYTE = 500_000_000


def deflated(size: int, *, times: int = 1, byte: bytes = b" ") -> bytes:
    """So many bytes, packed once or several times over."""
    packer = zlib.compressobj(1)
    step = byte * 1_000_000
    packed = b"".join(packer.compress(step) for _ in range(size // len(step))) + packer.flush()
    for _ in range(times - 1):
        packed = zlib.compress(packed, 9)
    return packed


def _content(filters: str, packed: bytes) -> bytes:
    """A page whose content is packed by these filters."""
    return written_by_hand(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
            stream(packed, f"/Filter [{filters}]"),
        ]
    )


def nested_filters() -> bytes:
    """Half a gigabyte in 3 kB: Flate within Flate within ASCII85."""
    return _content(
        "/ASCII85Decode /FlateDecode /FlateDecode", base64.a85encode(deflated(HALF_A_GIGABYTE, times=2)) + b"~>"
    )


def repeated_hex() -> bytes:
    """Flate within Flate within hexadecimal digits."""
    return _content(
        "/ASCIIHexDecode /FlateDecode /FlateDecode", deflated(HALF_A_GIGABYTE, times=2).hex().encode() + b">"
    )


def run_lengths() -> bytes:
    """Runs of 128 bytes, packed: 600 MB."""
    return _content("/FlateDecode /RunLengthDecode", zlib.compress(b"\x81 " * 4_700_000, 9))


def predicted() -> bytes:
    """Rows of a picture's predictor that are longer than memory."""
    return _content("/FlateDecode", deflated(200_000_000)).replace(
        b"/Filter [/FlateDecode]", b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2000000000 >>"
    )


def object_stream() -> bytes:
    """Objects that stand in a stream of half a gigabyte."""
    packed = deflated(HALF_A_GIGABYTE, times=2)
    held = stream(packed, "/Type /ObjStm /N 100000000 /First 900000000 /Filter [/FlateDecode /FlateDecode]")
    written = b"%PDF-1.7\n1 0 obj\n" + held + b"\nendobj\n"
    rows = b"".join(
        kind + place.to_bytes(4, "big") + at
        for kind, place, at in ((b"\0", 0, b"\0"), (b"\1", 9, b"\0"), (b"\2", 1, b"\0"), (b"\2", 1, b"\1"))
    )
    start = len(written)
    table = stream(rows, "/Type /XRef /Size 4 /W [1 4 1] /Root 2 0 R")
    return written + b"4 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def page_tree_without_end() -> bytes:
    """Pages whose kids are the pages themselves."""
    kids = b" ".join([b"2 0 R"] * 50)
    return written_by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count 5 >>" % kids])


def page_tree_that_doubles() -> bytes:
    """Thirty levels of pages, each of which holds the next one twice: a thousand million pages."""
    levels = [
        b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 2 >>" % (number + 1, number + 1) for number in range(2, 32)
    ]
    leaf = b"<< /Type /Page /MediaBox [0 0 200 200] >>"
    return written_by_hand([b"<< /Type /Catalog /Pages 2 0 R >>", *levels, leaf])


def forms_that_multiply() -> bytes:
    """Forms that draw the next one ten times, nine levels deep."""
    objects = []
    for level in range(9):
        number = 7 + level
        inner = f"/Resources << /XObject << /X {number + 1} 0 R >> /Font << /F 5 0 R >> >>" if level < 8 else ""
        drawn = "/X Do " * 10 if level < 8 else "0 0 m 1 1 l S"
        objects.append(stream(drawn, f"/Type /XObject /Subtype /Form /BBox [0 0 200 200] {inner}"))
    made = page("/X Do", *objects)
    return made.replace(b"/Font << /F 5 0 R /Z 6 0 R >>", b"/XObject << /X 7 0 R >>      ", 1)


def form_that_draws_itself() -> bytes:
    held = stream("/X Do", "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 7 0 R >> >>")
    return page("/X Do", held).replace(b"/Font << /F 5 0 R /Z 6 0 R >>", b"/XObject << /X 7 0 R >>      ", 1)


def huge_page() -> bytes:
    return page(lines("small text"), box="0 0 1000000000 1000000000")


def page_without_text_of_any_size() -> bytes:
    return page("", box="0 0 1e30 1")


def deep_arrays() -> bytes:
    return page("[" * 1_000_000 + "]" * 1_000_000 + " TJ")


def deep_dictionaries() -> bytes:
    return page("", b"<< /A " * 200_000 + b"1" + b" >>" * 200_000, entries="/Annots 7 0 R /Rotate 7 0 R")


def deep_states() -> bytes:
    return page("q " * 2_000_000 + lines("text"))


def endless_lines() -> bytes:
    return page("".join(f"{at % 595} {at % 842} m {at * 7 % 595} {at * 3 % 842} l S\n" for at in range(300_000)))


def endless_letters() -> bytes:
    return page("BT /F 1 Tf 0 0 Td " + "(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj " * 40_000 + "ET")


def endless_annotations() -> bytes:
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /V (x) /Rect [0 0 9 9] /Parent 7 0 R >>"
    return page(lines("form"), field, entries=f"/Annots [{'7 0 R ' * 100_000}]")


def picture_of_a_gigapixel() -> bytes:
    """A picture of 10,900 by 10,900 colour pixels, within the number of pixels that are drawn: 356 MB."""
    picture = stream(
        deflated(3 * 10_900 * 10_900),
        "/Type /XObject /Subtype /Image /Width 10900 /Height 10900 /ColorSpace /DeviceRGB /BitsPerComponent 8 "
        "/Filter /FlateDecode",
    )
    made = page("q 595 0 0 842 0 0 cm /X Do Q", picture)
    return made.replace(b"/Font << /F 5 0 R /Z 6 0 R >>", b"/XObject << /X 7 0 R >>      ", 1)


def cross_references_in_a_circle() -> bytes:
    made = page(lines("text"))
    start = made.rindex(b"xref\n0")
    return made.replace(b"trailer\n<<", b"trailer\n<< /Prev %d" % start)


BOMBS: dict[str, Callable[[], bytes]] = {
    made.__name__: made
    for made in (
        nested_filters,
        repeated_hex,
        run_lengths,
        predicted,
        object_stream,
        page_tree_without_end,
        page_tree_that_doubles,
        forms_that_multiply,
        form_that_draws_itself,
        huge_page,
        page_without_text_of_any_size,
        deep_arrays,
        deep_dictionaries,
        deep_states,
        endless_lines,
        endless_letters,
        endless_annotations,
        picture_of_a_gigapixel,
        cross_references_in_a_circle,
    )
}
