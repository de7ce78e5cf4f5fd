"""The files of a folder and their time stamps: what is there, without looking into it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

_MAX_FILES = 200_000


class TooManyFiles(Exception):  # noqa: N818 - reads as a sentence at the place where it is raised
    """The folder holds more files than an index should."""


class Stamp(NamedTuple):
    """A file, by its path below the folder, and what changes when its content does.

    A tuple, for there are as many as files, and all of them are made at every question.
    """

    path: bytes
    mtime_ns: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files that lie directly in one folder below the archive's, in no order."""

    place: bytes
    stamps: tuple[Stamp, ...]


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
            listed, below = _listed(root, place)
        except OSError:
            if not place:
                raise
            listed, below = [Stamp(place, 0, 0)], []
        count += len(listed)
        if count > _MAX_FILES:
            raise TooManyFiles
        places += sorted(below, reverse=True)
        yield Listing(place=place, stamps=tuple(listed))


def _listed(root: bytes, place: bytes) -> tuple[list[Stamp], list[bytes]]:
    head = place + b"/" if place else b""
    found: list[Stamp] = []
    below: list[bytes] = []
    with os.scandir(root + b"/" + place) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == _DOT:
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(head + name)
                continue
            try:
                is_plain = entry.is_file(follow_symlinks=False)
                if not is_plain and not _is_inside(entry.path, root):
                    continue
                told = entry.stat()
            except OSError:
                continue  # it was removed meanwhile, or a link leads nowhere
            if is_plain or stat.S_ISREG(told.st_mode):
                found.append(_stamped((head + name, told.st_mtime_ns, told.st_size)))
    return found, below


_DOT = ord(".")
# Without the function that a named tuple makes for its fields: there are as many as files, at every question.
_stamped = partial(tuple.__new__, Stamp)


def _is_inside(path: bytes, root: bytes) -> bool:
    return os.path.realpath(path).startswith(root.rstrip(b"/") + b"/")
