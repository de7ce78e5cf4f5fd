"""What goes wrong over HTTP, as one archive's outcome: refusals by status, and what httpx raises.

Messages are our own words; a body is never shown.
"""

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from federator.archive.connection.certificates import is_for_another
from federator.archive.folder import told
from federator.errors import ArchiveError
from federator.model import OutcomeState

_LONGEST_DATE = 64


def refusal(response: httpx.Response) -> ArchiveError:
    """What a status outside 2xx says; the body is never shown. A folder says in words what is the matter."""
    status = response.status_code
    words = told.words_in(response.headers, response.request.url.host)
    if words:
        # Nothing was sent over a network, so asking again would bring the same.
        state = OutcomeState.UNREACHABLE if status == httpx.codes.SERVICE_UNAVAILABLE else OutcomeState.FAILED
        return ArchiveError(words, state=state, http_status=status, permanent=True)
    retry_after_s = None
    match status:
        case 401:
            message, state = "did not accept the sign-in (401).", OutcomeState.REFUSED
        case 403:
            message, state = "signed in, but this account may not do that (403).", OutcomeState.REFUSED
        case 404:
            message, state = "has nothing at this address (404).", OutcomeState.FAILED
        case 410:
            message, state = "says that this was archived offline or removed (410).", OutcomeState.FAILED
        case 422:
            message, state = "has this object, but cannot make anything of it (422).", OutcomeState.FAILED
        case _ if response.is_server_error:
            message, state = f"reported an internal error ({status}).", OutcomeState.FAILED
        case _:
            message, state = f"refused the request ({status}).", OutcomeState.FAILED
    if status in {429, 503}:
        retry_after_s = retry_after_s_of(response.headers.get("retry-after", ""))
        message = f"is too busy to answer ({status})."
    return ArchiveError(message, state=state, http_status=status, retry_after_s=retry_after_s)


def retry_after_s_of(header: str) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date (RFC 9110 §10.2.3)."""
    if len(header) > _LONGEST_DATE:
        return None
    number = header.strip()
    if number.isascii() and number.isdigit():
        return float(number)
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        # What else the parser raises for odd text differs between versions of Python.
        return None


# First match wins; what stands in the last row is everything else that httpx can raise.
_TRANSLATIONS: tuple[tuple[tuple[type[httpx.HTTPError], ...], str, OutcomeState, bool], ...] = (
    ((httpx.ConnectTimeout,), "{host} did not accept a connection in time.", OutcomeState.UNREACHABLE, False),
    ((httpx.TimeoutException,), "no answer in time.", OutcomeState.TIMED_OUT, False),
    ((httpx.ProxyError,), "the proxy did not let the connection through.", OutcomeState.UNREACHABLE, False),
    ((httpx.ConnectError,), "{host} refused the connection or was not found.", OutcomeState.UNREACHABLE, False),
    (
        (httpx.NetworkError, httpx.RemoteProtocolError),
        "broke off the connection in the middle of its answer.",
        OutcomeState.UNREACHABLE,
        False,
    ),
    ((httpx.DecodingError,), "sent an answer that cannot be unpacked.", OutcomeState.FAILED, True),
    ((httpx.HTTPError,), "could not be asked over HTTP.", OutcomeState.FAILED, True),
)


def translated(error: httpx.HTTPError | ssl.SSLError, host: str) -> ArchiveError:
    """What httpx and TLS raise, as one archive's outcome. Of the address only the host is told, the operator's own."""
    reason = _tls_reason(error)
    if reason:
        return ArchiveError(
            f"the secure connection to {host} failed: {reason}", state=OutcomeState.UNREACHABLE, permanent=True
        )
    message, state, permanent = next(
        (message, state, permanent) for kinds, message, state, permanent in _TRANSLATIONS if isinstance(error, kinds)
    )
    return ArchiveError(message.format(host=host), state=state, permanent=permanent)


def _tls_reason(error: BaseException) -> str:
    """Why a secure connection failed, in plain words; empty where it did not."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            if "expired" in seen.verify_message:
                return "its certificate has expired."
            if is_for_another(seen.verify_message):
                return "its certificate was issued for a different name."
            return "its certificate is not trusted on this computer. Ask IT for the root certificate (ca_file)."
        if isinstance(seen, ssl.SSLError):
            return "the two sides could not agree on encryption. Is this an http:// address?"
        seen = seen.__cause__ or seen.__context__
    return ""
