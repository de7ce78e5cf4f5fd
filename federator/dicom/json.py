"""DICOM JSON as archives really send it: tolerant accessors that never raise (PS3.18 Annex F).

An element may be missing, null, a bare scalar, a list with nulls, or carry the wrong VR; one bad element
must not lose a row. So nothing here builds a pydicom `Dataset`, and the value representation comes from the dictionary,
not from the archive.
"""
