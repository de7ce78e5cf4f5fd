"""Our entry in a client's settings: read, put in, taken out, and shown without anything that is not ours (pure)."""

import json
from collections.abc import Mapping
from typing import cast

from tray.clients import jsonc, toml_edit
from tray.clients.files import ClientError
from tray.clients.registry import Client, FileFormat

_DIALECTS = {
    FileFormat.JSON: jsonc.Dialect.JSON,
    FileFormat.JSON_COMMENTS: jsonc.Dialect.COMMENTS,
    FileFormat.JSONC: jsonc.Dialect.JSONC,
}


def read(client: Client, text: str) -> object | None:
    """What stands under our name in the settings; None where nothing does. ClientError where they are damaged."""
    return jsonc.find(_parsed(client, text), client.path)


def is_ours(held: object, entry: Mapping[str, object]) -> bool:
    """Whether what stands under our name starts the same command; a switch that the client added does not count."""
    return isinstance(held, dict) and all(held.get(key) == value for key, value in entry.items())


def put(client: Client, text: str, entry: Mapping[str, object]) -> str:
    """The settings with our entry; keys that the client or a person added to it stay."""
    held = read(client, text)
    try:
        if client.file_format is FileFormat.TOML:
            return toml_edit.put(text, client.path, entry)
        text = text if text.strip() else "{}\n"
        dialect = _DIALECTS[client.file_format]
        if not isinstance(held, dict):
            return jsonc.put(text, client.path, dict(entry), dialect=dialect)
        for key, value in entry.items():
            text = jsonc.put(text, (*client.path, key), value, dialect=dialect)
    except (jsonc.JsoncError, toml_edit.TomlError) as error:
        raise _damaged(client, error) from error
    return text


def remove(client: Client, text: str) -> str:
    """The settings without our entry."""
    if read(client, text) is None:
        return text
    try:
        if client.file_format is FileFormat.TOML:
            return toml_edit.remove(text, client.path)
        return jsonc.remove(text, client.path, dialect=_DIALECTS[client.file_format])
    except (jsonc.JsoncError, toml_edit.TomlError) as error:
        raise _damaged(client, error) from error


def diff(client: Client, text: str, entry: Mapping[str, object] | None) -> str:
    """What a change amounts to, line by line; `entry` None for taking ours out.

    Only our own new lines are shown. Other entries are counted, not named, and no old value is shown: settings hold
    other programs' keys and passwords.
    """
    document = _parsed(client, text)
    others = jsonc.find(document, client.path[:1])
    held = jsonc.find(document, client.path)
    count = len(others) - (client.path[1] in others) if isinstance(others, dict) else 0
    unchanged = [f"    … {count} other {'entry' if count == 1 else 'entries'}, unchanged"] if count else []
    old = _old_lines(client, held, entry)
    new = [] if entry is None or is_ours(held, entry) else [f"+   {line}" for line in _new_lines(client, entry)]
    opening, closing = (
        (f"  [{client.key}]", "") if client.file_format is FileFormat.TOML else (f'  "{client.key}": {{', "  }")
    )
    return "\n".join(line for line in (opening, *unchanged, *old, *new, closing) if line)


def _new_lines(client: Client, entry: Mapping[str, object]) -> list[str]:
    if client.file_format is FileFormat.TOML:
        values = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
        return [f"[{client.key}.{client.path[1]}]", *values]
    return f'"{client.path[1]}": {json.dumps(entry, ensure_ascii=False, indent=2)}'.split("\n")


def _old_lines(client: Client, held: object, entry: Mapping[str, object] | None) -> list[str]:
    if held is None or (entry is not None and is_ours(held, entry)):
        return []
    if entry is None or not isinstance(held, dict):
        return [f'-   "{client.path[1]}": (the entry as it stands)']
    changed = [key for key, value in entry.items() if key in held and held[key] != value]
    return [f'-   "{client.path[1]}": {{ "{key}": (the old value) }}' for key in changed]


def _parsed(client: Client, text: str) -> object:
    try:
        if client.file_format is FileFormat.TOML:
            return toml_edit.parse(text)
        if not text.strip():
            return {}
        if client.file_format is FileFormat.COMMAND:
            return json.loads(text)
        document = jsonc.parse(text, dialect=_DIALECTS[client.file_format])
    except json.JSONDecodeError as error:
        raise ClientError(_sentence(client, f"line {error.lineno}")) from error
    except RecursionError as error:
        raise ClientError(_sentence(client, "its values are nested too deeply")) from error
    except (jsonc.JsoncError, toml_edit.TomlError) as error:
        raise _damaged(client, error) from error
    except ValueError as error:
        raise ClientError(_sentence(client, "a number has too many digits")) from error
    for value, place in ((document, "the file"), (jsonc.find(document, client.path[:1]), client.key)):
        absent = place == client.key and client.key not in cast("dict[str, object]", document)
        if not isinstance(value, dict) and not absent:
            raise ClientError(_sentence(client, f"{place} should be an object in braces"))
    return document


def _damaged(client: Client, error: jsonc.JsoncError | toml_edit.TomlError) -> ClientError:
    place = f"line {error.line}: " if error.line else ""
    return ClientError(_sentence(client, f"{place}{error.message}"))


def _sentence(client: Client, reason: str) -> str:
    return f"{client.title}'s own settings file is damaged ({reason}). We left it as it is."
