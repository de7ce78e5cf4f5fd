"""Whether bytes are a PDF that may be opened: neither too large, nor a bomb, nor something else altogether."""

import re
import zlib

from federator.errors import ContentError

MAX_BYTES = 100_000_000
MAX_STREAM_BYTES = 300_000_000
"""How large one compressed stream may become: readers of PDF unpack a stream whole."""

_HEAD = 1024
_TAIL = 2048
_STREAM = re.compile(rb"stream\r?\n")
_STEP = 16_000_000


def check(content: bytes, *, max_bytes: int = MAX_BYTES) -> None:
    """Raise a ContentError that says why the bytes are not opened as a PDF."""
    if not content:
        raise ContentError("The archive sent an empty document.")
    if len(content) > max_bytes:
        raise ContentError(f"The PDF has {len(content):,} bytes; more than {max_bytes:,} are not read.")
    if b"%PDF-" not in content[:_HEAD]:
        raise ContentError("The document is labelled a PDF but is none.")
    if any(_unpacks_too_far(content, found.end()) for found in _STREAM.finditer(content)):
        raise ContentError(f"The PDF holds a stream that unpacks to more than {MAX_STREAM_BYTES:,} bytes.")


def truncation(content: bytes) -> tuple[str, ...]:
    """A sentence where the end of the file is missing."""
    return () if b"%%EOF" in content[-_TAIL:] else ("The PDF looks cut off at its end: pages may be missing.",)


def _unpacks_too_far(content: bytes, start: int) -> bool:
    if content[start : start + 1] != b"x":  # the first byte of zlib's usual header; other filters do not grow so
        return False
    unpacker = zlib.decompressobj()
    total, pending = 0, content[start:]
    try:
        while pending and not unpacker.eof and total <= MAX_STREAM_BYTES:
            total += len(unpacker.decompress(pending, _STEP))
            pending = unpacker.unconsumed_tail
    except zlib.error:
        return False
    return total > MAX_STREAM_BYTES
