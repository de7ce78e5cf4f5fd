"""XML as events, in whatever encoding it really is; no document types, bounded depth and number of elements."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from html.entities import html5
from typing import Protocol
from xml.parsers import expat

from federator.errors import ContentError

MAX_BYTES = 20_000_000
MAX_DEPTH = 200
MAX_ELEMENTS = 1_000_000
"""They take three seconds; real documents have up to some ten thousand."""

_DECLARED = re.compile(rb"<\?xml[^>]{0,100}encoding\s{0,5}=\s{0,5}[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_OF_XML = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_HEAD = 400
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_AS_DECLARED = "The document is not in the encoding that it declares: letters beyond ASCII may be wrong."


class Enough(Exception):  # noqa: N818 - no error: whoever listens needs no more
    """Raised by a listener that has all it wants."""


class Listener(Protocol):
    """What is told of a document: names without their namespace."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Hear of the beginning of an element."""

    def end(self, name: str) -> None:
        """Hear of the end of an element."""

    def characters(self, data: str) -> None:
        """Hear text."""


def read(content: bytes, listen: Callable[[], Listener]) -> tuple[Listener, tuple[str, ...]]:
    """The listener that heard the whole document, and what is to be said of it; a new one for each attempt.

    Raises ContentError where the bytes are no sound XML in any encoding, or more of it than is read.
    """
    if len(content) > MAX_BYTES:
        raise ContentError(f"The document has {len(content):,} bytes; more than {MAX_BYTES:,} are not read.")
    # The object holds the document padded to an even length (PS3.5 §6.2).
    if not content.startswith(_UTF_16):
        content = content.rstrip(b"\0").lstrip()
    fault: Exception | None = None
    for text, encoding, notice in _attempts(content):
        listener = listen()
        try:
            _parse(text, encoding, listener)
        except (expat.ExpatError, ValueError, LookupError) as error:
            # The last two are Python's, over the name of an encoding.
            fault = fault or error
            continue
        return listener, (notice,) if notice else ()
    raise ContentError("The document is labelled a clinical document (CDA) but is no sound XML.") from fault


def _attempts(content: bytes) -> Iterator[tuple[bytes, str, str]]:
    """The bytes as they are, then with the names of HTML for letters, then in other encodings than the declared one."""
    yield content, "", ""
    named = _without_names(content)
    if named != content:
        yield named, "", ""
    found = _DECLARED.search(content[:_HEAD])
    declared = found.group(1).decode("ascii") if found else ""
    for encoding in dict.fromkeys(("utf-8", declared, "cp1252")):
        try:
            text = codecs.decode(content, encoding) if encoding and codecs.lookup(encoding)._is_text_encoding else None  # noqa: SLF001
        except (LookupError, ValueError):
            continue
        if isinstance(text, str):
            notice = "" if encoding == declared else _NOT_AS_DECLARED
            yield _without_names(text.encode("utf-8", "replace")), "utf-8", notice


def _without_names(content: bytes) -> bytes:
    """The names of HTML for letters (`&nbsp;`), which XML does not know, as the letters."""

    def letter(found: re.Match[bytes]) -> bytes:
        name = found.group(1)
        meant = html5.get(f"{name.decode('ascii')};", "")
        return found.group() if name in _OF_XML or not meant else "".join(f"&#{ord(one)};" for one in meant).encode()

    return _ENTITY.sub(letter, content)


def _parse(content: bytes, encoding: str, listener: Listener) -> None:
    depth = elements = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MAX_DEPTH:
            raise ContentError(f"The clinical document is nested deeper than {MAX_DEPTH} levels.")
        if elements > MAX_ELEMENTS:
            raise ContentError(f"The clinical document has more than {MAX_ELEMENTS:,} elements, and is not read.")
        listener.start(tag.rpartition(" ")[2], attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        listener.end(tag.rpartition(" ")[2])

    parser = expat.ParserCreate(encoding or None, namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = listener.characters
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.buffer_text = True
    try:
        parser.Parse(content, True)  # noqa: FBT003 - expat takes it by position only
    except Enough:
        return


def _refuse_document_type(*_: object) -> None:
    raise ContentError("The document declares a document type, which is refused: it could make the reader load files.")
