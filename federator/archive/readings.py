"""What was made of large answers, kept by their content: the next part of a report does not read all of it anew.

The content itself is the key, so an object that has changed is another one, wherever it lies and whoever serves it.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, TypeVar

T = TypeVar("T")

SMALL_BYTES = 65_536
"""What is smaller is read about as fast as it is found."""

_MAX_BYTES = 64 * 1024 * 1024


def digest_of(content: bytes, *beside: str) -> bytes:
    """What tells a content from any other, and from itself where what stands `beside` it is not the same."""
    digest = hashlib.blake2b("\n".join(beside).encode("utf-8", "replace") + b"\n", digest_size=16)
    digest.update(content)
    return digest.digest()


class Readings:
    """The readings used last, of several kinds. Threads may share it."""

    def __init__(self, *, max_bytes: int = _MAX_BYTES) -> None:
        self._max = max_bytes
        self._kept: OrderedDict[tuple[type[Any], bytes], tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def found(self, kind: type[T], digest: bytes) -> T | None:
        """The reading of this kind that was made of a content; None where it is not kept."""
        with self._lock:
            kept = self._kept.get((kind, digest))
            if kept is None:
                return None
            self._kept.move_to_end((kind, digest))
        found: T = kept[0]
        return found

    def keep(self, digest: bytes, reading: object, *, weight: int) -> None:
        """Keep a reading that takes about `weight` bytes; what was used longest ago makes room for it."""
        if weight > self._max:
            return
        key = (type(reading), digest)
        with self._lock:
            self._bytes += weight - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = reading, weight
            while self._bytes > self._max:
                self._bytes -= self._kept.popitem(last=False)[1][1]
