"""From stored values to pictures that a reader can look at.

    pixels → display.py → frame.py → picture.py, overview.py
             spread.py chooses a window, contrast.py says what cannot be seen;  line.py makes it fast

Everything here is synchronous and pure: callers run it in a worker thread. Overlays are drawn in white; presentation
states and segmentations over images are not, and video is not decoded.
"""
