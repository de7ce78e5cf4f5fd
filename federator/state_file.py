"""A small JSON file of the user's state folder: never needed to answer a question, so no fault of it may spoil one.

It is replaced whole or not at all, is this user's alone, and may be shared by several programs at once. What lies in
its place and is no such file counts as none, and is put aside by the next writing.
"""

import contextlib
import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federator.private import make_own_folder, sweep

_MAX_BYTES = 1_000_000

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk's quota is used up",
    errno.EFBIG: "it has reached the largest size that a file may have here",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "this account may not write there",
    errno.EPERM: "this account may not write there",
    errno.ENOTDIR: "a file lies where a folder should",
    errno.EEXIST: "a file lies where a folder should",
}


def disk_words(error: OSError) -> str:
    """What is the matter with the disk, in words that an operator can act on."""
    return _WORDS.get(error.errno or 0, error.strerror or "it cannot be written")


class StateFile:
    """The file at `path`; `version` is its `schema_version`: a file of another one is not understood."""

    def __init__(self, path: Path, *, version: int) -> None:
        self.path = path
        self._version = version

    def read(self) -> Mapping[str, Any]:
        """What it holds; empty where there is none, or nothing that can be used."""
        try:
            # What waits for a writer (a pipe) must not hold anybody up.
            with open(os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
                regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                content = json.loads(file.read(_MAX_BYTES)) if regular else None
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) and content.get("schema_version") == self._version else {}

    def replace(self, content: Mapping[str, Any]) -> None:
        """Write it anew, whole or not at all. Raises OSError."""
        make_own_folder(self.path.parent)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self._prefix)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                # Escaped, because a damaged file may hold halves of characters, which no file can be written with.
                json.dump({"schema_version": self._version, **content}, file, indent=1)
            self._make_room()
            Path(name).replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)
        sweep(self.path.parent, self._prefix)

    @property
    def _prefix(self) -> str:
        return f".{self.path.stem}-"

    def _make_room(self) -> None:
        """Put a folder aside that lies where the file should; anything else is replaced."""
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(self.path.lstat().st_mode):
                self.path.replace(self.path.with_suffix(f".aside-{time.time_ns()}"))
