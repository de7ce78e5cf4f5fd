"""What goes wrong between the TCP connection and the first byte of HTTP, in plain words."""

import ssl

from federator.archive.check.findings import Fault, Route, StepName
from federator.archive.connection.certificates import NamesNoHost, causes, entry_for, is_for_another
from federator.errors import ArchiveError
from federator.model import OutcomeState


def of_tls(error: ArchiveError, route: Route) -> Fault | None:
    """What went wrong between the TCP connection and the first byte of HTTP; None where that was not it."""
    cause = next((part for part in causes(error) if isinstance(part, (ssl.SSLError, FileNotFoundError))), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        # The check of the certificate says why in OpenSSL's or the system's own words, which hold no secret.
        reason = cause.verify_message
        told, advice = _nameless(error.host) if isinstance(error, NamesNoHost) else _certificate(reason)
        return Fault(
            step=StepName.SECURE, message=f"The secure connection failed: {told}", advice=advice, details=reason
        )
    if cause is not None and error.state is OutcomeState.FAILED:
        told = "The certificate files under Advanced cannot be read."
        advice = "Check ca_file, client_cert and client_key: each must be a file in the format PEM."
        return Fault(step=StepName.SECURE, message=told, advice=advice, details=type(cause).__name__)
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or "no reason told").replace("_", " ").lower()
        if "certificate required" in reason or "handshake failure" in reason:
            told = "The archive did not accept this computer's certificate, or wants one."
            return Fault(
                step=StepName.SECURE, message=told, advice="Ask the PACS team for a client certificate.", details=reason
            )
        return no_encryption(route, reason)
    return None


def _certificate(reason: str) -> tuple[str, str]:
    lower = reason.lower()
    if "expired" in lower:
        return "its certificate has expired.", "Tell the PACS team. Do not switch checking off."
    if is_for_another(reason):
        advice = "Use the name that stands in the certificate; IT knows it. Do not switch checking off."
        return "its certificate was issued for a different name.", advice
    advice = "Ask IT for the hospital root certificate and add its file under Advanced. Do not switch checking off."
    return "its certificate is not trusted on this computer.", advice


def _nameless(host: str) -> tuple[str, str]:
    advice = (
        f"Ask the PACS team to have it issued anew with {entry_for(host)} in its Subject Alternative Name; "
        "the common name does not count (RFC 9525). Do not switch checking off."
    )
    return "its certificate names no host in a Subject Alternative Name (SAN).", advice


def no_encryption(route: Route, details: str) -> Fault:
    """The other side does not speak TLS, or no version of it that is spoken here."""
    return Fault(
        step=StepName.SECURE,
        message="The two sides could not agree on encryption.",
        advice=f"Is this an http:// address? Check the port ({route.port}).",
        details=details,
    )
