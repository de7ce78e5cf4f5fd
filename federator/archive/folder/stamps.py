"""The files of a folder and their time stamps: what is there, without looking into it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAX_FILES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A file, by its path below the folder, and what changes when its content does."""

    path: bytes
    mtime_ns: int
    size: int


def stamps(folder: Path) -> Iterator[Stamp]:
    """The regular files below a folder (a real path), links only to what lies inside it, nothing that is hidden.

    A subfolder that cannot be read stands for what it holds, so that it can be named. Raises OSError where `folder`
    itself is gone or cannot be read, or holds more files than an index should.
    """
    count, folders = 0, [os.fspath(folder)]
    while folders:
        place = folders.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            if place == os.fspath(folder):
                raise
            yield Stamp(path=_below(place, folder), mtime_ns=0, size=0)
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif stamp := _stamp(entry, folder):
                count += 1
                if count > _MAX_FILES:
                    raise OSError(f"the folder holds more than {_MAX_FILES} files")
                yield stamp


def _stamp(entry: "os.DirEntry[str]", folder: Path) -> Stamp | None:
    try:
        if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(folder):
            return None
        told = entry.stat()
    except OSError:
        return None  # it was removed meanwhile, or a link leads nowhere
    if not stat.S_ISREG(told.st_mode):
        return None
    return Stamp(path=_below(entry.path, folder), mtime_ns=told.st_mtime_ns, size=told.st_size)


def _below(path: str, folder: Path) -> bytes:
    return os.fsencode(os.path.relpath(path, folder))
