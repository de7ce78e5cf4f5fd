"""A TOML document as its statements, with their lines: tomllib itself does not tell where a key stands."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a statement is."""

    TABLE = "a [header] or [[header]]"
    KEY = "key = value"
    COMMENT = "a whole line of comment"
    BLANK = "an empty line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a TOML document: lines `first` to `last`, counted from 1.

    `table` is the path of the header above it (its own for a header), `brings` the nested keys that it defines
    below that.
    """

    kind: Kind
    first: int
    last: int
    table: tuple[str, ...]
    brings: Mapping[str, object]

    def reaches(self, path: Sequence[str]) -> bool:
        """Whether the statement defines `path`, or something on the way to which `path` belongs as a whole."""
        depth = min(len(self.table), len(path))
        if tuple(path[:depth]) != self.table[:depth]:
            return False
        if len(path) <= len(self.table):
            return self.kind in {Kind.TABLE, Kind.KEY}
        value: object = self.brings
        for key in path[depth:]:
            if not isinstance(value, Mapping) or key not in value:
                return False
            value = value[key]
        return True


def statements(text: str) -> Iterator[Statement]:
    """The statements of a valid TOML document in order; every line belongs to exactly one."""
    table: tuple[str, ...] = ()
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        end, brings = _whole(lines, start)
        kind = _kind(lines[start])
        if kind is Kind.TABLE:
            table, brings = _header(brings), {}
        yield Statement(kind=kind, first=start + 1, last=end, table=table, brings=brings)
        start = end


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) of the statement that first brings `path`; None where the document has no such key."""
    if not path:
        return None
    return next((statement.first for statement in statements(text) if statement.reaches(path)), None)


def _kind(line: str) -> Kind:
    line = line.strip()
    if line.startswith("["):
        return Kind.TABLE
    if line.startswith("#"):
        return Kind.COMMENT
    return Kind.KEY if line else Kind.BLANK


def _whole(lines: list[str], start: int) -> tuple[int, dict[str, object]]:
    # A statement is a document by itself; one that is cut inside a value that spans lines is not.
    for end in range(start + 1, len(lines) + 1):
        try:
            return end, tomllib.loads("\n".join(lines[start:end]).removesuffix("\r"))
        except tomllib.TOMLDecodeError:
            continue
    return len(lines), {}


def _header(brings: Mapping[str, object]) -> tuple[str, ...]:
    path: list[str] = []
    value: object = brings
    while isinstance(value, Mapping) and value:
        key, value = next(iter(value.items()))
        path.append(key)
        if isinstance(value, list):
            value = value[0]
    return tuple(path)
