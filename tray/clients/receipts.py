"""What was written into a client's settings, so that it can be undone and so that a loss can be told from a choice."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tray.clients.files import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One write: `etag` of the file as we left it, `backup` of the file before (empty: kept none), our `entry`.

    `created` tells that there was no file before. `entry` is None where the write took our entry out.
    """

    client: str
    path: str
    etag: str
    backup: str
    created: bool
    entry: Mapping[str, object] | None


class Receipts:
    """The receipts of all clients in a folder of our own, one small file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, client: str) -> tuple[Receipt, ...]:
        """The receipts of one client; one that cannot be read counts as none."""
        found = (_read(path) for path in sorted(self._folder.glob(f"{client}-*.json")))
        return tuple(receipt for receipt in found if receipt is not None)

    def for_file(self, client: str, path: Path) -> Receipt | None:
        """The receipt of one file of a client."""
        return _read(self._place(client, path))

    def keep(self, receipt: Receipt) -> None:
        """Keeps a receipt in place of the last one for the same file."""
        write_private(self._place(receipt.client, Path(receipt.path)), json.dumps(asdict(receipt)).encode())

    def forget(self, receipt: Receipt) -> None:
        """Drops a receipt that has been used."""
        self._place(receipt.client, Path(receipt.path)).unlink(missing_ok=True)

    def _place(self, client: str, path: Path) -> Path:
        return self._folder / f"{client}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}.json"


def _read(path: Path) -> Receipt | None:
    try:
        return Receipt(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
