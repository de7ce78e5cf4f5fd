"""The assistants on this computer: their state, and connecting and disconnecting them without harm to their settings.

Every change is planned first, shown, checked against the file once more, copied, written in one step, read again and
kept on a receipt, so that it can be undone. Nothing is ever rewritten unasked.
"""

from collections.abc import Mapping
from pathlib import Path

from tray.clients import claude_code, launch
from tray.clients import entry as client_entry
from tray.clients import files as client_files
from tray.clients import places as client_places
from tray.clients import state as client_state
from tray.clients.files import ClientError, Snapshot
from tray.clients.plan import Edit, Plan
from tray.clients.receipts import Receipts
from tray.clients.registry import Client, FileFormat, registry
from tray.clients.state import ClientState, ClientStatus
from tray.clients.writer import ClientWriter

__all__ = ["ClientState", "ClientStatus", "Clients", "Edit", "Plan"]


class Clients:
    """The assistants of one user; `command` starts the server, with its arguments."""

    def __init__(
        self,
        *,
        platform: str,
        environment: Mapping[str, str],
        home: Path,
        state_folder: Path,
        command: tuple[str, ...],
    ) -> None:
        self._platform = platform
        self._environment = environment
        self._receipts = Receipts(state_folder / "receipts")
        self._writer = ClientWriter(state_folder=state_folder, receipts=self._receipts)
        self.command = command
        self.registry = registry(platform, environment, home)

    def client(self, identifier: str) -> Client:
        """The client of this identifier; ClientError that lists them all where there is none."""
        found = next((client for client in self.registry if client.identifier == identifier), None)
        if found is None:
            raise ClientError(f'There is no assistant called "{identifier}". There are: {", ".join(self.identifiers)}.')
        return found

    @property
    def identifiers(self) -> tuple[str, ...]:
        """All clients that can be connected."""
        return tuple(client.identifier for client in self.registry)

    def states(self) -> tuple[ClientStatus, ...]:
        """All clients, in the order in which they are offered."""
        return tuple(self.state(identifier) for identifier in self.identifiers)

    def state(self, identifier: str) -> ClientStatus:
        """One client as it is now; never raises for what its files hold."""
        client = self.client(identifier)
        found = client_places.look(client, chosen=self._chosen(client))
        program = client_places.program_of(client, self._environment)
        by_command = client.file_format is FileFormat.COMMAND
        if program is None if by_command else not found.installed:
            return ClientStatus(client=client, state=ClientState.NOT_FOUND, message="Not found on this computer.")
        if found.choices:
            state, message = ClientState.FOUND, f"{client.title} has several settings files. Say which one it uses."
        else:
            state, message = client_state.worst(client, [self._of_file(client, path) for path in found.files])
        return ClientStatus(
            client=client,
            state=state,
            message=message,
            files=found.files,
            choices=found.choices,
            managed=client_places.is_managed(client, self._platform),
            can_undo=bool(self._receipts.of(identifier)),
        )

    def is_running(self, identifier: str) -> bool:
        """Whether the client runs and would write its own copy of the settings back."""
        return client_places.is_running(self.client(identifier), self._platform)

    def signature(self) -> tuple[tuple[str, int, int, int], ...]:
        """What changes when any client's settings are written: cheap enough to be compared often."""
        marks: list[tuple[str, int, int, int]] = []
        for client in self.registry:
            for path in client_places.look(client, chosen=self._chosen(client)).files:
                try:
                    found = path.stat()
                except OSError:
                    marks.append((str(path), 0, 0, 0))
                else:
                    marks.append((str(path), found.st_mtime_ns, found.st_size, found.st_ino))
        return tuple(marks)

    def plan(self, identifier: str, *, chosen: Path | None = None) -> Plan:
        """What connecting would change. ClientError where the client is not there or its settings are damaged."""
        client = self.client(identifier)
        entry = client.entry(self.command)
        if client.file_format is FileFormat.COMMAND:
            arguments = claude_code.add_arguments(self.command)
            return self._command_plan(client, entry, arguments)
        edits = [self._edit(client, path, entry) for path in self._files(client, chosen)]
        return Plan(client=client, entry=entry, edits=tuple(edits), hints=self._hints(client))

    def plan_removal(self, identifier: str, *, chosen: Path | None = None) -> Plan:
        """What disconnecting would change."""
        client = self.client(identifier)
        if client.file_format is FileFormat.COMMAND:
            return self._command_plan(client, None, claude_code.remove_arguments())
        edits = [self._edit(client, path, None) for path in self._files(client, chosen)]
        return Plan(client=client, entry=None, edits=tuple(edits), hints=self._hints(client))

    def apply(self, plan: Plan, *, even_if_running: bool = False) -> str:
        """Carries a plan out; what was done, and what the person does next. ClientError, and nothing changed, if not.

        The server is started once, as the client would start it, before a connection to it is written.
        """
        client = plan.client
        if not even_if_running and self.is_running(client.identifier):
            raise ClientError(
                f"{client.title} is running and would write its own copy of the settings back. "
                "Quit it completely (also its icon in the tray), then try again."
            )
        if plan.entry is not None:
            self._must_answer()
        if plan.program is not None:
            self._run_command(plan, plan.program)
        else:
            self._writer.write_all(plan)
        if plan.entry is None:
            return f"{client.title} is disconnected, from its next start on."
        return f"{client.title} is connected. {client.after}"

    def undo(self, identifier: str) -> str:
        """Takes the last change back: the copy if the file is still as we left it, else only our entry."""
        client = self.client(identifier)
        receipts = self._receipts.of(identifier)
        if not receipts:
            raise ClientError(f"Nothing of ours is to be undone in {client.title}.")
        if client.file_format is FileFormat.COMMAND:
            program = self._program(client)
            if client_entry.read(client, self._read_only(client).text) is not None:
                claude_code.disconnect(client, program)
            self._receipts.forget(receipts[0])
            return f"{client.title} is as it was before, from its next start on."
        for receipt in receipts:
            self._writer.undo(client, receipt)
        return f"{client.title} is as it was before, from its next start on."

    def _edit(self, client: Client, path: Path, entry: Mapping[str, object] | None) -> Edit:
        snapshot = client_files.read(path, title=client.title)
        change = (
            client_entry.remove(client, snapshot.text)
            if entry is None
            else client_entry.put(client, snapshot.text, entry)
        )
        return Edit(snapshot=snapshot, text=change, diff=client_entry.diff(client, snapshot.text, entry))

    def _of_file(self, client: Client, path: Path) -> tuple[ClientState, str]:
        return client_state.of_file(client, path, command=self.command, receipts=self._receipts)

    def _files(self, client: Client, chosen: Path | None) -> tuple[Path, ...]:
        found = client_places.look(client, chosen=chosen or self._chosen(client))
        if found.choices:
            listed = "; ".join(str(path) for path in found.choices)
            raise ClientError(
                f"{client.title} has several settings files. Nothing was written. Say which one: {listed}"
            )
        if not found.installed:
            raise ClientError(f"{client.title} was not found on this computer.")
        if chosen is not None and chosen.resolve() not in {path.resolve() for path in found.files}:
            listed = "; ".join(str(path) for path in found.files)
            raise ClientError(f"This is no settings file of {client.title}. Nothing was written. It uses: {listed}")
        return found.files

    def _chosen(self, client: Client) -> Path | None:
        """The file that a person chose before, as the receipt remembers it."""
        receipts = self._receipts.of(client.identifier)
        return Path(receipts[0].path) if len(receipts) == 1 else None

    def _hints(self, client: Client) -> tuple[str, ...]:
        hints = []
        if client_places.is_managed(client, self._platform):
            hints.append(f"Your IT department manages the connections of {client.title}. Give them the lines below.")
        if client_places.is_running(client, self._platform):
            hints.append(f"{client.title} is running. Quit it completely before writing.")
        return tuple(hints)

    def _must_answer(self) -> None:
        environment = launch.bare_environment(self._platform, self._environment)
        try:
            launch.try_server(self.command, environment)
        except launch.LaunchError as error:
            raise ClientError(f"{error} Nothing was written.") from error

    def _program(self, client: Client) -> Path:
        program = client_places.program_of(client, self._environment)
        if program is None:
            raise ClientError(f"{client.title} was not found on this computer.")
        return program

    def _read_only(self, client: Client) -> Snapshot:
        return client_files.read(client_places.look(client).files[0], title=client.title)

    def _command_plan(self, client: Client, entry: Mapping[str, object] | None, arguments: tuple[str, ...]) -> Plan:
        program = self._program(client)
        snapshot = self._read_only(client)
        edit = Edit(snapshot=snapshot, text=snapshot.text, diff="")
        return Plan(
            client=client,
            entry=entry,
            edits=(edit,),
            program=program,
            arguments=arguments,
            hints=self._hints(client),
        )

    def _run_command(self, plan: Plan, program: Path) -> None:
        client = plan.client
        held = client_entry.read(client, self._read_only(client).text)
        if plan.entry is None:
            if held is not None:
                claude_code.disconnect(client, program)
            for receipt in self._receipts.of(client.identifier):
                self._receipts.forget(receipt)
            return
        if not client_entry.is_ours(held, plan.entry):
            claude_code.connect(client, program, self.command, replaces=held is not None)
        self._writer.keep(client, self._read_only(client), plan.entry)
