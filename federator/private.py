"""Folders for this user alone: the one place that makes them (index, health, secrets, receipts, locks, settings)."""

import os
import time
from contextlib import suppress
from pathlib import Path

_MODE = 0o700
_OTHERS = 0o077
_LEFT_S = 600
"""What a writer began so long ago it will not finish."""


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, each for this user alone; one that is there keeps its mode."""
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            # One after the other: with `parents` the mode would count for the last one only.
            missing.mkdir(mode=_MODE, exist_ok=True)


def make_own_folder(folder: Path) -> None:
    """The same for a folder that nobody else has any business in: where others can look into it, it is closed."""
    make_folder(folder)
    if os.name == "posix" and folder.stat().st_mode & _OTHERS:
        # One that another program made, or an earlier version.
        folder.chmod(_MODE)


def sweep(folder: Path, prefix: str) -> None:
    """Delete what writers that were killed left in a folder, their temporary files by the beginning of their names."""
    for left in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                left.unlink()
