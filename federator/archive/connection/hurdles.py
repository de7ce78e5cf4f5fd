"""What stands between federator and an archive, told by its own name, so that the right person acts."""

from enum import Enum

import httpx

from federator.errors import ArchiveError
from federator.model import OutcomeState

_UNAUTHORIZED = 401
_BAD_REQUEST = frozenset({400, 495, 496})
_LOOKED_AT = 4_096
# What nginx says, since no status of HTTP does; it keeps 495 and 496 for its own logs.
_NO_CERTIFICATE = b"No required SSL certificate was sent"
_BAD_CERTIFICATE = b"The SSL certificate error"
_PLAIN = b"The plain HTTP request was sent to HTTPS port"
_WINDOWS = frozenset({"negotiate", "ntlm", "kerberos"})


class Hurdle(Enum):
    """One kind of hurdle; its value is what is said of the archive in an outcome."""

    NEEDS_HTTPS = "wants a secure connection. Write https:// in its address."
    MOVED = "sends you to another place on its server. Its address has probably changed."
    OTHER_HOST = (
        "sends you to another host, as web sign-in pages do. "
        "It needs an account or a token for programs, or its address has changed."
    )
    NOWHERE = "sends you to what is no address."
    WINDOWS_SIGN_IN = (
        "wants a Windows sign-in (Negotiate, NTLM), which federator does not do (401). "
        "Ask for an account with Basic sign-in or a token."
    )
    NO_CERTIFICATE = "wants a certificate of this computer (client_cert), and none is set up."
    BAD_CERTIFICATE = "did not accept this computer's certificate (client_cert)."


class Hindered(ArchiveError):  # noqa: N818 - reads as a sentence at the place where it is caught
    """An archive that was not reached behind a hurdle."""

    def __init__(self, hurdle: Hurdle, http_status: int) -> None:
        self.hurdle = hurdle
        is_redirect = httpx.codes.is_redirect(http_status)
        state = OutcomeState.NOT_DICOMWEB if is_redirect else OutcomeState.REFUSED
        super().__init__(hurdle.value, state=state, http_status=http_status, permanent=True)


async def hurdle_of(response: httpx.Response) -> Hindered | None:
    """What a refusal says beyond its status; of a body, only whether it begins with a known sentence."""
    status = response.status_code
    if status == _UNAUTHORIZED:
        asked = {scheme.lower() for scheme in _schemes(response)}
        # Where another way in is offered as well, it is that one which did not work.
        return Hindered(Hurdle.WINDOWS_SIGN_IN, status) if asked and asked <= _WINDOWS else None
    if status not in _BAD_REQUEST:
        return None
    start = await _start_of(response)
    if _NO_CERTIFICATE in start:
        return Hindered(Hurdle.NO_CERTIFICATE, status)
    if _PLAIN in start:
        return Hindered(Hurdle.NEEDS_HTTPS, status)
    return Hindered(Hurdle.BAD_CERTIFICATE, status) if _BAD_CERTIFICATE in start else None


def _schemes(response: httpx.Response) -> list[str]:
    """The first word of each challenge; servers send one header for each scheme.

    Standard: RFC 9110 §11.6.1
    """
    words = [header.split(maxsplit=1) for header in response.headers.get_list("www-authenticate")]
    return [found[0].rstrip(",") for found in words if found]


async def _start_of(response: httpx.Response) -> bytes:
    start = b""
    async for chunk in response.aiter_raw():
        start += chunk[:_LOOKED_AT]
        if len(start) >= _LOOKED_AT:
            break
    return start[:_LOOKED_AT]
