"""Debian's Orthanc as a real archive: two of them with overlapping data."""
