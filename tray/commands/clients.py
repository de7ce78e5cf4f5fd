"""Assistants from the shell: `connect CLIENT`, `disconnect CLIENT` and `clients`; a refusal changes nothing."""

import argparse
import os
import sys
from pathlib import Path

from federator.config import resolve, state_path
from tray.clients import launch
from tray.clients.connect import Clients, ClientState, Plan
from tray.clients.files import ClientError
from tray.clients.registry import registry

_DONE, _REFUSED = 0, 1


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", *, parents: list[argparse.ArgumentParser]
) -> None:
    """Adds the three commands; each sets `run`, which takes the options and gives the exit status.

    `parents` bring the option `--config`; without it the user's own file counts.
    """
    names = [client.identifier for client in registry(sys.platform, os.environ, Path.home())]
    for name, about in (("connect", "let an assistant use the archives"), ("disconnect", "take our entry out again")):
        command = commands.add_parser(name, parents=parents, help=about)
        command.add_argument("client", metavar="CLIENT", choices=names, help=", ".join(names))
        command.add_argument("--file", type=Path, metavar="FILE", help="its settings file, where it has several")
        command.add_argument("--dry-run", action="store_true", help="show the change and write nothing")
        command.add_argument("--even-if-running", action="store_true", help="write although the assistant is running")
        command.set_defaults(run=_change, removal=name == "disconnect")
    listing = commands.add_parser("clients", parents=parents, help="list the assistants and how they stand")
    listing.set_defaults(run=_list)


def clients_of_this_user(config: Path | None) -> Clients:
    """The assistants of the person who runs this program; LaunchError where the server's program is not found."""
    home = Path.home()
    return Clients(
        platform=sys.platform,
        environment=os.environ,
        home=home,
        state_folder=state_path(sys.platform, home, os.environ),
        command=launch.server_command(launch.Installation.current(), resolve(config, os.environ)),
    )


def _change(options: argparse.Namespace) -> int:
    try:
        clients = clients_of_this_user(getattr(options, "config", None))
        plan = _plan(clients, options)
        _say(plan.diff)
        for hint in plan.hints:
            _complain(hint)
        if not options.dry_run:
            _say(clients.apply(plan, even_if_running=options.even_if_running))
    except (ClientError, launch.LaunchError) as error:
        _complain(f"federator-tray: {error}")
        return _REFUSED
    return _DONE


def _plan(clients: Clients, options: argparse.Namespace) -> Plan:
    if options.removal:
        return clients.plan_removal(options.client, chosen=options.file)
    return clients.plan(options.client, chosen=options.file)


def _list(options: argparse.Namespace) -> int:
    try:
        states = clients_of_this_user(getattr(options, "config", None)).states()
    except launch.LaunchError as error:
        _complain(f"federator-tray: {error}")
        return _REFUSED
    for status in states:
        _say(f"{status.client.identifier:15} {status.state.value:10} {status.message}")
        if status.state is not ClientState.NOT_FOUND:
            for path in status.choices or status.files:
                _say(f"{'':15} {path}")
    return _DONE


def _say(text: str) -> None:
    print(text)  # noqa: T201 - for the person at the shell


def _complain(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - for the person at the shell
