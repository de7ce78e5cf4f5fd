"""WADO-RS for frames that the archive renders itself, checked to be images (PS3.18 §10.4.1.1.3)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.encoding.sniff import Kind, ends_as_begun, jpeg_process, sniff
from federator.archive.retrieve.accept import (
    ABSENT,
    NotOffered,
    ask,
    cut_short,
    object_path,
    parts_of,
    wrong_content,
    wrong_kind,
)
from federator.errors import ArchiveError, ContentError, RequestError
from federator.model import OutcomeState

T = TypeVar("T")

_KIND = "rendered:"
_MEDIA_TYPES = (Kind.JPEG.value, Kind.PNG.value)
_LOSSLESS_JPEG = 0xC3
# Refusals that tell of the kind of object, not of a mishap or of this one's parameters.
_LASTING = frozenset({400, 404, 405, 406, 415, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An image that an archive made; `media_type` (image/jpeg, image/png) is what the bytes are, whatever was asked."""

    content: bytes
    media_type: str


async def retrieve_rendered(
    client: ArchiveClient,
    study: str,
    series: str,
    instance: str,
    frame_number: int,
    *,
    media_type: str = Kind.JPEG.value,
    window: tuple[float, float] | None = None,
    viewport: tuple[int, int] | None = None,
    sop_class_uid: str = "",
    early: "EarlyRendered | None" = None,
) -> Rendered:
    """One frame as an image made by the archive; `frame_number` counts from 1.

    Always asked for by its number, because archives answer for a whole multi-frame object with the first frame only
    or with an animation. `window` is (center, width) with the linear function, `viewport` (width, height) in pixels.
    With `sop_class_uid` a class that the archive was never seen to render is remembered and not asked for again.
    What came of an `early` request for just this is taken as if it had been asked for now.
    Raises ContentError where the archive cannot render this (decode it here then), ArchiveError where it could not be
    asked.

    Standard: PS3.18 §8.3.5
    """
    if frame_number < 1:
        raise RequestError(f"frame {frame_number} does not exist: frames count from 1.")
    kind = f"{_KIND}{sop_class_uid}"
    if sop_class_uid and kind in client.habits.known.unsupported:
        raise ContentError(f"{client.name} was found not to render this kind of object.")
    try:
        rendered = (
            early.result()
            if early
            else await _ask(
                client, (study, series, instance), frame_number, media_type=media_type, window=window, viewport=viewport
            )
        )
    except NotOffered as refusal:
        # A frame that does not exist and a window that is not understood are refused likewise: they teach nothing.
        plain = frame_number == 1 and window is None and refusal.http_status in _LASTING
        if sop_class_uid and plain and kind not in client.habits.known.accepts:
            client.habits.lacks(kind)
        raise ContentError(f"{client.name} does not render this object: it {refusal}") from refusal
    if sop_class_uid:
        client.habits.accepts(kind, rendered.media_type)
    return rendered


def may_be_asked_early(client: ArchiveClient) -> bool:
    """Whether the archive was seen to render, and never to refuse a kind of object: then a guess is worth a request."""
    known = client.habits.known
    seen = any(habit.startswith(_KIND) for habit in known.accepts)
    return seen and not any(habit.startswith(_KIND) for habit in known.unsupported)


class EarlyRendered:
    """An image that is asked for before the object's metadata are there, to be judged when they are.

    The parameters are those of `retrieve_rendered`. Nothing is learned from how it ends but what every request teaches
    (the media type that worked, that the archive is down), because nothing is known of the object yet.
    """

    def __init__(
        self,
        client: ArchiveClient,
        uids: tuple[str, str, str],
        frame_number: int,
        *,
        media_type: str,
        window: tuple[float, float] | None,
    ) -> None:
        self._ask = partial(_ask, client, uids, frame_number, media_type=media_type, window=window)
        self._scope = anyio.CancelScope()
        self._outcome: Rendered | ArchiveError = ArchiveError("was not asked.", state=OutcomeState.SKIPPED)

    async def beside(self, describe: Callable[[], Awaitable[T]], *, fits: Callable[[T], bool]) -> T:
        """What `describe` gives, or its error; the image is asked for meanwhile, and given up unless it `fits`."""
        described: list[T] = []

        async def first() -> None:
            described.append(await describe())
            if not fits(described[0]):
                self._scope.cancel()

        await concurrently([first, self._asked])
        return described[0]

    def result(self) -> Rendered:
        """The image, or the ArchiveError in its place; for one that was not given up."""
        if isinstance(self._outcome, ArchiveError):
            raise self._outcome
        return self._outcome

    async def _asked(self) -> None:
        with self._scope:
            try:
                self._outcome = await self._ask()
            except ArchiveError as error:
                self._outcome = error


async def _ask(
    client: ArchiveClient,
    uids: tuple[str, str, str],
    frame_number: int,
    *,
    media_type: str,
    window: tuple[float, float] | None,
    viewport: tuple[int, int] | None = None,
) -> Rendered:
    others = tuple(other for other in _MEDIA_TYPES if other != media_type)
    return await ask(
        client,
        f"{object_path(*uids)}/frames/{frame_number}/rendered",
        resource=f"rendered as {media_type}",
        accepts=(media_type, *others),
        read=_image_in,
        parameters=_parameters(window, viewport),
        absent=ABSENT,
    )


def _parameters(window: tuple[float, float] | None, viewport: tuple[int, int] | None) -> list[tuple[str, str]]:
    parameters: list[tuple[str, str]] = []
    if window is not None:
        center, width = window
        parameters.append(("window", f"{center:.10g},{width:.10g},linear"))
    if viewport is not None:
        parameters.append(("viewport", f"{viewport[0]},{viewport[1]}"))
    return parameters


def _image_in(answer: Answer) -> Rendered:
    parts = parts_of(answer)
    if len(parts) > 1:
        raise wrong_content("sent several images where one was asked for")
    content = parts[0].content
    kind = sniff(content)
    if kind.value not in _MEDIA_TYPES or (kind is Kind.JPEG and jpeg_process(content) == _LOSSLESS_JPEG):
        raise wrong_kind(content, "an image")
    if not ends_as_begun(content, kind):
        raise cut_short("an image")
    return Rendered(content=content, media_type=kind.value)
