"""Retrieval from a real Orthanc: every kind of object at hand, against what was put in; and failover between two."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.retrieve import (
    retrieve_bulk_data,
    retrieve_document,
    retrieve_frame,
    retrieve_instance,
    retrieve_metadata,
    retrieve_rendered,
)
from federator.config import Archive, Config
from federator.dicom import json
from federator.dicom.uid import TaggedUID, is_uid
from federator.errors import ContentError, NoArchiveAnswered, NotFound
from federator.federation.federation import Federation, Target
from federator.model import OutcomeState
from tests.support.hostile.loopback import Loopback
from tests.support.hostile_retrieval import Quirk, RetrievalArchive
from tests.support.orthanc_server import Orthanc, real_files, running
from tests.support.retrieval_objects import CDA, CDA_OBJECT, DOCUMENTS, NATIVE, PDF, PDF_OBJECT, REPORT, StoredObject

pytestmark = [
    pytest.mark.orthanc,
    pytest.mark.anyio,
    # Some of pydicom's files are broken on purpose, and it says so where the test itself reads them.
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]

JPEG_2000 = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}
# Orthanc cannot cut a frame out of these and says 500; the whole instance is the way.
UNCUT = {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}


@dataclass(frozen=True)
class Holding:
    """An Orthanc and what it was given."""

    orthanc: Orthanc
    objects: tuple[StoredObject, ...]

    @property
    def images(self) -> list[StoredObject]:
        return [stored for stored in self.objects if has_frames(stored)]

    def client(self) -> ArchiveClient:
        return ArchiveClient(Archive(name="orthanc", url=self.orthanc.url))


def has_frames(stored: StoredObject) -> bool:
    """Whether its pixels can be told apart into frames at all: some of pydicom's files are broken on purpose."""
    try:
        return bool(stored.frames) and bool(stored.transfer_syntax)
    except (ValueError, AttributeError):
        return False


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holding]:
    """One Orthanc with every file of pydicom and pydicom-data, an encapsulated PDF and a CDA."""
    with running(tmp_path_factory.mktemp("retrieval"), "retrieval", "/dicom-web/") as orthanc:
        objects: dict[str, StoredObject] = {}
        for number, file in enumerate([*real_files(), *(stored.file for stored in DOCUMENTS)]):
            stored = StoredObject(name=str(number), file=file)
            if instance_of(stored) and instance_of(stored) not in objects and orthanc.store(file):
                objects[instance_of(stored)] = stored
        yield Holding(orthanc, tuple(objects.values()))


def instance_of(stored: StoredObject) -> str:
    """Its SOP Instance UID; empty for what has no place in an archive."""
    try:
        uids = stored.uids
    except (AttributeError, ValueError, KeyError):
        return ""
    return str(uids[2]) if all(map(is_uid, uids)) else ""


async def test_every_instance_comes_back_byte_for_byte(holding):
    """PS3.18 §10.4.1.1.1; what was uploaded without header comes back with one."""
    assert len(holding.objects) > 140
    headless = 0
    async with holding.client() as client:
        for stored in holding.objects:
            file = await retrieve_instance(client, *stored.uids)
            if stored.file[128:132] == b"DICM":
                assert file == stored.file
            else:
                headless += 1
                assert file.endswith(stored.file)
    assert headless < 5


def _same_bytes(told: str, stored: str) -> bool:
    """Pixels are the same in both little endian forms, and Orthanc from 1.12 on tells the explicit one (PS3.5 §A.2)."""
    return told == stored or {told, stored} == {ImplicitVRLittleEndian, ExplicitVRLittleEndian}


async def test_every_frame_comes_back_as_pydicom_cuts_it_out_of_the_file(holding):
    """PS3.18 §10.4.1.1.6: first and last frame of every image, with the transfer syntax it is stored in."""
    assert len(holding.images) > 80
    served = refused = 0
    async with holding.client() as client:
        for stored in holding.images:
            for number in sorted({1, len(stored.frames)}):
                if stored.transfer_syntax in UNCUT:
                    try:
                        frame = await retrieve_frame(client, *stored.uids, number)
                    except ContentError:
                        refused += 1
                        continue
                else:
                    frame = await retrieve_frame(client, *stored.uids, number, native_bytes=stored.native_bytes)
                    assert _same_bytes(frame.transfer_syntax, stored.transfer_syntax)
                assert frame.content == stored.frames[number - 1]
                served += 1
    assert served > 80
    assert refused < 5


async def test_a_frame_of_a_large_object_costs_a_frame_and_not_the_object(holding):
    """Issue 3: a frame of a multi-frame object never pulls the whole object where /frames works."""
    stored = max((image for image in holding.images if len(image.frames) > 9), key=lambda image: len(image.file))
    budget = len(stored.frames[-1]) + 2048
    assert len(stored.file) > 4 * budget
    async with ArchiveClient(Archive(name="orthanc", url=holding.orthanc.url, max_bytes=budget)) as client:
        frame = await retrieve_frame(client, *stored.uids, len(stored.frames))
    assert frame.content == stored.frames[-1]


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
async def test_every_image_that_orthanc_renders_has_its_size_and_its_kind(holding, media_type):
    """PS3.18 §10.4.1.1.3: Debian's Orthanc has no JPEG 2000; everything else it shows or refuses in words."""
    rendered, refused = 0, []
    async with holding.client() as client:
        for stored in holding.images:
            try:
                answer = await retrieve_rendered(client, *stored.uids, len(stored.frames), media_type=media_type)
            except ContentError:
                refused.append(stored)
                continue
            image = Image.open(io.BytesIO(answer.content))
            assert answer.media_type == media_type == Image.MIME[image.format]
            assert image.size == (stored.dataset.Columns, stored.dataset.Rows)
            rendered += 1
    assert rendered > 70
    assert {stored.transfer_syntax for stored in refused} <= JPEG_2000


async def test_a_window_and_a_size_are_taken_up_by_orthanc(holding):
    """facts/data.md 3.3: window needs three values, viewport two."""
    async with holding.client() as client:
        plain = await retrieve_rendered(client, *NATIVE.uids, 1, media_type="image/png")
        narrow = await retrieve_rendered(client, *NATIVE.uids, 1, media_type="image/png", window=(600, 1))
        small = await retrieve_rendered(client, *NATIVE.uids, 1, media_type="image/png", viewport=(32, 32))
    assert len(set(Image.open(io.BytesIO(narrow.content)).tobytes())) == 2
    assert len(set(Image.open(io.BytesIO(plain.content)).tobytes())) > 2
    assert max(Image.open(io.BytesIO(small.content)).size) == 32


async def test_metadata_hold_every_attribute_of_every_object_but_its_bulk_data(holding):
    """PS3.18 §10.4.1.1.2 against the uploaded file; Orthanc itself loses elements of files without header."""
    async with holding.client() as client:
        for stored in (stored for stored in holding.objects if stored.transfer_syntax):
            [row] = await retrieve_metadata(client, *stored.uids)
            assert json.uid(row, "00080018") == stored.uids[2]
            plain = {
                f"{e.tag:08X}" for e in stored.dataset if e.tag.element and e.VR not in {"OB", "OW", "OB or OW", "UN"}
            }
            assert plain - set(row) == set()


async def test_an_object_without_pixels_has_no_frame_and_no_picture(holding):
    """facts/data.md 3.3: 500 and 400; both mean that this is no image."""
    async with holding.client() as client:
        for retrieve in (retrieve_frame, retrieve_rendered):
            with pytest.raises(ContentError):
                await retrieve(client, *REPORT.uids, 1)


@pytest.mark.parametrize("stored", DOCUMENTS, ids=["pdf", "pdf of unknown length", "cda"])
async def test_a_document_comes_out_of_orthanc_without_its_pad_byte(holding, stored):
    """PS3.3 §C.24.2; /bulk of Orthanc is multipart, its /rendered refuses documents."""
    document = CDA if stored is CDA_OBJECT else PDF
    async with holding.client() as client:
        [metadata] = await retrieve_metadata(client, *stored.uids)
        assert await retrieve_document(client, *stored.uids, metadata) == document
        assert await retrieve_document(client, *stored.uids) == document


async def test_bulk_data_come_from_orthancs_own_address(holding):
    """facts/dicomweb.md 1.5: /bulk/<tag>, multipart only."""
    place = dict(zip(("study", "series", "instance"), PDF_OBJECT.uids, strict=True))
    async with holding.client() as client:
        [metadata] = await retrieve_metadata(client, *PDF_OBJECT.uids)
        value = await retrieve_bulk_data(client, metadata["00420011"]["BulkDataURI"], **place)
    assert value == bytes(PDF_OBJECT.dataset.EncapsulatedDocument)


def target_of(stored: StoredObject, *archives: str) -> Target:
    study, series, instance = (TaggedUID(uid=uid, archives=archives) for uid in stored.uids)
    return Target(study=study, series=series, instance=instance)


def config_of(**urls: str) -> Config:
    return Config(archives=tuple(Archive(name=name, url=url) for name, url in urls.items()))


@pytest.mark.parametrize(
    ("quirk", "told"),
    [
        (Quirk.CUT_CONNECTION, "broke off"),
        (Quirk.CUT_INSIDE, "cut short"),
        (Quirk.WEB_PAGE, "a web page"),
        (Quirk.EMPTY_BODY, "empty answer"),
        (Quirk.PARTIAL_CONTENT, "only a part"),
        (Quirk.GONE, "archived it offline"),
        (Quirk.ANOTHER_OBJECT, "another object"),
        (Quirk.REDIRECTS_ELSEWHERE, "another host"),
    ],
)
async def test_the_next_holder_serves_what_the_preferred_one_does_not(holding, quirk, told):
    """contract.md §1: the answer says who served it and why not the preferred holder, also when that stops midway."""
    simulated = RetrievalArchive(NATIVE, [quirk])
    with Loopback() as loopback, loopback.serve(simulated) as [url]:
        async with Federation(config_of(preferred=url, orthanc=holding.orthanc.url)) as federation:
            served = await federation.retrieve(
                target_of(NATIVE, "preferred", "orthanc"), lambda client: retrieve_instance(client, *NATIVE.uids)
            )
    assert (served.value, served.archive) == (NATIVE.file, "orthanc")
    [earlier] = served.earlier
    assert earlier.archive == "preferred"
    assert told in earlier.message
    assert simulated.requests


async def test_an_archive_that_is_shut_down_between_two_retrievals_is_replaced_by_the_other(holding, tmp_path):
    """contract.md §1: failover on a transport error; then nobody is left, and that is an error with both names."""
    with running(tmp_path, "preferred", "/dicom-web/") as preferred:
        assert preferred.store(NATIVE.file)
        async with Federation(config_of(preferred=preferred.url, orthanc=holding.orthanc.url)) as federation:
            target = target_of(NATIVE, "preferred", "orthanc")
            served = await federation.retrieve(target, lambda client: retrieve_metadata(client, *NATIVE.uids))
            assert (served.archive, served.earlier) == ("preferred", ())
    async with Federation(config_of(preferred=preferred.url, orthanc=holding.orthanc.url)) as federation:
        served = await federation.retrieve(target, lambda client: retrieve_metadata(client, *NATIVE.uids))
        assert served.archive == "orthanc"
        assert [outcome.state for outcome in served.earlier] == [OutcomeState.UNREACHABLE]
        with pytest.raises(NoArchiveAnswered, match="preferred"):
            await federation.retrieve(
                target_of(NATIVE, "preferred"), lambda client: retrieve_metadata(client, *NATIVE.uids)
            )


async def test_an_instance_that_orthanc_does_not_have_is_not_found(holding):
    """contract.md §1: 404 says no; it is not a failure of the archive."""
    async with Federation(config_of(orthanc=holding.orthanc.url)) as federation:
        study, series, instance = (*NATIVE.uids[:2], "1.2.3.4.5")
        target = Target(
            study=TaggedUID(uid=study, archives=("orthanc",)),
            series=TaggedUID(uid=series),
            instance=TaggedUID(uid=instance),
        )
        with pytest.raises(NotFound):
            await federation.retrieve(target, lambda client: retrieve_instance(client, study, series, instance))
