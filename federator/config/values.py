"""The values of an archive's entry: what each key takes, checked one by one.

No message quotes a value: it might be a secret that stands in the wrong place.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from federator.config.archives import AuthMethod, SecretReference, SecretStore

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_TEXT = 500

REFERENCE_ADVICE = (
    'a secret never stands in this file. Write secret = "keyring:NAME" and save the secret with "federator-tray '
    'archive edit NAME --secret-stdin", or secret = "env:VARIABLE", or secret = "file:/absolute/path"'
)


class UnfitError(ValueError):
    """A value that its key cannot take; the message says what to write and never what was written."""


def is_name(text: str) -> bool:
    """Whether `text` can be an archive's name: small letters, digits, hyphens, at most 32 (contract.md section 1)."""
    return _NAME.fullmatch(text) is not None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UnfitError("write text in quotes")
    if len(value) > _MAX_TEXT or not value.isprintable():
        raise UnfitError(f"write one line of text, at most {_MAX_TEXT} characters")
    return value.strip()


def _required_text(value: object) -> str:
    text = _text(value)
    if not text:
        raise UnfitError("write some text, or remove the line")
    return text


def _address(value: object) -> str:
    text = _required_text(value)
    if _split(text).query or "?" in text or "#" in text:
        raise UnfitError("write the address without ? and #")
    return text.rstrip("/")


def _viewer(value: object) -> str:
    text = _required_text(value)
    if "{study}" not in text:
        raise UnfitError("write {study} where the Study Instance UID goes")
    _split(text.replace("{study}", "1"))
    return text


def _split(text: str) -> SplitResult:
    if any(character.isspace() for character in text) or "\\" in text:
        raise UnfitError("write the web address without spaces and backslashes")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise UnfitError("this is not a web address; write for example https://pacs.example.org/dicom-web") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise UnfitError(
            "write a web address that starts with https://, for example https://pacs.example.org/dicom-web"
        )
    if "@" in parts.netloc:
        raise UnfitError(f'write the address without user name and password. Write user = "…"; {REFERENCE_ADVICE}')
    return parts


def _path(value: object) -> Path:
    try:
        path = Path(_required_text(value)).expanduser()
    except RuntimeError as error:
        raise UnfitError("the home folder behind ~ is not known; write the whole path") from error
    if not path.is_absolute():
        raise UnfitError("write a whole path, from the root or from ~")
    return path


def _auth(value: object) -> AuthMethod:
    try:
        return AuthMethod(_text(value))
    except ValueError as error:
        choices = ", ".join(method.value for method in AuthMethod)
        raise UnfitError(f"write one of {choices}") from error


def _secret(value: object) -> SecretReference:
    store, colon, name = _text(value).partition(":")
    if not colon or not name or store not in {member.value for member in SecretStore}:
        raise UnfitError(REFERENCE_ADVICE)
    reference = SecretReference(store=SecretStore(store), name=name)
    if reference.store is SecretStore.ENVIRONMENT and not _VARIABLE.fullmatch(name):
        raise UnfitError("write env: and the name of a variable, letters, digits and _ only")
    if reference.store is SecretStore.FILE and not Path(name).is_absolute():
        raise UnfitError("write file: and a whole path from the root")
    return reference


def _header(value: object) -> str:
    text = _text(value)
    if not _HEADER.fullmatch(text):
        raise UnfitError("write the name of an HTTP header, for example X-Api-Key")
    return text


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError("write true or false, without quotes")
    return value


def _number(low: float, high: float) -> Callable[[object], float]:
    def number(value: object) -> float:
        # The comparison also refuses nan, which TOML allows.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise UnfitError(f"write a number from {low:g} to {high:g}, without quotes")
        return float(value)

    return number


def _integer(low: int, high: int) -> Callable[[object], int]:
    def integer(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UnfitError(f"write a whole number from {low:_} to {high:_}, without quotes")
        return value

    return integer


ARCHIVE_KEYS: Mapping[str, Callable[[object], object]] = MappingProxyType(
    {
        "title": _text,
        "url": _address,
        "folder": _path,
        "auth": _auth,
        "user": _required_text,
        "secret": _secret,
        "header": _header,
        "token_url": _address,
        "client_id": _required_text,
        "scope": _text,
        "ca_file": _path,
        "client_cert": _path,
        "client_key": _path,
        "deadline_s": _number(0.1, 300),
        "max_connections": _integer(1, 64),
        "max_bytes": _integer(65_536, 4_294_967_296),
        "max_rows": _integer(100, 1_000_000),
        "patient_id_issuer": _text,
        "viewer_url": _viewer,
        "keep_habits": _flag,
        "enabled": _flag,
    }
)
"""Every key of an archive's entry, and the function that reads its value or raises UnfitError."""
