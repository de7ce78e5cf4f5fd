"""What an object that is no image says of itself: its label, and what it holds, in a few words."""

from collections.abc import Sequence

from federator.dicom import json
from federator.dicom.visible import cell
from federator.model import DicomJson

_LABELS = ("00700080", "00700081", "30060002", "300A0002", "00420010")
_LONGEST = 48
_MOST_NAMES = 12


def contents_of(row: DicomJson) -> list[str]:
    """Sentences without their end; everything in quotes is the archive's own text, on one line and cut."""
    said = (_label(row), _regions(row), _segments(row), _waves(row), _texts(row), _title(row))
    return [words for words in said if words]


def quoted(text: str, *, longest: int = _LONGEST) -> str:
    """Text of the archive's in quotes: it is data."""
    flat = cell(text.replace('"', "'"))
    return f'"{flat if len(flat) <= longest else flat[: longest - 1] + "…"}"'


def segment_labels(row: DicomJson) -> dict[int, str]:
    """The label of each segment by its number (PS3.3 C.8.20.4)."""
    found: dict[int, str] = {}
    for item in json.items(row, "00620002"):
        number = json.integer(item, "00620004")
        if number is not None:
            found[number] = json.text(item, "00620005") or _meaning(item, "0062000F")
    return found


def _label(row: DicomJson) -> str:
    told = dict.fromkeys(text for tag in _LABELS if (text := json.text(row, tag)))
    return f"labelled {', '.join(quoted(text) for text in told)}" if told else ""


def _regions(row: DicomJson) -> str:
    names = [json.text(item, "30060026") or "unnamed" for item in json.items(row, "30060020")]
    return f"it outlines {_names(names)}" if names else ""


def _segments(row: DicomJson) -> str:
    names = [label or f"segment {number}" for number, label in segment_labels(row).items()]
    return f"its segments are {_names(names)}" if names else ""


def _waves(row: DicomJson) -> str:
    said = []
    for item in json.items(row, "54000100"):
        channels, samples = json.integer(item, "003A0005") or 0, json.integer(item, "003A0010") or 0
        rate = json.number(item, "003A001A")
        names = [name for each in json.items(item, "003A0200") if (name := _meaning(each, "003A0208"))]
        duration = f" at {rate:g} Hz ({samples / rate:.3g} s)" if rate else ""
        named = f": {_names(names)}" if names else ""
        said.append(f"{channels} channel{'' if channels == 1 else 's'} of {samples} samples{duration}{named}")
    return f"it holds {'; '.join(said[:_MOST_NAMES])}" if said else ""


def _texts(row: DicomJson) -> str:
    written = [
        text
        for layer in json.items(row, "00700001")
        for item in json.items(layer, "00700008")
        if (text := json.text(item, "00700006"))
    ]
    return f"the text drawn by it is {_names(written)}" if written else ""


def _title(row: DicomJson) -> str:
    meaning = _meaning(row, "0040A043")
    return f"titled {quoted(meaning)}" if meaning else ""


def _meaning(row: DicomJson, tag: str) -> str:
    items = json.items(row, tag)
    return json.text(items[0], "00080104") if items else ""


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name) for name in names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
