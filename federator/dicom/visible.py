"""What a person can see of a text: archive text without the letters that only a model reads.

The one place that says which letters these are. Whatever shows archive text shows it through `visible`, `on_one_line`
or `cell`; matching compares by `comparable`, so that a text finds itself as it was shown (contract.md §2 and §5).

Standard: Unicode §4.5 (general categories), §5.21 (default-ignorable code points), §23 (special areas and characters)
"""

import re
import unicodedata

_MOST_KNOWN = 65_536
_NEVER_SEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_SPACES = "Zs"
_JOINERS = "\u200c\u200d"

# Blank or ignorable letters that the categories call marks, letters or symbols: the grapheme joiner, fillers of Hangul
# and Khitan, the inherent vowels of Khmer, variation selectors, the blank of Braille, the null notehead, and the sign
# for an object that is not there.
_BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10)}
    | {0xFFA0, *range(0xFFF0, 0xFFFD), 0x13441, 0x13442, 0x16FE4, 0x1D159, *range(0xE0000, 0xE1000)}
)

# Arabic and its relatives, N'Ko, and the scripts of India from Devanagari to Sinhala: a joiner changes their words.
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1cd0-\u1cff\ua8e0-\ua8ff\ufb50-\ufdff\ufe70-\ufeff]")
_JOINER = re.compile(f"[{_JOINERS}]")
_LINE_END = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


class _Shown(dict[int, int | str | None]):
    """What stands for each code point, for `str.translate`; found out when it is met."""

    def __missing__(self, code: int) -> int | str | None:
        shown = _shown(code)
        if len(self) < _MOST_KNOWN:
            self[code] = shown
        return shown


def _shown(code: int) -> int | str | None:
    letter = chr(code)
    if letter in "\n\t" or letter in _JOINERS:
        return code
    category = unicodedata.category(letter)
    if category in _NEVER_SEEN or code in _BLANK:
        return None
    return " " if category == _SPACES else code


_TABLE = _Shown()


def visible(text: str) -> str:
    """The text with plain line ends and plain spaces, without any letter that nobody sees.

    Joiners stay between letters of scripts whose words they change.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = _LINE_END.sub("\n", text).translate(_TABLE)
    return _JOINER.sub(_if_it_joins, shown)


def _if_it_joins(found: re.Match[str]) -> str:
    around = (found.string[max(0, found.start() - 1) : found.start()], found.string[found.end() : found.end() + 1])
    return found[0] if all(_is_joining(letter) for letter in around) else ""


def _is_joining(letter: str) -> bool:
    return bool(_JOINING.fullmatch(letter)) and unicodedata.category(letter)[0] in "LM"


def on_one_line(text: str) -> str:
    """The visible text on one line, with single spaces."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(visible(text).split())


def cell(text: str) -> str:
    """The text as one cell of a line: its own ` | ` is not taken for the separator."""
    return on_one_line(text).replace("|", "¦")


def comparable(text: str) -> str:
    """What two texts have in common that look the same where they are shown."""
    return _JOINER.sub("", on_one_line(text)).replace("¦", "|")
