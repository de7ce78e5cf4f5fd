"""An object that its holder has and cannot read."""

from pathlib import Path

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.instances import retrieve_frame
from federator.archive.retrieve.metadata import retrieve_metadata
from federator.config import Archive
from federator.errors import ContentError
from federator.federation.retrieval import first_served
from federator.model import OutcomeState
from tests.support.canned_server import canned, http
from tests.support.folder_archive import write_tiny

pytestmark = pytest.mark.anyio

UIDS = {"study": "2.25.1", "series": "2.25.2", "instance": "2.25.3"}
ONLY_TWO = "^teaching has this object, but its file holds only 2 of the 5 frames"


async def asked(client: ArchiveClient) -> object:
    """Header, then frame, as the tools ask."""
    await retrieve_metadata(client, **UIDS)
    return await retrieve_frame(client, **UIDS, frame_number=4, native_bytes=32)


@pytest.fixture
def teaching(tmp_path: Path) -> Archive:
    """A folder with one file that lost its last frames."""
    path = tmp_path / "cut.dcm"
    sizes = {"Rows": 4, "Columns": 4, "BitsAllocated": 16, "NumberOfFrames": 5}
    write_tiny(path, **UIDS, PixelData=bytes(160), **sizes)
    path.write_bytes(path.read_bytes()[:-70])
    return Archive(name="teaching", folder=tmp_path)


async def test_a_holder_that_cannot_read_its_object_has_answered(teaching):
    """contract.md §6: not that no archive answered and nothing is known."""
    async with ArchiveClient(teaching) as client:
        with pytest.raises(ContentError, match=ONLY_TWO) as refused:
            await first_served([client], asked, "the frame")
    assert refused.value.outcomes == ()


@pytest.mark.parametrize(
    ("status", "words", "state"),
    [
        (403, "may not do that", OutcomeState.REFUSED),
        (404, "nothing at this address", OutcomeState.ANSWERED),
        (None, "no answer within", OutcomeState.TIMED_OUT),
    ],
)
async def test_a_holder_that_cannot_read_its_object_has_answered_whatever_the_others_say(
    teaching, status, words, state
):
    """contract.md §6, §3.9: neither that nothing is known nor that nobody holds it; the others are named."""
    with canned(lambda _: None if status is None else http(status)) as port:
        other = Archive(name="other", url=f"http://127.0.0.1:{port}/rs", deadline_s=0.5)
        async with ArchiveClient(teaching) as first, ArchiveClient(other) as second:
            with pytest.raises(ContentError, match=f"{ONLY_TWO}.*; other: .*{words}") as refused:
                await first_served([first, second], asked, "the frame")
    assert [(outcome.archive, outcome.state) for outcome in refused.value.outcomes] == [("other", state)]
