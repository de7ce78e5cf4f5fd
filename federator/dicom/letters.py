"""Text without what makes no difference when it is compared, in time proportional to its length."""

import unicodedata
from functools import lru_cache

from federator.dicom.visible import comparable

_MOST_MARKS = 30
_LONGEST_NAME = 1_024
_LONGEST_TEXT = 65_536


def plain_name(group: str) -> str:
    """A component group without case, diacritics and padding around its components.

    A group has at most 64 characters (PS3.5 §6.2), so what stands behind a thousand is no name and not looked at.
    """
    return _plain_name(group[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _plain_name(group: str) -> str:
    letters = without_marks(without_marks(comparable(group)).casefold())
    # Composed again, so that ? stands for one syllable of a Korean name and not for a third of one.
    return "^".join(part.strip() for part in unicodedata.normalize("NFC", letters).split("^"))


def folded(text: str) -> str:
    """Text without case, of which the first 65,536 characters count: no text that is searched for is longer."""
    bounded = bearable(comparable(text[:_LONGEST_TEXT]))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", bounded).casefold())


def without_marks(text: str) -> str:
    """Text in letters only: `Muller` for `Müller`; its first 65,536 characters."""
    text = text[:_LONGEST_TEXT]
    if text.isascii():
        return text
    spread = unicodedata.normalize("NFKD", bearable(text))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def bearable(text: str) -> str:
    """The text with at most 30 marks on each letter: to put more of them in order takes time by their square.

    Standard: Unicode UAX #15 §13 (Stream-Safe Text Format)
    """
    if len(text) <= _MOST_MARKS or text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if _is_mark(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _is_mark(letter: str) -> bool:
    """Whether a letter is a mark, or falls apart into marks."""
    return unicodedata.combining(unicodedata.normalize("NFKD", letter)[0]) != 0
