"""A change of an assistant's settings that can be looked at before anything comes of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tray.clients import launch
from tray.clients.files import Snapshot
from tray.clients.registry import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One file of a plan: as it was read, as it will be, and the change as it may be shown."""

    snapshot: Snapshot
    text: str
    diff: str

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        return self.snapshot.has_bom or self.text != self.snapshot.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change that nothing has come of yet; `entry` is None where ours is taken out.

    `program` and `arguments` are for a client that is set up through its own command. `hints` are for the person.
    """

    client: Client
    entry: Mapping[str, object] | None
    edits: tuple[Edit, ...]
    program: Path | None = None
    arguments: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def diff(self) -> str:
        """The change as it may be shown: nothing of anybody else's is in it."""
        if self.program is not None:
            return launch.shell_line((self.program.name, *self.arguments))
        return "\n\n".join(f"{edit.snapshot.path}\n{edit.diff}" for edit in self.edits)

    @property
    def etag(self) -> str:
        """What changes when the plan or any of its files does: what was shown is what is written."""
        parts = [self.client.identifier, *self.arguments]
        parts += [f"{edit.snapshot.path}\n{edit.snapshot.etag}\n{edit.text}" for edit in self.edits]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
