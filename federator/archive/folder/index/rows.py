"""The rows of studies and series, gathered from the rows of their instances (PS3.18 Tables 10.6.3-3 to -5)."""

from typing import Any

from federator.archive.folder.files.header import SERIES_SEQUENCES, STUDY_SEQUENCES
from federator.dicom import json
from federator.dicom.query import attributes
from federator.model import Level

_MODALITY = "00080060"
_MODALITIES_IN_STUDY = "00080061"
_SOP_CLASS_UID = "00080016"
_SOP_CLASSES_IN_STUDY = "00080062"
_STUDY_SERIES = "00201206"
_STUDY_INSTANCES = "00201208"
_SERIES_INSTANCES = "00201209"

JsonRow = dict[str, Any]


def study_row(series: list[list[JsonRow]], instances: int) -> JsonRow:
    """The row of a study, of what the instances of each series share; `instances` is their number.

    A value that is empty in one may stand in another.
    """
    shared = [row for rows in series for row in rows]
    row = _first_values(shared, attributes.tags_of(Level.STUDY) | STUDY_SEQUENCES)
    row[_MODALITIES_IN_STUDY] = {"vr": "CS", "Value": _distinct(shared, _MODALITY)}
    row[_SOP_CLASSES_IN_STUDY] = {"vr": "UI", "Value": _distinct(shared, _SOP_CLASS_UID)}
    row[_STUDY_SERIES] = {"vr": "IS", "Value": [len(series)]}
    row[_STUDY_INSTANCES] = {"vr": "IS", "Value": [instances]}
    return row


def series_row(shared: list[JsonRow], instances: int) -> JsonRow:
    """The row of a series, of what its instances share; `instances` is their number."""
    row = _first_values(shared, attributes.tags_of(Level.SERIES) | SERIES_SEQUENCES)
    row[_SERIES_INSTANCES] = {"vr": "IS", "Value": [instances]}
    return row


def _first_values(rows: list[JsonRow], tags: frozenset[str]) -> JsonRow:
    """The first value of each attribute; an empty element only where no row has a value."""
    gathered: JsonRow = {}
    wanted = set(tags)
    for row in rows:
        for tag in wanted & row.keys():
            if json.has_value(row, tag):
                gathered[tag] = row[tag]
                wanted.discard(tag)
            else:
                gathered.setdefault(tag, row[tag])
    return gathered


def _distinct(rows: list[JsonRow], tag: str) -> list[str]:
    return sorted({text for row in rows for text in json.texts(row, tag)})
