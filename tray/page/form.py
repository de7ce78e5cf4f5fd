"""What the page sends, read strictly: a field of another kind, or one that nobody knows, is refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from tray.archives.entries import without_useless
from tray.archives.text import Value

Fields = Mapping[str, Any]

_TEXT_KEYS = (
    *("title", "url", "folder", "auth", "user", "header", "token_url", "client_id", "scope"),
    *("ca_file", "client_cert", "client_key", "viewer_url", "patient_id_issuer"),
)
_NUMBER_KEYS = ("deadline_s", "max_connections", "max_bytes", "max_rows")
_OTHER_KEYS = ("name", "new_name", "etag", "secret", "secret_reference", "keep")
_MAX_TEXT = 4_000
_MAX_LIST = 1_000


class FormError(ValueError):
    """A field is missing or of another kind; `field` names it."""

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(message)


def text(fields: Fields, key: str) -> str:
    """A field that must be there."""
    found = optional_text(fields, key)
    if not found:
        raise FormError(f"'{key}' is missing.", field=key)
    return found


def optional_text(fields: Fields, key: str, *, strip: bool = True) -> str:
    """A field of text, empty where it is missing; a secret is not stripped."""
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value or (strip and len(value) > _MAX_TEXT):
        raise FormError(f"'{key}' is not a short text.", field=key)
    return value.strip() if strip else value


def texts(fields: Fields, key: str) -> list[str]:
    """A field that is a list of texts."""
    value = fields.get(key)
    if not isinstance(value, list) or len(value) > _MAX_LIST or not all(isinstance(item, str) for item in value):
        raise FormError(f"'{key}' is not a list of texts.", field=key)
    return list(value)


def flag(fields: Fields, key: str, *, default: bool) -> bool:
    """A field that is true or false."""
    value = fields.get(key, default)
    if not isinstance(value, bool):
        raise FormError(f"'{key}' is not true or false.", field=key)
    return value


def archive_values(fields: Fields) -> dict[str, Value | None]:
    """The values of an archive as they are to stand in the file; an empty field takes its key out."""
    known: Sequence[str] = (*_TEXT_KEYS, *_NUMBER_KEYS, *_OTHER_KEYS)
    for key in fields:
        if key not in known:
            raise FormError(f"There is no field '{str(key)[:40]}'.", field=str(key)[:40])
    values: dict[str, Value | None] = {key: optional_text(fields, key) or None for key in _TEXT_KEYS if key in fields}
    values |= {key: _number(fields, key) for key in _NUMBER_KEYS if key in fields}
    if fields.get("secret_reference"):
        values["secret"] = optional_text(fields, "secret_reference")
    return without_useless(values)


def _number(fields: Fields, key: str) -> int | float | None:
    value = fields[key]
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FormError(f"'{key}' is not a number.", field=key)
    return value
