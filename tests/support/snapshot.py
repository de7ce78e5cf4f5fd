"""Snapshots: what a test saw once and a person looked at, kept in tests/snapshots.

`UPDATE_SNAPSHOTS=1 pytest …` writes them anew; the difference is then reviewed as any other change.
"""

import os
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "snapshots"


def assert_snapshot(name: str, seen: str) -> None:
    """Compare `seen` with the snapshot of that name; a new or changed one is written only when asked for."""
    path = _FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert path.exists(), f"no snapshot {name}; write it with UPDATE_SNAPSHOTS=1 and look at it"
    assert seen == path.read_text(encoding="utf-8")
