"""Retrieval against archives that misbehave: the bytes as stored, or a clear error; nothing in between."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pydicom
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from federator.archive.folder.files.json import to_json
from federator.archive.retrieve.retrieve import (
    retrieve_document,
    retrieve_frame,
    retrieve_instance,
    retrieve_metadata,
    retrieve_rendered,
)
from federator.errors import ArchiveError, FederatorError
from federator.model import OutcomeState
from tests.support.hostile_retrieval import TOO_LARGE_BYTES, Quirk, rendered_image
from tests.support.retrieval_objects import (
    CDA,
    CDA_OBJECT,
    DOCUMENTS,
    EXPLICIT_BIG_ENDIAN,
    JPEG,
    JPEG_2000,
    NATIVE,
    NATIVE_FRAMES,
    OBJECTS,
    PDF,
    REPORT,
    RLE,
    StoredObject,
)
from tests.support.retrieval_setting import FRAMING, accepts_of, archive_of, client_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
async def test_an_instance_comes_back_byte_for_byte(loopback, stored):
    """PS3.18 §10.4.1.1.1 with transfer-syntax=*: as stored, although this archive converts by default."""
    with archive_of(loopback, stored) as (simulated, url):
        async with client_of(url) as client:
            assert await retrieve_instance(client, *stored.uids) == stored.file
        assert accepts_of(simulated) == ['multipart/related; type="application/dicom"; transfer-syntax=*']


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
    assert row["0040A730"] == to_json(REPORT.dataset, lambda _: "")["0040A730"]
    assert row["00100010"] == to_json(REPORT.dataset, lambda _: "")["00100010"]


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
