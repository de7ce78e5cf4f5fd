"""The images of a series in patient order; and what a series holds that has none."""

from collections import Counter
from collections.abc import Sequence

from federator.dicom import json
from federator.dicom.image.aspects import ATTRIBUTES
from federator.dicom.image.geometry import place_along_normal
from federator.dicom.objects.kinds import kind_of
from federator.dicom.query.language import Query
from federator.dicom.uid import TaggedUID
from federator.model import Entry, Level, Page

_SOP_CLASS, _ROWS, _COLUMNS, _FRAMES = "00080016", "00280010", "00280011", "00280008"
_POSITION, _ORIENTATION = "00200032", "00200037"
_MOST_INSTANCES = 20_000
_MOST_KINDS = 4

QUERY = Query(
    level=Level.INSTANCE,
    limit=_MOST_INSTANCES,
    limit_asked=_MOST_INSTANCES,
    include=(_ROWS, _COLUMNS, _FRAMES, _POSITION, _ORIENTATION, *ATTRIBUTES),
)
"""All instances of a series, with what many archives do not tell unless asked."""


def images_of(page: Page) -> list[Entry]:
    """The instances that may have pixels, in patient order. Archives that tell Rows tell it of all images."""
    entries = [entry for entry in page.entries if kind_of(json.uid(entry.rows[0].data, _SOP_CLASS)) is None]
    with_rows = [entry for entry in entries if json.integer(entry.rows[0].data, _ROWS)]
    return in_patient_order(with_rows or entries)


def in_patient_order(entries: Sequence[Entry]) -> list[Entry]:
    """By position along the normal where every image tells it and all are parallel; else as they come, by number."""
    places = [place_along_normal(entry.rows[0].data) for entry in entries]
    orientations = {tuple(json.texts(entry.rows[0].data, _ORIENTATION)) for entry in entries}
    if len(orientations) != 1 or None in places:
        return list(entries)
    return [entry for _, entry in sorted(zip(places, entries, strict=True), key=lambda pair: pair[0] or 0.0)]


def no_images_words(page: Page) -> str:
    """What a series without images holds, by kind, with the tool that reads it."""
    counts = Counter(json.uid(entry.rows[0].data, _SOP_CLASS) for entry in page.entries)
    said = ["The series has no images to show."]
    for sop_class_uid, count in counts.most_common(_MOST_KINDS):
        kind = kind_of(sop_class_uid)
        if kind is not None:
            first = next(e for e in page.entries if json.uid(e.rows[0].data, _SOP_CLASS) == sop_class_uid)
            uid = TaggedUID.of(first.uid, first.holders)
            said.append(f'It holds {count} of the class "{kind.name}" ({uid}), {kind.purpose}. {kind.tool} reads it.')
    return " ".join(said) if len(said) > 1 else f"{said[0]} find-instances lists what it has."
