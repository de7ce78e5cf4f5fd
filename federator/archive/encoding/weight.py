"""How much memory the values of a JSON text would take, estimated before any of them is built.

A text of millions of tiny values becomes twenty times as much in objects, and one letter outside of Latin makes all the
others wider.
"""

import re
from collections.abc import Iterator

# As measured on CPython: a dict or a list with its place in another one; a value or a key with its own.
_BYTES_OF = {b"[": 96, b"{": 96, b",": 32, b":": 32}
_SMALL = 1_048_576
_BEYOND_PLANE_0 = re.compile(rb"[\xf0-\xf4]")
_BEYOND_LATIN = re.compile(rb"[\xc4-\xf4]")
_WIDEST, _WIDE, _NARROW = 4, 2, 1


def weight_of(body: bytes) -> int:
    """The bytes of the body, the letters of its text and again of its strings, and its values together, about."""
    if is_light(body):
        return len(body)
    width, values = _NARROW, 0
    for piece in _pieces(body):
        width = max(width, _width(piece))
        values += sum(size * piece.count(mark) for mark, size in _BYTES_OF.items())
    return len(body) * (1 + 2 * width) + values


def is_light(body: bytes) -> bool:
    """Whether it cannot weigh much, because it is small: nearly every answer is."""
    return len(body) <= _SMALL


def longest_run(body: bytes) -> int:
    """About how many values, or escaped letters, stand in a row without an object among them.

    Python reads such a run in one go, through which no other thread runs.
    """
    longest = run = 0
    for piece in _pieces(body):
        run = 0 if b"{" in piece else run + piece.count(b",") + piece.count(b"\\")
        longest = max(longest, run)
    return longest


def _pieces(body: bytes) -> Iterator[bytes]:
    """A little at a time: between two pieces, other threads have their turn."""
    for start in range(0, len(body), _SMALL):
        yield body[start : start + _SMALL]


def _width(piece: bytes) -> int:
    """Bytes that Python takes for each letter of the text: as many as the widest of them needs."""
    if piece.isascii():
        return _NARROW
    if _BEYOND_PLANE_0.search(piece):
        return _WIDEST
    return _WIDE if _BEYOND_LATIN.search(piece) else _NARROW
