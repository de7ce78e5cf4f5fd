"""What pydicom raises on bytes that are not as the standard says."""

import struct
import zlib

_FAULTS = (
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
)


def read_faults(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """For `except` clauses, with `others`; EOFError and UnicodeError are among them.

    They ask when something was raised, so that pydicom is not loaded just to know what it might raise.
    """
    from pydicom.errors import BytesLengthException

    return (*_FAULTS, BytesLengthException, *others)
