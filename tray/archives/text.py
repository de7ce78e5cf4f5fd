"""The text of `archives.toml` changed by splices: nothing but the one entry changes, no comment is lost or moved.

For tomlkit a comment above a table belongs to the table before it, so its own removal would leave a comment over the
wrong archive. Here a comment directly above a header goes with that header, one that stands alone between empty lines
stays where it is, and tomlkit only writes values inside the one entry. Every result is read back before it counts.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import tomlkit
from tomlkit.exceptions import TOMLKitError

from federator.config import SCHEMA_VERSION
from federator.config.statements import Kind, Statement, statements

Value = str | int | float | bool

_ARCHIVES = "archives"
_VERSION_LINE = f"schema_version = {SCHEMA_VERSION}"
_BY_HAND = "is written in a way that cannot be changed safely here. Please change it in a text editor."


class TextError(ValueError):
    """The text cannot be changed safely, and nothing was; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The lines of one entry, as offsets into the list of lines: `first` up to, not including, `end`."""

    first: int
    end: int


def has(text: str, name: str) -> bool:
    """Whether the text has an entry of this name."""
    owner = tomllib.loads(text).get(_ARCHIVES)
    return isinstance(owner, dict) and name in owner


def put(text: str, name: str, values: Mapping[str, Value | None]) -> str:
    """The text with these values in the entry `name`, new at the end or changed in place; None takes a key out."""
    document = tomllib.loads(text)
    wanted = tomllib.loads(text)
    owner = wanted.setdefault(_ARCHIVES, {})
    held = owner.get(name) if isinstance(owner, dict) else None
    if held is None:
        return _added(text, wanted, name, {key: value for key, value in values.items() if value is not None})
    for key, value in values.items():
        if value is None:
            held.pop(key, None)
        else:
            held[key] = value
    if _canonical(wanted) == _canonical(document):
        return text
    return _changed(text, wanted, name, values)


def remove(text: str, name: str) -> str:
    """The text without the entry `name`, its sub-tables and the comments directly above it."""
    wanted = tomllib.loads(text)
    owner = wanted.get(_ARCHIVES)
    if not isinstance(owner, dict) or name not in owner:
        raise TextError(f"There is no archive named '{name}'.")
    del owner[name]
    lines = text.split("\n")
    cut = sorted((span.first, span.end) for span in _spans(text, name))
    gone = _comments("\n".join("\n".join(lines[first:end]) for first, end in cut))
    for first, end in reversed(cut):
        lines[first:end] = []
        _close_up(lines, first)
    new = "\n".join(lines)
    if not owner and not _has_archives(new):
        del wanted[_ARCHIVES]
    if not wanted:
        # An empty file would be taken for one that is just being written, and the last good one would go on.
        new = f"{_ended(new)}{_VERSION_LINE}{_line_end(text)}"
        wanted["schema_version"] = SCHEMA_VERSION
    return _proved(text, new, wanted, gone=gone)


def rename(text: str, old: str, new: str) -> str:
    """The text with the entry `old` under another name, in the same place."""
    wanted = tomllib.loads(text)
    owner = wanted.get(_ARCHIVES)
    if not isinstance(owner, dict) or old not in owner:
        raise TextError(f"There is no archive named '{old}'.")
    if new in owner:
        raise TextError(f"There is already an archive named '{new}'.")
    owner[new] = owner.pop(old)
    lines = text.split("\n")
    header = re.compile(
        rf"""^(\s*\[\s*(?:archives|"archives"|'archives')\s*\.\s*)(["']?){re.escape(old)}\2(?=\s*[.\]])"""
    )
    for statement in statements(text):
        if statement.kind is Kind.TABLE and statement.table[:2] == (_ARCHIVES, old):
            lines[statement.first - 1] = header.sub(rf"\g<1>{new}", lines[statement.first - 1])
    return _proved(text, "\n".join(lines), wanted)


def reorder(text: str, names: Sequence[str]) -> str:
    """The text with its archives in the order of `names`, each with the comments directly above it."""
    wanted = tomllib.loads(text)
    owner = wanted.get(_ARCHIVES, {})
    if sorted(owner) != sorted(names):
        raise TextError("The list of archives has changed meanwhile. Please look again.")
    if list(owner) == list(names):
        return text
    text = _ended(text)
    lines = text.split("\n")
    spans: dict[str, _Span] = {}
    for name in owner:
        found = _spans(text, name)
        if len(found) != 1:
            raise TextError(f"'{name}' {_BY_HAND}")
        spans[name] = found[0]
    slots = sorted(spans.values(), key=lambda span: span.first)
    for slot, name in reversed(list(zip(slots, names, strict=True))):
        moved = text.split("\n")[spans[name].first : spans[name].end]
        lines[slot.first : slot.end] = moved
    new = "\n".join(lines)
    if list(tomllib.loads(new).get(_ARCHIVES, {})) != list(names):
        raise TextError(f"The file {_BY_HAND}")
    return _proved(text, new, wanted)


def _added(text: str, wanted: dict[str, object], name: str, values: Mapping[str, Value]) -> str:
    owner = wanted[_ARCHIVES]
    if not isinstance(owner, dict):
        raise TextError(f"The file {_BY_HAND}")
    owner[name] = dict(values)
    end = _line_end(text)
    lines = [f"[{_ARCHIVES}.{name}]", *(f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items())]
    if not tomllib.loads(text):
        lines = [_VERSION_LINE, "", *lines]
        wanted["schema_version"] = SCHEMA_VERSION
    before = _ended(text)
    if before and not before.endswith(("\n\n", "\n\r\n")):
        before += end
    return _proved(text, before + end.join(lines) + end, wanted)


def _changed(text: str, wanted: Mapping[str, object], name: str, values: Mapping[str, Value | None]) -> str:
    spans = _spans(text, name)
    if len(spans) != 1:
        raise TextError(f"'{name}' {_BY_HAND}")
    (span,) = spans
    lines = text.split("\n")
    entry = "\n".join([*lines[span.first : span.end], ""])
    gone = Counter[str]()
    for statement in statements(text):
        taken_out = statement.kind is Kind.KEY and span.first < statement.first <= span.end
        if taken_out and any(values.get(key, key) is None for key in statement.brings):
            gone += _comments("\n".join(lines[statement.first - 1 : statement.last]))
    try:
        document = tomlkit.parse(entry)
        table = document[_ARCHIVES][name]
        for key, value in values.items():
            if value is None:
                table.pop(key, None)
            elif _canonical({"": table.get(key)}) != _canonical({"": value}):
                table[key] = value
        fresh = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, AttributeError, TypeError) as error:
        raise TextError(f"'{name}' {_BY_HAND}") from error
    fresh = re.sub(r"(?<!\r)\n", _line_end(text), fresh)
    lines[span.first : span.end] = _ended(fresh).split("\n")[:-1]
    return _proved(text, "\n".join(lines), wanted, gone=gone)


def _spans(text: str, name: str) -> list[_Span]:
    """Where the entry stands: one span for each run of its statements; a TextError where others are mixed in."""
    found = list(statements(text))
    spans: list[_Span] = []
    for place, statement in enumerate(found):
        if statement.kind not in {Kind.TABLE, Kind.KEY} or not _belongs(statement, name):
            continue
        first = _with_comments_above(found, place) if _begins(found, place, name) else statement.first - 1
        end = _with_comments_below(found, place)
        if spans and not any(
            other.kind in {Kind.TABLE, Kind.KEY} and spans[-1].end < other.first <= first for other in found
        ):
            spans[-1] = _Span(first=spans[-1].first, end=end)
        else:
            spans.append(_Span(first=first, end=end))
    if not spans:
        raise TextError(f"'{name}' {_BY_HAND}")
    return spans


def _belongs(statement: Statement, name: str) -> bool:
    """Whether a statement says something of this entry and of nothing else."""
    path = list(statement.table)
    brings: object = statement.brings
    while len(path) < 2 and isinstance(brings, Mapping) and len(brings) == 1:  # noqa: PLR2004 - archives.NAME
        key, brings = next(iter(brings.items()))
        path.append(key)
    return path[:2] == [_ARCHIVES, name]


def _begins(found: Sequence[Statement], place: int, name: str) -> bool:
    """Whether no earlier statement of the entry stands directly before this one."""
    before = [s for s in found[:place] if s.kind in {Kind.TABLE, Kind.KEY}]
    return not before or not _belongs(before[-1], name)


def _with_comments_above(found: Sequence[Statement], place: int) -> int:
    while place > 0 and found[place - 1].kind is Kind.COMMENT:
        place -= 1
    return found[place].first - 1


def _with_comments_below(found: Sequence[Statement], place: int) -> int:
    """The end of the entry with comments directly below it, unless they stand directly above something else."""
    last = place
    while last + 1 < len(found) and found[last + 1].kind is Kind.COMMENT:
        last += 1
    behind = found[last + 1] if last + 1 < len(found) else None
    return found[place if behind is not None and behind.kind is not Kind.BLANK else last].last


def _close_up(lines: list[str], place: int) -> None:
    """Take out empty lines that would stand double, or at the very end, where something was cut out."""
    while place < len(lines) - 1 and not lines[place].strip() and (place == 0 or not lines[place - 1].strip()):
        del lines[place]
    while len(lines) > 1 and place >= len(lines) - 1 and not lines[-1].strip() and not lines[-2].strip():
        del lines[-2]


def _has_archives(text: str) -> bool:
    try:
        return _ARCHIVES in tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False


def _comments(text: str) -> Counter[str]:
    """Every comment of the text, whole lines and ends of lines, with how often it stands there."""
    found: Counter[str] = Counter()
    for statement in statements(text):
        lines = text.split("\n")[statement.first - 1 : statement.last]
        if statement.kind is Kind.COMMENT:
            found[lines[0].strip()] += 1
        elif statement.kind is not Kind.BLANK:
            found.update(_comment_behind("\n".join(lines)))
    return found


def _comment_behind(statement: str) -> Iterable[str]:
    """The comment at the end of a statement: a number sign is one if the text before it is whole without the rest."""
    for place in (found.start() for found in re.finditer("#", statement)):
        try:
            tomllib.loads(statement[:place])
        except tomllib.TOMLDecodeError:
            continue
        return (statement[place:].strip(),)
    return ()


def _proved(old: str, new: str, wanted: Mapping[str, object], *, gone: Counter[str] | None = None) -> str:
    """The new text, if it says what it should and no comment got lost but those of what was taken out."""
    try:
        says = tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise TextError(f"The file {_BY_HAND}") from error
    if _canonical(says) != _canonical(wanted):
        raise TextError(f"The file {_BY_HAND}")
    if _comments(old) - (gone or Counter()) != _comments(new):
        raise TextError(f"A comment would get lost. The file {_BY_HAND}")
    return new


def _canonical(value: object) -> str:
    # As text: nan is not equal to itself, and 1, 1.0 and true are equal to each other.
    return json.dumps(value, default=repr, sort_keys=True)


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + _line_end(text)
