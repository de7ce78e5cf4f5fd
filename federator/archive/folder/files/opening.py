"""Opening what lies in a folder without waiting for it: pipes and devices never answer, links may lead to either."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class NoFile(Exception):  # noqa: N818 - reads as a sentence at the place where it is raised
    """What lies there now is no file but a pipe, a device or a socket."""


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises NoFile or OSError, and never waits for another program.

    What was a file when the folder was listed may be something else by now, so what was opened is looked at again.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check(kind: int) -> None:
    if stat.S_ISDIR(kind):
        raise IsADirectoryError
    if not stat.S_ISREG(kind):
        raise NoFile
