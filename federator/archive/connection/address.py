"""Which addresses are asked: the configured ones, and below an archive's base where a redirect points to."""

from urllib.parse import unquote

import httpx

from federator.archive.connection.hurdles import Hindered, Hurdle
from federator.errors import ArchiveError
from federator.model import OutcomeState

_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_MAX_LOCATION = 2_048
_LOCATION = "federator.location"


def address_of(text: str) -> httpx.URL:
    """A configured address; an ArchiveError where its host cannot be a name."""
    try:
        url = httpx.URL(text)
        # Names in Punycode (xn--) are read only when they are asked for.
        _ = url.host
    except (httpx.InvalidURL, ValueError) as error:
        message = "its address has a host name that does not exist on any network. Look at its spelling."
        raise ArchiveError(message, state=OutcomeState.UNREACHABLE, permanent=True) from error
    return url


async def set_location_aside(response: httpx.Response) -> None:
    """Keep a redirect's Location from httpx, which builds a request from whatever stands there and raises anything."""
    location = response.headers.pop("location", None)
    if response.is_redirect and location is not None:
        response.extensions[_LOCATION] = location


def is_redirect(response: httpx.Response) -> bool:
    """Whether the answer says that the resource is elsewhere."""
    return _LOCATION in response.extensions


def redirected(url: httpx.URL, response: httpx.Response, *, base: httpx.URL) -> httpx.URL:
    """Where a redirect points to, which has to lie below `base`: elsewhere the sign-in has no business.

    Standard: RFC 9110 §10.2.2, §15.4
    """
    location = response.extensions[_LOCATION]
    try:
        target = url.join(location) if len(location) <= _MAX_LOCATION else httpx.URL("")
        is_below = _is_below(target, base)
        has_host = bool(target.host)
    except (httpx.InvalidURL, ValueError):
        # UnicodeError among them: what stands there is no URL, or its host no name.
        raise Hindered(Hurdle.NOWHERE, response.status_code) from None
    if is_below:
        return target
    if not has_host:
        raise Hindered(Hurdle.NOWHERE, response.status_code)
    if (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port):
        raise Hindered(Hurdle.MOVED, response.status_code)
    if target.scheme == "https" and target.host == url.host and url.scheme == "http":
        raise Hindered(Hurdle.NEEDS_HTTPS, response.status_code)
    raise Hindered(Hurdle.OTHER_HOST, response.status_code)


def _is_below(target: httpx.URL, base: httpx.URL) -> bool:
    if (target.scheme, target.host, target.port) != (base.scheme, base.host, base.port):
        return False
    path = target.raw_path.partition(b"?")[0].decode("ascii")
    # Servers differ in which of these they decode, and when.
    climbs = "\\" in path or any(unquote(part).split("/")[0] in {".", ".."} for part in path.split("/"))
    return not climbs and f"{path}/".startswith(base.raw_path.decode("ascii").rstrip("/") + "/")


def check_encoding(response: httpx.Response) -> None:
    """Refuse what was packed twice: a few kilobytes of it would unpack to gigabytes before they can be counted."""
    packed = [coding.strip().lower() for coding in response.headers.get("content-encoding", "identity").split(",")]
    if len(packed) > 1 or packed[0] not in _ENCODINGS:
        raise ArchiveError("sent an answer that cannot be unpacked.", state=OutcomeState.FAILED, permanent=True)
