"""`archives.toml` from text to values: every fault of the file is found in one go, with its key and line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federator.config.archives import Archive, AuthMethod, Config
from federator.config.statements import line_of
from federator.config.values import ARCHIVE_KEYS, REFERENCE_ADVICE, UnfitError, is_name
from federator.errors import ConfigError, ConfigFault

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 1_048_576

_TOP_KEYS = ("schema_version", "archives")
_SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "pass",
    "token",
    "access_token",
    "api_key",
    "apikey",
    "client_secret",
)
WEB_ONLY_KEYS = (
    *("auth", "user", "secret", "header", "token_url", "client_id", "scope"),
    *("ca_file", "client_cert", "client_key", "max_connections", "keep_habits"),
)
_NEEDS: Mapping[AuthMethod, tuple[str, ...]] = {
    AuthMethod.NONE: (),
    AuthMethod.BASIC: ("user", "secret"),
    AuthMethod.BEARER: ("secret",),
    AuthMethod.HEADER: ("header", "secret"),
    AuthMethod.OAUTH2: ("token_url", "client_id", "secret"),
}
_TAKES = {**_NEEDS, AuthMethod.OAUTH2: (*_NEEDS[AuthMethod.OAUTH2], "scope")}
_METHODS = {method.value: method for method in AuthMethod}
SIGN_IN_KEYS = ("user", "secret", "header", "token_url", "client_id", "scope")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def sign_in_keys(method: AuthMethod) -> tuple[str, ...]:
    """The keys that say how to sign in by this method; the others among `SIGN_IN_KEYS` are faults with it."""
    return _TAKES[method]


def load(path: Path) -> Config:
    """Read `archives.toml` at `path`; a ConfigError names every fault of the file."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError([ConfigFault(message="there is no such file")], path=str(path)) from error
    except OSError as error:
        fault = ConfigFault(message=f"the file cannot be read: {error.strerror or type(error).__name__}")
        raise ConfigError([fault], path=str(path)) from error
    return parse(decode(content, path=path), path=path)


def decode(content: bytes, *, path: Path | None = None) -> str:
    """The text of a file, without the byte order mark that Notepad writes; a ConfigError where it is not UTF-8."""
    name = str(path or "")
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError([ConfigFault(message=f"the file is larger than {MAX_FILE_BYTES:,} bytes")], path=name)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = ConfigFault(message="this is not UTF-8; save the file in the encoding UTF-8", line=line)
        raise ConfigError([fault], path=name) from error


def parse(text: str, *, path: Path | None = None) -> Config:
    """The configuration that `text` describes; a ConfigError names every fault."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(error)], path=str(path or "")) from error
    except ValueError as error:
        # The limit of Python itself, since what takes the square of its length in time could hold it up.
        raise ConfigError([ConfigFault(message="a number has too many digits")], path=str(path or "")) from error
    except RecursionError as error:
        raise ConfigError([ConfigFault(message="the values are nested too deeply")], path=str(path or "")) from error
    reading = _Reading(text)
    archives = reading.config(table)
    if reading.faults:
        in_order = sorted(reading.faults, key=lambda fault: fault.line or 0)
        raise ConfigError(in_order, path=str(path or ""))
    return Config(archives=archives, path=path)


def _syntax_fault(error: tomllib.TOMLDecodeError) -> ConfigFault:
    message = str(error)
    found = _PLACE.search(message)
    line = int(found[1]) if found and found[1] else None
    if found:
        message = message[: found.start()]
    column = f" (column {found[2]})" if found and found[2] else " at the end of the file" if found else ""
    return ConfigFault(message=f"this is not TOML: {message[:1].lower()}{message[1:]}{column}", line=line)


class _Reading:
    """One pass over a parsed document that collects faults and goes on."""

    def __init__(self, text: str) -> None:
        self.faults: list[ConfigFault] = []
        self._text = text

    def config(self, table: Mapping[str, Any]) -> tuple[Archive, ...]:
        version = table.get("schema_version", SCHEMA_VERSION)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            self._fault(("schema_version",), f"write schema_version = {SCHEMA_VERSION}")
        elif version > SCHEMA_VERSION:
            # What a later version means by its keys is not known here: nothing else is judged.
            self._fault(("schema_version",), "this file was written by a newer version of federator; install that one")
            return ()
        for key in table:
            if key not in _TOP_KEYS:
                self._unknown((key,), _TOP_KEYS)
        archives = table.get("archives", {})
        if not isinstance(archives, Mapping):
            self._fault(("archives",), "write one table for each archive, for example [archives.mercy]")
            return ()
        read = [self._archive(name, entry) for name, entry in archives.items()]
        return tuple(archive for archive in read if archive is not None)

    def _archive(self, name: str, entry: object) -> Archive | None:
        place = ("archives", name)
        before = len(self.faults)
        if not is_name(name):
            example = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-") or "mercy"
            told = f"a name has small letters, digits and hyphens only, at most 32; write [archives.{example}]"
            self._fault(place, told)
        if not isinstance(entry, Mapping):
            self._fault(place, f"write a table: [archives.{name}] and below it url = … or folder = …")
            return None
        values: dict[str, Any] = {}
        for key, value in entry.items():
            if key not in ARCHIVE_KEYS:
                self._unknown((*place, key), tuple(ARCHIVE_KEYS))
                continue
            try:
                values[key] = ARCHIVE_KEYS[key](value)
            except UnfitError as error:
                self._fault((*place, key), str(error))
        self._together(place, entry)
        return Archive(name=name, **values) if len(self.faults) == before else None

    def _together(self, place: tuple[str, ...], entry: Mapping[str, Any]) -> None:
        """Faults of keys that do not go together, or that need one another."""
        if "url" in entry and "folder" in entry:
            self._fault((*place, "folder"), "an archive has either a url or a folder; remove one of the two lines")
        elif "folder" in entry:
            for key in entry:
                if key in WEB_ONLY_KEYS:
                    self._fault((*place, key), "this has no use with a folder; remove the line")
            return
        elif "url" not in entry:
            self._fault(place, 'the address is missing; write url = "https://…" or folder = "…"')
        if "client_key" in entry and "client_cert" not in entry:
            self._fault((*place, "client_key"), "a key needs its certificate; write client_cert as well")
        self._sign_in(place, entry)

    def _sign_in(self, place: tuple[str, ...], entry: Mapping[str, Any]) -> None:
        written = entry.get("auth", AuthMethod.NONE.value)
        if not isinstance(written, str) or written not in _METHODS:
            return
        method = _METHODS[written]
        for key in _NEEDS[method]:
            if key not in entry:
                example = 'secret = "keyring:NAME"' if key == "secret" else f'{key} = "…"'
                self._fault((*place, "auth"), f'auth = "{method.value}" needs {example} as well')
        for key in SIGN_IN_KEYS:
            if key in entry and key not in _TAKES[method]:
                users = " or ".join(f'"{user}"' for user in AuthMethod if key in _TAKES[user])
                told = f'this has no use with auth = "{method.value}"; write auth = {users}, or remove the line'
                self._fault((*place, key), told)

    def _unknown(self, path: tuple[str, ...], known: tuple[str, ...]) -> None:
        key = path[-1]
        if key.lower().replace("-", "_") in _SECRET_WORDS:
            self._fault(path, REFERENCE_ADVICE)
            return
        import difflib

        close = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
        advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        self._fault(path, f"there is no such key; {advice}")

    def _fault(self, path: tuple[str, ...], message: str) -> None:
        line = line_of(self._text, path) or line_of(self._text, path[:-1])
        self.faults.append(ConfigFault(message=message, key=".".join(path), line=line))
