"""How an assistant stands to our server: never connected, connected, changed by hand, or dropped by the app."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tray.clients import entry as client_entry
from tray.clients import files as client_files
from tray.clients.files import ClientError
from tray.clients.receipts import Receipts
from tray.clients.registry import Client


class ClientState(StrEnum):
    """How a client stands to our server."""

    NOT_FOUND = "not found"
    FOUND = "found"
    CONNECTED = "connected"
    DIFFERENT = "different"
    REMOVED = "removed"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatus:
    """One client as it is now.

    `choices` are settings files of which a person must name one. `managed` is set where an IT department decides.
    """

    client: Client
    state: ClientState
    message: str
    files: tuple[Path, ...] = ()
    choices: tuple[Path, ...] = ()
    managed: bool = False
    can_undo: bool = False


def of_file(client: Client, path: Path, *, command: tuple[str, ...], receipts: Receipts) -> tuple[ClientState, str]:
    """How one settings file of a client stands, with a sentence; never raises for what it holds."""
    try:
        snapshot = client_files.read(path, title=client.title)
        held = client_entry.read(client, snapshot.text)
    except ClientError as error:
        return ClientState.DAMAGED, str(error)
    if client_entry.is_ours(held, client.entry(command)):
        return ClientState.CONNECTED, "Connected."
    if held is not None:
        return ClientState.DIFFERENT, _difference(client, held)
    receipt = receipts.for_file(client.identifier, snapshot.path)
    if receipt is not None and receipt.entry is not None:
        return ClientState.REMOVED, f"{client.title} removed the connection. Reconnect it."
    return ClientState.FOUND, "Found on this computer, not connected."


def worst(client: Client, states: Sequence[tuple[ClientState, str]]) -> tuple[ClientState, str]:
    """How a client with several settings files stands: as the worst of them."""
    for state in (ClientState.DAMAGED, ClientState.REMOVED, ClientState.DIFFERENT):
        found = next((pair for pair in states if pair[0] is state), None)
        if found:
            return found
    if {state for state, _ in states} == {ClientState.CONNECTED, ClientState.FOUND}:
        return ClientState.DIFFERENT, f"Connected, but not in every profile of {client.title}. Connect it again."
    return states[0]


def _difference(client: Client, held: object) -> str:
    command = held.get("command") if isinstance(held, dict) else None
    if isinstance(command, str) and not Path(command).exists():
        return f"The program moved, and {client.title} still starts the old one. Connect it again."
    return "The entry was changed by hand, or was written for other settings. Connect it again to repair it."
