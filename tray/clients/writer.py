"""Plans carried out on settings files, and taken back: all files or none, with a copy and a receipt of each."""

from collections.abc import Mapping
from pathlib import Path

from tray.clients import entry as client_entry
from tray.clients import files as client_files
from tray.clients.files import ClientError, Snapshot
from tray.clients.plan import Edit, Plan
from tray.clients.receipts import Receipt, Receipts
from tray.clients.registry import Client


class ClientWriter:
    """Writes and undoes, with copies and receipts in a folder of our own."""

    def __init__(self, *, state_folder: Path, receipts: Receipts) -> None:
        self._state_folder = state_folder
        self._receipts = receipts

    def write_all(self, plan: Plan) -> None:
        """All files of a plan or none: what is written already is taken back when a later one fails."""
        written: list[Receipt] = []
        try:
            for edit in plan.edits:
                written += self._write(plan.client, edit, plan.entry)
        except ClientError:
            for receipt in reversed(written):
                self.undo(plan.client, receipt)
            raise

    def _write(self, client: Client, edit: Edit, entry: Mapping[str, object] | None) -> tuple[Receipt, ...]:
        """Writes one file; its receipt, or nothing where nothing was to be done."""
        path = edit.snapshot.path
        if not edit.changes:
            if entry is not None and self._receipts.for_file(client.identifier, path) is None:
                self.keep(client, edit.snapshot, entry)
            return ()
        data = edit.text.encode()
        backup = client_files.replace(edit.snapshot, data, state_folder=self._state_folder, title=client.title)
        receipt = Receipt(
            client=client.identifier,
            path=str(path),
            etag=client_files.etag_of(data),
            backup="" if backup is None else str(backup),
            created=backup is None,
            entry=entry,
        )
        self._receipts.keep(receipt)
        return (receipt,)

    def keep(self, client: Client, snapshot: Snapshot, entry: Mapping[str, object]) -> None:
        """A receipt for an entry that stood there already: it has no copy to go back to."""
        self._receipts.keep(
            Receipt(
                client=client.identifier,
                path=str(snapshot.path),
                etag=snapshot.etag,
                backup="",
                created=False,
                entry=entry,
            )
        )

    def undo(self, client: Client, receipt: Receipt) -> None:
        """Takes one write back: the copy if the file is still as we left it, else only our entry."""
        snapshot = client_files.read(Path(receipt.path), title=client.title)
        untouched = snapshot.etag == receipt.etag
        data: bytes | None
        if untouched and receipt.created:
            data = None
        elif untouched and receipt.backup and Path(receipt.backup).exists():
            data = Path(receipt.backup).read_bytes()
        elif receipt.entry is None:
            raise ClientError(f"{client.title}'s settings changed since. Connect it again instead.")
        else:
            data = client_entry.remove(client, snapshot.text).encode()
        if data != snapshot.data:
            client_files.replace(snapshot, data, state_folder=self._state_folder, title=client.title)
        self._receipts.forget(receipt)
        now = client_files.read(Path(receipt.path), title=client.title)
        held = client_entry.read(client, now.text)
        if receipt.entry is None and isinstance(held, dict):
            self.keep(client, now, held)
