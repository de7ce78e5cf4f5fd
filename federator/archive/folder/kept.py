"""Large texts that were made once, kept within a bound of bytes: a report of megabytes is asked for page by page."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

_MAX_CHARACTERS = 32 * 1024 * 1024
_SMALLEST = 65_536


class Kept:
    """The texts used last. What is small is made as fast as it is found."""

    def __init__(self, *, max_characters: int = _MAX_CHARACTERS) -> None:
        self._max = max_characters
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0

    def text(self, key: Hashable, make: Callable[[], str]) -> str:
        """The text of a key, made where it is not kept. Whatever a text depends on has to be in its key."""
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        made = make()
        if _SMALLEST <= len(made) <= self._max:
            self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: str) -> None:
        with self._lock:
            self._size += len(made) - len(self._texts.pop(key, ""))
            self._texts[key] = made
            while self._size > self._max:
                _, oldest = self._texts.popitem(last=False)
                self._size -= len(oldest)
