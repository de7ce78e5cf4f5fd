"""One QIDO-RS request, adapted to what the archive takes.

Archives refuse what they do not know (Azure: an unknown key, a limit over 200; Raccoon: a limit over 100). A refusal
is answered by leaving out one thing after another; what helped is remembered, so that it is found out once.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from federator.archive.connection.beside import read_beside
from federator.archive.connection.client import ArchiveClient, current_meter
from federator.archive.habits.kept import Kept
from federator.archive.habits.known import Known
from federator.archive.habits.naming import Naming
from federator.archive.habits.owner import PLAIN_JSON, SEARCH
from federator.archive.search import rows
from federator.archive.search.cut import cut
from federator.archive.search.doubts import Doubt
from federator.archive.search.rows import Rows, Silence
from federator.dicom import json
from federator.errors import ArchiveError
from federator.model import Level, OutcomeState

ACCEPT = "application/dicom+json"

INCLUDE = {
    # What the standard does not promise by default and every listing needs (facts differ by archive).
    Level.STUDY: (
        "00080020", "00080030", "00080050", "00080056", "00080061", "00080062", "00080090", "00080201", "00081030",
        "00100010", "00100020", "00100021", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
    ),
    Level.SERIES: (
        "00080021", "00080031", "00080060", "0008103E", "00180015", "0020000D", "0020000E", "00200011", "00200060",
        "00201209", "00400244", "00400245",
    ),
    Level.INSTANCE: ("00080016", "00080018", "0020000D", "0020000E", "00200013", "00280010", "00280011", "00280008"),
}  # fmt: skip

REFUSALS = frozenset({400, 406, 409, 415, 422, 501})
_NOT_ACCEPTABLE = 406
_NOT_FOUND = 404
_LIMITS = (1000, 200, 100)
_USUAL_LIMIT = 200
_NOTHING_KEPT = Kept(since=dt.date.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask: `terms` are (tag, value), `include` tags of attributes wanted besides the usual ones.

    `whole` forbids to leave out a term that is refused: without it the answer would mean nothing. `naming` is how
    attributes are named, None where it is left to what is known of the archive.
    """

    level: Level
    path: str
    terms: tuple[tuple[str, str], ...] = ()
    limit: int
    offset: int = 0
    include: tuple[str, ...] = ()
    orderby: str = ""
    fuzzy: bool = False
    with_include: bool = True
    whole: bool = False
    naming: Naming | None = None
    accept: str = ACCEPT

    def key(self, tag: str) -> str:
        """How an attribute is named in this request."""
        return (json.keyword_of(tag) or tag) if self.naming is Naming.KEYWORD else tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a request, and what was really sent: what the archive does not take had to be left out."""

    answer: Rows
    sent: Request


async def ask(client: ArchiveClient, request: Request) -> Rows:
    """Send one request and read its rows; raises ArchiveError.

    Standard: PS3.18 §10.6
    """
    return (await ask_as_taken(client, request)).answer


async def ask_as_taken(client: ArchiveClient, request: Request) -> Reply:
    """The same, and what of the request the archive took. Raises ArchiveError."""
    request = _adapted(client.habits.known, request)
    try:
        return Reply(answer=await _send(client, request), sent=request)
    except ArchiveError as refusal:
        if refusal.http_status not in REFUSALS:
            raise
        for lighter in _lighter(request, refusal):
            try:
                answer = await _send(client, lighter)
            except ArchiveError as again:
                if again.http_status not in REFUSALS:
                    raise
            else:
                _learn(client, request, lighter)
                return Reply(answer=answer, sent=lighter)
        raise


async def ask_once(client: ArchiveClient, request: Request) -> Rows:
    """Send one request whole, without leaving anything out where it is refused; raises ArchiveError."""
    request = _adapted(client.habits.known, request)
    try:
        return await _send(client, request)
    except ArchiveError as refusal:
        if refusal.http_status != _NOT_ACCEPTABLE:
            raise
    return await _send(client, replace(request, accept=_other(request.accept)))


async def _send(client: ArchiveClient, request: Request) -> Rows:
    parameters = [(request.key(tag), value) for tag, value in request.terms]
    if request.fuzzy:
        parameters.append(("fuzzymatching", "true"))
    parameters.append(("limit", str(request.limit)))
    if request.offset:
        parameters.append(("offset", str(request.offset)))
    if request.orderby:
        parameters.append(("orderby", request.orderby))
    if request.with_include:
        wanted = dict.fromkeys((*INCLUDE[request.level], *request.include))
        parameters.extend(("includefield", request.key(tag)) for tag in wanted)
    try:
        with client.turns.taking():
            sent = await client.get(request.path, accept=request.accept, parameters=parameters)
            read = partial(rows.parse, shorten=cut, most=client.archive.max_rows)
            answer = await read_beside(read, sent)
    except ArchiveError as refusal:
        await _means_none(client, request, refusal)
        return Rows(rows=[])
    _count(client, answer.count)
    return _addressed(answer, request)


async def _means_none(client: ArchiveClient, request: Request, refusal: ArchiveError) -> None:
    """Return where a 404 or an empty answer says "none"; raise what it says else.

    Below a study, archives say 404 where others give an empty list of what they do not hold. Of the studies themselves
    it means "none" to some, and to the others that no archive is there: one that lists a study is there.
    """
    silent = isinstance(refusal, Silence)
    if not silent and refusal.http_status != _NOT_FOUND:
        raise refusal
    if not silent and request.path != "/studies":
        return
    narrowed = request.path != "/studies" or request.terms or request.offset
    if narrowed and await _lists_studies(client):
        return
    if silent:
        raise refusal
    raise ArchiveError(
        "there is a server, but no DICOMweb service at this address (404).",
        state=OutcomeState.NOT_DICOMWEB,
        http_status=_NOT_FOUND,
    ) from refusal


async def _lists_studies(client: ArchiveClient) -> bool:
    """Whether the plainest question brings a study."""
    try:
        return (await _send(client, Request(level=Level.STUDY, path="/studies", limit=1, with_include=False))).count > 0
    except ArchiveError as error:
        if error.http_status is None and not isinstance(error, Silence):
            raise
        return False


def _addressed(answer: Rows, request: Request) -> Rows:
    """The answer with the rows apart whose UID is none."""
    if answer.count >= request.limit:
        # A part only, because no more was asked for.
        answer.doubts.said.discard(Doubt.PARTIAL_CONTENT)
    tag = request.level.uid_tag
    held = [row for row in answer.rows if json.uid(row, tag)]
    if len(held) == len(answer.rows):
        return answer
    return replace(answer, rows=held, nameless=[row for row in answer.rows if not json.uid(row, tag)])


def _count(client: ArchiveClient, count: int) -> None:
    """Hold the question to its budget of rows."""
    meter = current_meter.get()
    if meter is None:
        return
    meter.rows += count
    if meter.rows > client.archive.max_rows:
        raise ArchiveError(
            f"needed more than {client.archive.max_rows} rows (max_rows), so reading stopped. Ask more narrowly.",
            state=OutcomeState.PARTIAL,
            permanent=True,
        )


def _adapted(known: Known, request: Request) -> Request:
    naming = request.naming or known.usual_naming
    kept = known.kept or _NOTHING_KEPT
    # What is kept of limits is for what every question asks; who reads a long list finds out whether it still holds.
    most = known.max_limit or (kept.max_limit if request.limit <= _USUAL_LIMIT else None)
    return replace(
        request,
        naming=naming,
        accept=known.accepts.get(SEARCH, PLAIN_JSON if kept.plain_json else request.accept),
        limit=min(request.limit, most or request.limit),
        with_include=request.with_include and not known.include_refused,
        fuzzy=request.fuzzy and not known.fuzzy_refused,
        terms=tuple(term for term in request.terms if (naming, request.level, term[0]) not in known.refused),
    )


def _other(accept: str) -> str:
    """DICOM JSON has a media type of its own (PS3.18 §F.1.1), which some archives do not know."""
    return ACCEPT if accept == PLAIN_JSON else PLAIN_JSON


def _lighter(request: Request, refusal: ArchiveError) -> Iterator[Request]:
    """The request with one thing less, then with several: each kind of refusal is found by itself first."""
    if refusal.http_status == _NOT_ACCEPTABLE:
        request = replace(request, accept=_other(request.accept))
        yield request
    limits = [limit for limit in _LIMITS if limit < request.limit]
    yield from (replace(request, limit=limit) for limit in limits)
    if request.with_include:
        yield replace(request, with_include=False)
    if request.fuzzy:
        yield replace(request, fuzzy=False)
    fewer = []
    if not request.whole:
        fewer = [replace(request, terms=tuple(t for t in request.terms if t != term)) for term in request.terms]
    yield from fewer
    limit = min([request.limit, *limits])
    for lighter in (request, *fewer, *([] if request.whole else [replace(request, terms=())])):
        yield replace(lighter, limit=limit, with_include=False, fuzzy=False)


def _learn(client: ArchiveClient, request: Request, taken: Request) -> None:
    habits = client.habits
    if taken.accept != request.accept:
        habits.accepts(SEARCH, taken.accept)
    if taken.limit < request.limit:
        habits.takes_limit(taken.limit)
    if request.with_include and not taken.with_include:
        habits.refuses_include()
    if request.fuzzy and not taken.fuzzy:
        habits.refuses_fuzzy()
    left_out = {tag for tag, _ in request.terms} - {tag for tag, _ in taken.terms}
    habits.refused(taken.naming or Naming.TAG, request.level, left_out)
