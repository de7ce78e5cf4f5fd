"""Clinical documents (HL7 CDA R2) as plain text; their body may be another document: PDF, RTF, HTML, a picture.

In: bytes that are not trusted. Out: text, pages or a picture, or a `ContentError`. Nothing is resolved or loaded:
document types are refused altogether, so no document can reach out or blow itself up. All is read in linear time.
"""
