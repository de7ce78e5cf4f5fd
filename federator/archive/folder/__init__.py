"""A folder of DICOM files served as a DICOMweb archive of its own.

In: GET requests (QIDO-RS, WADO-RS) through the same client as any archive. Out: HTTP answers as the standard has them.
It knows nothing of the connection, of other archives or of what was learned about this one.
"""
