"""The parts of retrieval that need no archive: addresses of bulk data, files as metadata, limits of what is asked."""

import io

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.accept import object_path
from federator.archive.retrieve.bulk_data import Resource, elements_of, resources_of
from federator.archive.retrieve.metadata import row_of_file
from federator.archive.retrieve.retrieve import (
    retrieve_document,
    retrieve_frame,
    retrieve_instance,
    retrieve_metadata,
    retrieve_rendered,
)
from federator.config import Archive
from federator.dicom import json
from federator.errors import ContentError, RequestError
from tests.support.retrieval_objects import CDA, CDA_OBJECT, DOCUMENTS, NATIVE, OBJECTS, PDF, REPORT

BASE = "https://pacs.example/dicom-web"
PLACE = {"url": BASE, "study": "1.2", "series": "1.2.3", "instance": "1.2.3.4"}
INSTANCE = "/studies/1.2/series/1.2.3/instances/1.2.3.4"


@pytest.mark.parametrize(
    ("uri", "paths"),
    [
        (f"{BASE}{INSTANCE}/bulk/00420011", [f"{INSTANCE}/bulk/00420011"]),
        (f"http://pacs.example/dicom-web{INSTANCE}/bulk/00420011", [f"{INSTANCE}/bulk/00420011"]),
        (f"http://10.0.0.7:8042/other/root{INSTANCE}/bulkdata/1", [f"{INSTANCE}/bulkdata/1"]),
        (f"/dicom-web{INSTANCE}/bulkdata/1", [f"{INSTANCE}/bulkdata/1"]),
        (f"https://pacs.example:443/dicom-web{INSTANCE}/bulkdata/1", [f"{INSTANCE}/bulkdata/1"]),
        (f"{BASE}/bulkdata/abc%20def", ["/bulkdata/abc%20def"]),
        ("/dicom-web/bulkdata/abc", ["/bulkdata/abc"]),
        (
            "bulkdata/1",
            [f"{INSTANCE}/bulkdata/1", "/studies/1.2/series/1.2.3/bulkdata/1", "/studies/1.2/bulkdata/1"],
        ),
        ("../../../../bulkdata/1", ["/studies/1.2/bulkdata/1"]),
        ("../../bulkdata/1", ["/studies/1.2/series/1.2.3/bulkdata/1", "/studies/1.2/bulkdata/1"]),
    ],
)
def test_bulk_data_are_looked_for_below_the_configured_address(uri, paths):
    """PS3.18 §F.2.2 and facts/dicomweb.md 1.5: http behind https, internal names, relative to series or study."""
    assert [resource.path for resource in resources_of(uri, **PLACE)] == paths


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/objects/1",
        "https://pacs.example:8443/dicom-web/bulkdata/1",
        "http://pacs.example/dicom-web/bulkdata/1",
        "https://pacs.example/admin/users",
        "//elsewhere.example/bulkdata/1",
        f"{BASE}/studies/1.2/../../admin",
        f"{BASE}/studies/1.2/%2e%2e/%2e%2e/admin",
        f"{BASE}/studies/1.2/..%5cadmin",
        f"{BASE}/studies/9.9/series/1/instances/1/bulkdata/1".replace("pacs.example", "elsewhere.example"),
        "../../../../../../admin",
        "file:///etc/passwd",
        "ftp://pacs.example/studies/1.2/x",
        "https://pacs.example:port/studies/1.2/x",
        "https://[::1/studies/1.2/x",
        "#bytes=12",
        "",
        "/dicom-web/studies/1.2/Müller",
        "/dicom-web/studies/1.2/a b",
        "/dicom-web/studies/1.2//x",
        f"/dicom-web{INSTANCE}/" + "x" * 2048,
    ],
)
def test_an_address_that_leads_elsewhere_is_not_used(uri):
    """contract.md §6, facts/data.md 6.7: never followed off the configured origin."""
    assert resources_of(uri, **PLACE) == []


def test_the_query_of_a_bulk_data_uri_is_kept():
    """dcm4chee addresses parts of a value by parameters."""
    [resource] = resources_of(f"{BASE}{INSTANCE}/bulkdata/1?offset=10&length=20", **PLACE)
    assert resource == Resource(path=f"{INSTANCE}/bulkdata/1", parameters=(("offset", "10"), ("length", "20")))


@given(uri=st.text(max_size=80) | st.text("/.%25eE:#?@a1", max_size=60).map(lambda text: f"{BASE}/studies/1.2/{text}"))
def test_no_uri_leaves_the_archive(uri):
    """contract.md §6: whatever an archive writes, the path is plain and below the base."""
    for resource in resources_of(uri, **PLACE):
        assert resource.path.startswith("/")
        assert resource.path.isascii()
        assert not {"..", ".", ""} & set(resource.path.strip("/").split("/"))


@pytest.mark.parametrize("uid", ["1.2/../3", "1.2?x=1", "", "1.2 ", "ü", "1" * 65])
def test_what_is_no_uid_never_becomes_a_path(uid):
    """PS3.5 §9.1; the model's words do not reach a URL."""
    if uid:
        with pytest.raises(RequestError):
            object_path("1.2", uid, "1.2.3")
    else:
        assert object_path("1.2", uid) == "/studies/1.2"


@pytest.mark.anyio
@pytest.mark.parametrize("frame_number", [0, -1])
async def test_frames_count_from_one(frame_number):
    """PS3.18 §10.4.1.1.6; said before anything is asked."""
    async with ArchiveClient(Archive(name="a", url="http://127.0.0.1:1")) as client:
        for retrieve in (retrieve_frame, retrieve_rendered):
            with pytest.raises(RequestError, match="count from 1"):
                await retrieve(client, "1.2", "1.3", "1.4", frame_number)
        with pytest.raises(RequestError):
            await retrieve_instance(client, "1.2", "not-a-uid", "1.4")


@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
def test_a_file_becomes_a_row_with_every_attribute(stored):
    """PS3.18 §F.2; pydicom's data set is the list of what must be there."""
    row = row_of_file(stored.file)
    expected = {f"{element.tag:08X}" for element in stored.dataset if element.tag.element}
    assert expected - {"00080005"} == set(row) - {"00080005"}
    assert json.uid(row, "00080018") == stored.uids[2]


def test_bulk_data_inside_of_a_sequence_tell_their_size_too():
    """contract.md §4: bulk data by size."""
    dataset = pydicom.dcmread(io.BytesIO(REPORT.file))
    item = pydicom.Dataset()
    item.EncapsulatedDocument = bytes(3000)
    dataset.ReferencedPatientSequence = [pydicom.Dataset(), item]
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    row = row_of_file(buffer.getvalue())
    assert row["00081120"]["Value"][1]["00420011"] == {"vr": "OB", "BulkDataURI": "#bytes=3000"}


def test_elements_come_out_of_a_file_as_they_are_encoded():
    """PS3.5 §7.1."""
    assert elements_of(CDA_OBJECT.file, ("00420011", "00420015", "00091001")) == {
        "00420011": CDA + b"\0",
        "00420015": len(CDA).to_bytes(4, "little"),
    }


@pytest.mark.parametrize("content", [b"", bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\xff" * 90])
def test_a_file_that_is_dicom_by_its_mark_only_is_a_clear_error_or_an_empty_row(content):
    """house.md, errors: nothing foreign passes, nothing is made up."""
    try:
        row = row_of_file(content)
    except ContentError:
        return
    assert not set(row) - {"00080005"}


@given(cut=st.integers(min_value=132, max_value=len(NATIVE.file)), noise=st.binary(max_size=60))
def test_no_broken_file_breaks_the_reading(cut, noise):
    """house.md, errors: pydicom's exceptions are translated at its door."""
    content = NATIVE.file[:cut] + noise + NATIVE.file[cut + len(noise) :]
    try:
        row_of_file(content)
        elements_of(content, ("00420011",))
    except ContentError:
        return


@pytest.mark.anyio
@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
async def test_a_folder_of_files_gives_the_same_as_any_archive(tmp_path, monkeypatch, stored):
    """contract.md §7: a folder is an archive of its own, behind the same client."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "file.dcm").write_bytes(stored.file)
    async with ArchiveClient(Archive(name="folder", folder=folder)) as client:
        assert await retrieve_instance(client, *stored.uids) == stored.file
        [row] = await retrieve_metadata(client, *stored.uids)
        assert json.uid(row, "00080018") == stored.uids[2]
        for number, expected in enumerate(stored.frames, 1):
            frame = await retrieve_frame(client, *stored.uids, number, native_bytes=stored.native_bytes)
            assert frame.content == expected
        with pytest.raises(ContentError):
            await retrieve_rendered(client, *stored.uids, 1)
        if stored in DOCUMENTS:
            assert await retrieve_document(client, *stored.uids, row) == (CDA if stored is CDA_OBJECT else PDF)
