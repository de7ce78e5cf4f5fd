"""What is said of a segmentation that is shown: that it is a mask, of which segment, of which series."""

from federator.dicom import json
from federator.dicom.image.header import functional_group
from federator.dicom.objects.contents import quoted, segment_labels
from federator.model import DicomJson

_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
_PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
_IDENTIFICATION, _REAL_WORLD = "0062000A", "00409096"
_MOST_NAMED = 12


def is_mask(row: DicomJson) -> bool:
    """Whether the instance is a segmentation (PS3.3 A.51), of planes or of labels."""
    return json.uid(row, "00080016") in _CLASSES


def segment_words(row: DicomJson, frame_number: int) -> str:
    """The segment of one frame, for example `segment 2 "Liver"`; empty where it is not told, or not one."""
    labels = segment_labels(row)
    if not is_mask(row) or json.text(row, "00620001").upper() == "LABELMAP":
        return ""
    group = functional_group(row, frame_number, _IDENTIFICATION) or {}
    number = json.integer(group, "0062000B")
    if number is None and len(labels) == 1:
        number = next(iter(labels))
    if number is None:
        return ""
    label = labels.get(number, "")
    return f"segment {number} {quoted(label)}" if label else f"segment {number}"


def mask_words(row: DicomJson, frame_number: int) -> str:
    """One sentence on a mask or a map without its end; empty for images."""
    if json.uid(row, "00080016") == _PARAMETRIC_MAP:
        return _map_words(row, frame_number)
    if not is_mask(row):
        return ""
    segment = segment_words(row, frame_number)
    if segment:
        kind = json.text(row, "00620001").upper()
        white = "the brighter, the more it belongs to" if kind == "FRACTIONAL" else "white is"
        return f"This is a mask and no image: {white} {segment}"
    labels = list(segment_labels(row).items())
    named = ", ".join(f"{number} {quoted(label)}" for number, label in labels[:_MOST_NAMED])
    more = f" and {len(labels) - _MOST_NAMED} more" if len(labels) > _MOST_NAMED else ""
    return f"This is a mask and no image: its values are segments{f', {named}{more}' if named else ''}"


def _map_words(row: DicomJson, frame_number: int) -> str:
    group = functional_group(row, frame_number, _REAL_WORLD) or {}
    label = json.text(group, "00409210") or json.text(group, "00283003")
    units = [json.text(item, "00080104") or json.text(item, "00080100") for item in json.items(group, "004008EA")]
    what = f" of {quoted(label)}" if label else ""
    unit = f" in {quoted(units[0])}" if units and units[0] else ""
    return f"This is a parametric map{what}{unit}, computed from images"
