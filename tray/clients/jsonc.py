"""One member of a JSON or JSONC text put in, replaced or taken out: everything else keeps its place, byte for byte.

Settings files of assistants are written by people: comments, trailing commas and their own indentation are normal.
Nothing is serialised again; the text is spliced, and the result is proved before it is handed out.
Traps: the newline before a member may end a `//` comment, and a comment behind a member on its line belongs to it.
"""

import json
from collections.abc import Sequence

from tray.clients.jsonc_tree import Dialect, JsoncError, Member, Node, Token, Tree, grow

__all__ = ["Dialect", "JsoncError", "comments", "find", "parse", "put", "remove"]


def parse(text: str, *, dialect: Dialect = Dialect.JSONC) -> object:
    """The value of a text; JsoncError where it holds what its dialect does not know."""
    return grow(text, dialect=dialect).root.value


def comments(text: str) -> tuple[str, ...]:
    """All comments of a JSONC text, in order, with their markers."""
    return tuple(token.text for token in grow(text).comments)


def find(value: object, path: Sequence[str]) -> object | None:
    """What a parsed document holds at a path of member names; None where there is nothing."""
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def put(text: str, path: Sequence[str], value: object, *, dialect: Dialect = Dialect.JSONC) -> str:
    """The text with the member at `path` set to `value`; objects on the way are made, a last member is added.

    Raises JsoncError, and nothing is to be written, where the text is damaged, a name on the way is no object, or
    the old value holds a comment that would get lost.
    """
    tree = grow(text, dialect=dialect)
    present = _member_at(tree.root, path)
    if present is not None and _same(present.value.value, value):
        return text
    owner, missing = _deepest(tree, path)
    member = owner.member(missing[0])
    for name in reversed(missing[1:]):
        value = {name: value}
    new = _insert(tree, owner, missing[0], value) if member is None else _replace(tree, member, value)
    whole = list(path[: len(path) - len(missing) + 1])
    _prove(tree, new, expected=_with(tree.root.value, whole, value), lost=(), dialect=dialect)
    return new


def remove(text: str, path: Sequence[str], *, dialect: Dialect = Dialect.JSONC) -> str:
    """The text without the member at `path`; the same text where there is none. Comments inside it go with it."""
    tree = grow(text, dialect=dialect)
    owner = _object_at(tree.root, path[:-1])
    member = None if owner is None else owner.member(path[-1])
    if owner is None or member is None:
        return text
    new = _cut(tree, owner, member)
    inside = [token for token in tree.comments if member.start <= token.start < member.value.end]
    _prove(tree, new, expected=_without(tree.root.value, path), lost=inside, dialect=dialect)
    return new


def _deepest(tree: Tree, path: Sequence[str]) -> tuple[Node, Sequence[str]]:
    """The innermost object on the way that exists, and the names that are still to be set in it."""
    owner = tree.root
    for depth, name in enumerate(path):
        if owner.members is None:
            place = " → ".join(path[:depth]) or "the file"
            raise JsoncError(f"{place} should be an object in braces, and is not", line=tree.line(owner.start))
        member = owner.member(name)
        if member is None or depth == len(path) - 1:
            return owner, path[depth:]
        owner = member.value
    raise JsoncError("an empty path names no member", line=1)


def _object_at(root: Node, path: Sequence[str]) -> Node | None:
    node: Node | None = root
    for name in path:
        member = None if node is None or node.members is None else node.member(name)
        node = None if member is None else member.value
    return None if node is None or node.members is None else node


def _member_at(root: Node, path: Sequence[str]) -> Member | None:
    owner = _object_at(root, path[:-1])
    return None if owner is None else owner.member(path[-1])


def _replace(tree: Tree, member: Member, value: object) -> str:
    old = member.value
    if any(old.start <= token.start < old.end for token in tree.comments):
        raise JsoncError(
            f'the old value of "{member.name}" holds a comment that would get lost', line=tree.line(old.start)
        )
    one_line = _line_break(tree.text) not in tree.text
    fresh = _dumped(value, tree=tree, indent=_indent_of_line(tree.text, member.start), one_line=one_line)
    return tree.text[: old.start] + fresh + tree.text[old.end :]


def _insert(tree: Tree, owner: Node, name: str, value: object) -> str:
    text, members = tree.text, owner.members or ()
    anchor = members[-1].value.end if members else owner.start + 1
    comma = owner.trailing_comma
    place = _end_of_line_comments(tree, comma.end if comma else anchor)
    one_line = bool(members) and "\n" not in text[owner.start : owner.end]
    indent = _indent_inside(tree, owner)
    added = f"{json.dumps(name, ensure_ascii=False)}: {_dumped(value, tree=tree, indent=indent, one_line=one_line)}"
    added = f" {added}" if one_line else f"{_line_break(text)}{indent}{added}"
    if comma:
        added += ","
    if not members and place >= owner.end - 1:
        added += _line_break(text) + _indent_of_line(text, owner.start)
    separator = "," if members and not comma else ""
    return text[:anchor] + separator + text[anchor:place] + added + text[place:]


def _cut(tree: Tree, owner: Node, member: Member) -> str:
    """The text without a member, one comma, and the line that they stood on if nothing else stands there."""
    text, start, end = tree.text, member.start, member.value.end
    comma = owner.comma_after(member) or owner.comma_before(member)
    if comma is not None and comma.start >= end and not text[end : comma.start].strip():
        end, comma = comma.end, None
    rest = text[end:].lstrip(" \t")
    lead = text[:start].rstrip(" \t")
    if lead.endswith(("\n", "\r")) and rest.startswith(("\n", "\r")):
        start = len(lead)  # the line break before may end a comment, so the one behind goes
        end = len(text) - len(rest) + (2 if rest.startswith("\r\n") else 1)
    elif rest.startswith(("\n", "\r", "}")):
        start = len(lead)
    else:
        end = len(text) - len(rest)
    if comma is None:
        return text[:start] + text[end:]
    if comma.start < start:
        return text[: comma.start] + text[comma.end : start] + text[end:]
    return text[:start] + text[end : comma.start] + text[comma.end :]


def _end_of_line_comments(tree: Tree, place: int) -> int:
    """Where the line's own comments end: what follows a member on its line belongs to that member."""
    for token in tree.comments:
        if token.start < place:
            continue
        if tree.text[place : token.start].strip(" \t"):
            break
        place = token.end
    return place


def _indent_inside(tree: Tree, owner: Node) -> str:
    """The indentation of the members of an object: as they have it, else one step more than their parent's line."""
    for member in reversed(owner.members or ()):
        lead = tree.text[: member.start].rsplit("\n", 1)[-1]
        if not lead.strip(" \t") and "\n" in tree.text[: member.start]:
            return lead
    return _indent_of_line(tree.text, owner.start) + tree.indent_step


def _indent_of_line(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _line_break(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _dumped(value: object, *, tree: Tree, indent: str, one_line: bool) -> str:
    if one_line:
        return json.dumps(value, ensure_ascii=False)
    step = tree.indent_step
    lines = json.dumps(value, ensure_ascii=False, indent=step).split("\n")
    return (_line_break(tree.text) + indent).join(lines)


def _with(document: object, path: Sequence[str], value: object) -> object:
    if not path:
        return value
    held = dict(document) if isinstance(document, dict) else {}
    held[path[0]] = _with(held.get(path[0], {}), path[1:], value)
    return held


def _without(document: object, path: Sequence[str]) -> object:
    held = dict(document) if isinstance(document, dict) else {}
    if len(path) == 1:
        held.pop(path[0], None)
    else:
        held[path[0]] = _without(held[path[0]], path[1:])
    return held


def _same(one: object, other: object) -> bool:
    """Compared as written: 1 is not true, and the order of members counts."""
    return json.dumps(one) == json.dumps(other)


def _prove(old: Tree, new: str, *, expected: object, lost: Sequence[Token], dialect: Dialect) -> None:
    """Reads the spliced text again: it must say what was meant, in the same order, with every comment in its place."""
    grown = grow(new, dialect=dialect)
    if not _same(grown.root.value, expected):
        raise JsoncError("the change would not read back as it was meant", line=1)
    if [c.text for c in grown.comments] != [c.text for c in old.comments if c not in lost]:
        raise JsoncError("a comment would get lost", line=1)
