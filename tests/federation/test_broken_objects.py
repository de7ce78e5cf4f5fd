"""An object that its holder has and cannot read."""

from functools import partial

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.instances import retrieve_frame
from federator.config import Archive
from federator.errors import ContentError
from federator.federation.retrieval import first_served
from tests.support.folder_archive import write_tiny

pytestmark = pytest.mark.anyio


async def test_a_holder_that_cannot_read_its_object_has_answered(tmp_path):
    """contract.md §6: not that no archive answered and nothing is known."""
    path = tmp_path / "cut.dcm"
    sizes = {"Rows": 4, "Columns": 4, "BitsAllocated": 16, "NumberOfFrames": 5}
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3", PixelData=bytes(160), **sizes)
    path.write_bytes(path.read_bytes()[:-70])
    asked = partial(retrieve_frame, study="2.25.1", series="2.25.2", instance="2.25.3", frame_number=4, native_bytes=32)
    async with ArchiveClient(Archive(name="teaching", folder=tmp_path)) as client:
        with pytest.raises(ContentError, match=r"^teaching has this object, but its file holds only 2 of the 5 frames"):
            await first_served([client], asked, "the frame")
