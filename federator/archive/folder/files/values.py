"""The values of elements as JSON text, written straight from their bytes (PS3.5 §6.2, PS3.18 §F.2).

What is plain (nearly everything) is written here, as pydicom would and twenty times faster; for anything odd there is
None, and whoever asks lets pydicom look at it. What the images of a series have in common is written once.
"""

import json
import math
import re
import struct
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache

from federator.archive.folder.files.json import INLINE_MAX_BYTES, number_of

_ESCAPE = b"\x1b"
_DECIMAL = rb" *[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})? *"
_DECIMALS = re.compile(_DECIMAL + rb"(?:\\" + _DECIMAL + rb")*")
_INTEGERS = re.compile(rb" *[+-]?[0-9]{1,10} *(?:\\ *[+-]?[0-9]{1,10} *)*")
_LONGEST_KEPT = 64

Writer = Callable[[bytes], str | None]
quoted = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=16)
def writer_of(encoding: str, *, little_endian: bool) -> Callable[[str, bytes], str | None]:
    """What writes an element of a value representation and a value; the text goes in `encoding`."""
    writers = _writers(encoding, "<" if little_endian else ">")
    shared = lru_cache(maxsize=16_384)(lambda vr, value: _written(writers, vr, value))

    def write(vr: str, value: bytes) -> str | None:
        return shared(vr, value) if len(value) <= _LONGEST_KEPT else _written(writers, vr, value)

    return write


def _written(writers: dict[str, Writer], vr: str, value: bytes) -> str | None:
    return writers[vr](value) if vr in writers and value else (f'{{"vr":"{vr}"}}' if not value else None)


def _writers(encoding: str, order: str) -> dict[str, Writer]:
    texts: dict[str, Callable[[str], list[str]]] = {
        **dict.fromkeys(("AS", "CS", "DA", "DT", "TM"), lambda text: text.rstrip(" \0").split("\\")),
        "AE": lambda text: [part.strip() for part in text.split("\\")],
        "UI": lambda text: [part.strip() for part in text.rstrip("\0 ").split("\\")],
        "UR": lambda text: [text.rstrip()],
    }
    coded: dict[str, Callable[[str], list[str]]] = {
        **dict.fromkeys(("LO", "SH", "UC"), lambda text: [part.rstrip("\0 ") for part in text.split("\\")]),
        **dict.fromkeys(("LT", "ST", "UT"), lambda text: [text.rstrip("\0 ")]),
    }
    numbers = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
    return {
        **{vr: _text_writer(vr, divide, "latin-1") for vr, divide in texts.items()},
        **{vr: _text_writer(vr, divide, encoding) for vr, divide in coded.items()},
        **{vr: _number_writer(vr, struct.Struct(order + code)) for vr, code in numbers.items()},
        **{vr: _binary_writer(vr) for vr in ("OB", "OD", "OF", "OL", "OV", "OW", "UN")},
        "AT": _tag_writer(order),
        "DS": _decimals,
        "IS": _integers,
        "PN": _name_writer(encoding),
    }


def _text_writer(vr: str, divide: Callable[[str], list[str]], encoding: str) -> Writer:
    head = f'{{"vr":"{vr}","Value":['

    def write(value: bytes) -> str | None:
        if _ESCAPE in value:
            return None
        parts = divide(value.decode(encoding, "replace"))
        if parts == [""]:
            return f'{{"vr":"{vr}"}}'
        return f"{head}{','.join(map(quoted, parts))}]}}"

    return write


def _name_writer(encoding: str) -> Writer:
    def write(value: bytes) -> str | None:
        if _ESCAPE in value or b"=" in value:
            return None
        text = value.rstrip(b"\x00 ").decode(encoding, "replace")
        if not text:
            return '{"vr":"PN"}'
        names = text.split("\\")
        if not all(names):
            return None
        shown = ",".join(f'{{"Alphabetic":{quoted(name)}}}' for name in names)
        return f'{{"vr":"PN","Value":[{shown}]}}'

    return write


def _number_writer(vr: str, packed: struct.Struct) -> Writer:
    def write(value: bytes) -> str | None:
        if len(value) % packed.size:
            return None
        return _listed(vr, [number for (number,) in packed.iter_unpack(value)])

    return write


def _listed(vr: str, numbers: list[float]) -> str:
    shown = ",".join(repr(each) if math.isfinite(each) else f'"{each}"' for each in numbers)
    return f'{{"vr":"{vr}","Value":[{shown}]}}'


def _tag_writer(order: str) -> Writer:
    packed = struct.Struct(f"{order}HH")

    def write(value: bytes) -> str | None:
        if len(value) % packed.size:
            return None
        tags = ",".join(f'"{group:04X}{element:04X}"' for group, element in packed.iter_unpack(value))
        return f'{{"vr":"AT","Value":[{tags}]}}'

    return write


def _decimals(value: bytes) -> str | None:
    stripped = value.rstrip(b" \0")
    if not _DECIMALS.fullmatch(stripped):
        return None
    numbers = [number_of(part) for part in stripped.decode("ascii").split("\\")]
    shown = ",".join(quoted(number) if isinstance(number, str) else str(number) for number in numbers)
    return f'{{"vr":"DS","Value":[{shown}]}}'


def _integers(value: bytes) -> str | None:
    stripped = value.rstrip(b" \0")
    if not _INTEGERS.fullmatch(stripped):
        return None
    numbers = ",".join(str(int(part)) for part in stripped.split(b"\\"))
    return f'{{"vr":"IS","Value":[{numbers}]}}'


def _binary_writer(vr: str) -> Writer:
    def write(value: bytes) -> str | None:
        if len(value) > INLINE_MAX_BYTES:
            return None
        return f'{{"vr":"{vr}","InlineBinary":"{b64encode(value).decode("ascii")}"}}'

    return write
