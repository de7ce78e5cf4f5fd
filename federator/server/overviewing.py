"""What render-series-overview does: choose the images, fetch them at once, show them in one window."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.archive.client import ArchiveClient
from federator.archive.concurrently import concurrently
from federator.archive.images import has_one_frame, retrieve_encoded_frame, retrieve_only_frame
from federator.archive.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.render.describe import details, title
from federator.dicom.render.display import Toning
from federator.dicom.render.encoded import EncodedFrame
from federator.dicom.render.frame import overview_cell, overview_toning
from federator.dicom.render.geometry import place_along_normal
from federator.dicom.render.overview import Cell, cell_edge, contact_sheet
from federator.dicom.render.windows import WindowRequest, parse
from federator.dicom.uid import TaggedUID
from federator.errors import ContentError, FederatorError, NotFound
from federator.federation.federation import Federation
from federator.federation.retrieval import Served
from federator.model import DicomJson, Outcome
from federator.server.lifespan import App
from federator.server.picturing import picture_result
from federator.server.series_images import QUERY, Choice, chosen, images_of
from federator.server.wording import counted, explain, first_line, listed, one_line

_AT_ONCE = 8
"""Images that are fetched or decoded at a time: each may take tens of megabytes."""

_STEPS_BEFORE = 2
"""Steps of progress before the images: they are chosen, their window is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """One image as it is on the sheet; `earlier` says why other holders did not serve it."""

    choice: Choice
    row: DicomJson
    archive: str
    earlier: tuple[Outcome, ...]
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """One image that could not be had, and why."""

    choice: Choice
    fault: str


async def overview(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, *, frames: int, window: str
) -> CallToolResult:
    """A contact sheet of evenly spaced images, and in text which image each number is."""
    request = parse(window)
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    page = await federation.search(QUERY, study=study, series=series)
    app.note(page.outcomes)
    images = await app.in_worker(images_of, page)
    if not images:
        raise NotFound(
            "The series has no images to show. find-instances lists what it has; find-structured-reports and "
            "find-encapsulated-pdf-reports find reports.",
            outcomes=page.outcomes,
        )
    choices = await chosen(federation, study, series, images, frames)
    await ctx.report_progress(1, len(choices) + _STEPS_BEFORE, "the images are chosen")
    source = _Source(federation)
    toning = await _toning(app, source, choices, request)
    await ctx.report_progress(_STEPS_BEFORE, len(choices) + _STEPS_BEFORE, "the window is chosen")
    sheet = _Sheet(ctx, app, source, toning, len(choices))
    cells = await concurrently([partial(sheet.cell, choice) for choice in choices])
    seen = [cell for cell in cells if isinstance(cell, _Shown)]
    missing = [cell for cell in cells if isinstance(cell, _Missing)]
    if not seen:
        raise ContentError(f"None of the images can be shown. {missing[0].fault}")
    picture = await app.in_worker(contact_sheet, [one.cell for one in seen])
    lines = [first_line(page.outcomes, missing="Images"), *_lines(seen, missing, len(images), toning)]
    return picture_result(picture, [line for line in lines if line])


class _Source:
    """Fetches frames; the metadata of an instance that gives several of them is retrieved once."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._rows: dict[tuple[str, str], DicomJson] = {}
        self._kept: dict[Choice, Served[EncodedFrame]] = {}

    async def keep(self, choice: Choice) -> EncodedFrame:
        """One frame, which `frame` gives out once more without asking for it again."""
        self._kept[choice] = await self.frame(choice)
        return self._kept[choice].value

    async def frame(self, choice: Choice) -> Served[EncodedFrame]:
        """One frame, encoded as stored, from whichever archive serves it."""
        kept = self._kept.pop(choice, None)
        return kept or await self._federation.retrieve(choice.target, partial(self._retrieve, choice=choice))

    async def _retrieve(self, client: ArchiveClient, *, choice: Choice) -> EncodedFrame:
        address = choice.address
        if has_one_frame(choice.sop_class_uid):
            return await retrieve_only_frame(client, address)
        place = client.name, address.sop_instance_uid
        row = self._rows.get(place) or (await retrieve_metadata(client, *address.uids))[0]
        self._rows[place] = row
        return await retrieve_encoded_frame(client, address, row)


async def _toning(app: App, source: _Source, choices: Sequence[Choice], request: WindowRequest | None) -> Toning:
    """One window for all, from the middle image; from the next one outwards where that cannot be had."""
    middle, fault = len(choices) // 2, ""
    for index in sorted(range(len(choices)), key=lambda index: abs(index - middle))[:_AT_ONCE]:
        try:
            frame = await source.keep(choices[index])
            return await app.in_worker(overview_toning, frame, request)
        except FederatorError as error:
            fault = fault or str(error)
    raise ContentError(f"None of the images can be shown. {fault}")


class _Sheet:
    """Fetches and tones the images of one sheet, a few at a time, and reports progress."""

    def __init__(self, ctx: Context[App], app: App, source: _Source, toning: Toning, count: int) -> None:
        self._ctx, self._app, self._source, self._toning = ctx, app, source, toning
        self._count, self._done = count, 0
        self._slots = anyio.Semaphore(_AT_ONCE)

    async def cell(self, choice: Choice) -> _Shown | _Missing:
        """One image; one that cannot be had leaves the others to be shown."""
        async with self._slots:
            try:
                served = await self._source.frame(choice)
                self._app.note(served.earlier)
                cell = await self._app.in_worker(
                    partial(overview_cell, max_edge=cell_edge(self._count)), served.value, self._toning
                )
            except FederatorError as error:
                return _Missing(choice=choice, fault=str(error))
            self._done += 1
            done, total = self._done + _STEPS_BEFORE, self._count + _STEPS_BEFORE
            await self._ctx.report_progress(done, total, f"image {self._done} of {self._count}")
        return _Shown(choice=choice, row=served.value.row, archive=served.archive, earlier=served.earlier, cell=cell)


def _lines(seen: Sequence[_Shown], missing: Sequence[_Missing], count: int, toning: Toning) -> list[str]:
    middle = seen[len(seen) // 2]
    failed = dict.fromkeys(explain(outcome) for one in seen for outcome in one.earlier)
    origin = "; ".join([f"From {listed(sorted({one.archive for one in seen}))}", *failed])
    said = f"{counted(len(seen), 'image')} of a series of {counted(count, 'instance')}, numbered as on the sheet:"
    return [
        f"{origin}. {said}",
        *(f"{number}: {_words(one)}" for number, one in enumerate(seen, start=1)),
        *(
            f"Not shown: {one.choice.target.instance} frame {one.choice.frame_number}. {one_line(one.fault)}"
            for one in missing
        ),
        f"All in one window: {one_line(toning.words, max_characters=600)}.",
        f"About all, from the middle one: {title(middle.row, middle.choice.frame_number)}.",
        *details(middle.row, middle.choice.frame_number),
    ]


def _words(one: _Shown) -> str:
    number = json.integer(one.row, "00200013")
    place = place_along_normal(one.row, one.choice.frame_number)
    parts = [
        f"{one.choice.target.instance} frame {one.choice.frame_number}",
        f"image {number}" if number is not None else "",
        f"at {place:.1f} mm" if place is not None else "",
    ]
    return ", ".join(part for part in parts if part)
