"""Archives from the shell: `archive add|edit|remove|list|test`; a refusal says why and changes nothing."""

import argparse
import dataclasses
import getpass
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio

from federator.archive.check.steps import Step, check
from federator.archive.secrets.vault import SecretError, StoreError
from federator.config import Archive, AuthMethod, resolve, state_path
from tray.archives.entries import Archives, Keep, NewSecret, without_useless
from tray.archives.file import ArchivesFile, ArchivesFileError
from tray.archives.text import Value

_DONE, _REFUSED = 0, 1
_MAX_SECRET = 65_536
_MARKS = {True: "ok  ", False: "FAIL", None: "-   "}
_TEXT_KEYS = {
    "title": "what people call it",
    "url": "its DICOMweb address, for example https://pacs.example.org/dicom-web",
    "folder": "a folder of DICOM files instead of an address",
    "auth": f"how to sign in: {', '.join(AuthMethod)}; found out from the other options if left out",
    "user": "user name",
    "header": "the HTTP header that carries the secret",
    "token_url": "where an access token is asked for (OAuth2 client credentials)",
    "client_id": "client id for the token",
    "scope": "scope for the token",
    "ca_file": "certificate of the hospital's own authority (PEM)",
    "client_cert": "certificate of this computer (PEM)",
    "client_key": "key of that certificate (PEM)",
    "viewer_url": "address of a viewer with {study} where the Study Instance UID goes",
    "patient_id_issuer": "who assigns its patient IDs",
}
_NUMBER_KEYS = {
    "deadline_s": (float, "seconds that one question may take"),
    "max_connections": (int, "requests at once"),
    "max_bytes": (int, "bytes of one answer at most"),
    "max_rows": (int, "rows that one search may read"),
}


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", *, parents: list[argparse.ArgumentParser]
) -> None:
    """Adds `archive` and what can be done with one; each sets `run`, which gives the exit status.

    `parents` bring the option `--config`; without it the user's own file counts.
    """
    archive = commands.add_parser("archive", help="add, edit, remove, list or test image archives")
    actions = archive.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", parents=parents, help="add an archive")
    edit = actions.add_parser("edit", parents=parents, help="change an archive; an empty value takes a setting out")
    for command in (add, edit):
        command.add_argument("name", metavar="NAME", help="small letters, digits and hyphens; the tag on every UID")
        _add_settings(command)
    edit.add_argument("--new-name", default="", metavar="NAME", help="rename it; earlier answers then lose their tag")
    add.set_defaults(run=_add)
    edit.set_defaults(run=_edit)
    remove = actions.add_parser("remove", parents=parents, help="remove an archive and forget its secret")
    remove.add_argument("name", metavar="NAME", help="the archive's name")
    remove.add_argument("--keep-secret", action="store_true", help="leave the secret in the password store")
    remove.set_defaults(run=_remove)
    listing = actions.add_parser("list", parents=parents, help="list the archives")
    listing.add_argument("--json", action="store_true", help="print each archive as a line of JSON")
    listing.set_defaults(run=_list)
    test = actions.add_parser("test", parents=parents, help="test archives step by step")
    test.add_argument("name", nargs="?", default="", metavar="NAME", help="only this one")
    test.add_argument("--json", action="store_true", help="print each step as a line of JSON")
    test.set_defaults(run=_test)


def archives_of_this_user(config: Path | None) -> Archives:
    """The archives of the person who runs this program."""
    return Archives(resolve(config, os.environ), state_folder=state_path(sys.platform, Path.home(), os.environ))


def _add_settings(command: argparse.ArgumentParser) -> None:
    for key, about in _TEXT_KEYS.items():
        command.add_argument(f"--{key.replace('_', '-')}", metavar=key.rpartition("_")[2].upper(), help=about)
    for key, (kind, about) in _NUMBER_KEYS.items():
        command.add_argument(f"--{key.replace('_', '-')}", type=kind, metavar="NUMBER", help=about)
    enabled = command.add_mutually_exclusive_group()
    enabled.add_argument("--enable", action="store_true", help="ask this archive")
    enabled.add_argument("--disable", action="store_true", help="leave this archive out for now")
    secret = command.add_mutually_exclusive_group()
    secret.add_argument("--secret-stdin", action="store_true", help="read the password or token from standard input")
    secret.add_argument("--secret", metavar="WHERE", help="keyring:NAME, env:VARIABLE or file:/path; never the secret")
    command.add_argument(
        "--secret-in-file",
        action="store_true",
        help="keep the secret in a file that only you can read, where there is no password store",
    )


def _add(options: argparse.Namespace) -> int:
    return _told(lambda: _added(options))


def _added(options: argparse.Namespace) -> str:
    archives = archives_of_this_user(options.config)
    values = {key: value for key, value in _values(options).items() if value is not None}
    method = _method(values, has_secret=options.secret_stdin or options.secret is not None)
    if method is not AuthMethod.NONE:
        values["auth"] = method.value
    archives.add(options.name, values, secret=_secret(options, method, values))
    return f"{options.name} was added to {archives.path}. Test it: federator-tray archive test {options.name}"


def _edit(options: argparse.Namespace) -> int:
    return _told(lambda: _edited(options))


def _edited(options: argparse.Namespace) -> str:
    archives = archives_of_this_user(options.config)
    values = _values(options)
    secret = _from_stdin(options) if options.secret_stdin else None
    if not values and secret is None and not options.new_name:
        raise ArchivesFileError("There is nothing to change. Name what is to be changed, for example --url URL.")
    values = without_useless(values)
    archives.edit(options.name, values, secret=secret, new_name=options.new_name)
    return f"{options.new_name or options.name} was changed in {archives.path}."


def _remove(options: argparse.Namespace) -> int:
    def removed() -> str:
        archives = archives_of_this_user(options.config)
        archives.remove(options.name, forget_secret=not options.keep_secret)
        return f"{options.name} was removed from {archives.path}."

    return _told(removed)


def _list(options: argparse.Namespace) -> int:
    def listed() -> str:
        shown = _without_faults(archives_of_this_user(options.config).read())
        if options.json:
            return "\n".join(json.dumps(_as_json(archive), ensure_ascii=False) for archive in shown.archives)
        if not shown.archives:
            return f"There are no archives in {shown.path}. Add one: federator-tray archive add NAME --url URL"
        return "\n".join(_line(archive) for archive in shown.archives)

    return _told(listed)


def _test(options: argparse.Namespace) -> int:
    try:
        chosen = _chosen(archives_of_this_user(options.config), options.name)
    except ArchivesFileError as error:
        return _refused(str(error))
    return anyio.run(_tested, chosen, options.json)


async def _tested(archives: Sequence[Archive], as_json: bool) -> int:  # noqa: FBT001 - anyio.run passes no keywords
    status = _DONE
    for archive in archives:
        if not as_json:
            _say(f"{archive.name}{f' ({archive.title})' if archive.title else ''}")
        async with aclosing(check(archive)) as steps:
            async for step in steps:
                status = _REFUSED if step.ok is False else status
                _say(_step_as_json(archive, step) if as_json else _step_as_text(step))
    return status


def _chosen(archives: Archives, name: str) -> Sequence[Archive]:
    shown = _without_faults(archives.read())
    if not name:
        if not shown.archives:
            raise ArchivesFileError("There are no archives to test.")
        enabled = [archive for archive in shown.archives if archive.enabled]
        if not enabled:
            raise ArchivesFileError("No archive is asked for now. Name one to test it all the same.")
        return enabled
    chosen = [archive for archive in shown.archives if archive.name == name]
    if not chosen:
        known = ", ".join(archive.name for archive in shown.archives) or "none"
        raise ArchivesFileError(f"There is no archive named '{name}'. Configured: {known}.")
    return chosen


def _without_faults(shown: ArchivesFile) -> ArchivesFile:
    if shown.faults:
        told = "\n".join(f"  {fault}" for fault in shown.faults)
        raise ArchivesFileError(f"{shown.path} has faults:\n{told}")
    return shown


def _values(options: argparse.Namespace) -> dict[str, Value | None]:
    """What was given on the command line; an empty text takes the key out."""
    given = {key: getattr(options, key) for key in (*_TEXT_KEYS, *_NUMBER_KEYS, "secret")}
    values: dict[str, Value | None] = {key: value or None for key, value in given.items() if value is not None}
    for key in ("folder", "ca_file", "client_cert", "client_key"):
        if isinstance(values.get(key), str):
            # The server starts elsewhere: what is relative here would mean another place there.
            values[key] = _whole_path(str(values[key]))
    if options.enable or options.disable:
        values["enabled"] = None if options.enable else False
    return values


def _whole_path(text: str) -> str:
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as error:
        raise ArchivesFileError("The home folder behind ~ is not known. Write the whole path.") from error


def _method(values: Mapping[str, Value | None], *, has_secret: bool) -> AuthMethod:
    """The way to sign in that was asked for, or that the other options amount to."""
    if "auth" in values:
        try:
            return AuthMethod(str(values["auth"]))
        except ValueError as error:
            raise ArchivesFileError(f"--auth is one of {', '.join(AuthMethod)}.") from error
    if "user" in values:
        return AuthMethod.BASIC
    if "header" in values:
        return AuthMethod.HEADER
    if "token_url" in values or "client_id" in values:
        return AuthMethod.OAUTH2
    return AuthMethod.BEARER if has_secret else AuthMethod.NONE


def _secret(options: argparse.Namespace, method: AuthMethod, values: Mapping[str, Value | None]) -> NewSecret | None:
    if options.secret_stdin:
        return _from_stdin(options)
    if method is AuthMethod.NONE or "secret" in values:
        return None
    if not sys.stdin.isatty():
        raise ArchivesFileError("This way to sign in needs a secret. Give it with --secret-stdin or --secret WHERE.")
    return _from_stdin(options)


def _from_stdin(options: argparse.Namespace) -> NewSecret:
    """The secret from standard input; a person at a terminal is asked for it and does not see it."""
    if sys.stdin.isatty():
        try:
            return _new_secret(options, getpass.getpass(f"Password or token for {options.name}: "))
        except EOFError as error:
            raise ArchivesFileError("No secret was given. Nothing was saved.") from error
    try:
        text = sys.stdin.read(_MAX_SECRET + 1)
    except UnicodeDecodeError as error:
        raise ArchivesFileError("The secret on standard input is not text. Nothing was saved.") from error
    return _new_secret(options, text.removesuffix("\n").removesuffix("\r"))


def _new_secret(options: argparse.Namespace, text: str) -> NewSecret:
    if not text or len(text) > _MAX_SECRET:
        raise ArchivesFileError("The secret is empty or far too long. Nothing was saved.")
    return NewSecret(text=text, keep=Keep.FILE if options.secret_in_file else Keep.STORE)


def _as_json(archive: Archive) -> dict[str, object]:
    held = dataclasses.asdict(archive)
    held["secret"] = str(archive.secret) if archive.secret is not None else ""
    return {
        key: str(value) if isinstance(value, Path) else value for key, value in held.items() if value not in {None, ""}
    }


def _line(archive: Archive) -> str:
    notes = [archive.auth.value] if archive.auth is not AuthMethod.NONE else []
    notes += [] if archive.enabled else ["not asked for now"]
    noted = f"  ({', '.join(notes)})" if notes else ""
    return f"{archive.name:16} {archive.url or archive.folder}{noted}{f'  {archive.title}' if archive.title else ''}"


def _step_as_text(step: Step) -> str:
    line = f"  {_MARKS[step.ok]} {step.number}. {step.name}: {step.message}"
    advice = f"\n          {step.advice}" if step.advice else ""
    details = f"\n          For IT: {step.details}" if step.details and step.ok is False else ""
    return f"{line}{advice}{details}"


def _step_as_json(archive: Archive, step: Step) -> str:
    return json.dumps({"archive": archive.name, **dataclasses.asdict(step)}, ensure_ascii=False)


def _told(action: Callable[[], str]) -> int:
    """Prints what was done; what was refused goes to standard error with the status that says so."""
    try:
        _say(action())
    except StoreError as error:
        return _refused(f"{error} With --secret-in-file it is kept in a file that only you can read.")
    except (ArchivesFileError, SecretError) as error:
        return _refused(str(error))
    return _DONE


def _refused(message: str) -> int:
    print(f"federator-tray: {message[:1].upper()}{message[1:]}", file=sys.stderr)  # noqa: T201 - for the person at the shell
    return _REFUSED


def _say(text: str) -> None:
    if text:
        print(text, flush=True)  # noqa: T201 - for the person at the shell
