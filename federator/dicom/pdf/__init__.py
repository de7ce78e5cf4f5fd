"""A PDF as text, page by page; what has no text layer, or one that cannot be trusted, as an image (ISO 32000-1).

In: bytes that are not trusted. Out: pages, or a `ContentError`. `text` is the one door to pdfplumber, `drawn` to
PDFium. Glyphs become words (`glyphs`, `words`), words the text of a page (`layout`, `bidi`); what PDFium sees and reads
is there to check it.
"""
