"""Documents and bulk data from archives that misbehave: the whole document, from no other host."""

import base64
import contextlib

import pytest

from federator.archive.retrieve.retrieve import (
    retrieve_bulk_data,
    retrieve_document,
    retrieve_instance,
    retrieve_metadata,
)
from federator.config import AuthMethod, SecretReference, SecretStore
from federator.errors import ArchiveError, ContentError, FederatorError
from tests.support.hostile.loopback import Loopback
from tests.support.hostile_retrieval import Quirk, RetrievalArchive
from tests.support.retrieval_objects import (
    CDA,
    CDA_OBJECT,
    DOCUMENTS,
    PDF,
    PDF_OBJECT,
    PDF_OF_UNKNOWN_LENGTH,
    PDF_STORAGE,
    REPORT,
    document,
)
from tests.support.retrieval_setting import accepts_of, archive_of, client_of

pytestmark = pytest.mark.anyio


async def test_no_accept_header_is_ever_a_list(loopback):
    """facts/dicomweb.md 0.7: Orthanc refuses lists, wild cards and quality values."""
    with archive_of(loopback, PDF_OBJECT, Quirk.MULTIPART_REFUSED, Quirk.SINGLE_PART_REFUSED) as (simulated, url):
        async with client_of(url) as client:
            [metadata] = await retrieve_metadata(client, *PDF_OBJECT.uids)
            with pytest.raises(ArchiveError):
                await retrieve_document(client, *PDF_OBJECT.uids, metadata)
        assert len(simulated.requests) > 5
        assert not any("," in accept or ";q=" in accept for accept in accepts_of(simulated))


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
