"""How the HTTP client of one archive is made: what it trusts, how long and how often it connects, by which ways."""

import ssl
from collections.abc import Iterable
from http.cookiejar import DefaultCookiePolicy

import httpcore  # noqa: F401 - httpx loads it when the first client is made, and the event loop would wait for it
import httpx

from federator import __version__
from federator.archive.connection.address import set_location_aside
from federator.archive.connection.proxies import proxy_for
from federator.config import Archive

_CONNECT_S = 3.0
_KEEP_ALIVE_S = 5.0


def made(
    archive: Archive,
    trust: ssl.SSLContext,
    *,
    services: Iterable[httpx.URL],
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """The client, which goes to `services`, through a proxy where this computer wants one, or all by `transport`.

    Raises ImportError, ValueError or InvalidURL where that proxy cannot be used.
    """
    limits = _limits(archive)
    http = httpx.AsyncClient(
        transport=transport,
        verify=trust,
        timeout=httpx.Timeout(None, connect=min(_CONNECT_S, archive.deadline_s / 2)),
        limits=limits,
        follow_redirects=False,
        event_hooks={"response": [set_location_aside]},
        trust_env=False,
        mounts={} if transport is not None else _behind_proxies(services, trust, limits),
        headers={"User-Agent": f"federator/{__version__}"},
    )
    # A cookie would be sent with every later request: one bad answer could spoil them all.
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return http


def _limits(archive: Archive) -> httpx.Limits:
    most = archive.max_connections
    return httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=_KEEP_ALIVE_S)


def _behind_proxies(
    services: Iterable[httpx.URL], trust: ssl.SSLContext, limits: httpx.Limits
) -> dict[str, httpx.AsyncBaseTransport | None]:
    """The ways to the archive and to its token service that lead through a proxy."""
    ways: dict[str, httpx.AsyncBaseTransport | None] = {}
    for url in services:
        proxy = proxy_for(url.scheme, url.host, url.port) if url.host else ""
        if proxy:
            host = f"[{url.host}]" if ":" in url.host else url.host
            ways[f"{url.scheme}://{host}"] = httpx.AsyncHTTPTransport(
                proxy=proxy, verify=trust, limits=limits, trust_env=False
            )
    return ways
