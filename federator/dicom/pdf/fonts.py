"""Fonts with the widths that a document gives them."""

from typing import Any


def faithful_fonts() -> Any:  # noqa: ANN401 - a resource manager of pdfminer
    """Pdfminer's fonts, but for those named as one of the standard 14: it takes their widths from its own tables.

    A document may give such a font other letters (ToUnicode), for which the tables have no width at all.
    """
    from pdfminer.encodingdb import EncodingDB
    from pdfminer.fontmetrics import FONT_METRICS
    from pdfminer.pdfinterp import PDFResourceManager
    from pdfminer.pdftypes import resolve1
    from pdfminer.psparser import LIT, literal_name

    # A second code for the hyphen, which pdfminer takes for a space: T2-weighted (ISO 32000-1 §D.2, footnote 6).
    EncodingDB.win2unicode[0xAD] = "-"

    class Fonts(PDFResourceManager):  # type: ignore[misc]
        """Hands each such font on under a name that is not one of the 14."""

        def get_font(self, objid: Any, spec: Any) -> Any:  # noqa: ANN401 - what stands in a document
            name = literal_name(spec.get("BaseFont", ""))
            if "Widths" in spec and name in FONT_METRICS:
                descriptor = resolve1(spec.get("FontDescriptor")) or FONT_METRICS[name][0]
                spec = {**spec, "BaseFont": LIT(f"STANDARD+{name}"), "FontDescriptor": descriptor}
            return super().get_font(objid, spec)

    return Fonts()
