"""What pydicom raises on bytes that are not as the standard says."""

import struct
import zlib

from pydicom.errors import BytesLengthException

READ_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    NotImplementedError,
    OverflowError,
    OSError,
    struct.error,
    zlib.error,
    BytesLengthException,
)
"""EOFError and UnicodeError are among them."""
