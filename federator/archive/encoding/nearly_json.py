"""Text that ought to be a JSON list → its values, and how much of it could not be read.

Archives write JSON by hand: control characters within strings, single backslashes, NaN, a comma too many, one object a
line, warnings of their platform before or behind the list, lists that end in the middle. One broken row must not cost
the others. Everything here takes time in proportion to the text, and no step of it halts other threads for long:
Python's decoder lets none in until it is done with what it was given, or calls back.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from federator.dicom.json import WrittenNumber

_MAX_DIGITS = 40
_MAX_RESCANNED = 4
_BETWEEN = re.compile(r"[\s,\[\]\0\x1e\ufeff]*")
_NEXT_OBJECT = re.compile(r'\{\s*"[0-9A-Fa-f]{8}"')
_BACKSLASH = re.compile(r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})|\\')
_SHOWN = 200
_LARGE = 65_536
_BEGIN_LIST = re.compile(r"[ \t\r\n]*\[[ \t\r\n]*")
_BEHIND_VALUE = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a text holds: the values in order, and the beginnings of the pieces between them that are no JSON.

    `large` are the places of values whose text is long, None where each of them may be.
    """

    values: list[Any]
    broken: tuple[str, ...] = ()
    large: frozenset[int] | None = frozenset()


def read(text: str, *, most: int | None = None) -> Values:
    """The values of a list, or the one value that stands alone. Never raises. Behind `most` values, it may end.

    NaN and Infinity are null. Where the text is no JSON, each object that is one by itself is read.
    """
    if len(text) <= _LARGE:
        return _whole(text, _DECODER) or _mended(text)
    values = _one_by_one(text, most) if _BEGIN_LIST.match(text) else _whole(text, _LETTING)
    return replace(_mended(text), large=None) if values is None else values


def _whole(text: str, decoder: json.JSONDecoder) -> Values | None:
    try:
        return Values(values=_listed(decoder.decode(text)), large=frozenset() if len(text) <= _LARGE else None)
    except (ValueError, RecursionError):
        return None


def _one_by_one(text: str, most: int | None) -> Values | None:
    """The values of a list without a fault, each by itself; None where there is a fault."""
    begin = _BEGIN_LIST.match(text)
    at = begin.end() if begin is not None else 0
    values: list[Any] = []
    large: set[int] = set()
    while True:
        try:
            value, end = _LETTING.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        if end - at > _LARGE:
            large.add(len(values))
        values.append(value)
        if most is not None and len(values) > most:
            return Values(values=values, large=frozenset(large))
        behind = _BEHIND_VALUE.match(text, end)
        if behind is None:
            return None
        at = behind.end()
        if behind[1] == "]":
            return Values(values=values, large=frozenset(large)) if at == len(text) else None


def _mended(text: str) -> Values:
    mended = _BACKSLASH.sub(lambda found: found[0] if len(found[0]) > 1 else r"\\", text)
    return _whole(mended, _CAREFUL) or _by_pieces(mended)


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


def _as_it_is(read: dict[str, Any]) -> dict[str, Any]:
    """Called for each object: between the steps of a function of Python's own, other threads have their turn."""
    return read


_DECODER = json.JSONDecoder(strict=False, parse_float=_fraction, parse_constant=_no_number)
_LETTING = json.JSONDecoder(strict=False, parse_float=_fraction, parse_constant=_no_number, object_hook=_as_it_is)
_CAREFUL = json.JSONDecoder(
    strict=False, parse_float=_fraction, parse_constant=_no_number, parse_int=_integer, object_hook=_as_it_is
)
