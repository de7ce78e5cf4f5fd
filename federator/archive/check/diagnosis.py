"""What stands in the way of an archive, in plain words with what to do about it: every sentence of the check.

Each fault names the step of the check at which it shows. `details` are for IT: technical, but without secrets and
without anything that the archive sent.
"""

from federator.archive.check.findings import Fault, Route, StepName
from federator.archive.check.tls import no_encryption, of_tls
from federator.archive.connection.client import Answer
from federator.archive.connection.hurdles import Hindered, Hurdle
from federator.archive.secrets.file import SecretError
from federator.config import Archive, AuthMethod
from federator.errors import ArchiveError
from federator.model import OutcomeState

_NETWORK = "Are you on the hospital network or VPN?"
_PASSWORDS = "Passwords for the archive can differ from your Windows password."
_VIEWER = "That is probably the viewer's address. The DICOMweb address often ends in /dicom-web, /dicomweb or /rs."


_UNAUTHORIZED = 401
_PROXY_SIGN_IN = 407
_PROOFS = {
    AuthMethod.NONE: "sign-in",
    AuthMethod.BASIC: "user name and password",
    AuthMethod.BEARER: "access token",
    AuthMethod.HEADER: "key",
    AuthMethod.OAUTH2: "access token from the sign-in service",
}
_NO_SERVICE = (
    StepName.DICOMWEB,
    "The server is there, but no DICOMweb service at this address.",
    "Check the part after the server name. It often ends in /dicom-web, /dicomweb or /rs.",
)
_SAID = {
    _UNAUTHORIZED: (
        StepName.SIGNED_IN,
        "The archive asks for a sign-in, and none is set up.",
        "Ask the PACS team for an account.",
    ),
    403: (
        StepName.SIGNED_IN,
        "Signed in, but this account may not search.",
        "Ask the PACS team for the right to query (QIDO-RS).",
    ),
    404: _NO_SERVICE,
    405: _NO_SERVICE,
    410: _NO_SERVICE,
    429: (StepName.SEARCH, "The archive says that it gets too many requests.", "Test again in a few minutes."),
}
_SAID_BY_CLASS = {
    3: (
        StepName.SIGNED_IN,
        "The archive sends you to another page to sign in.",
        "It uses web sign-in; ask for an account or token for programs. Or its address has changed.",
    ),
    5: (StepName.SEARCH, "The archive reported an internal error.", "Tell the PACS team."),
}
_BEHIND = {
    Hurdle.NEEDS_HTTPS: (
        StepName.SECURE,
        "The archive wants a secure connection.",
        "Write https:// in place of http:// in its address.",
    ),
    Hurdle.MOVED: (
        StepName.DICOMWEB,
        "The server says that the DICOMweb service is at another place.",
        "Ask the PACS team for the new address, and write that.",
    ),
    Hurdle.OTHER_HOST: _SAID_BY_CLASS[3],
    Hurdle.NOWHERE: (StepName.DICOMWEB, "The server sends you to what is no address.", "Tell the PACS team."),
    Hurdle.WINDOWS_SIGN_IN: (
        StepName.SIGNED_IN,
        "The archive wants a Windows sign-in (Negotiate or NTLM), which federator does not do.",
        "Ask the PACS team for an account with Basic sign-in, or for a token.",
    ),
    Hurdle.NO_CERTIFICATE: (
        StepName.SECURE,
        "The archive wants a certificate of this computer, and none is set up.",
        "Ask the PACS team for a client certificate, and set client_cert and client_key under Advanced.",
    ),
    Hurdle.BAD_CERTIFICATE: (
        StepName.SECURE,
        "The archive did not accept this computer's certificate.",
        "Ask the PACS team whether it has expired, or is of another authority than they trust.",
    ),
}
_REFUSED = (StepName.SEARCH, "The archive refused the search.", "Tell the PACS team.")


def not_an_address() -> Fault:
    """The address has no scheme or no host."""
    return Fault(
        step=StepName.ADDRESS,
        message="This does not look like a web address.",
        advice="It should start with https:// – for example https://pacs.example.org/dicom-web.",
    )


def no_such_name(route: Route, cause: OSError) -> Fault:
    """The name of the archive's computer, or of the proxy, is not known."""
    details = f"looking up the name failed: {cause.strerror or type(cause).__name__}"
    if route.proxy:
        told = f'The hospital proxy "{route.proxy}" was not found.'
        return Fault(step=StepName.NAME, message=told, advice=f"Ask IT about the proxy. {_NETWORK}", details=details)
    return Fault(
        step=StepName.NAME,
        message=f'No computer called "{route.host}" was found.',
        advice=f"Check the spelling. {_NETWORK}",
        details=details,
    )


def not_reached(route: Route, cause: OSError | None) -> Fault:
    """There is no connection; `cause` is None where nothing came back in time."""
    details = (
        f"connecting to {route.proxy or f'{route.host}:{route.port}'}: {type(cause).__name__ if cause else 'timeout'}"
    )
    if route.proxy:
        return _proxy(route, details)
    if cause is None:
        return Fault(
            step=StepName.REACHED,
            message=f"{route.host} did not answer within {route.limit_s:g} seconds.",
            advice=f"A firewall may be in between, or the computer is switched off. {_NETWORK}",
            details=details,
        )
    if isinstance(cause, ConnectionRefusedError):
        return Fault(
            step=StepName.REACHED,
            message=f"{route.host} refused the connection on port {route.port}.",
            advice="The port number may be wrong, or the archive is not running.",
            details=details,
        )
    return Fault(
        step=StepName.REACHED,
        message=f"This computer has no way to {route.host}.",
        advice=f"Check the network connection. {_NETWORK}",
        details=details,
    )


def no_answer(route: Route) -> Fault:
    """The connection stands, but no answer came by the deadline."""
    return Fault(
        step=StepName.DICOMWEB,
        message=f"Connected, but no answer within {route.limit_s:g} seconds.",
        advice="The archive may be busy – test again, or raise the time limit under Advanced (deadline_s).",
        details="no complete HTTP answer by the deadline",
    )


def of_error(error: ArchiveError, archive: Archive, route: Route) -> Fault:
    """What an archive's refusal of the first request means."""
    if isinstance(error, SecretError):
        return Fault(step=StepName.SIGNED_IN, message=sentence(str(error)), details=f"secret = {archive.secret}")
    secure = of_tls(error, route)
    if secure is not None:
        return secure
    if isinstance(error, Hindered):
        step, message, advice = _BEHIND[error.hurdle]
        return Fault(step=step, message=message, advice=advice, details=f"HTTP {error.http_status}")
    if error.http_status is not None:
        return _of_status(error.http_status, archive, route)
    if error.state is OutcomeState.UNREACHABLE:
        return _proxy(route, "the proxy gave no connection") if route.proxy else _cut_off(route)
    return _of_state(error, route)


def _of_state(error: ArchiveError, route: Route) -> Fault:
    match error.state:
        case OutcomeState.TIMED_OUT:
            return no_answer(route)
        case OutcomeState.REFUSED:
            told, advice = sentence(str(error)), "Check the sign-in, or ask the PACS team."
            return Fault(step=StepName.SIGNED_IN, message=told, advice=advice)
        case _:
            told = f"The archive's answer cannot be used: it {error}"
            return Fault(step=StepName.DICOMWEB, message=told, advice="Tell the PACS team.")


def of_page(answer: Answer) -> Fault | None:
    """A web page that came instead of data; None where the answer is none."""
    start = answer.body[:65_536].lower()
    if "html" not in answer.media_type and not start.lstrip().startswith((b"<!doctype", b"<html")):
        return None
    signs_in = b'type="password"' in start or b"type='password'" in start or b"type=password" in start
    told = (
        "A sign-in page came back instead of image data." if signs_in else "A web page came back instead of image data."
    )
    return Fault(step=StepName.DICOMWEB, message=told, advice=_VIEWER, details=f"HTTP {answer.status}, text/html")


def not_dicomweb(answer: Answer) -> Fault:
    """The answer is no DICOM JSON."""
    return Fault(
        step=StepName.DICOMWEB,
        message="The answer was not DICOMweb data.",
        advice="Tell the PACS team. Is this the address of the DICOMweb service (QIDO-RS)?",
        # Only a media type without anything odd in it: the header comes from the archive.
        details=f"HTTP {answer.status}, {_plain(answer.media_type) or 'no usable content type'}",
    )


def sentence(text: str) -> str:
    """`text` with a capital at its start: messages of errors begin small."""
    return text[:1].upper() + text[1:]


def _of_status(status: int, archive: Archive, route: Route) -> Fault:
    details = f"HTTP {status}"
    if status == _PROXY_SIGN_IN:
        return _proxy(route, details)
    if status == _UNAUTHORIZED and archive.auth is not AuthMethod.NONE:
        advice = (
            f"Type it again. {_PASSWORDS}" if archive.auth is AuthMethod.BASIC else "Ask the PACS team for a new one."
        )
        told = f"The archive did not accept the {_PROOFS[archive.auth]}."
        return Fault(step=StepName.SIGNED_IN, message=told, advice=advice, details=details)
    step, told, advice = _SAID.get(status) or _SAID_BY_CLASS.get(status // 100) or _REFUSED
    return Fault(step=step, message=told, advice=advice, details=details)


def _cut_off(route: Route) -> Fault:
    """The TCP connection stood a moment ago, and the first request got nothing."""
    if route.scheme == "https":
        return no_encryption(route, "the connection ended during the TLS handshake or right after it")
    return Fault(
        step=StepName.DICOMWEB,
        message=f"{route.host} closed the connection without an answer.",
        advice="Is this an https:// address? Or another program uses this port.",
        details="the connection ended before an HTTP answer",
    )


def _proxy(route: Route, details: str) -> Fault:
    return Fault(
        step=StepName.REACHED,
        message=f"The hospital proxy ({route.proxy or 'not named'}) did not let the connection through.",
        advice='Ask IT to allow it, or to add the archive to "no proxy".',
        details=details,
    )


def _plain(media_type: str) -> str:
    return (
        media_type if media_type.replace("/", "").replace("+", "").replace("-", "").replace(".", "").isalnum() else ""
    )
