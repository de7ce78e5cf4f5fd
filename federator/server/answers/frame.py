"""What render-instance-frame does: the archive's own picture where it makes one, else the frame decoded here."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ImageContent, TextContent

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import FrameAddress, early_picture, retrieve_encoded_frame, retrieve_picture
from federator.archive.retrieve.rendered import EarlyRendered
from federator.archive.retrieve.rendered import Rendered as ArchivePicture
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.image.describe import details, title
from federator.dicom.image.geometry import pixel_aspect
from federator.dicom.image.header import PixelLayout, check_frame, layout_of
from federator.dicom.image.masks import mask_words
from federator.dicom.image.remarks import archives_fail, uncertain
from federator.dicom.image.tables import TableElsewhere
from federator.dicom.image.windows import Window, WindowRequest, parse
from federator.dicom.objects.kinds import kind_of
from federator.dicom.objects.said import no_image_words, references_words
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.render.display import chosen_toning
from federator.dicom.render.frame import Rendered as Pictured
from federator.dicom.render.frame import frame_spread, render_frame
from federator.dicom.render.picture import Picture, as_it_is, fit, looks_empty
from federator.dicom.uid import TaggedUID
from federator.dicom.visible import cell
from federator.errors import ContentError
from federator.federation.target import Target
from federator.model import DicomJson
from federator.server.shared import App
from federator.server.wording.wording import fenced_lines, one_line, served_by

T = TypeVar("T")

_MOST_WORDS = 4000
"""Of what is said of an object that is no image: its names, and a dozen of the images that it refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the picture is to be: `window` None for the file's own, `max_edge` in pixels."""

    media_type: str
    max_edge: int
    window: WindowRequest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
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
class _Retrieved:
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


async def render(
    ctx: Context[App],
    study: TaggedUID,
    series: TaggedUID,
    instance: TaggedUID,
    *,
    frame: int,
    media_type: str,
    window: str,
    max_edge: int,
) -> CallToolResult:
    """One frame as a picture, and in text what the picture cannot say."""
    wanted = Wanted(media_type=media_type, max_edge=max_edge, window=parse(window))
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    address = FrameAddress(
        study_instance_uid=study.uid,
        series_instance_uid=series.uid,
        sop_instance_uid=instance.uid,
        frame_number=frame,
    )
    served = await federation.retrieve(
        Target(study=study, series=series, instance=instance), partial(_retrieve, address=address, wanted=wanted)
    )
    app.note(served.earlier)
    retrieved = served.value
    # What need not be decoded takes microseconds, and the way to a worker and back takes more.
    pictured = _passed_through(retrieved, frame, wanted)
    if pictured is None:
        pictured = await app.in_worker(_pictured, retrieved, frame, wanted)
    picture, window_words, remarks = pictured.picture, pictured.window_words, pictured.remarks
    lines = [
        served_by(served.archive, served.earlier),
        *fenced_lines(
            [f"{title(retrieved.row, frame)}.", f"Window: {one_line(cell(window_words), max_characters=600)}."],
            "about the image",
        ),
        _shown(picture, retrieved.layout),
        *([one_line(retrieved.mask_words, max_characters=_MOST_WORDS)] if retrieved.mask_words else []),
        *(one_line(remark, max_characters=400) for remark in remarks),
        *details(retrieved.row, frame),
        *([one_line(f"Decoded by federator: {retrieved.reason}", max_characters=300)] if retrieved.reason else []),
    ]
    return picture_result(picture, lines)


def picture_result(picture: Picture, lines: list[str]) -> CallToolResult:
    """Text first, then the image, and no structure: some clients would then drop the image."""
    encoded = base64.b64encode(picture.content).decode("ascii")
    return CallToolResult(
        content=[
            TextContent(type="text", text="\n".join(lines)),
            ImageContent(type="image", data=encoded, mime_type=picture.media_type),
        ]
    )


async def _retrieve(client: ArchiveClient, *, address: FrameAddress, wanted: Wanted) -> _Retrieved:
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
        return _Retrieved(
            row=frame.row,
            layout=frame.layout,
            window_words="",
            source=frame,
            reason=str(refusal),
            mask_words=seen.mask_words,
        )
    made = _Retrieved(
        row=row, layout=seen.layout, window_words=seen.window_words, source=picture, mask_words=seen.mask_words
    )
    return await _looked_into(client, address, made, picture)


async def _archives_picture(
    client: ArchiveClient, address: FrameAddress, seen: _Described, *, media_type: str, early: EarlyRendered | None
) -> ArchivePicture:
    if seen.drawn_here:
        raise ContentError(seen.drawn_here)
    return await retrieve_picture(client, address, seen.row, media_type=media_type, window=seen.window, early=early)


async def _looked_into(
    client: ArchiveClient, address: FrameAddress, made: _Retrieved, picture: ArchivePicture
) -> _Retrieved:
    """The archive's picture; where next to nothing can be seen on it, the frame, whose values can be told."""
    if not await anyio.to_thread.run_sync(looks_empty, picture.content):
        return made
    try:
        frame = await retrieve_encoded_frame(client, address, made.row)
        await anyio.to_thread.run_sync(frame_spread, frame)
    except (ContentError, TableElsewhere):
        return replace(made, is_empty=True)
    reason = f"next to nothing can be seen on the picture that {client.name} made."
    return replace(made, source=frame, row=frame.row, layout=frame.layout, reason=reason)


def _fits(seen: _Described, guess: tuple[float, float] | None) -> bool:
    return seen.window == guess and not seen.drawn_here


async def _describe(client: ArchiveClient, address: FrameAddress, wanted: Wanted) -> _Described:
    row = (await retrieve_metadata(client, *address.uids))[0]
    kind = kind_of(json.uid(row, "00080016"))
    if kind is not None:
        words = await anyio.to_thread.run_sync(no_image_words, row, kind, partial(_tagged, client.name))
        raise ContentError(one_line(words, max_characters=_MOST_WORDS))
    layout = layout_of(row)
    check_frame(row, address.frame_number)
    window, words, is_known = _window_for(row, address.frame_number, wanted.window)
    fails = archives_fail(row, address.frame_number, has_own_window=is_known)
    return _Described(
        row=row,
        layout=layout,
        window=window,
        window_words=words,
        drawn_here=fails and f"{fails}.",
        mask_words=await anyio.to_thread.run_sync(_mask_sentence, row, address.frame_number, client.name),
    )


def _mask_sentence(row: DicomJson, frame_number: int, archive: str) -> str:
    said = mask_words(row, frame_number)
    if not said:
        return ""
    references = references_words(row, partial(_tagged, archive))
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


def _passed_through(retrieved: _Retrieved, frame_number: int, wanted: Wanted) -> Pictured | None:
    """The archive's own picture, where it is just what was asked for."""
    if isinstance(retrieved.source, EncodedFrame):
        return None
    picture = _fitted(as_it_is, retrieved.source, retrieved, frame_number, wanted)
    return _of_archive(picture, retrieved, frame_number) if picture else None


def _pictured(retrieved: _Retrieved, frame_number: int, wanted: Wanted) -> Pictured:
    if isinstance(retrieved.source, EncodedFrame):
        return render_frame(
            retrieved.source, request=wanted.window, media_type=wanted.media_type, max_edge=wanted.max_edge
        )
    picture = _fitted(fit, retrieved.source, retrieved, frame_number, wanted)
    return _of_archive(picture, retrieved, frame_number)


def _of_archive(picture: Picture, retrieved: _Retrieved, frame_number: int) -> Pictured:
    remarks = uncertain(retrieved.row, frame_number)
    if retrieved.is_empty:
        remarks.insert(0, "Next to nothing can be seen on it, and the frame cannot be decoded here.")
    return Pictured(picture=picture, window_words=retrieved.window_words, remarks=tuple(remarks))


def _fitted(
    fitting: Callable[..., T], source: ArchivePicture, retrieved: _Retrieved, frame_number: int, wanted: Wanted
) -> T:
    return fitting(
        source.content,
        media_type=wanted.media_type,
        max_edge=wanted.max_edge,
        stored_size=(retrieved.layout.columns, retrieved.layout.rows),
        pixel_aspect=pixel_aspect(retrieved.row, frame_number),
    )


def _shown(picture: Picture, layout: PixelLayout) -> str:
    kind = picture.media_type.removeprefix("image/").upper()
    stored = f"stored as {layout.columns} × {layout.rows}"
    note = f"; {picture.note}" if picture.note else ""
    return f"Shown: {picture.width} × {picture.height} pixels, {kind} ({stored}{note})."
