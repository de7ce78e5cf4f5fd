"""Where one picture comes from: the archive's own, or the frame to decode here and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio.to_thread

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import FrameAddress, early_picture, retrieve_encoded_frame, retrieve_picture
from federator.archive.retrieve.rendered import EarlyRendered
from federator.archive.retrieve.rendered import Rendered as ArchivePicture
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.image.header import PixelLayout, check_frame, layout_of
from federator.dicom.image.masks import mask_words
from federator.dicom.image.remarks import archives_fail
from federator.dicom.image.tables import TableElsewhere
from federator.dicom.image.windows import Window, WindowRequest
from federator.dicom.objects.kinds import kind_of
from federator.dicom.objects.said import no_image_words, references_words
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.weight import is_light, is_light_picture, limits_of, picture_limits
from federator.dicom.render.display import chosen_toning
from federator.dicom.render.frame import check_decodable
from federator.dicom.render.picture import looks_empty, may_be_empty
from federator.errors import ContentError
from federator.model import DicomJson
from federator.server.wording.wording import one_line
from federator.workers.limits import Limits
from federator.workers.pool import run_apart

Content = TypeVar("Content")
T = TypeVar("T")

MOST_WORDS = 4000
"""Of what is said of an object that is no image: its names, and a dozen of the images that it refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the picture is to be: `window` None for the file's own, `max_edge` in pixels."""

    media_type: str
    max_edge: int
    window: WindowRequest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The instance's metadata, the window to ask the archive for (None for its own choice), and what to say of it.

    `drawn_here` says why the archive is not asked for a picture.
    """

    row: DicomJson
    layout: PixelLayout
    window: tuple[float, float] | None
    window_words: str
    drawn_here: str = ""
    mask_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The instance's metadata with the archive's picture, or with the frame to decode and why there is no picture.

    `is_empty` says of the archive's picture that next to nothing can be seen on it, and that nothing can be done.
    """

    row: DicomJson
    layout: PixelLayout
    window_words: str
    source: ArchivePicture | EncodedFrame
    reason: str = ""
    is_empty: bool = False
    mask_words: str = ""


async def retrieve(client: ArchiveClient, *, address: FrameAddress, wanted: Wanted) -> Retrieved:
    """From one archive; a ContentError says what is no image, with the images that it refers to."""
    describe = partial(_describe, client, address, wanted)
    guess = _numbers(wanted.window.window if wanted.window else None)
    early = early_picture(client, address, media_type=wanted.media_type, window=guess)
    if early is None:
        seen = await describe()
    else:
        seen = await early.beside(describe, fits=lambda described: _fits(described, guess))
    row, asked = seen.row, early if _fits(seen, guess) else None
    try:
        picture = await _archives_picture(client, address, seen, media_type=wanted.media_type, early=asked)
    except ContentError as refusal:
        frame = await retrieve_encoded_frame(client, address, row)
        return Retrieved(
            row=frame.row,
            layout=frame.layout,
            window_words="",
            source=frame,
            reason=str(refusal),
            mask_words=seen.mask_words,
        )
    made = Retrieved(
        row=row, layout=seen.layout, window_words=seen.window_words, source=picture, mask_words=seen.mask_words
    )
    return await _looked_into(client, address, made, picture)


async def _archives_picture(
    client: ArchiveClient, address: FrameAddress, seen: Described, *, media_type: str, early: EarlyRendered | None
) -> ArchivePicture:
    if seen.drawn_here:
        raise ContentError(seen.drawn_here)
    return await retrieve_picture(client, address, seen.row, media_type=media_type, window=seen.window, early=early)


async def _looked_into(
    client: ArchiveClient, address: FrameAddress, made: Retrieved, picture: ArchivePicture
) -> Retrieved:
    """The archive's picture; where next to nothing can be seen on it, the frame, whose values can be told."""
    # What took its bytes shows something, and needs no worker to see that.
    if not may_be_empty(picture.content) or not await _by_weight(
        looks_empty,
        picture.content,
        is_light=is_light_picture(picture.content),
        limits=picture_limits(picture.content),
    ):
        return made
    try:
        frame = await retrieve_encoded_frame(client, address, made.row)
        await _by_weight(check_decodable, frame, is_light=is_light(frame), limits=limits_of(frame))
    except (ContentError, TableElsewhere):
        return replace(made, is_empty=True)
    reason = f"next to nothing can be seen on the picture that {client.name} made."
    return replace(made, source=frame, row=frame.row, layout=frame.layout, reason=reason)


async def _by_weight(function: Callable[[Content], T], content: Content, *, is_light: bool, limits: Limits) -> T:
    if is_light:
        return await anyio.to_thread.run_sync(function, content)
    return await run_apart(function, content, limits=limits)


def _fits(seen: Described, guess: tuple[float, float] | None) -> bool:
    return seen.window == guess and not seen.drawn_here


async def _describe(client: ArchiveClient, address: FrameAddress, wanted: Wanted) -> Described:
    row = (await retrieve_metadata(client, *address.uids))[0]
    kind = kind_of(json.uid(row, "00080016"))
    if kind is not None:
        words = await anyio.to_thread.run_sync(no_image_words, row, kind, partial(_tagged, client.name))
        raise ContentError(one_line(words, max_characters=MOST_WORDS))
    layout = layout_of(row)
    check_frame(row, address.frame_number)
    window, words, is_known = _window_for(row, address.frame_number, wanted.window)
    fails = archives_fail(row, address.frame_number, has_own_window=is_known)
    return Described(
        row=row,
        layout=layout,
        window=window,
        window_words=words,
        drawn_here=fails and f"{fails}.",
        mask_words=await _mask_sentence(row, address.frame_number, client.name),
    )


async def _mask_sentence(row: DicomJson, frame_number: int, archive: str) -> str:
    said = mask_words(row, frame_number)
    if not said:
        return ""
    references = await anyio.to_thread.run_sync(references_words, row, partial(_tagged, archive))
    return f"{said}. It refers to {references}." if references else f"{said}."


def _tagged(archive: str, uid: str, is_own_study: bool) -> str:  # noqa: FBT001 - as `said.Tagger` calls it
    """What belongs to the same study is taken to lie in the same archive; for anything else every archive is asked."""
    return f"{uid}@{archive}" if is_own_study else uid


def _window_for(
    row: DicomJson, frame_number: int, request: WindowRequest | None
) -> tuple[tuple[float, float] | None, str, bool]:
    """The window to ask the archive for, None for its own choice; what to say of it; whether it is known."""
    try:
        described = EncodedFrame.of(row, frame_number, content=b"", transfer_syntax="")
    except TableElsewhere:
        return _numbers(request.window if request else None), "as the archive chose; the file has a table for it", True
    toning = chosen_toning(described, request)
    if toning is None:
        return None, "as the archive chose, because the file has none", False
    if request and toning.voi is request.window:
        return _numbers(request.window), toning.words, True
    if not described.layout.is_gray:
        return None, toning.words, True
    return None, f"as the archive chose (decoded here it would be {toning.words})", True


def _numbers(window: Window | None) -> tuple[float, float] | None:
    return (window.center, window.width) if window else None
