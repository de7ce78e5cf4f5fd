"""How bytes and JSON are changed at random. All chance comes from the generator that is handed in."""

import json
import random
from collections.abc import Callable
from typing import Any

_TELLING = (b"\0", b"\xff", b"\x7f\xff", b"\x80\0", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xfe\xff")
_TEXTS = (
    b"\r\n", b"--", b"\r\n--", b'"', b"'", b"\\", b"/../", b"%2e%2e/", b"<", b">", b"&", b"]]>", b"<!--", b"[", b"{",
    b"^", b"=", b"\x1b$B", "\u202e".encode(), "ﷺ".encode(), b"1e999", b"-1", b"99999999999999999999", b"\xed\xa0\x80",
)  # fmt: skip
_LONGEST_RUN = 200_000
_MOST_CHANGES = 6
_VALUES: tuple[Callable[[random.Random], Any], ...] = (
    lambda _: None,
    lambda _: True,
    lambda _: {},
    lambda _: [],
    lambda _: "",
    lambda _: float("nan"),
    lambda _: 10**400,
    lambda _: -1,
    lambda _: 1.5e308,
    lambda chance: chance.choice("a \u3000^=\\1.\0\ud800ß") * chance.choice((1, 65, 3_000, 100_000)),
    lambda chance: [[]] * chance.choice((1, 5_000)),
    lambda chance: _nested(chance.choice((3, 200))),
    lambda chance: {"vr": chance.choice(("SQ", "UN", "PN", "zz")), "Value": [chance.choice((None, {}, "1", [1]))]},
    lambda chance: chance.choice(("../../x", "1..2", "1.2.3/series", "http://[", "\u0661.\u0662", "20240230")),
)


def changed(chance: random.Random, content: bytes) -> bytes:
    """The same bytes with one to six changes, each of a random kind at a random place."""
    for _ in range(chance.randint(1, _MOST_CHANGES)):
        content = chance.choice(_CHANGES)(chance, content)
    return content


def changed_json(chance: random.Random, content: bytes) -> bytes:
    """A JSON document with one to six of its values, keys or members changed; text that stays JSON."""
    document = json.loads(content)
    for _ in range(chance.randint(1, _MOST_CHANGES)):
        document = _with_a_change(chance, document)
    try:
        return json.dumps(document).encode("utf-8", "surrogatepass")
    except RecursionError:
        # Nested within nested: more than can be written here, so bytes are changed instead.
        return changed(chance, content)


def _place(chance: random.Random, content: bytes) -> int:
    """Headers are hit as often as all the rest."""
    end = len(content) if chance.random() < 0.5 else min(len(content), 400)
    return chance.randint(0, end)


def _flipped(chance: random.Random, content: bytes) -> bytes:
    if not content:
        return content
    at = min(_place(chance, content), len(content) - 1)
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _overwritten(chance: random.Random, content: bytes) -> bytes:
    at, told = _place(chance, content), chance.choice(_TELLING + _TEXTS)
    return content[:at] + told + content[at + len(told) :]


def _inserted(chance: random.Random, content: bytes) -> bytes:
    at, told = _place(chance, content), chance.choice(_TELLING + _TEXTS)
    times = 1 if chance.random() < 0.8 else _LONGEST_RUN // len(told)
    return content[:at] + told * times + content[at:]


def _without_a_piece(chance: random.Random, content: bytes) -> bytes:
    at = _place(chance, content)
    return content[:at] + content[at + chance.choice((1, 2, 4, 100, 5_000)) :]


def _with_a_piece_twice(chance: random.Random, content: bytes) -> bytes:
    at, size = _place(chance, content), chance.choice((1, 8, 100, 2_000))
    return content[:at] + content[at : at + size] * chance.choice((2, 2, 50)) + content[at + size :]


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: _place(chance, content)]


def _with_a_number_changed(chance: random.Random, content: bytes) -> bytes:
    places = [at for at, byte in enumerate(content[:20_000]) if 0x30 <= byte <= 0x39]
    if not places:
        return content
    at = chance.choice(places)
    return content[:at] + chance.choice((b"0", b"9999999999", b"-1", b"1e99", b"")) + content[at + 1 :]


_CHANGES = (
    _flipped,
    _flipped,
    _overwritten,
    _inserted,
    _without_a_piece,
    _with_a_piece_twice,
    _cut,
    _with_a_number_changed,
)


def _nested(depth: int) -> Any:  # noqa: ANN401 - any JSON
    value: Any = "x"
    for _ in range(depth):
        value = {"vr": "SQ", "Value": [{"0040A730": value}]}
    return value


def _with_a_change(chance: random.Random, document: Any) -> Any:  # noqa: ANN401 - any JSON
    holders = [holder for holder in _holders(document) if holder]
    if not holders:
        return chance.choice(_VALUES)(chance)
    holder = chance.choice(holders)
    key = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    kind = chance.random()
    if kind < 0.1:
        del holder[key]
    elif kind < 0.2 and isinstance(holder, dict):
        holder[chance.choice(("zzzz", "00080018", "0020000D", "", "Value", "7FE00010"))] = holder.pop(key)
    elif kind < 0.3 and isinstance(holder, list):
        holder.extend([holder[key]] * chance.choice((1, 1_000)))
    else:
        holder[key] = chance.choice(_VALUES)(chance)
    return document


def _holders(document: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    found, waiting = [], [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            found.append(one)
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return found
