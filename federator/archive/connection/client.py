"""One archive over HTTP: with `address`, `made` and `faults`, the only door to httpx.

Every request is a GET to the archive's own origin. Each is limited four ways: by the caller's cancel scope (seconds),
by `max_bytes` of decoded answer, by `max_connections` at once, and by the rows that the caller counts.
"""

import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
import httpx

from federator.archive.connection.address import address_of, check_encoding, is_redirect, redirected
from federator.archive.connection.auth import SignIn
from federator.archive.connection.certificates import NamesNoHost, names_no_host
from federator.archive.connection.faults import refusal, translated
from federator.archive.connection.hurdles import hurdle_of
from federator.archive.connection.journal import noted
from federator.archive.connection.made import made
from federator.archive.connection.retry import Breaker, RetryBudget, subject_of, with_retries
from federator.archive.connection.target import target
from federator.archive.connection.trust import trust_in_nobody, trust_of
from federator.archive.connection.turns import Turns, wait_for_turn
from federator.archive.encoding.weight import is_light, longest_run, weight_of
from federator.archive.folder import told
from federator.archive.habits.kept import Kept
from federator.archive.habits.owner import Habits
from federator.archive.readings import Readings
from federator.config import Archive
from federator.errors import ArchiveError
from federator.model import OutcomeState

_MAX_REDIRECTS = 3
_SMALL_BYTES = 4_194_304
_SMALL_DIGITS = 4
"""Of the length of a compressed answer: up to 10 kB make 10 MB at most."""
_MOST_IN_A_ROW = 1_000_000
_TOKEN_MAX_BYTES = 1_048_576
_FOLDER_BASE = f"http://{told.HOST}"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", told.HOST})


class RequestKind(StrEnum):
    """Searching and retrieving fail apart from each other, so each has a circuit breaker of its own."""

    QUERY = "query"
    RETRIEVE = "retrieve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx answer, decoded from its content encoding.

    `media_type` is lower case without parameters; `content_type` is the header as it came; `warnings` are
    the values of its Warning headers; `failed_attributes` says that a header names attributes that could not be indexed
    (Azure's erroneous-dicom-attributes).
    """

    status: int
    media_type: str
    content_type: str
    body: bytes
    warnings: tuple[str, ...]
    failed_attributes: bool = False


@dataclass(slots=True)
class Meter:
    """What one question has cost at one archive so far, and what the archive itself said is missing in its answers."""

    attempts: int = 0
    rows: int = 0
    gaps: list[str] = field(default_factory=list)


current_meter: ContextVar[Meter | None] = ContextVar("current_meter", default=None)
"""The meter of the question under way; a fan-out sets one per archive."""


class ArchiveClient:
    """One archive. Enter it once and share it: it may be used by many tasks at a time."""

    def __init__(self, archive: Archive, *, readings: Readings | None = None, kept: Kept | None = None) -> None:
        """`kept` is what an earlier process found of the archive."""
        self.archive = archive
        self.name = archive.name
        self.readings = readings or Readings()
        self.habits = Habits(trusted=archive.folder is not None, kept=kept)
        self._breakers = {kind: Breaker(time.monotonic) for kind in RequestKind}
        self._budget = RetryBudget()
        self._slots = anyio.Semaphore(archive.max_connections)
        self.turns = Turns()
        self._sign_in = SignIn(archive, self._post_form)
        self._stack = AsyncExitStack()
        self._http: httpx.AsyncClient | None = None

    @cached_property
    def _base(self) -> httpx.URL:
        return address_of(_FOLDER_BASE if self.archive.folder is not None else self.archive.url.rstrip("/"))

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http = None
        await self._stack.__aexit__(kind, error, trace)

    def timed_out(self, kind: RequestKind) -> None:
        """Tell the circuit breaker that a question ran into its deadline."""
        self._breakers[kind].failed()

    def forget(self, kind: RequestKind) -> None:
        """Forget what the archive was found to do, because something in an answer broke a question.

        A search under way begins anew (`Search.fetch`); retrieving takes nothing from searching.
        """
        if kind is RequestKind.QUERY:
            self.habits = Habits(trusted=self.archive.folder is not None)
        self.habits.forget_retrieving()

    async def get(
        self,
        path: str,
        *,
        accept: str,
        parameters: Sequence[tuple[str, str]] = (),
        kind: RequestKind = RequestKind.QUERY,
    ) -> Answer:
        """GET a path below the archive's address, for example `/studies`; parameters are DICOM values, not yet encoded.

        Anything but 2xx is an ArchiveError with the HTTP status, after the retries that are worth it.
        """
        base = self._base.raw_path.decode("ascii").rstrip("/")
        below = target(base, path, parameters)
        url = self._base.copy_with(raw_path=below.encode("ascii"))
        with self._breakers[kind].watched(subject_of(below.removeprefix(base))):
            return await with_retries(lambda: self._signed_in(url, accept), self._budget)

    async def _signed_in(self, url: httpx.URL, accept: str) -> Answer:
        """One attempt; a 401 renews the sign-in and tries once more."""
        signed = await self._sign_in.headers()
        try:
            return await self._attempt(url, accept, signed)
        except ArchiveError as refusal:
            if refusal.http_status != httpx.codes.UNAUTHORIZED or not await self._sign_in.renewed(signed):
                raise
        return await self._attempt(url, accept, await self._sign_in.headers())

    async def _attempt(self, url: httpx.URL, accept: str, signed: Mapping[str, str]) -> Answer:
        # Pixels hardly shrink, and Orthanc takes ten times as long to send them compressed.
        encoding = {"Accept-Encoding": "gzip, deflate" if "json" in accept else "identity"}
        for _ in range(_MAX_REDIRECTS):
            async with (
                self._slots,
                self._sent("GET", url, headers={"Accept": accept, **encoding, **signed}) as response,
            ):
                if not is_redirect(response):
                    return await self._weighed(await self._read(response), accept)
                url = redirected(url, response, base=self._base)
        raise ArchiveError("redirects in circles.", state=OutcomeState.NOT_DICOMWEB, permanent=True)

    @asynccontextmanager
    async def _sent(self, method: str, url: httpx.URL, **request: object) -> AsyncIterator[httpx.Response]:
        """A response as it arrives; what httpx raises meanwhile becomes an ArchiveError."""
        meter = current_meter.get()
        if meter is not None:
            meter.attempts += 1
        http = await self._opened()
        with noted(method, url) as sent:
            try:
                async with http.stream(method, url, **request) as response:  # type: ignore[arg-type]
                    sent.status = response.status_code
                    yield response
            except (httpx.HTTPError, ssl.SSLError) as error:
                sent.fault = type(error).__name__
                if await names_no_host(error, url):
                    raise NamesNoHost(url.host) from error
                # httpx lets pass what TLS 1.3 says after the handshake: that a client certificate is wanted, for one.
                raise translated(error, url.host) from error

    async def _opened(self) -> httpx.AsyncClient:
        """The HTTP client, made at the first request: a hundred archives cost nothing at start-up."""
        if self._http is not None:
            return self._http
        if self.archive.folder is not None:
            # Loading what reads files takes a while, and other questions go on meanwhile.
            await anyio.to_thread.run_sync(import_module, "federator.archive.folder.app")
        trust = await self._trust()
        if self._http is None:
            try:
                self._http = self._made(trust)
            except (ImportError, ValueError, httpx.InvalidURL) as error:
                # Only the proxy is not checked with the configuration: it comes from the environment.
                raise ArchiveError(
                    "the proxy of this computer's environment cannot be used; it has to be an http:// address "
                    "(HTTP_PROXY, HTTPS_PROXY, ALL_PROXY; NO_PROXY names hosts without one).",
                    state=OutcomeState.UNREACHABLE,
                    permanent=True,
                ) from error
            await self._stack.enter_async_context(self._http)
        return self._http

    async def _trust(self) -> ssl.SSLContext:
        """The token service may be secure where the archive itself is not; where neither is, nothing is verified."""
        if "https" not in {self._base.scheme, address_of(self.archive.token_url).scheme}:
            return trust_in_nobody()
        return await anyio.to_thread.run_sync(trust_of, self.archive)

    def _made(self, trust: ssl.SSLContext) -> httpx.AsyncClient:
        services = (self._base, address_of(self.archive.token_url))
        return made(self.archive, trust, services=services, transport=self._transport())

    def _transport(self) -> httpx.AsyncBaseTransport | None:
        """The way to a folder, which is answered for within this process; None for an archive."""
        if self.archive.folder is None:
            return None
        from federator.archive.folder.app import folder_app

        app = folder_app(self.archive.folder)
        self._stack.callback(app.state.close)
        return httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async def _read(self, response: httpx.Response) -> Answer:
        if not response.is_success:
            raise await hurdle_of(response) or refusal(response)
        check_encoding(response)
        self.habits.served_by(response.headers.get("server", ""))
        _note_gap(told.words_in(response.headers, response.request.url.host))
        chunks: list[bytes] = []
        size = 0
        if _may_swell(response.headers):
            await wait_for_turn()
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self.archive.max_bytes:
                # The error may be kept, and with it all that its place holds.
                chunks.clear()
                raise ArchiveError(
                    f"its answer is larger than {self.archive.max_bytes // 1_048_576} MiB (max_bytes): cut off.",
                    state=OutcomeState.FAILED,
                    permanent=True,
                )
            chunks.append(chunk)
            if size > _SMALL_BYTES:
                await wait_for_turn()
        content_type = response.headers.get("content-type", "")
        return Answer(
            status=response.status_code,
            media_type=content_type.partition(";")[0].strip().lower(),
            content_type=content_type,
            # Joined in a thread, many megabytes do not halt the event loop.
            body=b"".join(chunks) if size <= _SMALL_BYTES else await anyio.to_thread.run_sync(b"".join, chunks),
            warnings=tuple(response.headers.get_list("warning")),
            failed_attributes=bool(response.headers.get("erroneous-dicom-attributes", "").strip()),
        )

    async def _weighed(self, answer: Answer, accept: str) -> Answer:
        """Refuse JSON that would become far more than `max_bytes` in memory; `accept` tells what is made of it."""
        if "json" not in accept or is_light(answer.body):
            return answer
        if await anyio.to_thread.run_sync(weight_of, answer.body) > 2 * self.archive.max_bytes:
            raise ArchiveError(
                f"its answer holds so many values that they would take more than twice "
                f"{self.archive.max_bytes // 1_048_576} MiB (max_bytes) of memory: not read.",
                state=OutcomeState.FAILED,
                permanent=True,
            )
        if await anyio.to_thread.run_sync(longest_run, answer.body) > _MOST_IN_A_ROW:
            raise ArchiveError(
                f"its answer holds a list of more than {_MOST_IN_A_ROW:,} values: not read.",
                state=OutcomeState.FAILED,
                permanent=True,
            )
        return answer

    async def _post_form(self, url: str, form: Mapping[str, str]) -> Mapping[str, object]:
        """The one POST there is: it asks the token endpoint for a token, and goes nowhere else."""
        async with self._sent(
            "POST", address_of(url), data=dict(form), headers={"Accept": "application/json"}
        ) as response:
            if not response.is_success:
                raise ArchiveError(
                    f"the sign-in service answered {response.status_code} to its client id and secret.",
                    state=OutcomeState.REFUSED,
                    http_status=response.status_code if response.is_server_error else None,
                )
            check_encoding(response)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _TOKEN_MAX_BYTES:
                    break
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ArchiveError("the sign-in service did not answer in JSON.", state=OutcomeState.REFUSED)
        return answer


def _may_swell(headers: httpx.Headers) -> bool:
    """Whether an answer is compressed, and large enough to be a thousand times as large when it is not."""
    length = headers.get("content-length", "")
    is_small = length.isdecimal() and len(length) <= _SMALL_DIGITS
    return headers.get("content-encoding", "identity") != "identity" and not is_small


def _note_gap(words: str) -> None:
    """What a folder says is missing in an answer, for the outcome of the question under way."""
    meter = current_meter.get()
    if words and meter is not None and words not in meter.gaps:
        meter.gaps = [words]
