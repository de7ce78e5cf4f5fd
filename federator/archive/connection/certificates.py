"""For whom an archive's certificate was issued, where it was not issued for the host that was asked."""

import ipaddress
import ssl
from collections.abc import Iterator
from functools import partial

import anyio.to_thread
import httpx

from federator.archive.connection.proxies import proxy_for
from federator.errors import ArchiveError
from federator.model import OutcomeState

_LOOK_S = 3.0
# How OpenSSL, Windows and macOS begin or end it.
_MISMATCHES = ("mismatch", "not valid for", "does not match")
# The object identifier 2.5.29.17 in DER (RFC 5280 §4.2.1.6).
_ALTERNATIVE_NAME = b"\x06\x03\x55\x1d\x11"


class NamesNoHost(ArchiveError):  # noqa: N818 - reads as a sentence at the place where it is caught
    """A certificate with a common name alone, which does not count.

    Standard: RFC 9110 §4.3.4, RFC 9525 §2
    """

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(
            f"the secure connection to {host} failed: its certificate names no host in a Subject Alternative Name. "
            f"Its administrator has to have it issued anew with {entry_for(host)} there.",
            state=OutcomeState.UNREACHABLE,
            permanent=True,
        )


def entry_for(host: str) -> str:
    """What has to stand in the Subject Alternative Name for `host`, as OpenSSL writes it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"DNS:{host}"
    return f"IP:{host}"


def is_for_another(verify_message: str) -> bool:
    """Whether the check of a certificate failed at its name."""
    lower = verify_message.lower()
    return any(words in lower for words in _MISMATCHES)


async def names_no_host(error: BaseException, url: httpx.URL) -> bool:
    """Whether a handshake failed because the certificate has no Subject Alternative Name.

    A failed handshake does not tell its certificate, so it is looked at in another one, over which nothing is sent.
    What cannot be looked at, as behind a proxy, counts as a certificate for another name.
    """
    checks = (one.verify_message for one in causes(error) if isinstance(one, ssl.SSLCertVerificationError))
    if not any(map(is_for_another, checks)) or proxy_for(url.scheme, url.host, url.port):
        return False
    look = partial(ssl.get_server_certificate, (url.host, url.port or 443), timeout=_LOOK_S)
    try:
        # The time limit counts for each step of the handshake, and an archive may drip.
        with anyio.fail_after(_LOOK_S):
            shown = await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
        return _ALTERNATIVE_NAME not in ssl.PEM_cert_to_DER_cert(shown)
    except (OSError, ValueError):
        return False


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from: the libraries wrap what TLS says."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
