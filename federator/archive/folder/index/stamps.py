"""The files of a folder and their time stamps: what is there, without looking into it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_MAX_FILES = 200_000
_PARTS = 3


class TooManyFiles(Exception):  # noqa: N818 - reads as a sentence at the place where it is raised
    """The folder holds more files than an index should."""


class Stamp(NamedTuple):
    """A file, by its path below the folder, and what changes when its content does."""

    path: bytes
    mtime_ns: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files that lie directly in one folder below the archive's, in no order.

    `told` are name, time and size of one after the other in one tuple, because all files are told of at every question,
    and hardly ever one of them is looked at. The name of the folder itself, where it cannot be read, is empty.
    """

    place: bytes
    told: tuple[bytes | int, ...]

    @property
    def stamps(self) -> Iterator[Stamp]:
        """The time stamp of each file."""
        head = self.place + b"/" if self.place else b""
        parts: Iterator[Any] = iter(self.told)
        for name, mtime_ns, size in zip(parts, parts, parts, strict=True):
            yield Stamp(head + name if name else self.place, mtime_ns, size)


def listings(folder: Path) -> Iterator[Listing]:
    """The regular files below a folder (a real path), links only to what lies inside it, nothing that is hidden.

    Folder by folder; no link to a folder is followed, so none is met twice. A subfolder that cannot be read stands for
    what it holds, so that it can be named. Raises OSError where `folder` itself is gone or cannot be read.
    """
    root = os.fsencode(folder)
    count, places = 0, [b""]
    while places:
        place = places.pop()
        try:
            told, below = _told(root, place)
        except OSError:
            if not place:
                raise
            told, below = [b"", 0, 0], []
        count += len(told) // _PARTS
        if count > _MAX_FILES:
            raise TooManyFiles
        places += sorted(below, reverse=True)
        yield Listing(place=place, told=tuple(told))


def _told(root: bytes, place: bytes) -> tuple[list[bytes | int], list[bytes]]:
    head = place + b"/" if place else b""
    found: list[bytes | int] = []
    below: list[bytes] = []
    with os.scandir(root + b"/" + place) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == _DOT:
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    told = entry.stat(follow_symlinks=False)
                elif entry.is_dir(follow_symlinks=False):
                    below.append(head + name)
                    continue
                elif not _is_inside(entry.path, root) or not stat.S_ISREG((told := entry.stat()).st_mode):
                    continue
            except OSError:
                continue  # it was removed meanwhile, or a link leads nowhere
            found += (name, told.st_mtime_ns, told.st_size)
    return found, below


_DOT = ord(".")


def _is_inside(path: bytes, root: bytes) -> bool:
    return os.path.realpath(path).startswith(root.rstrip(b"/") + b"/")
