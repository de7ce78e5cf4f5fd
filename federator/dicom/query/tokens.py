"""A query divided into its `key=value`, with an error for whatever is something else (contract.md section 2)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from federator.dicom import dictionary
from federator.dicom.query.filters import shortened
from federator.dicom.query.misplaced import SEPARATORS, misplaced, separated
from federator.errors import RequestError

_KEY = re.compile(r"[(（][^()=（）]*[)）]|[^\s=＝]+")
_EQUALS = frozenset("=＝")
_TYPOGRAPHIC_QUOTES = "“”„‟‘’‚‛«»`´「『＂＇"
# Nobody sees these letters, so nobody means them: what is copied from a page brings them along.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE_WILD_CARDS = str.maketrans("＊？", "*?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One `key=value` as it was written; a quoted value is one value, whatever it holds."""

    key: str
    value: str
    quoted: bool

    @property
    def text(self) -> str:
        """As it is quoted in messages."""
        return shortened(f"{self.key}={self.value}")


def tokens(text: str, *, options: tuple[str, ...]) -> Iterator[Token]:
    """Divide the query; a quote begins a quoted value only where a value begins, so O'Brien needs none."""
    text = _UNSEEN.sub("", text)
    place, before = 0, ""
    while True:
        place += len(text[place:]) - len(text[place:].lstrip())
        if place == len(text):
            return
        matched = _KEY.match(text, place)
        key = matched[0] if matched else ""
        if not key or key[0] in "'\"" or text[place + len(key) : place + len(key) + 1] not in _EQUALS:
            raise misplaced(text[place:], before, options)
        place += len(key)
        value, quoted, place = _value(text, place + 1, key)
        before = f"{key}={value}"
        if not quoted:
            _refuse_joined(before, value, text[place:], options)
            value = _in_plain_width(value)
        yield Token(key=_in_plain_width(key), value=value.translate(_WIDE_WILD_CARDS), quoted=quoted)


def _in_plain_width(text: str) -> str:
    """Letters of double width as they are on every keyboard, where the text holds no others outside ASCII."""
    narrow = text.translate(_WIDE)
    return narrow if narrow.isascii() else text


def _value(text: str, start: int, key: str) -> tuple[str, bool, int]:
    """The value that begins at `start`, whether it was quoted, and where the text goes on."""
    opening = text[start : start + 1]
    if opening and opening in _TYPOGRAPHIC_QUOTES:
        inner = re.split(f"[{_TYPOGRAPHIC_QUOTES}」』]", text[start + 1 :], maxsplit=1)[0]
        raise RequestError(
            f"'{key}={opening}' has a typographic quote. Write a straight one: {key}=\"{shortened(inner)}\"."
        )
    if not opening or opening not in "'\"":
        value = text[start:].split(maxsplit=1)[0] if text[start : start + 1].strip() else ""
        return value, False, start + len(value)
    end = _closing(text, start)
    if end < 0:
        raise RequestError(
            f"'{shortened(key + '=' + text[start:])}': the quote {opening} is not closed. "
            f"Write {key}={opening}...{opening}, or leave the quote out."
        )
    rest = text[end + 1 :].split()
    if rest and not text[end + 1].isspace():
        raise _behind_quote(rest[0], key, opening)
    return text[start + 1 : end].replace(f"\\{opening}", opening), True, end + 1


def _closing(text: str, start: int) -> int:
    """Where the quoted value ends: at the same quote without a backslash before it; -1 where it is not closed.

    Heights and sizes hold quotes (`5' 10"`): one that is directly followed by a letter closes only where no later one
    is followed by a blank, and not where another filter stands between.
    """
    quote = text[start]
    ends = [found.start() for found in re.finditer(rf"(?<!\\){quote}", text) if found.start() > start]
    if not ends:
        return text.find(quote, start + 1)
    for end in ends:
        if "=" in text[ends[0] : end]:
            break
        if not text[end + 1 : end + 2].strip():
            return end
    return ends[0]


def _behind_quote(word: str, key: str, quote: str) -> RequestError:
    if word[0] in SEPARATORS:
        return RequestError(
            f"'{shortened(word)}': a {SEPARATORS[word[0]]} follows the closing quote of {key}. "
            "Write filters side by side with spaces alone."
        )
    return RequestError(
        f"'{shortened(word)}' follows the closing quote of {key} directly. Put a space between two filters, and "
        f"quote a value as a whole: {key}={quote}...{quote}. A quote within it is written \\{quote}."
    )


def _refuse_joined(told: str, value: str, rest: str, options: tuple[str, ...]) -> None:
    """A RequestError where a value holds the next filter, or the sign before it: archives would look for that text."""
    joined = re.search(r"(\\[nrt]?|[^\w=])\s*(\w+)[=＝]", value)
    if joined and (dictionary.tag_of_any_case(joined[2]) or joined[2].lower() in options):
        sign = SEPARATORS.get(joined[1], "other sign")
        raise RequestError(
            f"'{shortened(told)}': put a space before {joined[2]} and no {sign} ('{joined[1]}'). "
            f"If it belongs to the value, quote the value."
        )
    if len(value) > 1 and value[-1] in SEPARATORS:
        raise separated(told, rest)
