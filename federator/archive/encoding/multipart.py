"""multipart/related bytes → parts, forgiving in everything that archives get wrong (RFC 2046 §5.1, PS3.18 §8.6.1).

Whatever the bytes are, it takes time in proportion to their length: nothing here looks twice at more than a little.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from federator.archive.encoding.sniff import Kind, sniff

_MAX_HEADER_BYTES = 16_384
_MAX_SIZE_DIGITS = 18
_PIECE_BYTES = 4_194_304
_MAX_PARTS = 10_000
_MAX_EPILOGUE = 65_536
_MAX_BOUNDARY_LINE = 512
_SHORTEST_DELIMITER = 3
_LONGEST_DELIMITER = 202
_BLANKS = re.compile(rb"\s*")
_LINE_ENDS = re.compile(rb"(?:--)?[ \t]*(?:\r?\n|\Z)")
_BREAK = re.compile(rb"\r?\n")
_PARAMETER = re.compile(r""";\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)""")


class MultipartError(ValueError):
    """The body cannot be taken apart: no delimiter, no part, or a part without an end to its header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType:
    """A Content-Type header: `media_type` in lower case, parameter names in lower case, values as sent."""

    media_type: str
    parameters: Mapping[str, str]

    @property
    def transfer_syntax(self) -> str:
        """The transfer syntax, also where it was written inside the quoted `type` (Orthanc does); "" if untold."""
        if stated := self.parameters.get("transfer-syntax", ""):
            return stated
        return content_type(self.parameters.get("type", "")).parameters.get("transfer-syntax", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part. `transfer_syntax` is that of the part or else of the whole, "" where neither tells it.

    `whole` is false for a last part whose end was not announced: it may have been cut. `framed` is false for a
    body that was not multipart at all, so that nothing but its content can tell whether it is all there.
    """

    media_type: str
    transfer_syntax: str
    location: str
    content: bytes
    whole: bool = True
    framed: bool = True


def content_type(header: str) -> ContentType:
    """Take a Content-Type header apart; a later parameter of the same name does not replace an earlier one.

    Standard: RFC 9110 §8.3.1, PS3.18 §8.7.3
    """
    media_type, semicolon, rest = header.partition(";")
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(semicolon + rest):
        parameters.setdefault(name.lower(), _unquoted(value.strip()))
    return ContentType(media_type=media_type.strip().lower(), parameters=parameters)


def is_multipart(body: bytes, header: str) -> bool:
    """Whether the body is multipart, by its label or, where the label says something else, by its look."""
    return content_type(header).media_type.startswith("multipart/") or sniff(body) is Kind.MULTIPART


def parse(body: bytes, header: str) -> list[Part]:
    """Take a multipart body apart; `header` is the raw Content-Type of the answer.

    Let pass: a boundary that is missing from the header or differs from the one used, line breaks of LF alone,
    a preamble, an epilogue, white space behind a delimiter, parts without header lines. The boundary inside the
    content is no delimiter unless it stands at the start of a line and ends there, and a part's Content-Length, where
    it fits, settles even that. A missing close-delimiter leaves the last part not `whole`. Raises MultipartError.
    """
    outer = content_type(header)
    delimiter, start = _delimiter(body, outer.parameters.get("boundary", ""))
    line_break = _break_at(body, start + len(delimiter))
    next_delimiter = _Delimiter(line_break + delimiter)
    parts: list[Part] = []
    position = start + len(delimiter)
    while body[position : position + 2] != b"--" and position < len(body):
        content_start, headers = _headers(body, _line_end(body, position))
        end, position = _end_of_part(body, content_start, headers.get("content-length", ""), next_delimiter)
        parts.append(_part(body[content_start:end], headers, outer, whole=position >= 0))
        if position < 0:
            break
        if len(parts) == _MAX_PARTS:
            raise MultipartError("the body has more parts than anybody asks for at once")
    if not parts:
        raise MultipartError("the body has delimiters but no part")
    return parts


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value.removeprefix('"').removesuffix('"')) if value.startswith('"') else value


def _delimiter(body: bytes, boundary: str) -> tuple[bytes, int]:
    """The delimiter in use and where it first stands: the one announced, else the first line that looks like one."""
    announced = b"--" + boundary.encode("latin-1", "replace")
    for position in _line_starts(body, announced) if boundary else ():
        if _LINE_ENDS.match(body, position + len(announced)):
            return announced, position
    start = _behind_blanks(body)
    end = body.find(b"\n", start, start + _MAX_BOUNDARY_LINE)
    line = body[start:end].rstrip(b" \t\r") if end >= 0 else b""
    if line.startswith(b"--") and _SHORTEST_DELIMITER <= len(line) <= _LONGEST_DELIMITER:
        return line, start
    raise MultipartError("the body does not contain its boundary")


def _line_starts(body: bytes, text: bytes) -> Iterator[int]:
    """Where lines of the body begin with `text`."""
    if body.startswith(text):
        yield 0
    position = body.find(b"\n" + text)
    while position >= 0:
        yield position + 1
        position = body.find(b"\n" + text, position + 1)


def _behind_blanks(body: bytes) -> int:
    blanks = _BLANKS.match(body)
    return blanks.end() if blanks else 0


def _break_at(body: bytes, position: int) -> bytes:
    match = _BREAK.search(body, position)
    return match[0] if match else b"\r\n"


def _line_end(body: bytes, position: int) -> int:
    match = _BREAK.search(body, position)
    if match is None:
        raise MultipartError("the body ends behind a delimiter")
    return match.end()


def _headers(body: bytes, position: int) -> tuple[int, dict[str, str]]:
    """Where the content starts, and the header lines by lower-case name; folded lines are joined."""
    headers: dict[str, str] = {}
    last_name = ""
    limit = position + _MAX_HEADER_BYTES
    while match := _BREAK.search(body, position, limit):
        line = body[position : match.start()].decode("latin-1")
        position = match.end()
        if not line.strip():
            return position, headers
        if line[0] in " \t" and last_name:
            headers[last_name] += " " + line.strip()
        else:
            name, _, value = line.partition(":")
            last_name = name.strip().lower()
            headers[last_name] = value.strip()
    raise MultipartError("a part's header does not end")


def _end_of_part(body: bytes, start: int, stated: str, delimiter: "_Delimiter") -> tuple[int, int]:
    """The end of the content and the position behind the delimiter that follows; -1 where none does."""
    if stated.isdecimal() and len(stated) <= _MAX_SIZE_DIGITS:
        end = start + int(stated)
        if delimiter.stands_at(body, end):
            return end, end + len(delimiter.literal)
        if end <= len(body) <= end + _MAX_EPILOGUE and not body[end:].strip():
            return end, len(body)
    # An empty part may share the line break of its header's end with the delimiter.
    found = delimiter.find(body, start - 2)
    return (max(start, found), found + len(delimiter.literal)) if found >= 0 else (len(body), -1)


class _Delimiter:
    """A line break and the delimiter line behind it.

    No pattern is made of it: archives make a boundary up for every answer, and compiling takes longer than looking.
    """

    def __init__(self, literal: bytes) -> None:
        self.literal = literal

    def stands_at(self, body: bytes, position: int) -> bool:
        return (
            body.startswith(self.literal, position) and _LINE_ENDS.match(body, position + len(self.literal)) is not None
        )

    def find(self, body: bytes, start: int) -> int:
        """Where it stands next, or -1. Looked for piece by piece: one look through 100 MB would stop other threads."""
        while start < len(body):
            end = start + _PIECE_BYTES
            found = body.find(self.literal, start, end + len(self.literal) - 1)
            if found >= 0 and self.stands_at(body, found):
                return found
            start = found + 1 if found >= 0 else end
        return -1


def _part(content: bytes, headers: Mapping[str, str], outer: ContentType, *, whole: bool) -> Part:
    own = content_type(headers.get("content-type", ""))
    announced = content_type(outer.parameters.get("type", "")).media_type
    return Part(
        media_type=own.media_type or announced or "application/octet-stream",
        transfer_syntax=own.transfer_syntax or outer.transfer_syntax,
        location=headers.get("content-location", ""),
        content=content,
        whole=whole,
    )
