"""What render-instance-frame does: the archive's own picture where it makes one, else the frame decoded here."""

import base64
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ImageContent, TextContent

from federator.archive.retrieve.images import FrameAddress
from federator.archive.retrieve.rendered import Rendered as ArchivePicture
from federator.dicom.image.describe import details, title
from federator.dicom.image.geometry import pixel_aspect
from federator.dicom.image.header import PixelLayout
from federator.dicom.image.remarks import uncertain
from federator.dicom.image.windows import parse
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.weight import is_light, is_light_picture, limits_of, picture_limits
from federator.dicom.render.frame import Rendered as Pictured
from federator.dicom.render.frame import render_frame
from federator.dicom.render.picture import Picture, as_it_is, fit
from federator.dicom.uid import TaggedUID
from federator.dicom.visible import cell
from federator.federation.target import Target
from federator.server.answers.source import MOST_WORDS, Retrieved, Wanted, retrieve
from federator.server.shared import App
from federator.server.wording.wording import fenced_lines, one_line, served_by
from federator.workers.limits import Limits

T = TypeVar("T")


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
        Target(study=study, series=series, instance=instance), partial(retrieve, address=address, wanted=wanted)
    )
    app.note(served.earlier)
    retrieved = served.value
    # What need not be decoded takes microseconds, and the way to a worker and back takes more.
    pictured = _passed_through(retrieved, frame, wanted)
    if pictured is None:
        light, limits = _weighed(retrieved)
        pictured = await app.by_weight(_pictured, retrieved, frame, wanted, is_light=light, limits=limits)
    picture, window_words, remarks = pictured.picture, pictured.window_words, pictured.remarks
    about = [f"{title(retrieved.row, frame)}.", f"Window: {one_line(cell(window_words), max_characters=600)}."]
    about += [one_line(cell(said), max_characters=MOST_WORDS) for said in (retrieved.mask_words, *remarks) if said]
    lines = [
        served_by(served.archive, served.earlier),
        *fenced_lines(about, "about the image"),
        _shown(picture, retrieved.layout),
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


def _passed_through(retrieved: Retrieved, frame_number: int, wanted: Wanted) -> Pictured | None:
    """The archive's own picture, where it is just what was asked for."""
    if isinstance(retrieved.source, EncodedFrame):
        return None
    picture = _fitted(as_it_is, retrieved.source, retrieved, frame_number, wanted)
    return _of_archive(picture, retrieved, frame_number) if picture else None


def _weighed(retrieved: Retrieved) -> tuple[bool, Limits]:
    """Whether it is sure to be light, and what it may take where it is not."""
    source = retrieved.source
    if isinstance(source, EncodedFrame):
        return is_light(source), limits_of(source)
    return is_light_picture(source.content), picture_limits(source.content)


def _pictured(retrieved: Retrieved, frame_number: int, wanted: Wanted) -> Pictured:
    if isinstance(retrieved.source, EncodedFrame):
        return render_frame(
            retrieved.source, request=wanted.window, media_type=wanted.media_type, max_edge=wanted.max_edge
        )
    picture = _fitted(fit, retrieved.source, retrieved, frame_number, wanted)
    return _of_archive(picture, retrieved, frame_number)


def _of_archive(picture: Picture, retrieved: Retrieved, frame_number: int) -> Pictured:
    remarks = uncertain(retrieved.row, frame_number)
    if retrieved.is_empty:
        remarks.insert(0, "Next to nothing can be seen on it, and the frame cannot be decoded here.")
    return Pictured(picture=picture, window_words=retrieved.window_words, remarks=tuple(remarks))


def _fitted(
    fitting: Callable[..., T], source: ArchivePicture, retrieved: Retrieved, frame_number: int, wanted: Wanted
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
