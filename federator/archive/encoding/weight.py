"""How much memory the values of a JSON text would take, estimated before any of them is built.

A text of millions of tiny values becomes twenty times as much in objects, and one letter outside of Latin makes all the
others wider.
"""

import re

# As measured on CPython: a dict or a list with its place in another one; a value or a key with its own.
_BYTES_OF = {b"[": 96, b"{": 96, b",": 32, b":": 32}
_SMALL = 1_048_576
_BEYOND_PLANE_0 = re.compile(rb"[\xf0-\xf4]")
_BEYOND_LATIN = re.compile(rb"[\xc4-\xf4]")
_WIDEST, _WIDE, _NARROW = 4, 2, 1


def weight_of(body: bytes) -> int:
    """The bytes that the text, the letters of its strings and its values take together, about."""
    if len(body) <= _SMALL:
        # What is small cannot weigh much, and nearly every answer is.
        return len(body)
    return len(body) * (2 + _width(body)) + sum(size * body.count(mark) for mark, size in _BYTES_OF.items())


def _width(body: bytes) -> int:
    """Bytes that Python takes for each letter of the text: as many as the widest of them needs."""
    if body.isascii():
        return _NARROW
    if _BEYOND_PLANE_0.search(body):
        return _WIDEST
    return _WIDE if _BEYOND_LATIN.search(body) else _NARROW
