"""What bytes from an archive are: multipart bodies, DICOM files with and without header, kinds told from content.

In: bytes as they came. Out: parts, media types, data sets that are known to be whole. Pure, without input or output; it
knows no archive, no request and no habit.
"""
