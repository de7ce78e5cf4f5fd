"""Whom an archive's secure connection trusts, and which certificate it shows itself."""

import ssl

import truststore

from federator.config import Archive
from federator.errors import ArchiveError
from federator.model import OutcomeState


def trust_of(archive: Archive) -> ssl.SSLContext:
    """The operating system's trust store, plus the archive's own authority and client certificate.

    An ArchiveError says that a certificate file cannot be read.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
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
