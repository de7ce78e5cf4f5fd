"""Text that ought to be a JSON list → its values, and how much of it could not be read.

Archives write JSON by hand: control characters within strings, single backslashes, NaN, a comma too many, one object a
line, warnings of their platform before or behind the list, lists that end in the middle. One broken row must not cost
the others. Everything here takes time in proportion to the text.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from federator.dicom.json import WrittenNumber

_MAX_DIGITS = 40
_MAX_RESCANNED = 4
_BETWEEN = re.compile(r"[\s,\[\]\0\x1e\ufeff]*")
_NEXT_OBJECT = re.compile(r'\{\s*"[0-9A-Fa-f]{8}"')
_BACKSLASH = re.compile(r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})|\\')
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a text holds: the values in order, and the beginnings of the pieces between them that are no JSON."""

    values: list[Any]
    broken: tuple[str, ...] = ()


def read(text: str) -> Values:
    """The values of a list, or the one value that stands alone. Never raises.

    NaN and Infinity are null. Where the text is no JSON, each object that is one by itself is read.
    """
    try:
        return Values(values=_listed(_DECODER.decode(text)))
    except (ValueError, RecursionError):
        pass
    mended = _BACKSLASH.sub(lambda found: found[0] if len(found[0]) > 1 else r"\\", text)
    try:
        return Values(values=_listed(_CAREFUL.decode(mended)))
    except (ValueError, RecursionError):
        return _by_pieces(mended)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - what JSON holds is told apart by the caller
    return value if isinstance(value, list) else [value]


def _by_pieces(text: str) -> Values:
    values: list[Any] = []
    broken: list[str] = []
    for value, piece in _pieces(text):
        if piece:
            broken.append(piece)
        else:
            values.append(value)
    if not values and not broken and text.strip():
        broken.append(text[:_SHOWN])
    return Values(values=values, broken=tuple(broken))


def _pieces(text: str) -> Iterator[tuple[Any, str]]:
    """Each value, or the beginning of what is none; brackets and commas at the top only part values here."""
    at, rescanned, depth = 0, 0, 0
    while True:
        at, opened = _begin(text, at)
        depth += opened
        if at == len(text):
            break
        try:
            value, at = _CAREFUL.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield None, text[at : at + _SHOWN]
            failed_at = error.pos if isinstance(error, json.JSONDecodeError) else at
            rescanned += failed_at - at + _SHOWN
            # A row is skipped as far as it could be read; what only holds rows is looked into.
            skipped = failed_at if _NEXT_OBJECT.match(text, at) else at
            following = _NEXT_OBJECT.search(text, max(at + 1, skipped))
            # What fails late again and again would be read from each of its rows to its end.
            if following is None or rescanned > _MAX_RESCANNED * len(text):
                return
            at = following.start()
        else:
            yield value, ""
    if depth > 0:
        yield None, "["


def _begin(text: str, at: int) -> tuple[int, int]:
    """Where the next value begins, and how many more brackets were opened before it than closed."""
    found = _BETWEEN.match(text, at)
    between = found[0] if found is not None else ""
    return at + len(between), between.count("[") - between.count("]")


def _integer(written: str) -> int | str:
    """Python refuses to read integers of thousands of digits; no attribute holds one."""
    return int(written) if len(written) <= _MAX_DIGITS else written


def _fraction(written: str) -> float:
    """A number with the digits of its writer; without them where a program wrote out what a float holds.

    Orthanc writes 0.69999999999999996 for a file's 0.7: of more than 15 digits the fewest that mean it are taken.
    """
    mantissa = written.lower().partition("e")[0]
    is_meant = len(mantissa) <= _MAX_DIGITS and sum(map(str.isdigit, mantissa.lstrip("-0."))) <= sys.float_info.dig
    return WrittenNumber(written) if is_meant else float(written)


def _no_number(_: str) -> None:
    """NaN and Infinity, which JSON does not know, are no value."""


_DECODER = json.JSONDecoder(strict=False, parse_float=_fraction, parse_constant=_no_number)
_CAREFUL = json.JSONDecoder(strict=False, parse_float=_fraction, parse_constant=_no_number, parse_int=_integer)
