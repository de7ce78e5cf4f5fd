"""Images in real archives (Debian's Orthanc): every one at hand, its own pictures against ours, failover mid-way."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO

import numpy as np
import pydicom
import pytest
from mcp import Client
from PIL import Image

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.images import FrameAddress, retrieve_encoded_frame, retrieve_picture
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.config import Archive, Config
from federator.dicom.image.windows import Window, WindowRequest
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.frame import display_pixels
from federator.dicom.uid import is_uid
from federator.errors import ContentError, FederatorError
from federator.server.app import build_server
from tests.server.answers.test_images import SERIES, STUDY, of, picture, said, slices
from tests.support.dicom_files import all_files
from tests.support.orthanc_server import Orthanc, running
from tests.support.synthetic.images import written

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

# JPEG Extended of 12 bits, which neither Orthanc nor any decoder here reads, and a stream broken on purpose.
UNREADABLE = {"JPEG-lossy.dcm", "JPGExtended.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"}
# Where Orthanc 1.10 is at fault: it ignores the functional groups of enhanced objects and Modality LUT Sequence, and
# makes 255 of a single bit before the window. DCMTK agrees with us on mlut_18 and liver (render/test_dcmtk.py).
ORTHANC_IS_WRONG = {"eCT_Supplemental.dcm", "mlut_18.dcm", "liver.dcm"}
# Listed by the archive's search and unknown to its WADO-RS: "Accessing an inexistent instance" (facts/data.md 3.3).
UNREACHABLE_PREFIX = "1.9.999.999"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory) -> Iterator[Orthanc]:
    """An archive with every public image, one of each SOP Instance UID, and a CT series."""
    with running(tmp_path_factory.mktemp("images"), "mercy", "/dicom-web/") as archive:
        for held in slices():
            assert archive.store(written(held))
        for uid in sorted(IMAGES):
            archive.store(IMAGES[uid][1])
        yield archive


def _images() -> dict[str, tuple[str, bytes]]:
    """Name and content of the public files with pixels, by SOP Instance UID; the first one of each."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in all_files():
        content = path.read_bytes()
        try:
            row = DicomFile(content).frame(1).row
        except FederatorError:
            continue
        uid = row.get("00080018", {}).get("Value", [""])[0]
        if is_uid(uid) and not uid.startswith(UNREACHABLE_PREFIX):
            found.setdefault(uid, (path.name, content))
    return found


IMAGES = _images()


def _address(content: bytes) -> FrameAddress | None:
    dataset = pydicom.dcmread(
        BytesIO(content), force=True, specific_tags=["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    )
    uids = [str(dataset.get(keyword, "")) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    if not all(is_uid(uid) for uid in uids):
        return None
    return FrameAddress(study_instance_uid=uids[0], series_instance_uid=uids[1], sop_instance_uid=uids[2])


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_every_image_in_a_real_archive_is_shown_by_the_archive_or_decoded_here(orthanc):
    """Issue 3: every tool on every kind of object there."""
    failed, decoded, shown = {}, 0, 0
    async with Client(build_server(Config(archives=(Archive(name="mercy", url=orthanc.url),)))) as client:
        for name, content in IMAGES.values():
            address = _address(content)
            if address is None or not orthanc.find("Instance", {"SOPInstanceUID": address.sop_instance_uid}):
                continue
            result = await client.call_tool(
                "render-instance-frame",
                {
                    "studyInstanceUid": f"{address.study_instance_uid}@mercy",
                    "seriesInstanceUid": address.series_instance_uid,
                    "sopInstanceUid": address.sop_instance_uid,
                },
            )
            if result.is_error:
                failed[name] = said(result)
                continue
            shown += 1
            decoded += "Decoded by federator" in said(result)
            assert picture(result).size > 1
    assert failed.keys() <= UNREADABLE, failed
    assert shown > 80
    assert 0 < decoded < shown


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_the_archives_picture_and_ours_agree_in_the_same_window(orthanc):
    """Issue 3, images against an independent rendering; Orthanc's is one more."""
    window = Window(center=300, width=1200)
    differing, compared = {}, 0
    async with ArchiveClient(Archive(name="mercy", url=orthanc.url)) as client:
        for name, content in IMAGES.values():
            address = _address(content)
            if address is None or not orthanc.find("Instance", {"SOPInstanceUID": address.sop_instance_uid}):
                continue
            row = (await retrieve_metadata(client, *address.uids))[0]
            try:
                theirs = await retrieve_picture(
                    client, address, row, media_type="image/png", window=(window.center, window.width)
                )
                frame = await retrieve_encoded_frame(client, address, row)
                ours, _ = display_pixels(frame, WindowRequest(window=window))
            except ContentError:
                continue
            image = Image.open(BytesIO(theirs.content)).convert("L" if ours.ndim == 2 else "RGB")
            compared += 1
            difference = np.abs(np.asarray(image).astype(int) - ours).mean()
            if difference > 4:
                differing[name] = round(float(difference), 1)
    assert compared > 60
    assert differing.keys() == ORTHANC_IS_WRONG, differing


async def test_an_overview_of_a_real_series_and_its_metadata(orthanc):
    """contract.md §4."""
    async with Client(build_server(Config(archives=(Archive(name="mercy", url=orthanc.url),)))) as client:
        overview = await client.call_tool(
            "render-series-overview", {"studyInstanceUid": STUDY, "seriesInstanceUid": SERIES, "window": "soft-tissue"}
        )
        assert "9 images of a series of 12 instances" in said(overview)
        assert "All in one window: soft-tissue: center 40, width 400." in said(overview)
        assert picture(overview).size > 100_000
        metadata = await client.call_tool("get-instance-metadata", {**of(4, "mercy"), "attributes": "0028"})
        assert "(0028,0030) PixelSpacing DS: 0.7 \\ 0.7" in said(metadata)


async def test_when_the_preferred_archive_stops_another_one_serves_the_image(tmp_path):
    """Issue 3: failover when the preferred holder stops mid-way."""
    with ExitStack() as rest, running(tmp_path, "second", "/dicom-web/") as second:
        first = rest.enter_context(running(tmp_path, "first", "/dicom-web/"))
        for held in slices(3):
            assert first.store(written(held))
            assert second.store(written(held))
        archives = (Archive(name="first", url=first.url), Archive(name="second", url=second.url))
        async with Client(build_server(Config(archives=archives))) as client:
            before = await client.call_tool("render-instance-frame", of(2, "first,second"))
            assert said(before).startswith("From first.")
            rest.close()
            after = await client.call_tool("render-instance-frame", of(2, "first,second"))
            assert said(after).startswith("From second; first could not be reached")
            assert after.content[1].data == before.content[1].data
            overview = await client.call_tool(
                "render-series-overview", {"studyInstanceUid": f"{STUDY}@first,second", "seriesInstanceUid": SERIES}
            )
            assert not overview.is_error, said(overview)
            assert "3 images of a series of 3 instances" in said(overview)
            assert base64.b64decode(overview.content[1].data)[:2] == b"\xff\xd8"
