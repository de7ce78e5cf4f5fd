"""Whom an archive's secure connection trusts, and which certificate it shows itself."""

import ssl
import sys
import threading
from functools import cache

import truststore

from federator.config import Archive
from federator.errors import ArchiveError
from federator.model import OutcomeState

_LOCK = threading.Lock()


@cache
def trust_in_nobody() -> ssl.SSLContext:
    """For connections that are not secure: what became secure by mistake would trust no certificate at all."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trust_of(archive: Archive) -> ssl.SSLContext:
    """The operating system's trust store, plus the archive's own authority and client certificate.

    Archives that have neither share one, which lasts as long as the process: what the system trusts is read at its
    first use. Takes tens of milliseconds then: for a worker thread.
    An ArchiveError says that a certificate file cannot be read.
    """
    if archive.ca_file is None and archive.client_cert is None:
        with _LOCK:
            return _shared()
    context = trust_in_the_system()
    try:
        if archive.ca_file is not None:
            context.load_verify_locations(cafile=str(archive.ca_file))
        if archive.client_cert is not None:
            # Without a password OpenSSL would ask for one on the terminal, and wait.
            context.load_cert_chain(
                str(archive.client_cert),
                str(archive.client_key) if archive.client_key is not None else None,
                password="",
            )
    except (OSError, ssl.SSLError) as error:
        raise ArchiveError(
            "its certificate files (ca_file, client_cert, client_key) cannot be read as PEM without a password.",
            state=OutcomeState.FAILED,
            permanent=True,
        ) from error
    return context


@cache
def _shared() -> ssl.SSLContext:
    return trust_in_the_system()


def trust_in_the_system() -> ssl.SSLContext:
    """A new context that trusts whom the operating system trusts.

    truststore asks the system at every connection, as macOS and Windows need it. On Linux it would read the same file
    of certificates each time, and the event loop would wait for it; so there it is read once, where there is one.
    """
    if sys.platform == "linux":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        if context.cert_store_stats()["x509_ca"]:
            return _naming(context)
    return _naming(truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _naming(context: ssl.SSLContext) -> ssl.SSLContext:
    """Of a certificate's names only its Subject Alternative Name counts; Python would take the common name as well.

    Standard: RFC 9110 §4.3.4
    """
    context.hostname_checks_common_name = False
    return context
