"""What the DICOM standard says: pure functions without input or output."""
