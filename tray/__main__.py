"""`federator-tray`: the tray icon, the same settings page without one, and the same from the shell."""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from federator import __version__
from tray.commands import archives as archive_commands
from tray.commands import clients as connect_commands

_STOPPED = 128 + signal.SIGINT
"""What shells make of a program that Ctrl+C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit status: 0 only when what was asked for is done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console of another code page shows a question mark; it does not end the program half-way.
            stream.reconfigure(errors="replace")
    # The option has no default of its own: that of a command would replace what stands before the command.
    options = _parser().parse_args(arguments, argparse.Namespace(config=None))
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        print("federator-tray: stopped.", file=sys.stderr)  # noqa: T201 - for the person at the shell
        return _STOPPED
    return status


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="archives.toml, if not at the user's own place",
    )
    parser = argparse.ArgumentParser(
        prog="federator-tray",
        description="Image archives for AI assistants: the tray icon, or one command.",
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"federator {__version__}")
    parser.set_defaults(run=_tray)
    commands = parser.add_subparsers(metavar="COMMAND")
    settings = commands.add_parser("settings", parents=[shared], help="open the settings page without a tray icon")
    settings.add_argument("--print-url", action="store_true", help="print the link instead of opening the browser")
    settings.set_defaults(run=_settings)
    archive_commands.add_to(commands, parents=[shared])
    connect_commands.add_to(commands, parents=[shared])
    return parser


def _settings(options: argparse.Namespace) -> int:
    from tray.start import run_settings

    return run_settings(options.config, print_url=options.print_url)


def _tray(options: argparse.Namespace) -> int:
    from tray.start import run_tray

    return run_tray(options.config)


if __name__ == "__main__":
    sys.exit(main())
