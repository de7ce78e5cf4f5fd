"""The command line, and the place where the parts are put together."""

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from federator import __version__
from federator.config import ConfigSource, state_path
from federator.errors import FederatorError

if TYPE_CHECKING:
    from federator.archive.habits.folder import HabitsFolder
    from federator.server.endpoint import Endpoint

_EPILOG = """\
Without a command federator serves MCP on stdio: that is what an MCP client starts.
Configuration: --config FILE, else FEDERATOR_CONFIG, else archives.toml in your configuration folder,
else DICOMWEB_HOST for a single archive.
"""


_COLLECTOR_THRESHOLDS = (20_000, 20, 20)
"""New objects before the collector walks them. The rows of one answer are thousands, which go without its help: by
Python's own 700 it walks them again and again, and under load that is half of the time."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the value is the process's exit status."""
    options = _options(argv)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except FederatorError as error:
        print(f"federator: {error}", file=sys.stderr)  # noqa: T201 - for the person at the shell
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    # argparse takes key=value only before the first option of `call`; people write them in any order.
    if rest and ("arguments" not in options or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.arguments += rest
    return options


def _prepare_shell() -> None:
    """Set up what a command for people needs: names in any script on any console, and the discreet log."""
    from federator.server import logs

    logs.configure()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="the archives.toml to use"
    )
    parser = argparse.ArgumentParser(
        prog="federator",
        description="One MCP endpoint over several DICOMweb archives. It only ever reads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"federator {__version__}")
    parser.set_defaults(run=_stdio)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    serve = commands.add_parser("serve", parents=[shared], help="serve MCP on stdio, or on HTTP with --http")
    serve.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP there, at /mcp")
    serve.add_argument("--allow-remote", action="store_true", help="allow a HOST that other computers can reach")
    serve.add_argument(
        "--allowed-host", metavar="NAME:PORT", action="append", default=[], help="a further Host header to answer"
    )
    for option, default, told in (
        ("--max-connections", 256, "connections at once"),
        ("--header-timeout", 20, "seconds in which the header of a request has to come"),
        ("--body-timeout", 20, "seconds in which its body has to come"),
        ("--max-body", 4_000_000, "bytes of a body at most"),
    ):
        serve.add_argument(option, type=_count, default=default, metavar="N", help=f"{told} (default {default})")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", parents=[shared], help="test archives step by step")
    check.add_argument("name", nargs="?", default="", help="only this archive")
    check.add_argument("--json", action="store_true", help="print each step as a line of JSON")
    check.add_argument(
        "--verbose", action="store_true", help="print each request with its status and time, for the PACS team"
    )
    check.set_defaults(run=_check)

    demo = commands.add_parser("demo", help="build sample archives and show the answers; needs nothing")
    demo.add_argument("--folder", type=Path, metavar="DIR", help="keep the sample archives there")
    demo.set_defaults(run=_demo)

    call = commands.add_parser("call", parents=[shared], help="run one tool and print its answer")
    call.add_argument("tool", help="for example find-studies")
    call.add_argument("arguments", nargs="*", metavar="key=value", help="its parameters")
    call.add_argument("--json", action="store_true", help="print the structured answer")
    call.add_argument("--save", type=Path, metavar="FILE", help="where to keep an image")
    call.set_defaults(run=_call)
    return parser


def _count(written: str) -> int:
    """A whole number above 0, as argparse wants it told."""
    if not written.isascii() or not written.isdecimal() or not 0 < int(written[:10]) == int(written):
        raise argparse.ArgumentTypeError(f"'{written[:40]}' is not a whole number above 0")
    return int(written)


def _source(options: argparse.Namespace) -> ConfigSource:
    return ConfigSource(getattr(options, "config", None), os.environ)


def _state() -> Path:
    return state_path(sys.platform, Path.home(), os.environ)


def _habits() -> "HabitsFolder":
    from federator.archive.habits.folder import HabitsFolder

    return HabitsFolder(_state() / "habits")


def _stdio(options: argparse.Namespace) -> int:
    # Python's own way of ending would wait for the thread that reads the input, which is until somebody writes a line.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from federator.server.ending import end_with_input, end_within

    end_with_input()
    _built(options).run("stdio")
    # Threads that hang would be waited for from here on.
    end_within()
    return 0


def _serve(options: argparse.Namespace) -> int:
    if options.http is None:
        return _stdio(options)
    import anyio

    from federator.server.http import parse_address, serve_http
    from federator.server.limits import Limits

    host, port = parse_address(options.http)
    limits = Limits(
        connections=options.max_connections,
        header_s=options.header_timeout,
        body_s=options.body_timeout,
        body_bytes=options.max_body,
    )
    endpoint = _built(options)

    async def serve() -> None:
        await serve_http(
            endpoint,
            host=host,
            port=port,
            allow_remote=options.allow_remote,
            allowed_hosts=options.allowed_host,
            limits=limits,
        )

    anyio.run(serve)
    return 0


def _built(options: argparse.Namespace) -> "Endpoint":
    # A third of the start is building the SDK's models, and the collector would walk them again and again meanwhile.
    # They stay for good, so it need not walk them later either: under load that is a quarter of the time.
    gc.disable()
    from federator.server import logs
    from federator.server.app import build_server
    from federator.server.health import HealthFile

    # What is imported is not walked even once; of what building the tools leaves behind, a walk takes 2 ms.
    gc.freeze()
    logs.configure()
    endpoint = build_server(_source(options), health=HealthFile(_state() / "health.json"), habits=_habits())
    gc.collect()
    gc.enable()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    return endpoint


def _check(options: argparse.Namespace) -> int:
    import anyio

    from federator.server.commands import run_check

    _prepare_shell()
    config = _source(options).current()

    async def check() -> int:
        return await run_check(config, name=options.name, as_json=options.json, verbose=options.verbose)

    return anyio.run(check)


def _demo(options: argparse.Namespace) -> int:
    from federator.demo.first_run import run_demo

    _prepare_shell()
    return run_demo(options.folder)


def _call(options: argparse.Namespace) -> int:
    # As in `_built`: what is loaded stays until the end, and walking it is a sixth of the whole command.
    gc.disable()
    import anyio

    from federator.server.commands import run_call

    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    _prepare_shell()
    source = _source(options)

    async def call() -> int:
        return await run_call(
            source, options.tool, options.arguments, habits=_habits(), as_json=options.json, save=options.save
        )

    return anyio.run(call)


if __name__ == "__main__":
    sys.exit(main())
