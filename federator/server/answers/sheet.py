"""The images of one sheet: fetched, toned and prepared a few at a time, each kind in a window of its own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar, TypeVarTuple

import anyio
from mcp.server.mcpserver import Context

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import has_one_frame, retrieve_encoded_frame, retrieve_frame_of_file
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom.image.aspects import Aspects, aspects_of
from federator.dicom.image.windows import WindowRequest
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.weight import is_light, limits_of
from federator.dicom.render.display import Toning, chosen_toning
from federator.dicom.render.frame import frame_spread, needs_no_values, overview_cell, overview_toning
from federator.dicom.render.overview import Cell, PackedCell, cell_edge
from federator.dicom.render.spread import Spread
from federator.errors import ContentError, FederatorError
from federator.federation.federation import Federation
from federator.federation.retrieval import Served
from federator.model import DicomJson, Outcome
from federator.server.answers.choosing import Choice
from federator.server.shared import App

T = TypeVar("T")
More = TypeVarTuple("More")

STEPS_BEFORE = 2
"""Steps of progress before the images: they are chosen, their window is chosen."""

_AT_ONCE = 8
"""Images that are fetched or decoded at a time: each may take tens of megabytes."""
_LOOKED_INTO = 3
"""Images that hold something, from which the window of a series without windows is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One image as it is on the sheet; `earlier` says why other holders did not serve it."""

    choice: Choice
    row: DicomJson
    aspects: Aspects
    archive: str
    earlier: tuple[Outcome, ...]
    cell: Cell
    toning: Toning


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One image that could not be had, and why."""

    choice: Choice
    fault: str


class _Source:
    """Fetches frames; the metadata of an instance that gives several of them is retrieved once."""

    def __init__(self, federation: Federation, choices: Sequence[Choice]) -> None:
        self._federation = federation
        self._rows: dict[str, DicomJson] = {
            choice.address.sop_instance_uid: choice.row for choice in choices if choice.row is not None
        }
        self._locks: dict[str, anyio.Lock] = {}

    async def frame(self, choice: Choice) -> Served[EncodedFrame]:
        """One frame, encoded as stored, from whichever archive serves it."""
        return await self._federation.retrieve(choice.target, partial(self._retrieve, choice=choice))

    async def _retrieve(self, client: ArchiveClient, *, choice: Choice) -> EncodedFrame:
        if has_one_frame(choice.sop_class_uid):
            return await retrieve_frame_of_file(client, choice.address)
        return await retrieve_encoded_frame(client, choice.address, await self._row(client, choice))

    async def _row(self, client: ArchiveClient, choice: Choice) -> DicomJson:
        uid = choice.address.sop_instance_uid
        async with self._locks.setdefault(uid, anyio.Lock()):
            if uid not in self._rows:
                self._rows[uid] = (await retrieve_metadata(client, *choice.address.uids))[0]
        return self._rows[uid]


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


@dataclass(slots=True, kw_only=True)
class _Kind:
    """Images that share a window. `candidates` are those that it may be taken from, from the middle outwards."""

    candidates: dict[int, _Later[EncodedFrame]]
    toning: _Later[Toning] = field(default_factory=_Later)


class Sheet:
    """Fetches and tones the images of one sheet, a few at a time, and reports progress.

    Each kind has one window, from its middle image; from the next one outwards where that cannot be had or is blank.
    So the candidates of a window are fetched first, kind by kind, and wait for it when they are there. A kind has not
    more of them than are fetched at once: the first kind whose window is open always has all of its own under way, else
    images would wait for a window that waits for images.
    """

    def __init__(
        self,
        ctx: Context[App],
        app: App,
        federation: Federation,
        choices: Sequence[Choice],
        request: WindowRequest | None,
    ) -> None:
        self._ctx, self._app, self._source = ctx, app, _Source(federation, choices)
        self._choices, self._request, self._done = choices, request, 0
        self._slots = anyio.Semaphore(_AT_ONCE)
        members: dict[object, list[int]] = {}
        for index, choice in enumerate(choices):
            members.setdefault(choice.aspects.window_key, []).append(index)
        outwards = [_outwards(indices) for indices in members.values()]
        self._kinds = [_Kind(candidates={i: _Later() for i in indices[:_AT_ONCE]}) for indices in outwards]
        self._kind_of = {i: kind for kind, indices in zip(self._kinds, outwards, strict=True) for i in indices}
        self._order = [i for indices in outwards for i in indices[:_AT_ONCE]]
        self._order += [i for indices in outwards for i in indices[_AT_ONCE:]]
        self._is_window_told = False

    async def cells(self) -> list[Shown | Missing]:
        """All images in the order of the choices."""
        found: dict[int, Shown | Missing] = {}

        async def fill(index: int) -> None:
            found[index] = await self._cell(index)

        windows: list[Callable[[], Awaitable[None]]] = [partial(self._choose_toning, kind) for kind in self._kinds]
        cells: list[Callable[[], Awaitable[None]]] = [partial(fill, index) for index in self._order]
        await concurrently([*windows, *cells])
        return [found[index] for index in range(len(self._choices))]

    async def _choose_toning(self, kind: _Kind) -> None:
        try:
            frame, spreads = await self._looked_into(kind)
            toning = await self._decoded(overview_toning, frame, self._request, spreads)
        except FederatorError as error:
            kind.toning.give(error)
            return
        finally:
            kind.candidates = {}
        if not self._is_window_told:
            self._is_window_told = True
            await self._report(STEPS_BEFORE, "the window is chosen")
        kind.toning.give(toning)

    async def _looked_into(self, kind: _Kind) -> tuple[EncodedFrame, list[Spread]]:
        """The frame whose own window counts, and the spreads of those that hold something; a blank one if all are."""
        held: list[tuple[EncodedFrame, Spread]] = []
        blank: list[tuple[EncodedFrame, Spread]] = []
        fault: FederatorError | None = None
        for candidate in kind.candidates.values():
            try:
                frame = await candidate.value()
                if needs_no_values(frame, self._request):
                    return frame, []
                spread = await self._decoded(frame_spread, frame)
            except FederatorError as error:
                fault = fault or error
                continue
            (blank if spread.is_blank else held).append((frame, spread))
            if held and (chosen_toning(held[0][0], self._request) or len(held) == _LOOKED_INTO):
                break
        looked = held or blank[:1]
        if not looked:
            raise ContentError(str(fault))
        return looked[0][0], [spread for _, spread in looked]

    async def _cell(self, index: int) -> Shown | Missing:
        """One image; one that cannot be had leaves the others to be shown."""
        choice, kind = self._choices[index], self._kind_of[index]
        async with self._slots:
            try:
                served = await self._fetched(index, kind)
                self._app.note(served.earlier)
                toning = await kind.toning.value()
                packed = await self._decoded(_cell, served.value, toning, len(self._choices))
            except FederatorError as error:
                return Missing(choice=choice, fault=str(error))
            self._done += 1
            await self._report(self._done + STEPS_BEFORE, f"image {self._done} of {len(self._choices)}")
        row = served.value.row
        return Shown(
            choice=choice,
            row=row,
            aspects=aspects_of(row, choice.frame_number),
            archive=served.archive,
            earlier=served.earlier,
            cell=packed.unpacked(),
            toning=toning,
        )

    async def _decoded(self, function: Callable[[EncodedFrame, *More], T], frame: EncodedFrame, *more: *More) -> T:
        return await self._app.by_weight(function, frame, *more, is_light=is_light(frame), limits=limits_of(frame))

    async def _fetched(self, index: int, kind: _Kind) -> Served[EncodedFrame]:
        candidate = kind.candidates.get(index) or _Later[EncodedFrame]()
        try:
            served = await self._source.frame(self._choices[index])
        except FederatorError as error:
            candidate.give(error)
            raise
        candidate.give(served.value)
        return served

    async def _report(self, done: int, what: str) -> None:
        await self._ctx.report_progress(done, len(self._choices) + STEPS_BEFORE, what)


def _outwards(indices: Sequence[int]) -> list[int]:
    middle = indices[len(indices) // 2]
    return sorted(indices, key=lambda index: abs(index - middle))


def _cell(frame: EncodedFrame, toning: Toning, count: int) -> PackedCell:
    return overview_cell(frame, toning, max_edge=cell_edge(count)).prepared(count).packed()
