"""DICOM files that an archive sent, read where they cannot do harm: small ones in a thread, others in a worker.

A deflated file is heavy whatever its size: a few hundred bytes unfold to gigabytes (CWE-409, PS3.5 §A.5).
"""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio.to_thread

from federator.dicom.pixels.encoded import DEFLATED
from federator.workers.limits import MIB, Limits
from federator.workers.pool import run_apart

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_SMALL_BYTES = 640 * 1024
"""A CT slice of 512 × 512. All elements of it that are empty take 40 MiB and a second as objects."""
_DEFLATED = DEFLATED.encode("ascii")
_READING_BYTES = 256 * MIB
_SECONDS = 60
"""An archive's own deadline is mostly shorter, and ends the reading too."""


async def read_file(function: Callable[[bytes, *Arguments], T], content: bytes, *more: *Arguments) -> T:
    """What `function` makes of a file; a ContentError where that takes more than it may."""
    if len(content) <= _SMALL_BYTES and _DEFLATED not in content:
        return await anyio.to_thread.run_sync(function, content, *more)
    # The pixels, or a document, are copied out of the file whole.
    limits = Limits(
        subject="What the archive sent",
        memory_bytes=_READING_BYTES + len(content),
        seconds=_SECONDS,
        needs=("numpy", "pydicom"),
    )
    return await run_apart(function, content, *more, limits=limits)
