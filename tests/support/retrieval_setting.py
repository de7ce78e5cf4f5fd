"""What the tests of hostile retrieval share: the simulator on loopback, and a client of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from federator.archive.connection.client import ArchiveClient
from federator.config import Archive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile_retrieval import Quirk, RetrievalArchive
from tests.support.retrieval_objects import StoredObject

MAX_BYTES = 2_097_152

# What changes how an answer looks, but not what is in it.
FRAMING = (
    Quirk.MULTIPART_REFUSED,
    Quirk.SINGLE_PART_REFUSED,
    Quirk.SYNTAX_INSIDE_TYPE,
    Quirk.BOUNDARY_MISSING,
    Quirk.BOUNDARY_WRONG,
    Quirk.PARTS_MISLABELLED,
    Quirk.OCTET_STREAM_LABEL,
    Quirk.LINE_FEEDS_ONLY,
    Quirk.PREAMBLE,
    Quirk.SERVER_ERROR_FOR_REFUSALS,
)


@contextmanager
def archive_of(loopback: Loopback, stored: StoredObject, *quirks: Quirk) -> Iterator[tuple[RetrievalArchive, str]]:
    simulated = RetrievalArchive(stored, quirks)
    with loopback.serve(simulated) as [url]:
        yield simulated, url


def client_of(url: str, **settings_) -> ArchiveClient:
    return ArchiveClient(Archive(name="mercy", url=url, max_bytes=MAX_BYTES, **settings_))


def accepts_of(simulated: RetrievalArchive) -> list[str]:
    return [request.accept for request in simulated.requests]
