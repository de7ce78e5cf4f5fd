"""The images of a series in patient order, and which of them stand for all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import FrameAddress, has_one_frame
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.objects.kinds import kind_of
from federator.dicom.query.language import Query
from federator.dicom.render.geometry import place_along_normal
from federator.dicom.render.header import number_of_frames
from federator.dicom.render.overview import evenly_spaced
from federator.dicom.uid import TaggedUID
from federator.federation.federation import Federation
from federator.federation.target import Target
from federator.model import Entry, Level, Page

_SOP_CLASS, _ROWS, _FRAMES, _POSITION, _ORIENTATION = "00080016", "00280010", "00280008", "00200032", "00200037"
_MOST_INSTANCES = 20_000
_MOST_KINDS = 4

QUERY = Query(
    level=Level.INSTANCE,
    limit=_MOST_INSTANCES,
    limit_asked=_MOST_INSTANCES,
    include=(_ROWS, _FRAMES, _POSITION, _ORIENTATION),
)
"""All instances of a series, with what many archives do not tell unless asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One frame of one instance of a series."""

    target: Target
    sop_class_uid: str
    frame_number: int

    @property
    def address(self) -> FrameAddress:
        """Where an archive has it."""
        series, instance = self.target.series, self.target.instance
        return FrameAddress(
            study_instance_uid=self.target.study.uid,
            series_instance_uid=series.uid if series else "",
            sop_instance_uid=instance.uid if instance else "",
            frame_number=self.frame_number,
        )


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


async def chosen(
    federation: Federation, study: TaggedUID, series: TaggedUID, images: Sequence[Entry], wanted: int
) -> list[Choice]:
    """Evenly spaced instances, each by its middle frame; where there are fewer instances, evenly spaced frames."""
    if len(images) >= wanted:
        picked = [images[index] for index in evenly_spaced(len(images), wanted)]
        return [_choice(study, series, entry, number_of_frames(entry.rows[0].data) // 2 + 1) for entry in picked]
    counts = await concurrently(
        [partial(_frame_count, federation, _choice(study, series, entry, 1), entry) for entry in images]
    )
    every = [
        _choice(study, series, entry, frame_number)
        for entry, count in zip(images, counts, strict=True)
        for frame_number in range(1, count + 1)
    ]
    return [every[index] for index in evenly_spaced(len(every), wanted)]


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


def _choice(study: TaggedUID, series: TaggedUID, entry: Entry, frame_number: int) -> Choice:
    instance = TaggedUID.of(entry.uid, entry.holders)
    return Choice(
        target=Target(study=study, series=series, instance=instance),
        sop_class_uid=json.uid(entry.rows[0].data, _SOP_CLASS),
        frame_number=frame_number,
    )


async def _frame_count(federation: Federation, choice: Choice, entry: Entry) -> int:
    """The number of frames: many archives leave it out of search results, so the metadata is asked."""
    if has_one_frame(choice.sop_class_uid):
        return 1
    if json.has_value(entry.rows[0].data, _FRAMES):
        return number_of_frames(entry.rows[0].data)

    async def count(client: ArchiveClient) -> int:
        return number_of_frames((await retrieve_metadata(client, *choice.address.uids))[0])

    return (await federation.retrieve(choice.target, count)).value
