"""The objects that a report refers to: short labels in the text, and one list that says where they lie."""

from collections.abc import Iterator
from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.report.sop_classes import class_name
from federator.dicom.report.text import line
from federator.model import DicomJson

_REFERENCED_SOP = "00081199"
_REFERENCED_SERIES = "00081115"
_EVIDENCE = ("0040A375", "0040A385")
MAX_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One object that is referred to: UIDs that the report does not tell are empty."""

    sop_instance_uid: str
    sop_class_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""


def hierarchy(dataset: DicomJson, tag: str) -> Iterator[Reference]:
    """The objects of a hierarchical reference: studies, in them series, in them instances (PS3.3 C.17.2.1)."""
    for study in json.items(dataset, tag):
        for series in json.items(study, _REFERENCED_SERIES):
            for entry in json.items(series, _REFERENCED_SOP):
                yield Reference(
                    sop_instance_uid=json.uid(entry, "00081155"),
                    sop_class_uid=json.uid(entry, "00081150"),
                    series_instance_uid=json.uid(series, "0020000E"),
                    study_instance_uid=json.uid(study, "0020000D"),
                )


class References:
    """Numbers the objects as the text comes across them, and knows from the evidence lists where they lie."""

    def __init__(self, dataset: DicomJson) -> None:
        self._places = {found.sop_instance_uid: found for tag in _EVIDENCE for found in hierarchy(dataset, tag)}
        self._met: dict[str, Reference] = {}
        self._numbers: dict[str, int] = {}

    def describe(self, item: DicomJson) -> str:
        """What an IMAGE, COMPOSITE or WAVEFORM item points at, in one short phrase."""
        entries = json.items(item, _REFERENCED_SOP)
        return "; ".join(self._entry(entry) for entry in entries) or "(no object is named)"

    def _entry(self, entry: DicomJson) -> str:
        said = [self._label(entry)]
        said += _numbered("frame", json.texts(entry, "00081160"))
        said += _numbered("segment", json.texts(entry, "0062000B"))
        channels = json.texts(entry, "0040A0B0")
        if channels:
            pairs = zip(channels[::2], channels[1::2], strict=False)
            said.append("channels " + ", ".join("/".join(pair) for pair in pairs))
        for state in json.items(entry, _REFERENCED_SOP):
            said.append(f"shown with {self._label(state)}")
        for mapping in json.items(entry, "0008114B"):
            said.append(f"values mapped by {self._label(mapping)}")
        purpose = json.items(entry, "0040A170")
        if purpose:
            said.append("purpose: " + line(purpose[0], "00080104"))
        return ", ".join(said)

    def _label(self, entry: DicomJson) -> str:
        uid, sop_class = json.uid(entry, "00081155"), json.uid(entry, "00081150")
        name = _kind(sop_class)
        if not uid:
            return name
        place = self._places.get(uid, Reference(sop_instance_uid=uid))
        self._met.setdefault(
            uid,
            Reference(
                sop_instance_uid=uid,
                sop_class_uid=sop_class or place.sop_class_uid,
                series_instance_uid=place.series_instance_uid,
                study_instance_uid=place.study_instance_uid,
            ),
        )
        return f"{name} [ref {self._numbers.setdefault(uid, len(self._met))}]"

    def listing(self) -> list[str]:
        """Lines that say where each numbered object lies, one study and series after the other."""
        lines: list[str] = []
        last = ("", "")
        for number, found in enumerate(self._met.values(), start=1):
            if number > MAX_LISTED:
                lines.append(f"… and {len(self._met) - MAX_LISTED} more")
                break
            place = (found.study_instance_uid, found.series_instance_uid)
            if place != last and any(place):
                lines.append(f"Study {place[0] or 'not told'}, series {place[1] or 'not told'}:")
            last = place
            lines.append(f"  [ref {number}] {_kind(found.sop_class_uid)} {found.sop_instance_uid}")
        return lines


def _kind(sop_class_uid: str) -> str:
    return class_name(sop_class_uid) if sop_class_uid else "object"


def _numbered(what: str, numbers: list[str]) -> list[str]:
    if not numbers:
        return []
    return [f"{what} {numbers[0]}" if len(numbers) == 1 else f"{what}s {', '.join(numbers)}"]
