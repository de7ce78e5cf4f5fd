"""A JSON or JSONC text as a tree that knows where everything stands; damaged text is refused with its line."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_MAX_DEPTH = 100
_MAX_NUMBER_DIGITS = 300
_LITERALS: dict[str, object] = {"true": True, "false": False, "null": None}
_SPACE = "SPACE"
_TOKEN = re.compile(
    r"""(?P<SPACE>[ \t\r\n]+)
      | (?P<COMMENT>//[^\r\n]*|/\*.*?\*/)
      | (?P<STRING>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")
      | (?P<NUMBER>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+-]))
      | (?P<LITERAL>(?:true|false|null)(?![0-9A-Za-z_]))
      | (?P<MARK>[{}\[\]:,])""",
    re.VERBOSE | re.DOTALL,
)


class JsoncError(ValueError):
    """The text cannot be read or changed safely; `line` counts from 1."""

    def __init__(self, message: str, *, line: int) -> None:
        self.line = line
        self.message = message
        super().__init__(f"line {line}: {message}")


class Dialect(Enum):
    """What a text may hold beyond JSON: nothing, comments, or comments and trailing commas."""

    JSON = auto()
    COMMENTS = auto()
    JSONC = auto()


class Kind(Enum):
    """What a piece of the text is."""

    COMMENT = auto()
    STRING = auto()
    NUMBER = auto()
    LITERAL = auto()
    MARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of the text and its place, as offsets in characters."""

    kind: Kind
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A name and its value in an object; `start` is where the name's quote opens."""

    name: str
    start: int
    value: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and its place; `members` only for objects, with one comma after each but perhaps the last."""

    value: object
    start: int
    end: int
    members: tuple[Member, ...] | None = None
    commas: tuple[Token, ...] = ()

    def member(self, name: str) -> Member | None:
        """The member of this name, if this is an object that has one."""
        return next((member for member in self.members or () if member.name == name), None)

    @property
    def trailing_comma(self) -> Token | None:
        """The comma behind the last member, where the text has one."""
        return self.commas[-1] if self.members and len(self.commas) == len(self.members) else None

    def comma_after(self, member: Member) -> Token | None:
        """The comma that follows a member of this object."""
        return next((comma for comma in self.commas if comma.start >= member.value.end), None)

    def comma_before(self, member: Member) -> Token | None:
        """The comma that stands before a member of this object."""
        return next((comma for comma in reversed(self.commas) if comma.end <= member.start), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A whole text: its root value, and its comments in order."""

    text: str
    root: Node
    comments: tuple[Token, ...]

    @property
    def indent_step(self) -> str:
        """One step of indentation as this text does it; two spaces where it does not tell."""
        for member in self.root.members or ():
            lead = self.text[: member.start].rsplit("\n", 1)
            if len(lead) > 1 and lead[1] and not lead[1].strip(" \t"):
                return lead[1]
        return "  "

    def line(self, place: int) -> int:
        """The line of an offset, counted from 1."""
        return _line_of(self.text, place)


def grow(text: str, *, dialect: Dialect = Dialect.JSONC) -> Tree:
    """The tree of a text; raises JsoncError where it is not of the dialect."""
    tokens = list(_tokens(text))
    comments = tuple(token for token in tokens if token.kind is Kind.COMMENT)
    if dialect is Dialect.JSON and comments:
        raise JsoncError("this file may not hold comments", line=_line_of(text, comments[0].start))
    bare = [token for token in tokens if token.kind is not Kind.COMMENT]
    reader = _Reader(text, bare, trailing_commas=dialect is Dialect.JSONC)
    root = reader.value(depth=0)
    reader.expect_end()
    return Tree(text=text, root=root, comments=comments)


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise JsoncError("there is something here that JSON does not know", line=_line_of(text, place))
        if match.lastgroup != _SPACE:
            yield Token(kind=Kind[match.lastgroup], text=match.group(), start=place, end=match.end())
        place = match.end()


class _Reader:
    """Reads values one after the other from tokens without spaces and comments."""

    def __init__(self, text: str, tokens: list[Token], *, trailing_commas: bool) -> None:
        self._text = text
        self._tokens = tokens
        self._trailing_commas = trailing_commas
        self._next = 0

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._fault("the file goes on after its end")

    def value(self, *, depth: int) -> Node:
        token = self._take("a value")
        if depth > _MAX_DEPTH:
            raise self._fault(f"it is nested deeper than {_MAX_DEPTH} levels", token)
        if token.text == "{":
            return self._object(token, depth=depth)
        if token.text == "[":
            return self._array(token, depth=depth)
        if token.kind is Kind.MARK:
            raise self._fault(f"a value is missing before {token.text}", token)
        return self._node(self._scalar(token), token, token)

    def _object(self, opening: Token, *, depth: int) -> Node:
        members: list[Member] = []
        commas: list[Token] = []
        names: set[str] = set()
        while not self._at("}"):
            name = self._take("a name in quotes")
            if name.kind is not Kind.STRING:
                raise self._fault("a name in quotes is missing", name)
            text = str(json.loads(name.text))
            if text in names:
                raise self._fault("a name stands there twice", name)
            names.add(text)
            self._expect(":")
            members.append(Member(name=text, start=name.start, value=self.value(depth=depth + 1)))
            if not self._comma(commas, "}"):
                break
        closing = self._expect("}")
        held = {member.name: member.value.value for member in members}
        return self._node(held, opening, closing, members=tuple(members), commas=tuple(commas))

    def _array(self, opening: Token, *, depth: int) -> Node:
        values: list[object] = []
        commas: list[Token] = []
        while not self._at("]"):
            values.append(self.value(depth=depth + 1).value)
            if not self._comma(commas, "]"):
                break
        return self._node(values, opening, self._expect("]"))

    def _comma(self, commas: list[Token], closing: str) -> bool:
        """Takes a comma if there is one; one before the closing mark is a matter of JSONC only."""
        if not self._at(","):
            return False
        commas.append(self._take("a comma"))
        if not self._trailing_commas and self._at(closing):
            raise self._fault("this file may not have a comma before a closing bracket", commas[-1])
        return True

    def _scalar(self, token: Token) -> object:
        if token.kind is Kind.STRING:
            return json.loads(token.text)
        if token.kind is Kind.LITERAL:
            return _LITERALS[token.text]
        if len(token.text) > _MAX_NUMBER_DIGITS:
            raise self._fault("a number is too long", token)
        return json.loads(token.text)

    def _node(
        self,
        value: object,
        first: Token,
        last: Token,
        *,
        members: tuple[Member, ...] | None = None,
        commas: tuple[Token, ...] = (),
    ) -> Node:
        return Node(value=value, start=first.start, end=last.end, members=members, commas=commas)

    def _at(self, mark: str) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next].text == mark

    def _take(self, what: str) -> Token:
        if self._next >= len(self._tokens):
            raise self._fault(f"the file ends where {what} is expected")
        self._next += 1
        return self._tokens[self._next - 1]

    def _expect(self, mark: str) -> Token:
        token = self._take(mark)
        if token.text != mark:
            raise self._fault(f"{mark} is missing", token)
        return token

    def _fault(self, message: str, token: Token | None = None) -> JsoncError:
        if token is None:
            place = self._tokens[self._next].start if self._next < len(self._tokens) else len(self._text)
        else:
            place = token.start
        return JsoncError(message, line=_line_of(self._text, place))
