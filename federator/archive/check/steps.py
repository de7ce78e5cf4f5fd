"""One archive walked step by step, as a person would find out what is wrong with it.

The first steps (address, name, reached) use plain sockets, the others the same client that serves real questions, so
what works here works there. The answers are looked at for their kind and then dropped: they can hold patient data.
"""

import ipaddress
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from federator.archive.check import diagnosis
from federator.archive.check.findings import Fault, Passed, Route, StepName
from federator.archive.check.folder import check_folder
from federator.archive.check.supports import supports
from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.connection.proxies import proxy_for, shown
from federator.archive.search import rows
from federator.archive.search.request import ACCEPT, Request, ask
from federator.config import Archive, AuthMethod
from federator.errors import ArchiveError
from federator.model import Level

_CONNECT_LIMIT_S = 8.0
_MAX_ADDRESSES = 4
_MAY_BE_TAKEN_LIGHTER = frozenset({400, 406, 409, 415, 422, 501})
_OVER_HTTP = (StepName.SECURE, StepName.SIGNED_IN, StepName.DICOMWEB, StepName.SEARCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a check: `ok` is None where there was nothing to be done or to be judged.

    `message` says what was found, `advice` what to do about it, `details` is a technical line for IT.
    """

    number: int
    name: str
    ok: bool | None
    message: str
    advice: str = ""
    details: str = ""


async def check(archive: Archive) -> AsyncGenerator[Step, None]:
    """Walk one archive; the steps come as they are done, and the first that fails is the last. Never raises.

    Close it (`contextlib.aclosing`) where it is not walked to its end: a connection may be open.
    """
    findings = check_folder(archive) if archive.folder is not None else _check_service(archive)
    number = 0
    async for finding in findings:
        number += 1
        if isinstance(finding, Fault):
            yield Step(
                number=number,
                name=finding.step.value,
                ok=False,
                message=finding.message,
                advice=finding.advice,
                details=finding.details,
            )
            return
        name, message, ok = finding
        yield Step(number=number, name=name.value, ok=ok, message=message)


async def _check_service(archive: Archive) -> AsyncIterator[Fault | Passed]:
    route = _route(archive)
    if route is None:
        yield diagnosis.not_an_address()
        return
    yield StepName.ADDRESS, archive.url, True
    addresses = await _looked_up(route)
    yield addresses if isinstance(addresses, Fault) else _named(route, addresses)
    if isinstance(addresses, Fault):
        return
    fault = await _connected(route, addresses)
    yield fault or (StepName.REACHED, f"{route.proxy or f'{route.host}, port {route.port}'} takes connections.", True)
    if fault is not None:
        return
    async with ArchiveClient(archive) as client:
        fault = await _first_search(client, route)
        for finding in _over_http(archive, fault):
            yield finding
        if fault is None:
            yield StepName.SUPPORTS, await supports(client, route.limit_s), None


def _route(archive: Archive) -> Route | None:
    try:
        parts = urlsplit(archive.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    return Route(
        scheme=parts.scheme,
        host=host,
        port=port,
        proxy=shown(proxy_for(parts.scheme, host, port)),
        limit_s=archive.deadline_s,
    )


async def _looked_up(route: Route) -> list[tuple[str, int]] | Fault:
    host, _, port = route.proxy.rpartition(":") if route.proxy else (route.host, "", str(route.port))
    try:
        with anyio.fail_after(min(_CONNECT_LIMIT_S, route.limit_s)):
            found = await anyio.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except TimeoutError:
        return diagnosis.no_such_name(route, OSError(0, "no answer from the name service in time"))
    except UnicodeError:
        return diagnosis.no_such_name(route, OSError(0, "this cannot be a name"))
    except OSError as error:
        return diagnosis.no_such_name(route, error)
    return list(dict.fromkeys((str(address[0]), int(address[1])) for *_, address in found))[:_MAX_ADDRESSES]


def _named(route: Route, addresses: Sequence[tuple[str, int]]) -> Passed:
    if route.proxy:
        return StepName.NAME, f"The hospital proxy ({route.proxy}) looks the name up.", None
    try:
        ipaddress.ip_address(route.host)
    except ValueError:
        return StepName.NAME, f"{route.host} is {addresses[0][0]}.", True
    return StepName.NAME, "The address is a number: there is no name to look up.", None


async def _connected(route: Route, addresses: Sequence[tuple[str, int]]) -> Fault | None:
    """None where one of the addresses takes a connection, else what the last one said."""
    last: OSError | None = None
    limit_s = min(_CONNECT_LIMIT_S, route.limit_s)
    with anyio.move_on_after(limit_s):
        for host, port in addresses:
            try:
                stream = await anyio.connect_tcp(host, port)
            except OSError as error:
                last = _innermost(error)
            else:
                await stream.aclose()
                return None
        return diagnosis.not_reached(route, last or OSError())
    return diagnosis.not_reached(route, None)


def _innermost(error: OSError) -> OSError:
    cause = error.__cause__
    return cause if isinstance(cause, OSError) else error


async def _first_search(client: ArchiveClient, route: Route) -> Fault | None:
    """Ask for one study; None where the archive gave what a search gives."""
    with anyio.move_on_after(route.limit_s):
        return await _judged(client, route)
    return diagnosis.no_answer(route)


async def _judged(client: ArchiveClient, route: Route) -> Fault | None:
    try:
        answer = await client.get("/studies", accept=ACCEPT, parameters=(("limit", "1"),))
    except ArchiveError as error:
        if error.http_status not in _MAY_BE_TAKEN_LIGHTER:
            return diagnosis.of_error(error, client.archive, route)
        return await _lighter(client, route)
    return diagnosis.of_page(answer) or _of_rows(answer)


async def _lighter(client: ArchiveClient, route: Route) -> Fault | None:
    """The archive did not take the plainest search; perhaps it takes one as the federation would put it."""
    try:
        await ask(client, Request(level=Level.STUDY, path="/studies", limit=1))
    except ArchiveError as error:
        return diagnosis.of_error(error, client.archive, route)
    return None


def _of_rows(answer: Answer) -> Fault | None:
    try:
        rows.parse(answer)
    except ArchiveError:
        return diagnosis.not_dicomweb(answer)
    return None


def _over_http(archive: Archive, fault: Fault | None) -> Iterator[Fault | Passed]:
    """The steps that one request passes at once, up to the one that failed."""
    secure = archive.url.startswith("https://")
    passed = {
        StepName.SECURE: ("The connection is encrypted." if secure else _open_told(archive), True if secure else None),
        StepName.SIGNED_IN: (
            ("No sign-in is needed.", None)
            if archive.auth is AuthMethod.NONE
            else ("The archive accepted the sign-in.", True)
        ),
        StepName.DICOMWEB: ("The archive speaks DICOMweb.", True),
        StepName.SEARCH: ("Search works.", True),
    }
    if fault is not None and fault.step not in passed:
        yield fault
        return
    for name in _OVER_HTTP:
        if fault is not None and fault.step is name:
            yield fault
            return
        yield name, *passed[name]


def _open_told(archive: Archive) -> str:
    told = "The connection is not encrypted (http://)."
    return told if archive.auth is AuthMethod.NONE else f"{told} The sign-in travels in the open; ask IT for https://."
