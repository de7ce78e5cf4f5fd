"""What render-series-overview does: choose the images, fetch them all at once, show them in one window."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.archive.client import ArchiveClient
from federator.archive.concurrently import concurrently
from federator.archive.images import FrameAddress, retrieve_encoded_frame
from federator.archive.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.document import is_encapsulated_document, is_structured_report
from federator.dicom.query import Query
from federator.dicom.render.describe import details, title
from federator.dicom.render.encoded import EncodedFrame
from federator.dicom.render.frame import render_overview
from federator.dicom.render.geometry import place_along_normal
from federator.dicom.render.header import layout_of, number_of_frames
from federator.dicom.render.overview import evenly_spaced
from federator.dicom.render.windows import parse
from federator.dicom.uid import TaggedUID
from federator.errors import ContentError, FederatorError, NotFound
from federator.federation.federation import Federation
from federator.federation.retrieval import Served
from federator.federation.target import Target
from federator.model import Entry, Level, Page
from federator.server.lifespan import App
from federator.server.picturing import picture_result
from federator.server.progress import reporter
from federator.server.wording import counted, explain, first_line, listed, one_line

_ROWS, _POSITION, _ORIENTATION, _FRAMES = "00280010", "00200032", "00200037", "00280008"
_MOST_INSTANCES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """One image of the sheet: which it is, and its encoded frame or why there is none."""

    instance: TaggedUID
    frame_number: int
    served: Served[EncodedFrame] | None
    fault: str = ""


async def overview(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, *, frames: int, window: str
) -> CallToolResult:
    """A contact sheet of evenly spaced images, and in text which image each number is."""
    request = parse(window)
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    page = await federation.search(
        Query(
            level=Level.INSTANCE,
            limit=_MOST_INSTANCES,
            limit_asked=_MOST_INSTANCES,
            include=(_ROWS, _POSITION, _ORIENTATION, _FRAMES),
        ),
        study=study,
        series=series,
        on_outcome=reporter(ctx),
    )
    app.note(page.outcomes)
    images = in_patient_order(_images(page))
    if not images:
        raise NotFound(
            "The series has no images to show. find-instances lists what it has; find-structured-reports and "
            "find-encapsulated-pdf-reports find reports.",
            outcomes=page.outcomes,
        )
    chosen = await _chosen(federation, study, series, images, frames)
    cells = await concurrently([partial(_cell, federation, study, series, *one) for one in chosen])
    shown = [cell for cell in cells if cell.served is not None]
    if not shown:
        raise ContentError(f"None of the images can be shown. {cells[0].fault}")
    rendered = await app.in_worker(partial(render_overview, [_frame(cell) for cell in shown], request=request))
    return picture_result(rendered.picture, _lines(page, len(images), cells, rendered.window_words))


def in_patient_order(entries: Sequence[Entry]) -> list[Entry]:
    """By position along the normal where every image tells it and all are parallel, else as they come, by number."""
    places = [place_along_normal(entry.rows[0].data) for entry in entries]
    orientations = {tuple(json.texts(entry.rows[0].data, _ORIENTATION)) for entry in entries}
    if len(orientations) != 1 or any(place is None for place in places):
        return list(entries)
    return [entry for _, entry in sorted(zip(places, entries, strict=True), key=lambda pair: pair[0] or 0.0)]


def _images(page: Page) -> list[Entry]:
    """The instances that may have pixels: archives that tell Rows tell it of all images."""
    entries = [entry for entry in page.entries if not _is_document(json.uid(entry.rows[0].data, "00080016"))]
    with_rows = [entry for entry in entries if json.integer(entry.rows[0].data, _ROWS)]
    return with_rows or entries


def _is_document(sop_class_uid: str) -> bool:
    return is_structured_report(sop_class_uid) or is_encapsulated_document(sop_class_uid)


async def _chosen(
    federation: Federation, study: TaggedUID, series: TaggedUID, images: Sequence[Entry], wanted: int
) -> list[tuple[TaggedUID, int]]:
    """Which frames of which instances: evenly over the instances, or over all frames where there are few instances."""
    tagged = [TaggedUID.of(entry.uid, entry.holders) for entry in images]
    if len(images) >= wanted:
        picked = [(tagged[index], images[index]) for index in evenly_spaced(len(images), wanted)]
        # Of a loop, the middle frame stands for it.
        return [(uid, number_of_frames(entry.rows[0].data) // 2 + 1) for uid, entry in picked]
    counts = await concurrently(
        [
            partial(_frame_count, federation, study, series, uid, entry)
            for uid, entry in zip(tagged, images, strict=True)
        ]
    )
    every = [(uid, number) for uid, count in zip(tagged, counts, strict=True) for number in range(1, count + 1)]
    return [every[index] for index in evenly_spaced(len(every), wanted)]


async def _frame_count(
    federation: Federation, study: TaggedUID, series: TaggedUID, instance: TaggedUID, entry: Entry
) -> int:
    """The number of frames: many archives leave it out of search results, so the metadata is asked."""
    if json.has_value(entry.rows[0].data, _FRAMES):
        return number_of_frames(entry.rows[0].data)

    async def count(client: ArchiveClient) -> int:
        return number_of_frames((await retrieve_metadata(client, study.uid, series.uid, instance.uid))[0])

    return (await federation.retrieve(Target(study=study, series=series, instance=instance), count)).value


async def _cell(
    federation: Federation, study: TaggedUID, series: TaggedUID, instance: TaggedUID, frame_number: int
) -> _Cell:
    """Fetch one image; one that cannot be had leaves the others to be shown."""
    address = FrameAddress(
        study_instance_uid=study.uid,
        series_instance_uid=series.uid,
        sop_instance_uid=instance.uid,
        frame_number=frame_number,
    )

    async def fetch(client: ArchiveClient) -> EncodedFrame:
        row = (await retrieve_metadata(client, *address.uids))[0]
        layout_of(row)
        return await retrieve_encoded_frame(client, address, row)

    try:
        served = await federation.retrieve(Target(study=study, series=series, instance=instance), fetch)
    except FederatorError as error:
        return _Cell(instance=instance, frame_number=frame_number, served=None, fault=str(error))
    return _Cell(instance=instance, frame_number=frame_number, served=served)


def _frame(cell: _Cell) -> EncodedFrame:
    if cell.served is None:
        raise ValueError("a cell without a frame is not shown")
    return cell.served.value


def _lines(page: Page, count: int, cells: Sequence[_Cell], window_words: str) -> list[str]:
    shown = [cell for cell in cells if cell.served is not None]
    served = [cell.served for cell in shown if cell.served is not None]
    origin = f"From {listed(sorted({one.archive for one in served}))}"
    failed = dict.fromkeys(explain(outcome) for one in served for outcome in one.earlier)
    middle = served[len(served) // 2].value
    said = f"{counted(len(shown), 'image')} of {counted(count, 'instance')}, evenly spaced, numbered as on the sheet:"
    lines = [
        first_line(page.outcomes, missing="Images"),
        f"{'; '.join([origin, *failed])}. {said}",
        *(f"{number}: {_cell_words(cell)}" for number, cell in enumerate(shown, start=1)),
        *(
            f"Not shown: {cell.instance} frame {cell.frame_number}. {one_line(cell.fault)}"
            for cell in cells
            if cell.fault
        ),
        f"All in one window: {one_line(window_words, max_characters=600)}.",
        f"The middle one is {title(middle.row, middle.frame_number)}.",
        *details(middle.row, middle.frame_number),
        "For one of them in full size: render-instance-frame.",
    ]
    return [line for line in lines if line]


def _cell_words(cell: _Cell) -> str:
    frame = _frame(cell)
    number = json.integer(frame.row, "00200013")
    place = place_along_normal(frame.row, cell.frame_number)
    parts = [
        f"{cell.instance} frame {cell.frame_number}",
        f"image {number}" if number is not None else "",
        f"at {place:.1f} mm" if place is not None else "",
    ]
    return ", ".join(part for part in parts if part)
