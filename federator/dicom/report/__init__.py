"""Reports as text to read: structured reports, clinical documents, and which SOP Classes are reports (PS3.3 C.17).

In: a report as DICOM JSON, or a CDA as bytes. Out: text. Numbers as a table are made in `measures`.
"""
