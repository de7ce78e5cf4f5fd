"""Retrieval against archives that misbehave: the bytes as stored, or a clear error; nothing in between."""

import base64
import contextlib
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pydicom
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from federator.archive.client import ArchiveClient
from federator.archive.retrieve import (
    retrieve_bulk_data,
    retrieve_document,
    retrieve_frame,
    retrieve_instance,
    retrieve_metadata,
    retrieve_rendered,
)
from federator.config import Archive
from federator.errors import ArchiveError, ContentError, FederatorError
from federator.model import OutcomeState
from tests.hostile.loopback import Loopback
from tests.hostile_retrieval import TOO_LARGE_BYTES, Quirk, RetrievalArchive, rendered_image
from tests.retrieval_objects import (
    CDA,
    CDA_OBJECT,
    DOCUMENTS,
    EXPLICIT_BIG_ENDIAN,
    IMAGES,
    JPEG,
    JPEG_2000,
    NATIVE,
    NATIVE_FRAMES,
    OBJECTS,
    PDF,
    PDF_OBJECT,
    PDF_OF_UNKNOWN_LENGTH,
    PDF_STORAGE,
    REPORT,
    RLE,
    StoredObject,
    document,
)

pytestmark = pytest.mark.anyio

MAX_BYTES = 2_097_152
SECRET_HEADERS = {"authorization", "cookie", "x-api-key"}

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


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    with Loopback() as server:
        # Header and body are two writes: with Nagle's algorithm every answer would wait 40 ms for an acknowledgement.
        server._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield server


@contextmanager
def archive_of(loopback: Loopback, stored: StoredObject, *quirks: Quirk) -> Iterator[tuple[RetrievalArchive, str]]:
    simulated = RetrievalArchive(stored, quirks)
    with loopback.serve(simulated) as [url]:
        yield simulated, url


def client_of(url: str, **settings_) -> ArchiveClient:
    return ArchiveClient(Archive(name="mercy", url=url, max_bytes=MAX_BYTES, **settings_))


def accepts_of(simulated: RetrievalArchive) -> list[str]:
    return [request.accept for request in simulated.requests]


@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
async def test_an_instance_comes_back_byte_for_byte(loopback, stored):
    """PS3.18 §10.4.1.1.1 with transfer-syntax=*: as stored, although this archive converts by default."""
    with archive_of(loopback, stored) as (simulated, url):
        async with client_of(url) as client:
            assert await retrieve_instance(client, *stored.uids) == stored.file
        assert accepts_of(simulated) == ['multipart/related; type="application/dicom"; transfer-syntax=*']


@pytest.mark.parametrize("stored", IMAGES, ids=lambda stored: stored.name)
async def test_every_frame_comes_back_byte_for_byte_with_its_transfer_syntax(loopback, stored):
    """PS3.18 §10.4.1.1.6; the frames as pydicom splits them."""
    with archive_of(loopback, stored) as (_, url):
        async with client_of(url) as client:
            for number, expected in enumerate(stored.frames, 1):
                frame = await retrieve_frame(client, *stored.uids, number, native_bytes=stored.native_bytes)
                assert (frame.content, frame.transfer_syntax) == (expected, stored.transfer_syntax)


@pytest.mark.parametrize("quirk", FRAMING)
@pytest.mark.parametrize("stored", [NATIVE_FRAMES, JPEG, RLE, REPORT], ids=lambda stored: stored.name)
async def test_the_framing_of_an_answer_does_not_matter(loopback, stored, quirk):
    """facts/dicomweb.md 7: single part or multipart, mislabelled, without boundary, with embedded syntax."""
    with archive_of(loopback, stored, quirk) as (_, url):
        async with client_of(url) as client:
            assert await retrieve_instance(client, *stored.uids) == stored.file
            for number, expected in enumerate(stored.frames, 1):
                assert (await retrieve_frame(client, *stored.uids, number)).content == expected


async def test_multipart_that_is_refused_is_not_asked_for_again(loopback):
    """facts/dicomweb.md 7, Accept: one exact type per request, and the archive's memory of what worked."""
    with archive_of(loopback, NATIVE, Quirk.MULTIPART_REFUSED) as (simulated, url):
        async with client_of(url) as client:
            await retrieve_instance(client, *NATIVE.uids)
            await retrieve_instance(client, *NATIVE.uids)
        multipart, single = (
            'multipart/related; type="application/dicom"; transfer-syntax=*',
            "application/dicom; transfer-syntax=*",
        )
        assert accepts_of(simulated) == [multipart, single, single]


async def test_an_internal_error_for_a_media_type_is_a_refusal_of_it(loopback):
    """facts/dicomweb.md 7: 500 for client errors (Orthanc)."""
    quirks = (Quirk.MULTIPART_REFUSED, Quirk.SERVER_ERROR_FOR_REFUSALS)
    with archive_of(loopback, NATIVE, *quirks) as (_, url):
        async with client_of(url) as client:
            assert await retrieve_instance(client, *NATIVE.uids) == NATIVE.file
            assert (await retrieve_frame(client, *NATIVE.uids, 1)).content == NATIVE.frames[0]


async def test_no_accept_header_is_ever_a_list(loopback):
    """facts/dicomweb.md 0.7: Orthanc refuses lists, wild cards and quality values."""
    with archive_of(loopback, PDF_OBJECT, Quirk.MULTIPART_REFUSED, Quirk.SINGLE_PART_REFUSED) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *PDF_OBJECT.uids)
            with pytest.raises(ArchiveError):
                await retrieve_document(client, *PDF_OBJECT.uids, metadata)
        assert len(simulated.requests) > 5
        assert not any("," in accept or ";q=" in accept for accept in accepts_of(simulated))


@pytest.mark.parametrize("stored", [NATIVE, NATIVE_FRAMES, REPORT, EXPLICIT_BIG_ENDIAN], ids=lambda stored: stored.name)
@pytest.mark.parametrize("with_group_2", [False, True])
async def test_a_data_set_that_is_stored_without_header_gets_one(loopback, stored, with_group_2):
    """PS3.10 §7.1; Orthanc gives back what was uploaded, and some files have no header or no preamble."""
    # (0002,0000) Group Length is the first element of the header and tells where the data set begins.
    begin = 132 if with_group_2 else 144 + int.from_bytes(stored.file[140:144], "little")
    headless = StoredObject(name="headless", file=stored.file[begin:])
    with archive_of(loopback, headless) as (_, url):
        async with client_of(url) as client:
            file = await retrieve_instance(client, *stored.uids)
    assert file.endswith(headless.file)
    assert not with_group_2 or len(file) == 132 + len(headless.file)
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(io.BytesIO(file))
        assert dataset == stored.dataset
    assert dataset.file_meta.TransferSyntaxUID == stored.transfer_syntax


async def test_an_archive_can_be_asked_to_convert_what_cannot_be_decoded_here(loopback):
    """facts/dicomweb.md 4: ask for Explicit VR Little Endian where no decoder is at hand."""
    with archive_of(loopback, JPEG_2000) as (simulated, url):
        async with client_of(url) as client:
            converted = await retrieve_instance(client, *JPEG_2000.uids, transfer_syntax="1.2.840.10008.1.2.1")
        assert b"TRANSCODED" in converted
        assert accepts_of(simulated)[0].endswith("; transfer-syntax=1.2.840.10008.1.2.1")


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
async def test_a_rendered_frame_is_asked_for_by_its_number_whatever_the_whole_object_renders_to(loopback, media_type):
    """facts/dicomweb.md 7: multi-frame objects are rendered as a GIF or as the first frame only."""
    with archive_of(loopback, NATIVE_FRAMES, Quirk.INSTANCE_RENDERED_AS_GIF) as (simulated, url):
        async with client_of(url) as client:
            for number in (1, 7, 15):
                rendered = await retrieve_rendered(client, *NATIVE_FRAMES.uids, number, media_type=media_type)
                assert rendered.media_type == media_type
                assert rendered.content == rendered_image(number, media_type.removeprefix("image/").upper())
        assert [
            request.path.endswith(f"/frames/{n}/rendered")
            for n, request in zip((1, 7, 15), simulated.requests, strict=True)
        ]


async def test_the_window_and_the_size_are_passed_on_in_the_form_that_every_archive_reads(loopback):
    """PS3.18 §8.3.5.1.3 and §8.3.5.1.4: three values of window, commas unescaped."""
    with archive_of(loopback, NATIVE) as (simulated, url):
        async with client_of(url) as client:
            await retrieve_rendered(client, *NATIVE.uids, 1, window=(-600.5, 1500), viewport=(512, 512))
        assert simulated.requests[0].query == "window=-600.5,1500,linear&viewport=512,512"


async def test_a_jpeg_is_called_a_jpeg_whatever_the_label_says(loopback):
    """contract.md §4: the label never says PNG over a JPEG."""
    with archive_of(loopback, NATIVE, Quirk.PNG_LABEL_OVER_JPEG) as (_, url):
        async with client_of(url) as client:
            rendered = await retrieve_rendered(client, *NATIVE.uids, 1, media_type="image/png")
    assert (rendered.media_type, rendered.content) == ("image/jpeg", rendered_image(1, "JPEG"))


async def test_an_archive_that_does_not_render_a_kind_of_object_is_not_asked_for_it_again(loopback):
    """facts/dicomweb.md 4: remember per archive and SOP class."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE, Quirk.NO_RENDERED) as (simulated, url):
        async with client_of(url) as client:
            for _ in range(3):
                with pytest.raises(ContentError, match="mercy"):
                    await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            asked = len(simulated.requests)
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid="1.2.3")
    assert asked == 2
    assert len(simulated.requests) == 4


async def test_one_object_that_is_not_rendered_does_not_condemn_a_class_that_was(loopback):
    """Orthanc refuses undecodable images and unknown classes alike: what it rendered once, it is asked for again."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE) as (simulated, url):
        async with client_of(url) as client:
            await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            simulated.quirks = frozenset({Quirk.NO_RENDERED})
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            simulated.quirks = frozenset()
            assert (await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)).content


async def test_a_frame_that_does_not_exist_teaches_nothing_about_the_archive(loopback):
    """A wrong number and an unknown kind are refused alike (Orthanc: 400), so only frame 1 is evidence."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 9, sop_class_uid=sop_class)
            with pytest.raises(ContentError, match="frame 9"):
                await retrieve_frame(client, *NATIVE.uids, 9)
            assert (await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)).content


async def test_an_archive_without_frames_leaves_the_whole_instance_as_the_way(loopback):
    """facts/dicomweb.md 7: tiny-pacs has no /frames."""
    with archive_of(loopback, NATIVE, Quirk.NO_FRAMES) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="mercy does not serve frame 1 by itself"):
                await retrieve_frame(client, *NATIVE.uids, 1)
            assert await retrieve_instance(client, *NATIVE.uids) == NATIVE.file


async def test_several_frames_where_one_was_asked_for_are_not_guessed_from(loopback):
    """The wrong frame looks right; so the whole object is the way, where frames are counted here."""
    with archive_of(loopback, NATIVE_FRAMES, Quirk.ALL_FRAMES_AT_ONCE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="several frames"):
                await retrieve_frame(client, *NATIVE_FRAMES.uids, 2)


@pytest.mark.parametrize("stored", [NATIVE_FRAMES, RLE], ids=lambda stored: stored.name)
async def test_pixels_without_an_end_of_their_own_are_measured(loopback, stored):
    """A single part that was cut within sound HTTP: only the size of a frame can tell."""
    with archive_of(loopback, stored, Quirk.MULTIPART_REFUSED, Quirk.CUT_INSIDE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="cut short"):
                await retrieve_frame(client, *stored.uids, 1, native_bytes=stored.native_bytes)


async def test_metadata_of_other_instances_are_left_out(loopback):
    """A neighbour's attributes must never pass for those of the instance that was asked for."""
    with archive_of(loopback, REPORT, Quirk.METADATA_OF_THE_SERIES) as (_, url):
        async with client_of(url) as client:
            [row] = await retrieve_metadata(client, *REPORT.uids)
            assert row["00080018"]["Value"] == [REPORT.uids[2]]
            assert len(await retrieve_metadata(client, *REPORT.uids[:2])) == 2


async def test_an_archive_without_metadata_is_asked_for_the_instance_and_then_at_once(loopback):
    """facts/data.md 4: tiny-pacs has no /metadata; metadata come from the retrieved file."""
    with archive_of(loopback, REPORT, Quirk.NO_METADATA) as (simulated, url):
        async with client_of(url) as client:
            [row] = await retrieve_metadata(client, *REPORT.uids)
            assert [request.path.rsplit("/", 1)[-1] for request in simulated.requests] == ["metadata", REPORT.uids[2]]
            assert await retrieve_metadata(client, *REPORT.uids) == [row]
            assert len(simulated.requests) == 3
    assert row["00080018"]["Value"] == [REPORT.uids[2]]
    assert row["0040A730"] == REPORT.dataset.to_json_dict()["0040A730"]
    assert row["00100010"] == REPORT.dataset.to_json_dict()["00100010"]


@pytest.mark.parametrize("level", [1, 2])
async def test_metadata_of_a_study_or_series_are_not_rebuilt_from_all_its_instances(loopback, level):
    """That may be gigabytes; whoever wants it asks instance by instance."""
    with archive_of(loopback, REPORT, Quirk.NO_METADATA) as (simulated, url):
        async with client_of(url) as client:
            with pytest.raises(ArchiveError) as refused:
                await retrieve_metadata(client, *REPORT.uids[:level])
        assert refused.value.http_status == 404
        assert len(simulated.requests) == 1


async def test_large_values_of_a_file_stand_in_its_metadata_by_their_size(loopback):
    """contract.md §4: bulk data by size."""
    with archive_of(loopback, NATIVE, Quirk.NO_METADATA) as (_, url):
        async with client_of(url) as client:
            [row] = await retrieve_metadata(client, *NATIVE.uids)
    assert row["7FE00010"] == {"vr": "OW", "BulkDataURI": f"#bytes={len(NATIVE.frames[0])}"}


@pytest.mark.parametrize("stored", [PDF_OBJECT, CDA_OBJECT], ids=["pdf", "cda"])
@pytest.mark.parametrize(
    "quirk",
    [
        Quirk.BULK_URI_UNDER_BULK,
        Quirk.BULK_URI_FOREIGN,
        Quirk.BULK_URI_OTHER_SCHEME,
        Quirk.BULK_URI_SERVER_ABSOLUTE,
        Quirk.BULK_URI_RELATIVE_TO_INSTANCE,
        Quirk.BULK_URI_RELATIVE_TO_STUDY,
    ],
)
async def test_a_document_is_fetched_from_the_archive_itself_whatever_its_uri_says(loopback, stored, quirk):
    """facts/dicomweb.md 1.5: rebuild the address from the archive's own; /bulk and /bulkdata are its own affair."""
    with archive_of(loopback, stored, quirk) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *stored.uids)
            assert await retrieve_document(client, *stored.uids, metadata) == (PDF if stored is PDF_OBJECT else CDA)
        assert simulated.requests[-1].path.endswith("00420011")
        assert not any(request.path.endswith(stored.uids[2]) for request in simulated.requests)


@pytest.mark.parametrize("quirk", [Quirk.BULK_URI_FOREIGN, Quirk.BULK_URI_ELSEWHERE, Quirk.REDIRECTS_ELSEWHERE])
async def test_no_other_host_ever_sees_a_request(loopback, monkeypatch, quirk):
    """contract.md §6 and facts/data.md 6.7: never followed off the configured origin, never with credentials."""
    monkeypatch.setenv("FEDERATOR_TEST_SECRET", "s3cret-of-this-test")
    from federator.config import AuthMethod, SecretReference, SecretStore

    secret = SecretReference(store=SecretStore.ENVIRONMENT, name="FEDERATOR_TEST_SECRET")
    other = RetrievalArchive(PDF_OBJECT)
    with Loopback() as elsewhere, elsewhere.serve(other) as [foreign]:
        simulated = RetrievalArchive(PDF_OBJECT, [quirk], foreign=foreign.removesuffix("/dicom-web"))
        with loopback.serve(simulated) as [url]:
            async with client_of(url, auth=AuthMethod.BASIC, user="alice", secret=secret) as client:
                with contextlib.suppress(FederatorError):
                    [metadata] = await retrieve_metadata(client, *PDF_OBJECT.uids)
                    assert await retrieve_document(client, *PDF_OBJECT.uids, metadata) == PDF
                with contextlib.suppress(FederatorError):
                    await retrieve_instance(client, *PDF_OBJECT.uids)
    assert simulated.requests
    assert all("authorization" in request.headers for request in simulated.requests)
    assert other.requests == []


@pytest.mark.parametrize("stored", [PDF_OBJECT, PDF_OF_UNKNOWN_LENGTH], ids=["length stated", "length not stated"])
async def test_a_pdf_that_the_archive_serves_itself_is_taken_first(loopback, stored):
    """facts/dicomweb.md 1.5, encapsulated PDF: /rendered with Accept application/pdf; the pad byte is cut off."""
    with archive_of(loopback, stored, Quirk.RENDERS_DOCUMENTS) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *stored.uids)
            assert await retrieve_document(client, *stored.uids, metadata) == PDF
        assert accepts_of(simulated) == ["application/dicom+json", "application/pdf"]


@pytest.mark.parametrize("stored", DOCUMENTS, ids=["pdf", "pdf of unknown length", "cda"])
@pytest.mark.parametrize("quirk", [Quirk.METADATA_WITHOUT_BULK, Quirk.BULK_URI_ELSEWHERE, Quirk.NO_METADATA])
async def test_a_document_that_metadata_do_not_lead_to_is_cut_out_of_the_instance(loopback, stored, quirk):
    """facts/dicomweb.md 1.5: "The last always works"; Azure leaves bulk data out of its metadata altogether."""
    with archive_of(loopback, stored, quirk) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *stored.uids)
            assert await retrieve_document(client, *stored.uids, metadata) == (CDA if stored is CDA_OBJECT else PDF)
            assert await retrieve_document(client, *stored.uids) == (CDA if stored is CDA_OBJECT else PDF)
        assert simulated.requests[-1].path.endswith(stored.uids[2])


async def test_a_document_that_is_longer_than_stated_is_not_cut_to_fit(loopback):
    """What came may be something else altogether; the whole instance then decides."""
    metadata = {
        "00420011": {"vr": "OB", "InlineBinary": base64.b64encode(b"MIME preamble" + PDF).decode()},
        "00420015": {"vr": "UL", "Value": [len(PDF)]},
    }
    with archive_of(loopback, PDF_OBJECT) as (_, url):
        async with client_of(url) as client:
            assert await retrieve_document(client, *PDF_OBJECT.uids, metadata) == PDF


@pytest.mark.parametrize("inline", ["not base64!", base64.b64encode(PDF[:-300]).decode(), None, 7])
async def test_a_document_that_metadata_hold_in_part_comes_from_the_instance(loopback, inline):
    """contract.md §3.1: cut short is never taken for complete."""
    metadata = {"00420011": {"vr": "OB", "InlineBinary": inline}}
    with archive_of(loopback, PDF_OBJECT) as (_, url):
        async with client_of(url) as client:
            assert await retrieve_document(client, *PDF_OBJECT.uids, metadata) == PDF


async def test_a_document_that_stands_in_the_metadata_costs_no_further_request(loopback):
    """PS3.18 §F.2.7: InlineBinary."""
    metadata = {"00420011": {"vr": "OB", "InlineBinary": base64.b64encode(PDF + b"\0").decode()}}
    with archive_of(loopback, PDF_OBJECT) as (simulated, url):
        async with client_of(url) as client:
            assert await retrieve_document(client, *PDF_OBJECT.uids, metadata) == PDF
    assert simulated.requests == []


async def test_a_stated_length_that_would_cut_a_pdf_is_not_followed(loopback):
    """Encapsulated Document Length (0042,0015) is wrong in the wild; a PDF says itself where it ends."""
    stored = document(4, sop_class=PDF_STORAGE, media_type="application/pdf", content=PDF, stated=100)
    with archive_of(loopback, stored) as (_, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *stored.uids)
            assert await retrieve_document(client, *stored.uids, metadata) == PDF


async def test_an_archive_that_renders_no_pdf_is_asked_for_one_only_once(loopback):
    """facts/data.md 3.3: Orthanc answers 400 to /rendered of a PDF."""
    with archive_of(loopback, PDF_OBJECT) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *PDF_OBJECT.uids)
            for _ in range(3):
                assert await retrieve_document(client, *PDF_OBJECT.uids, metadata) == PDF
    assert accepts_of(simulated).count("application/pdf") == 1


async def test_an_instance_without_a_document_says_so(loopback):
    """contract.md §6: found, but no document in it."""
    with archive_of(loopback, REPORT) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="no encapsulated document"):
                await retrieve_document(client, *REPORT.uids)


async def test_bulk_data_at_an_unusable_address_come_from_the_whole_instance_by_their_tag(loopback):
    """facts/dicomweb.md 7: metadata's URI, same-origin check, else the whole instance."""
    stored = PDF_OBJECT
    place = dict(zip(("study", "series", "instance"), stored.uids, strict=True))
    with archive_of(loopback, stored) as (_, url):
        async with client_of(url) as client:
            uri = "https://elsewhere.example/objects/1"
            value = await retrieve_bulk_data(client, uri, **place, tag="00420011")
            assert value == bytes(stored.dataset.EncapsulatedDocument)
            with pytest.raises(ContentError):
                await retrieve_bulk_data(client, uri, **place)
            with pytest.raises(ContentError):
                await retrieve_bulk_data(client, uri, **place, tag="00091001")


@pytest.mark.parametrize("quirk", [Quirk.CUT_INSIDE, Quirk.WEB_PAGE, Quirk.EMPTY_BODY])
async def test_what_is_not_the_whole_value_is_never_returned_as_bulk_data(loopback, quirk):
    """facts/dicomweb.md 7: HTML, empty and cut bodies."""
    place = dict(zip(("study", "series", "instance"), PDF_OBJECT.uids, strict=True))
    with archive_of(loopback, PDF_OBJECT, quirk, Quirk.SINGLE_PART_REFUSED) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError):
                await retrieve_bulk_data(client, "bulkdata/00420011", **place)


# What an archive may answer instead of the object: the quirk, the state of the error, what its words tell.
REFUSALS = [
    (Quirk.EMPTY_BODY, OutcomeState.NOT_DICOMWEB, "empty answer"),
    (Quirk.WEB_PAGE, OutcomeState.NOT_DICOMWEB, "a web page instead of"),
    (Quirk.GONE, OutcomeState.FAILED, "archived it offline or removed it"),
    (Quirk.NEARLINE, OutcomeState.FAILED, "archived it offline or removed it"),
    (Quirk.PARTIAL_CONTENT, OutcomeState.PARTIAL, "only a part"),
    (Quirk.NOT_FOUND, OutcomeState.FAILED, "404"),
    (Quirk.REDIRECTS_ELSEWHERE, OutcomeState.NOT_DICOMWEB, "another host"),
    (Quirk.ANOTHER_OBJECT, OutcomeState.NOT_DICOMWEB, "another object"),
    (Quirk.CUT_INSIDE, OutcomeState.FAILED, "cut short"),
    (Quirk.CLOSE_DELIMITER_MISSING, OutcomeState.FAILED, "cut short"),
    (Quirk.CUT_CONNECTION, OutcomeState.UNREACHABLE, "broke off"),
    (Quirk.TOO_LARGE, OutcomeState.FAILED, "max_bytes"),
]


@pytest.mark.parametrize(("quirk", "state", "told"), REFUSALS, ids=[quirk.value for quirk, *_ in REFUSALS])
async def test_what_is_not_the_whole_object_is_never_returned_as_it(loopback, quirk, state, told):
    """facts/dicomweb.md 7 and contract.md §6: an error in words, with no word of the archive's own."""
    with archive_of(loopback, NATIVE, quirk, Quirk.SINGLE_PART_REFUSED) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ArchiveError, match=told) as refused:
                await retrieve_instance(client, *NATIVE.uids)
    assert refused.value.state is state
    assert "sign in" not in str(refused.value)


@pytest.mark.parametrize("quirk", [Quirk.EMPTY_BODY, Quirk.WEB_PAGE, Quirk.CUT_INSIDE])
async def test_what_is_not_an_image_is_never_returned_as_one(loopback, quirk):
    """issue: HTML instead of an image, an empty body; the caller then decodes the object itself."""
    with archive_of(loopback, JPEG, quirk) as (_, url):
        async with client_of(url) as client:
            for media_type in ("image/jpeg", "image/png"):
                with pytest.raises(ContentError):
                    await retrieve_rendered(client, *JPEG.uids, 1, media_type=media_type)
            with pytest.raises(ContentError):
                await retrieve_frame(client, *JPEG.uids, 1)


@pytest.mark.parametrize("quirk", [Quirk.GONE, Quirk.NEARLINE])
async def test_an_object_that_is_offline_is_not_asked_for_in_other_forms(loopback, quirk):
    """facts/dicomweb.md 7: say "archived offline", no retry."""
    with archive_of(loopback, NATIVE, quirk) as (simulated, url):
        async with client_of(url) as client:
            for retrieve in (retrieve_frame, retrieve_rendered):
                with pytest.raises(ArchiveError, match="archived it offline") as gone:
                    await retrieve(client, *NATIVE.uids, 1)
                assert gone.value.http_status == 410
    assert len(simulated.requests) == 2


async def test_an_answer_over_the_byte_budget_is_given_up_early(loopback):
    """contract.md §3: bytes are a budget; an endless body is not read to its end."""
    with archive_of(loopback, NATIVE, Quirk.TOO_LARGE) as (simulated, url):
        async with client_of(url) as client:
            with pytest.raises(ArchiveError, match="max_bytes"):
                await retrieve_instance(client, *NATIVE.uids)
    assert simulated.sent_bytes < TOO_LARGE_BYTES


@settings(max_examples=100)
@given(
    name=st.sampled_from([stored.name for stored in OBJECTS]),
    quirks=st.sets(st.sampled_from(list(Quirk)), max_size=5) | st.sets(st.sampled_from(FRAMING), max_size=6),
)
def test_any_mix_of_quirks_gives_the_stored_bytes_or_a_clear_error(loopback, name, quirks):
    """contract.md §3 and §6: never wrong bytes, never a crash, never a word of the archive's own."""
    [stored] = [stored for stored in OBJECTS if stored.name == name]
    # Too many bytes and broken connections cost time; each has a test of its own.
    assume(quirks.isdisjoint({Quirk.TOO_LARGE, Quirk.CUT_CONNECTION}))
    with archive_of(loopback, stored, *quirks) as (simulated, url):
        anyio.run(_every_retrieval, stored, url)
    assert all("," not in request.accept for request in simulated.requests)


async def _every_retrieval(stored: StoredObject, url: str) -> None:
    async with client_of(url) as client:
        with told():
            assert await retrieve_instance(client, *stored.uids) == stored.file
        metadata = None
        with told():
            [metadata] = await retrieve_metadata(client, *stored.uids)
            assert metadata["00080018"]["Value"] == [stored.uids[2]]
        if stored in DOCUMENTS:
            with told():
                document = await retrieve_document(client, *stored.uids, metadata)
                assert document == (CDA if stored is CDA_OBJECT else PDF)
        for number, expected in list(enumerate(stored.frames, 1))[-2:]:
            with told():
                frame = await retrieve_frame(client, *stored.uids, number, native_bytes=stored.native_bytes)
                assert frame.content == expected
            with told():
                rendered = await retrieve_rendered(client, *stored.uids, number)
                assert rendered.content == rendered_image(number, rendered.media_type.removeprefix("image/").upper())


@contextmanager
def told() -> Iterator[None]:
    """What fails, fails as federator's own error, in our own words."""
    refusals: list[FederatorError] = []
    try:
        yield
    except FederatorError as error:
        refusals.append(error)
    assert all(str(refusal).strip() and "sign in" not in str(refusal) for refusal in refusals)
