"""pydicom data sets as DICOM JSON in UTF-8, bad elements and all (PS3.18 Annex F).

pydicom gives up a whole data set for one bad element, so each is converted by itself; what cannot be converted is
given as the text that stands in the file.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from federator.dicom.faults import read_faults
from federator.dicom.quiet import quiet_pydicom

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "OB/OW"})
INLINE_MAX_BYTES = 1024
_EXACT_DIGITS = 16
_UTF_8 = {"vr": "CS", "Value": ["ISO_IR 192"]}
_CHARACTER_SET = "00080005"

_DEPTH_OF_PIECES = 4
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

BulkAddress = Callable[[Sequence[str]], str]
"""The address of the bulk data at a path of tags and item numbers, such as ("54000100", "0", "54001010")."""


def damaged(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What comes of reading a damaged file, and `others`; some have items without end or a length without bounds.

    For `except` clauses: what it takes to know pydicom's own is loaded when something was raised.
    """
    return read_faults(RecursionError, MemoryError, *others)


def to_json(dataset: "Dataset", bulk_address: BulkAddress, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The elements of a data set by their tags; binary values above 1 kB stand as a BulkDataURI."""
    quiet_pydicom()
    row: dict[str, Any] = {}
    for tag, raw in list(dataset.items()):
        if tag.element == 0:
            continue  # a group length says nothing about the object
        key = f"{tag:08X}"
        try:
            row[key] = element_of(dataset[tag], bulk_address, (*path, key))
        except damaged():
            row[key] = as_written(raw)
    if not path:
        row[_CHARACTER_SET] = _UTF_8
    return dict(sorted(row.items()))


def encoded(row: dict[str, Any]) -> str:
    """A row as a JSON text, made in small pieces: the encoder halts every other thread until a piece is done."""
    return _encoded(row, _DEPTH_OF_PIECES)


def _encoded(row: dict[str, Any], depth: int) -> str:
    if not depth:
        return _encode(row)
    return "{" + ",".join(f"{_encode(tag)}:{_encoded_element(element, depth)}" for tag, element in row.items()) + "}"


def _encoded_element(element: dict[str, Any], depth: int) -> str:
    if element.get("vr") != "SQ" or not element.get("Value"):
        return _encode(element)
    items = ",".join(_encoded(item, depth - 1) for item in element["Value"])
    return f'{{"vr":"SQ","Value":[{items}]}}'


def element_of(element: "DataElement", bulk_address: BulkAddress, path: tuple[str, ...]) -> dict[str, Any]:
    """A converted element with its value representation and values; `path` is where it stands.

    Raises what `damaged` names.
    """
    vr = str(element.VR)
    if vr == "SQ":
        items = [to_json(item, bulk_address, (*path, str(place))) for place, item in enumerate(element.value)]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in BINARY:
        return _binary(element, bulk_address, path)
    told = element.to_json_dict(None, INLINE_MAX_BYTES)
    if "Value" in told and vr == "DS":
        values = element.value if element.VM > 1 else [element.value]
        told["Value"] = [number_of(getattr(value, "original_string", None) or str(value)) for value in values]
    elif "Value" in told:
        told["Value"] = [_finite(value) for value in told["Value"]]
    return told


def _binary(element: "DataElement", bulk_address: BulkAddress, path: tuple[str, ...]) -> dict[str, Any]:
    vr = str(element.VR)[:2]
    if not element.value:
        return {"vr": vr}
    if len(element.value) > INLINE_MAX_BYTES:
        return {"vr": vr, "BulkDataURI": bulk_address(path)}
    return {"vr": vr, "InlineBinary": base64.b64encode(element.value).decode("ascii")}


def number_of(written: str) -> float | str:
    """A decimal string as a number where that is shown just as it was written, else as the string that it is.

    `25.40` says more of how it was measured than 25.4. Standard: PS3.18 Table F.2.3-1 (DS: number or string)
    """
    written = written.strip(" \0")
    if len(written) <= _EXACT_DIGITS:
        for kind in (int, float):
            try:
                if str(kind(written)) == written and math.isfinite(kind(written)):
                    return kind(written)
            except ValueError:
                continue
    return written


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity; they are written as strings (PS3.18 F.2.3.1)."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_written(raw: object) -> dict[str, Any]:
    """An element that cannot be converted, as the text that stands in the file; nothing where that is no text."""
    vr, content = str(getattr(raw, "VR", None) or "UN"), getattr(raw, "value", None)
    if not re.fullmatch("[A-Z]{2}", vr):
        vr = "UN"
    if vr in BINARY or not isinstance(content, bytes | str) or not content:
        return {"vr": vr}
    text = content if isinstance(content, str) else content.decode("latin-1")
    return {"vr": vr, "Value": [part.strip(" \0") for part in text.split("\\")]}
