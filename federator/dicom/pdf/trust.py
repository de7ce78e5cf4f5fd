"""Whether the text of a page tells what a person sees there; where it does not, the page has to be seen."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from federator.dicom.pdf.glyphs import UNREADABLE

_UNREADABLE_SHARE = 0.3
_LITTLE_TEXT = 150
_PICTURE_SHARE = 0.5
_FOUND_SHARE = 2 / 3
"""Both readers find nearly all words of sound pages (98 to 100 % of those that the tests make, word by word).

Where a third is missing, one of the two has lost a block, a direction or a font, and nobody can tell which."""

_FEW_WORDS = 3
_COMPARED = 2_000


def why_an_image(text: str, *, picture_share: float, hidden_share: float, second: Sequence[str], hidden: str) -> str:
    """Why a page must be seen as an image; empty where its text tells all.

    `picture_share` is how much of the page pictures cover, `hidden_share` how much of its text cannot be seen on it;
    `second` are the words of the other reader, `hidden` the text that was left out because it cannot be seen.
    """
    if not text.strip():
        return "This page has no text layer."
    if said := _why_unreadable(text.split()):
        return said
    if hidden_share > _PICTURE_SHARE:
        return "Most of the text of this page cannot be seen on it."
    if _found(second, text + hidden) < _FOUND_SHARE:
        return "A second reader finds other words on this page: its text may not be right or not be all."
    if len(text) < _LITTLE_TEXT and picture_share > _PICTURE_SHARE:
        return "Most of this page is a picture with hardly any text."
    return ""


def _why_unreadable(words: Sequence[str]) -> str:
    unreadable = [word for word in words if UNREADABLE in word]
    if len(unreadable) > _UNREADABLE_SHARE * len(words):
        return "The text layer of this page is not readable."
    # One sign alone is a bullet or an ornament; within a word it may be a digit.
    if any(len(word) > 1 for word in unreadable):
        return f"Letters of this page cannot be read, they stand as {UNREADABLE}."
    return ""


def _found(words: Sequence[str], text: str) -> float:
    """How many of the words stand in the text, whatever blanks are between letters there and whichever way they run."""
    squeezed = _squeezed(text)
    wanted = Counter(squeezed_word for word in words if (squeezed_word := _squeezed(word)))
    if wanted.total() < _FEW_WORDS:
        return 1.0
    compared = wanted.most_common(_COMPARED)
    found = sum(min(_times(word, squeezed), number) for word, number in compared)
    return found / sum(number for _, number in compared)


def _times(word: str, text: str) -> int:
    turned = word[::-1]
    return text.count(word) + (text.count(turned) if turned != word else 0)


def _squeezed(text: str) -> str:
    """Letters and digits only, ligatures and forms as their letters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
