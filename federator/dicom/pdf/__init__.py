"""A PDF as text, page by page; what has no text layer as an image (ISO 32000-1).

In: bytes that are not trusted. Out: pages, or a `ContentError`. `text` is the one door to pdfplumber.
"""
