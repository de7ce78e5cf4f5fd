"""HTML as plain text: what is shown, without scripts, styles and what is struck out as deleted."""

from contextlib import suppress
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "br", "div", "li", "tr", "table", "ul", "ol", "pre", "hr", "dl", "dt", "dd", "caption", "section", "article"}
    | {f"h{level}" for level in range(1, 7)}
)
_NOT_SHOWN = frozenset(["script", "style", "head", "template", "noscript", "del"])
_WITHOUT_END = frozenset({"br", "hr"})


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._pending: list[str] = []
        self._hidden: list[str] = []
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NOT_SHOWN:
            self._hidden.append(tag)
        elif tag in _BLOCKS:
            self.line()
            if tag == "li":
                self._pending.append("- ")
        elif tag in {"td", "th"}:
            self._pending.append(" | " if self._cells else "")
            self._cells += 1
        elif any(name == "style" and "display:none" in (value or "").replace(" ", "").lower() for name, value in attrs):
            # Hidden elements that end are rare in reports; their text is kept out up to the end of their own tag.
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if self._hidden[-1] == tag:
                self._hidden.pop()
        elif tag in _BLOCKS - _WITHOUT_END:
            self.line()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._pending.append(data)

    def line(self) -> None:
        """End a line."""
        text = " ".join("".join(self._pending).split())
        self._pending, self._cells = [], 0
        if text.strip(" |-"):
            self.lines.append(text)


def text_of_html(written: str) -> str:
    """The text of an HTML document."""
    parser = _Text()
    # Python's parser asserts over declarations that are none; what it has read until there stays.
    with suppress(AssertionError):
        parser.feed(written)
        parser.close()
    parser.line()
    return "\n".join(parser.lines)
