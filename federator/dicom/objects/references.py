"""Which objects an object refers to, wherever in it that stands."""

from collections.abc import Iterator
from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.uid import is_uid
from federator.model import DicomJson

_STUDY, _SERIES = "0020000D", "0020000E"
_CLASS, _INSTANCE = "00081150", "00081155"
_DETACHED = "1.2.840.10008.3."
_WELL_KNOWN = "1.2.840.10008."
_DEEPEST = 24
_MOST_ITEMS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An object that is referred to; study and series are empty where they are not told."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str = ""
    study_instance_uid: str = ""


def references_of(row: DicomJson) -> list[Reference]:
    """The instances that are referred to, each once, in their order; what is told most completely counts.

    The many contours of an outline all name the same images: only their items are walked through, not their values.
    """
    found: dict[str, Reference] = {}
    for reference in _walk(row):
        known = found.get(reference.sop_instance_uid)
        if known is None or not known.series_instance_uid:
            found[reference.sop_instance_uid] = reference
    return list(found.values())


def _walk(row: DicomJson) -> Iterator[Reference]:
    """Depth first, with what stands around an item: references are nested in their series, and those in their study."""
    left: list[tuple[DicomJson, str, str, int]] = [(row, "", "", 0)]
    seen = 0
    while left and seen < _MOST_ITEMS:
        item, study, series, depth = left.pop()
        seen += 1
        if depth:
            study = json.uid(item, _STUDY) or study
            series = json.uid(item, _SERIES) or series
            instance, sop_class = json.uid(item, _INSTANCE), json.uid(item, _CLASS)
            if is_uid(instance) and not instance.startswith(_WELL_KNOWN) and not sop_class.startswith(_DETACHED):
                yield Reference(
                    sop_class_uid=sop_class if is_uid(sop_class) else "",
                    sop_instance_uid=instance,
                    series_instance_uid=series if is_uid(series) else "",
                    study_instance_uid=study if is_uid(study) else "",
                )
        if depth < _DEEPEST:
            inner = [each for tag in item for each in _items(item, tag)]
            left += [(each, study, series, depth + 1) for each in reversed(inner)]


def _items(item: DicomJson, tag: str) -> list[DicomJson]:
    """The items of an element, if it is a sequence; long lists of numbers are not looked through."""
    element = item[tag]
    held = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(held, list) or not held or not isinstance(held[0], dict):
        return []
    # The groups of thousands of frames name the frames' sources one by one: all of them count.
    return json.items(item, tag)
