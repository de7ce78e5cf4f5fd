"""Asking for one resource in the forms that archives take: one exact media type per request, one after the other.

Archives read Accept badly (lists, wild cards and quality values are refused by some), so no request names two types.
What worked is remembered per archive and kind of resource, and asked for first the next time.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from federator.archive.connection.beside import read_beside
from federator.archive.connection.client import Answer, ArchiveClient, RequestKind
from federator.archive.encoding.multipart import MultipartError, Part, content_type, is_multipart, parse
from federator.archive.encoding.sniff import Kind, sniff
from federator.dicom.uid import is_uid
from federator.errors import ArchiveError, RequestError
from federator.model import OutcomeState

T = TypeVar("T")

ABSENT = frozenset({404, 405})
"""How archives say that they do not have a resource at all, or that the object has none of its kind."""

_PARTIAL_CONTENT = 206
_GONE = 410
# 400 is Orthanc's word for a media type that it does not take, 500 for what it cannot do.
_REFUSALS = frozenset({400, 406, 415, 500, 501})
_NAMES = {
    Kind.DICOM: "a DICOM file",
    Kind.HTML: "a web page",
    Kind.PDF: "a PDF",
    Kind.EMPTY: "nothing",
    Kind.MULTIPART: "several parts in one",
    Kind.UNKNOWN: "bytes of no known kind",
}


class NotOffered(ArchiveError):  # noqa: N818 - reads as a sentence at the place where it is caught
    """The archive refuses every form of a resource that was asked for, or answers with something else."""


def object_path(study: str, series: str = "", instance: str = "") -> str:
    """The path of a study, series or instance below the archive's address; a RequestError for what is not a UID.

    Standard: PS3.18 §10.4.1
    """
    path = ""
    for resource, uid in (("studies", study), ("series", series), ("instances", instance)):
        if not uid:
            break
        if not is_uid(uid):
            raise RequestError(f"'{uid[:80]}' is not a UID. Write digits and dots, at most 64 characters.")
        path += f"/{resource}/{uid}"
    return path


async def ask(
    client: ArchiveClient,
    path: str,
    *,
    resource: str,
    accepts: Sequence[str],
    read: Callable[[Answer], T],
    parameters: Sequence[tuple[str, str]] = (),
    absent: frozenset[int] = frozenset(),
) -> T:
    """GET `path` with one of `accepts` after the other until `read` can make something of the answer.

    `read` runs in a worker thread where the answer is large; it raises an ArchiveError for what it cannot use.
    `resource` is the key under which the working media type is remembered; the HTTP statuses in `absent` count as
    refusals of the resource. Raises NotOffered when every form was refused, else what kept the archive from answering.
    """
    with client.turns.taking():
        return await _asked(
            client, path, resource=resource, accepts=accepts, read=read, parameters=parameters, absent=absent
        )


async def _asked(
    client: ArchiveClient,
    path: str,
    *,
    resource: str,
    accepts: Sequence[str],
    read: Callable[[Answer], T],
    parameters: Sequence[tuple[str, str]],
    absent: frozenset[int],
) -> T:
    refusals: list[ArchiveError] = []
    for accept in _ladder(accepts, client.habits.known.accepts.get(resource, "")):
        try:
            answer = await client.get(path, accept=accept, parameters=parameters, kind=RequestKind.RETRIEVE)
        except ArchiveError as error:
            if error.http_status == _GONE:
                raise ArchiveError(
                    "has archived it offline or removed it (410).", state=error.state, http_status=_GONE
                ) from error
            if error.http_status not in _REFUSALS | absent:
                raise
            refusals.append(error)
            continue
        if answer.status == _PARTIAL_CONTENT:
            raise ArchiveError(
                "sent only a part of it (206).",
                state=OutcomeState.PARTIAL,
                http_status=_PARTIAL_CONTENT,
                permanent=True,
            )
        try:
            value = await read_beside(read, answer)
        except ArchiveError as error:
            refusals.append(error)
            continue
        client.habits.accepts(resource, accept)
        return value
    # What came instead of the object says more than that another media type was refused.
    refusal = next((each for each in refusals if each.http_status is None), refusals[0])
    raise NotOffered(
        str(refusal), state=refusal.state, http_status=refusal.http_status, permanent=refusal.permanent
    ) from refusal


def parts_of(answer: Answer) -> list[Part]:
    """The parts of an answer, one where it is not multipart; told by the bytes first, by the label second."""
    kind = sniff(answer.body)
    if kind is Kind.EMPTY:
        raise wrong_content("sent an empty answer")
    if kind is not Kind.MULTIPART and (kind is not Kind.UNKNOWN or not is_multipart(answer.body, answer.content_type)):
        label = content_type(answer.content_type)
        return [
            Part(
                media_type=label.media_type,
                transfer_syntax=label.transfer_syntax,
                location="",
                content=answer.body,
                framed=False,
            )
        ]
    try:
        return parse(answer.body, answer.content_type)
    except MultipartError as error:
        raise wrong_content("sent a multipart answer that cannot be taken apart") from error


def wrong_kind(content: bytes, wanted: str) -> ArchiveError:
    """The error for an answer of another kind than `wanted`, which names the kind that came."""
    kind = sniff(content)
    return wrong_content(f"sent {_NAMES.get(kind, kind.value)} instead of {wanted}")


def wrong_content(what: str) -> ArchiveError:
    """The error for a 2xx answer that is not what DICOMweb promises."""
    return ArchiveError(f"{what}.", state=OutcomeState.NOT_DICOMWEB, permanent=True)


def cut_short(what: str) -> ArchiveError:
    """The error for an answer that ends before its content does."""
    return ArchiveError(f"sent {what} that is cut short.", state=OutcomeState.FAILED, permanent=True)


def _ladder(accepts: Sequence[str], remembered: str) -> list[str]:
    return sorted(accepts, key=lambda accept: accept != remembered)
