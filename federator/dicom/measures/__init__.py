"""Every number of a structured report as a row of its own, with all that says what it measures (PS3.16).

In: a report as DICOM JSON. Out: rows. One module per family of templates; `generic` reads what follows none.
"""
