"""Rich Text Format as plain text: what is shown, without what is hidden or deleted."""

import codecs
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"\\(?P<word>[a-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<code>[0-9a-f]{2})|\\(?P<sign>[^a-z])"
    r"|(?P<brace>[{}])|(?P<plain>[^\\{}\r\n]+)|[\r\n]|\\",
    re.IGNORECASE,
)
_SHOWN = {
    **dict.fromkeys(("par", "line", "row", "sect", "page"), "\n"),
    "tab": "\t",
    "cell": " | ",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
_SIGNS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n"}
_NOT_SHOWN = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "generator", "themedata", "xmlnstbl", "datastore"}
    | {"listtable", "listoverridetable", "revtbl", "rsidtbl", "fldinst", "bkmkstart", "bkmkend"}
    | {f"{part}{side}" for part in ("header", "footer") for side in ("", "l", "r", "f")}
)
_MAX_DEPTH = 1_000
_MAX_SKIPPED = 8


@dataclass(slots=True)
class _Reader:
    """What holds at a place of the document; a group has its own and gives back what was before it."""

    codec: str = "cp1252"
    is_shown: bool = True
    shown: list[str] = field(default_factory=list)
    _groups: list[tuple[bool, int]] = field(default_factory=list)
    _letters_per_code: int = 1
    _to_skip: int = 0
    _begins: bool = False

    def brace(self, brace: str) -> None:
        """Begin or end a group."""
        self._begins = brace == "{"
        if brace == "{" and len(self._groups) < _MAX_DEPTH:
            self._groups.append((self.is_shown, self._letters_per_code))
        elif brace == "}" and self._groups:
            self.is_shown, self._letters_per_code = self._groups.pop()
            self._to_skip = 0

    def word(self, word: str, number: str) -> None:
        """Follow a control word."""
        if word in _NOT_SHOWN and self._begins:
            self.is_shown = False
        elif word in {"v", "deleted"}:
            self.is_shown = number == "0"
        elif word == "ansicpg" and number:
            self.codec = _codec(number)
        elif word == "uc" and number:
            self._letters_per_code = max(0, min(int(number), _MAX_SKIPPED))
        elif word == "u" and number:
            self._show(_letter(int(number)))
            # What follows stands there for readers that know no Unicode.
            self._to_skip = self._letters_per_code
        else:
            self._show(_SHOWN.get(word, ""))
        self._begins = False

    def text(self, text: str) -> None:
        """Take text in."""
        if text == "*" and self._begins:
            self.is_shown = False
        else:
            left, self._to_skip = text[self._to_skip :], max(0, self._to_skip - len(text))
            self._show(left)
        self._begins = False

    def _show(self, text: str) -> None:
        if self.is_shown:
            self.shown.append(text)


def text_of_rtf(content: bytes) -> str:
    """The text of an RTF document, in one pass."""
    reader = _Reader()
    for found in _TOKEN.finditer(content.decode("latin-1")):
        word, number, code, sign, brace, plain = found.groups()
        if brace:
            reader.brace(brace)
        elif word:
            reader.word(word.lower(), number or "")
        elif code:
            reader.text(bytes.fromhex(code).decode(reader.codec, "replace"))
        elif sign:
            reader.text(sign if sign == "*" else _SIGNS.get(sign, ""))
        elif plain:
            reader.text(plain.encode("latin-1").decode(reader.codec, "replace"))
    lines = [line.rstrip().removesuffix(" |").rstrip() for line in "".join(reader.shown).split("\n")]
    return "\n".join(lines).strip()


def _codec(number: str) -> str:
    try:
        return codecs.lookup(f"cp{int(number)}").name
    except LookupError:
        return "cp1252"


def _letter(number: int) -> str:
    code = number % 0x10000
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code < 0xE000 else chr(code)  # noqa: PLR2004 - surrogates
