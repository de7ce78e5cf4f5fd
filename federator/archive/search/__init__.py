"""QIDO-RS at one archive: rows that match, and whether they are all.

In: a `Query` or a study, and one client. Out: checked rows with the proof, or the doubt, that nothing is missing. It
knows nothing of other archives, of retrieval or of what becomes of the rows.
"""
