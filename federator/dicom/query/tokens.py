"""A query divided into its `key=value`, with an error for whatever is something else (contract.md section 2)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from federator.dicom import dictionary
from federator.dicom.query.filters import shortened
from federator.errors import RequestError

_KEY = re.compile(r"\([^()=]*\)|[^\s=]+")
_CONJUNCTIONS = frozenset({"AND", "OR", "NOT", "&", "&&", "|", "||", ",", ";", "+"})
_EXAMPLE = 'PatientName="Doe^John*"'
_TYPOGRAPHIC_QUOTES = "“”„‟‘’‚‛«»"


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
    place, before = 0, ""
    while True:
        place += len(text[place:]) - len(text[place:].lstrip())
        if place == len(text):
            return
        matched = _KEY.match(text, place)
        key = matched[0] if matched else ""
        place += len(key)
        if not key or key[0] in "'\"" or text[place : place + 1] != "=":
            raise _bare(key or text[place:].split(maxsplit=1)[0], before)
        value, quoted, place = _value(text, place + 1, key)
        before = f"{key}={value}"
        if not quoted:
            _refuse_joined(before, value, options)
        yield Token(key=key, value=value, quoted=quoted)


def _value(text: str, start: int, key: str) -> tuple[str, bool, int]:
    """The value that begins at `start`, whether it was quoted, and where the text goes on."""
    opening = text[start : start + 1]
    if opening and opening in _TYPOGRAPHIC_QUOTES:
        raise RequestError(f"'{key}={opening}' has a typographic quote. Write a straight one: {key}=\"...\"")
    if not opening or opening not in "'\"":
        value = text[start:].split(maxsplit=1)[0] if text[start : start + 1].strip() else ""
        return value, False, start + len(value)
    end = text.find(opening, start + 1)
    if end < 0:
        raise RequestError(
            f"'{shortened(key + '=' + text[start:])}': the quote {opening} is not closed. "
            f"Write {key}={opening}...{opening}, or leave the quote out."
        )
    rest = text[end + 1 :].split()
    if rest and not text[end + 1].isspace():
        raise RequestError(
            f"'{shortened(rest[0])}' follows the closing quote of {key} directly. Put a space between two filters, and "
            f"quote a value as a whole: {key}={opening}...{opening}"
        )
    return text[start + 1 : end], True, end + 1


def _refuse_joined(told: str, value: str, options: tuple[str, ...]) -> None:
    """A RequestError where a value holds the next filter, as in a URL: archives would look for that text."""
    joined = re.search(r"[&;,|]\s*(\w+)=", value)
    if joined and (dictionary.tag_of_any_case(joined[1]) or joined[1].lower() in options):
        raise RequestError(
            f"'{shortened(told)}': put a space before {joined[1]} and no '{joined[0][0]}'. "
            f"If it belongs to the value, quote the value."
        )


def _bare(word: str, before: str) -> RequestError:
    """What to say of a word that is no `key=value`."""
    told = shortened(word)
    if word.startswith("="):
        return RequestError(
            f"'{told}' has no key before the =. Write KEY=VALUE without spaces, for example {_EXAMPLE}."
        )
    if word[0] in "'\"":
        return RequestError(f"'{told}': the quote stands before the key. Quote the value only, for example {_EXAMPLE}.")
    if before and not dictionary.tag_of_any_case(word):
        if word.upper() in _CONJUNCTIONS:
            return RequestError(f"'{told}': write filters side by side with spaces; all of them must match.")
        if word[0] in "-/":
            return RequestError(f"'{told}' stands alone. Write a range without spaces: StudyDate=20240101-20240131.")
        key, _, value = shortened(f"{before} {word}").partition("=")
        return RequestError(
            f"'{told}' is not a filter. If it belongs to the value before it, quote the whole: {key}=\"{value}\"."
        )
    return RequestError(
        f"'{told}' is not a filter. Write KEY=VALUE without spaces around the =, for example {_EXAMPLE}."
    )
