"""One table of a client's TOML settings put in, changed or taken out; every other byte stays.

The text is spliced: for tomlkit a comment above a table belongs to the table before it, so its own removal would
leave our comment on a neighbour and take the neighbour's. tomlkit only rewrites the values inside our own table.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence

import tomlkit
from tomlkit.exceptions import TOMLKitError

_HEADER = re.compile(r"[ \t]*\[\[?.*\]\]?[ \t]*(#.*)?$")


class TomlError(ValueError):
    """The text cannot be read or changed safely; `line` counts from 1, 0 where it is not known."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


def parse(text: str) -> dict[str, object]:
    """What a TOML text says."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise TomlError("this is not TOML", line=int(found[1]) if found else 0) from error
    except (ValueError, RecursionError) as error:
        raise TomlError("a number has too many digits, or the values are nested too deeply") from error


def put(text: str, path: tuple[str, str], entry: Mapping[str, object]) -> str:
    """The text with the values of `entry` in the table at `path`; other keys of that table stay."""
    document = parse(text)
    owner = document.setdefault(path[0], {})
    if not isinstance(owner, dict):
        raise TomlError(f"{path[0]} should be a table, and is not")
    held = owner.get(path[1])
    if isinstance(held, dict) and all(held.get(key) == value for key, value in entry.items()):
        return text
    owner[path[1]] = {**(held if isinstance(held, dict) else {}), **entry}
    span = _span(text, path)
    if span is not None:
        new = text[: span[0]] + _rewritten(text[span[0] : span[1]], path, entry) + text[span[1] :]
    elif held is None:
        new = _appended(text, path, entry)
    else:
        raise TomlError(f"{path[1]} is written in a way that cannot be changed safely")
    return _proved(new, document)


def remove(text: str, path: tuple[str, str]) -> str:
    """The text without the table at `path`, its sub-tables and the comment directly above it."""
    document = parse(text)
    owner = document.get(path[0])
    if not isinstance(owner, dict) or path[1] not in owner:
        return text
    span = _span(text, path)
    if span is None:
        raise TomlError(f"{path[1]} is written in a way that cannot be removed safely")
    del owner[path[1]]
    before, behind = text[: span[0]], text[span[1] :]
    if not behind:
        blank = re.search(r"(?<=\n)\r?\n\Z", before)
        before = before[: blank.start()] if blank else before
    if not owner and path[0] not in parse(before + behind):
        del document[path[0]]  # it existed only through ours
    return _proved(before + behind, document)


def _rewritten(table: str, path: tuple[str, str], entry: Mapping[str, object]) -> str:
    try:
        document = tomlkit.parse(table)
        ours = document[path[0]][path[1]]
        for key, value in entry.items():
            if ours.get(key) != value:
                ours[key] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise TomlError("the table cannot be changed safely") from error


def _appended(text: str, path: tuple[str, str], entry: Mapping[str, object]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [
        f"[{path[0]}.{path[1]}]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()),
    ]
    if text and not text.endswith("\n"):
        text += newline
    if text and not text.endswith((f"{newline}{newline}", f"\n{newline}")):
        text += newline
    return text + newline.join(lines) + newline


def _span(text: str, path: Sequence[str]) -> tuple[int, int] | None:
    """From the comment above our header to what belongs to the next foreign header, as offsets."""
    lines = text.splitlines(keepends=True)
    headers = [(number, _name_of(lines[number])) for number in _header_lines(lines)]
    ours = [number for number, name in headers if name[: len(path)] == tuple(path)]
    if not ours:
        return None
    foreign = [number for number, name in headers if number > ours[0] and name[: len(path)] != tuple(path)]
    first, last = _with_comments_above(lines, ours[0]), len(lines)
    if foreign:
        if any(number > foreign[0] for number in ours):
            return None
        last = _with_comments_above(lines, foreign[0])
    return sum(map(len, lines[:first])), sum(map(len, lines[:last]))


def _header_lines(lines: Sequence[str]) -> list[int]:
    """The lines with headers: what stands before one is whole TOML, which it is not inside a string or an array."""
    found = []
    for number, line in enumerate(lines):
        if _HEADER.match(line.rstrip("\r\n")):
            try:
                tomllib.loads("".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue
            found.append(number)
    return found


def _with_comments_above(lines: Sequence[str], number: int) -> int:
    while number > 0 and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number


def _name_of(header: str) -> tuple[str, ...]:
    """The dotted name of a header line; empty where the line only looks like one."""
    try:
        inner: object = tomllib.loads(header)
    except tomllib.TOMLDecodeError:
        return ()
    name: list[str] = []
    while isinstance(inner, (dict, list)) and inner:
        if isinstance(inner, dict):
            key, inner = next(iter(inner.items()))
            name.append(key)
        else:
            inner = inner[0]
    return tuple(name)


def _proved(new: str, expected: Mapping[str, object]) -> str:
    """The new text, if it reads back as it was meant: written out, because nan is not equal to itself."""
    if json.dumps(parse(new), default=repr, sort_keys=True) != json.dumps(expected, default=repr, sort_keys=True):
        raise TomlError("the change would not read back as it was meant")
    return new
