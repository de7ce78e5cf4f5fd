"""Sample archives: folders of DICOM files with made-up patients, for the first run and for tests.

In: a folder to write into. Out: images, reports and documents of a few studies, the same ones every time.
"""
