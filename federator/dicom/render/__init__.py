"""Frames of DICOM images → pictures that a reader can look at.

    bytes of a file    part10.py ──┐
    metadata + frame ──────────────┴─ decode.py → display.py → picture.py, overview.py
                       header.py, tables.py, windows.py say how;  geometry.py, describe.py give the words

Everything here is synchronous and pure: callers run it in a worker thread. Overlays are not burned in, and presentation
states, segmentations over images and video are not rendered.
"""
