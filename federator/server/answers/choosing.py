"""Choosing the images of a sheet: from what the search told of the instances, and of few from their metadata."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import FrameAddress, has_one_frame
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.image.aspects import Aspects, aspects_of, aspects_of_frames
from federator.dicom.image.choice import WHOLE_SLIDE, Candidate, choose, evenly_spaced, slides_first
from federator.dicom.image.geometry import place_along_normal
from federator.dicom.image.header import number_of_frames
from federator.dicom.uid import TaggedUID
from federator.federation.federation import Federation
from federator.federation.target import Target
from federator.model import DicomJson, Entry

_SOP_CLASS, _FRAMES = "00080016", "00280008"
_MOST_FRAMES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One frame of one instance of a series; `row` is the instance's metadata where they are at hand."""

    target: Target
    sop_class_uid: str
    frame_number: int
    aspects: Aspects
    row: DicomJson | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The images of a sheet in its order; `note` says what their choice left out."""

    images: tuple[Choice, ...]
    note: str


async def chosen(
    federation: Federation, study: TaggedUID, series: TaggedUID, images: Sequence[Entry], wanted: int
) -> Choices:
    """Instances, each by its middle frame; where there are fewer instances than wanted, frames of them."""
    seen = [images[index] for index in slides_first([entry.rows[0].data for entry in images])]
    middles = [_middle(study, series, entry) for entry in seen]
    if len(seen) >= wanted:
        return await anyio.to_thread.run_sync(_picked, middles, [_place(entry) for entry in seen], wanted)
    known = await concurrently(
        [partial(_with_row, federation, choice, entry) for choice, entry in zip(middles, seen, strict=True)]
    )
    return await anyio.to_thread.run_sync(_of_frames, known, [entry.rows[0].data for entry in seen], wanted)


def instead(images: Sequence[Choice], are_there: Sequence[bool], wanted: int) -> tuple[Choice, ...]:
    """The images of an instance that lacks its last frames, chosen anew among those before; empty where it is whole.

    Objects declare more frames than they hold. Which they hold is known only from those that were asked for.
    """
    if all(are_there) or not any(are_there) or len({image.target.uid for image in images}) > 1:
        return ()
    there = {image.frame_number for image, is_there in zip(images, are_there, strict=True) if is_there}
    lacking = {image.frame_number for image in images} - there
    if min(lacking) < max(there):
        return ()
    within = [replace(images[0], frame_number=number) for number in range(1, min(lacking))]
    return tuple(within[index] for index in evenly_spaced(len(within), wanted))


def _middle(study: TaggedUID, series: TaggedUID, entry: Entry) -> Choice:
    row = entry.rows[0].data
    frame_number = number_of_frames(row) // 2 + 1
    return Choice(
        target=Target(study=study, series=series, instance=TaggedUID.of(entry.uid, entry.holders)),
        sop_class_uid=json.uid(row, _SOP_CLASS),
        frame_number=frame_number,
        aspects=aspects_of(row, frame_number),
    )


def _place(entry: Entry) -> float | None:
    return place_along_normal(entry.rows[0].data)


async def _with_row(federation: Federation, choice: Choice, entry: Entry) -> Choice:
    """With the metadata of what may have several frames: searches do not tell their kinds, and not all their number."""
    told = json.integer(entry.rows[0].data, _FRAMES)
    if has_one_frame(choice.sop_class_uid) or (choice.sop_class_uid == WHOLE_SLIDE and told == 1):
        return choice

    async def metadata(client: ArchiveClient) -> DicomJson:
        return (await retrieve_metadata(client, *choice.address.uids))[0]

    return replace(choice, row=(await federation.retrieve(choice.target, metadata)).value)


def _of_frames(known: Sequence[Choice], rows: Sequence[DicomJson], wanted: int) -> Choices:
    every: list[Choice] = []
    places: list[float | None] = []
    for choice, told in zip(known, rows, strict=True):
        if choice.row is None:
            every.append(replace(choice, frame_number=1))
            places.append(place_along_normal(told))
            continue
        for number, (aspects, place) in enumerate(aspects_of_frames(choice.row)[:_MOST_FRAMES], start=1):
            every.append(replace(choice, frame_number=number, aspects=aspects))
            places.append(place)
    return _picked(every, places, wanted)


def _picked(every: Sequence[Choice], places: Sequence[float | None], wanted: int) -> Choices:
    candidates = [Candidate(aspects=choice.aspects, place=place) for choice, place in zip(every, places, strict=True)]
    picked = choose(candidates, wanted)
    return Choices(images=tuple(every[index] for index in picked.indices), note=picked.note)
