"""An archive that never answers: it takes connections and says nothing, as a hung PACS does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

_BACKLOG = 64


@contextmanager
def silent_archive() -> Iterator[str]:
    """Its DICOMweb address, on loopback, for as long as the context lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        # Nobody accepts: the operating system completes the connections and lets the questions wait.
        listener.listen(_BACKLOG)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/dicom-web"
