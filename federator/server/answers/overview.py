"""What render-series-overview does: choose the images, fetch them at once, show them in one window."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import (
    FrameAddress,
    has_one_frame,
    retrieve_encoded_frame,
    retrieve_frame_of_file,
)
from federator.archive.retrieve.retrieve import retrieve_metadata
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
from federator.server.answers.frame import picture_result
from federator.server.answers.series_images import QUERY, Choice, chosen, images_of, no_images_words
from federator.server.shared import App
from federator.server.wording.wording import counted, explain, first_line, listed, one_line

T = TypeVar("T")

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
        raise NotFound(no_images_words(page), outcomes=page.outcomes)
    choices = await chosen(federation, study, series, images, frames)
    await ctx.report_progress(1, len(choices) + _STEPS_BEFORE, "the images are chosen")
    sheet = _Sheet(ctx, app, federation, choices, request)
    cells, toning = await sheet.cells()
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
        self._locks: dict[tuple[str, str], anyio.Lock] = {}

    async def frame(self, choice: Choice) -> Served[EncodedFrame]:
        """One frame, encoded as stored, from whichever archive serves it."""
        return await self._federation.retrieve(choice.target, partial(self._retrieve, choice=choice))

    async def _retrieve(self, client: ArchiveClient, *, choice: Choice) -> EncodedFrame:
        address = choice.address
        if has_one_frame(choice.sop_class_uid):
            return await retrieve_frame_of_file(client, address)
        return await retrieve_encoded_frame(client, address, await self._row(client, address))

    async def _row(self, client: ArchiveClient, address: FrameAddress) -> DicomJson:
        place = client.name, address.sop_instance_uid
        async with self._locks.setdefault(place, anyio.Lock()):
            if place not in self._rows:
                self._rows[place] = (await retrieve_metadata(client, *address.uids))[0]
        return self._rows[place]


class _Later(Generic[T]):
    """A value that one task gives and others wait for; or what kept it away."""

    def __init__(self) -> None:
        self._is_there = anyio.Event()
        self._given: list[T | FederatorError] = []

    def give(self, outcome: T | FederatorError) -> None:
        """It is there, or will never be."""
        self._given.append(outcome)
        self._is_there.set()

    async def value(self) -> T:
        """Wait for it; raises what kept it away."""
        await self._is_there.wait()
        outcome = self._given[0]
        if isinstance(outcome, FederatorError):
            raise outcome
        return outcome


class _Sheet:
    """Fetches and tones the images of one sheet, a few at a time, and reports progress.

    There is one window for all, from the middle image; from the next one outwards where that cannot be had. So images
    are fetched from the middle outwards, and wait for the window when they are there.
    """

    def __init__(
        self,
        ctx: Context[App],
        app: App,
        federation: Federation,
        choices: Sequence[Choice],
        request: WindowRequest | None,
    ) -> None:
        self._ctx, self._app, self._source = ctx, app, _Source(federation)
        self._choices, self._request, self._done = choices, request, 0
        self._slots = anyio.Semaphore(_AT_ONCE)
        middle = len(choices) // 2
        self._outwards = sorted(range(len(choices)), key=lambda index: abs(index - middle))
        # Not more than are fetched at once, else the window would wait for images that wait for the window.
        self._candidates = {index: _Later[EncodedFrame]() for index in self._outwards[:_AT_ONCE]}
        self._toning = _Later[Toning]()

    async def cells(self) -> tuple[list[_Shown | _Missing], Toning]:
        """All images in the order of the choices, and the window that they are shown in.

        A ContentError says why no window could be chosen: none of those in the middle can be shown.
        """
        found: dict[int, _Shown | _Missing] = {}

        async def fill(index: int) -> None:
            found[index] = await self._cell(index)

        calls: list[Callable[[], Awaitable[None]]] = [partial(fill, index) for index in self._outwards]
        await concurrently([self._choose_toning, *calls])
        return [found[index] for index in range(len(self._choices))], await self._toning.value()

    async def _choose_toning(self) -> None:
        fault = ""
        for candidate in self._candidates.values():
            try:
                toning = await self._app.in_worker(overview_toning, await candidate.value(), self._request)
            except FederatorError as error:
                fault = fault or str(error)
                continue
            self._candidates = {}
            await self._report(_STEPS_BEFORE, "the window is chosen")
            self._toning.give(toning)
            return
        raise ContentError(f"None of the images can be shown. {fault}")

    async def _cell(self, index: int) -> _Shown | _Missing:
        """One image; one that cannot be had leaves the others to be shown."""
        choice = self._choices[index]
        async with self._slots:
            try:
                served = await self._fetched(index)
                self._app.note(served.earlier)
                toning = await self._toning.value()
                cell = await self._app.in_worker(_cell, served.value, toning, len(self._choices))
            except FederatorError as error:
                return _Missing(choice=choice, fault=str(error))
            self._done += 1
            await self._report(self._done + _STEPS_BEFORE, f"image {self._done} of {len(self._choices)}")
        return _Shown(choice=choice, row=served.value.row, archive=served.archive, earlier=served.earlier, cell=cell)

    async def _fetched(self, index: int) -> Served[EncodedFrame]:
        candidate = self._candidates.get(index) or _Later[EncodedFrame]()
        try:
            served = await self._source.frame(self._choices[index])
        except FederatorError as error:
            candidate.give(error)
            raise
        candidate.give(served.value)
        return served

    async def _report(self, done: int, what: str) -> None:
        await self._ctx.report_progress(done, len(self._choices) + _STEPS_BEFORE, what)


def _cell(frame: EncodedFrame, toning: Toning, count: int) -> Cell:
    return overview_cell(frame, toning, max_edge=cell_edge(count)).prepared(count)


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
