"""What a real archive tells of itself through its own interface: the witness that federator's answers are held to."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from tests.support.orthanc_server import Orthanc
from tests.support.real.tiny_pacs import TinyPacs

Record = Mapping[str, str]
"""Keyword to value of one study, series or instance; below it, counts under `series` and `instances`."""

_TAGS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
    "PatientName": "00100010",
    "PatientID": "00100020",
    "AccessionNumber": "00080050",
    "StudyDate": "00080020",
    "StudyTime": "00080030",
    "StudyDescription": "00081030",
    "Modality": "00080060",
    "SeriesNumber": "00200011",
    "SeriesDescription": "0008103E",
    "InstanceNumber": "00200013",
}


class OwnInterface(Protocol):
    """Everything that an archive holds, as it says itself."""

    def studies(self) -> Sequence[Record]:
        """All studies, with ModalitiesInStudy from their series, separated by backslashes."""

    def series(self, study: str) -> Sequence[Record]:
        """All series of a study."""

    def instances(self, study: str, series: str) -> Sequence[Record]:
        """All instances of a series."""


def of_orthanc(orthanc: Orthanc) -> OwnInterface:
    """Orthanc's REST interface: `/tools/find`."""
    return _OfOrthanc(orthanc)


def of_tiny_pacs(tiny: TinyPacs) -> OwnInterface:
    """The plain lists of tiny-pacs, without any key."""
    return _OfTinyPacs(tiny)


class _OfOrthanc:
    def __init__(self, orthanc: Orthanc) -> None:
        self._orthanc = orthanc

    def studies(self) -> Sequence[Record]:
        below: dict[str, list[Record]] = {}
        for series in self._orthanc.find("Series", {}):
            record = {**series["MainDicomTags"], "instances": str(len(series["Instances"]))}
            below.setdefault(series["ParentStudy"], []).append(record)
        return [
            {**study["PatientMainDicomTags"], **study["MainDicomTags"], **_summed(below[study["ID"]])}
            for study in self._orthanc.find("Study", {})
        ]

    def series(self, study: str) -> Sequence[Record]:
        found = self._orthanc.find("Series", {"StudyInstanceUID": study})
        return [{**one["MainDicomTags"], "instances": str(len(one["Instances"]))} for one in found]

    def instances(self, study: str, series: str) -> Sequence[Record]:
        found = self._orthanc.find("Instance", {"StudyInstanceUID": study, "SeriesInstanceUID": series})
        return [one["MainDicomTags"] for one in found]


class _OfTinyPacs:
    def __init__(self, tiny: TinyPacs) -> None:
        self._tiny = tiny
        self.studies = cache(self._studies)

    def _studies(self) -> Sequence[Record]:
        listed = self._rows("/studies?limit=1000")
        return [{**study, **_summed(self.series(study["StudyInstanceUID"]))} for study in listed]

    def series(self, study: str) -> Sequence[Record]:
        listed = self._rows(f"/studies/{study}/series")
        return [{**one, "instances": str(len(self.instances(study, one["SeriesInstanceUID"])))} for one in listed]

    def instances(self, study: str, series: str) -> Sequence[Record]:
        return self._rows(f"/studies/{study}/series/{series}/instances")

    def _rows(self, path: str) -> list[Record]:
        return [
            {keyword: _text(row[tag]) for keyword, tag in _TAGS.items() if row.get(tag, {}).get("Value")}
            for row in self._tiny.lists(path)
        ]


def _text(element: Mapping[str, Any]) -> str:
    """The first value as a file has it (PS3.18 F.2.2), read without federator's own reader."""
    (value,) = element["Value"]
    if not isinstance(value, dict):
        return str(value)
    groups = [value.get(name, "") for name in ("Alphabetic", "Ideographic", "Phonetic")]
    return "=".join(groups).rstrip("=")


def _summed(series: Sequence[Record]) -> Record:
    modalities = {one["Modality"] for one in series if one.get("Modality")}
    return {
        "ModalitiesInStudy": "\\".join(sorted(modalities)),
        "series": str(len(series)),
        "instances": str(sum(int(one["instances"]) for one in series)),
    }
