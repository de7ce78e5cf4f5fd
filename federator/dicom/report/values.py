"""The value of one content item in words, by its value type (PS3.3 C.17.3.2.1, C.18)."""

from collections.abc import Callable

from federator.dicom import json
from federator.dicom.codes import codes_in
from federator.dicom.report.numbers import read_number
from federator.dicom.report.references import References
from federator.dicom.report.table import table_text
from federator.dicom.report.text import date, date_time, decimals, free_text, line, person, time
from federator.dicom.report.tree import Item
from federator.model import DicomJson

MAX_POINTS = 8
_PLANAR = 2
_SPATIAL = 3

_REFERENCING = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})


def _planar(data: DicomJson) -> str:
    """SCOORD: column and row on the image, counted from its upper left corner (PS3.3 C.18.6)."""
    return _graphic(data, dimensions=_PLANAR, remark="")


def _spatial(data: DicomJson) -> str:
    """SCOORD3D: millimetres in the patient's or slide's frame of reference (PS3.3 C.18.9)."""
    frame = line(data, "30060024")
    return _graphic(data, dimensions=_SPATIAL, remark=f", mm in the frame of reference {frame}" if frame else ", mm")


def _graphic(data: DicomJson, *, dimensions: int, remark: str) -> str:
    numbers = decimals(data, "00700022")
    points = [f"({', '.join(numbers[at : at + dimensions])})" for at in range(0, len(numbers), dimensions)]
    shown = " ".join(points[:MAX_POINTS])
    more = f" … and {len(points) - MAX_POINTS} more points" if len(points) > MAX_POINTS else ""
    return f"{line(data, '00700023') or 'graphic'} {shown}{more}{remark}".strip()


def _temporal(data: DicomJson) -> str:
    """TCOORD: samples, offsets in seconds, or times (PS3.3 C.18.7)."""
    said = [line(data, "0040A130")]
    for tag, name in (("0040A132", "samples "), ("0040A138", "seconds ")):
        numbers = decimals(data, tag)
        said += [name + ", ".join(numbers)] if numbers else []
    times = json.texts(data, "0040A13A")
    said += [f"times {', '.join(times)}"] if times else []
    return " ".join(part for part in said if part)


_READERS: dict[str, tuple[str, Callable[[DicomJson], str]]] = {
    "TEXT": ("0040A160", lambda data: free_text(data, "0040A160")),
    "CODE": ("0040A168", lambda data: "; ".join(str(code) for code in codes_in(data, "0040A168"))),
    "NUM": ("0040A300", lambda data: str(read_number(data))),
    "DATE": ("0040A121", lambda data: date(data, "0040A121")),
    "TIME": ("0040A122", lambda data: time(data, "0040A122")),
    "DATETIME": ("0040A120", lambda data: date_time(data, "0040A120")),
    "PNAME": ("0040A123", lambda data: person(data, "0040A123")),
    "UIDREF": ("0040A124", lambda data: line(data, "0040A124")),
    "SCOORD": ("00700022", _planar),
    "SCOORD3D": ("30060024", _spatial),
    "TCOORD": ("0040A130", _temporal),
    "TABLE": ("0040A801", table_text),
}
"""The attribute that carries the value of each value type, and how it is read."""


def value_text(item: Item, references: References) -> str:
    """The value of an item, possibly on several lines; empty for a container.

    An item of an unknown type gives whatever values of known types it carries, and says what it is.
    """
    if item.value_type == "CONTAINER":
        return ""
    if item.value_type in _REFERENCING:
        return references.describe(item.data)
    if item.value_type in _READERS:
        return _READERS[item.value_type][1](item.data) or "(no value)"
    carried = [read(item.data) for tag, read in _READERS.values() if json.is_present(item.data, tag)]
    kind = f"(an item of the type {line(item.data, '0040A040')}, which is not known)" if item.value_type else ""
    return " ".join(part for part in (*carried, kind) if part) or "(no value)"


def concept_name(item: Item) -> str:
    """What the item is called: its concept's meaning, or its code where the meaning is empty or private."""
    return str(item.concept) if item.concept else ""
