"""A damaged file costs the archive that file and nothing else."""

import json
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from federator.archive.connection.client import ArchiveClient
from federator.archive.folder.files.header import Header, Refusal, read_header
from federator.archive.folder.files.pixels import DamagedFile, open_stored
from federator.archive.folder.objects import header_row, metadata
from federator.archive.retrieve.instances import retrieve_frame, retrieve_instance
from federator.config import Archive
from federator.errors import ArchiveError
from tests.support.folder_archive import PYDICOM_DATA, first, opened, write_tiny

pytestmark = pytest.mark.anyio

SOURCES = [
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
]
CONTENTS = [(PYDICOM_DATA / "test_files" / name).read_bytes() for name in SOURCES]


@settings(deadline=None, max_examples=150)
@given(
    content=st.sampled_from(CONTENTS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=5)), min_size=1, max_size=6),
)
def test_whatever_a_file_holds_it_is_read_or_refused(content, edits):
    """contract.md section 3.1: no file can take the archive down."""
    for place, cut, inserted in edits:
        at = int(place * min(len(content), 4000))
        content = content[:at] + inserted + content[at + cut :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(content)
        header = read_header(path)
        assert isinstance(header, Header | Refusal)
        if isinstance(header, Header):
            json.loads(header.row), json.loads(header.upper)
        header_row(path)
        try:
            json.loads(metadata(path, "http://folder.invalid"), parse_constant=pytest.fail)
            open_stored(path).frame(1)
        except DamagedFile:
            return


async def test_a_stream_that_does_not_inflate_is_named(tmp_path):
    """PS3.5 section A.5: the deflated transfer syntax."""
    write_tiny(tmp_path / "files" / "good.dcm", study="2.25.1", series="2.25.2", instance="2.25.3")
    content = bytearray((PYDICOM_DATA / "test_files" / "image_dfl.dcm").read_bytes())
    content[600:620] = bytes(range(20))
    (tmp_path / "files" / "deflated.dcm").write_bytes(content)
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        assert len((await client.get("/studies")).json()) == 1
        told = (await client.get("/federator/index")).json()
        assert [entry["path"] for entry in told["unreadable"]] == ["deflated.dcm"]


def write_bomb(path: Path, *, before_pixels: int, pixels: int) -> None:
    """A deflated file of well under a megabyte that unfolds to hundreds, in a private element or in its pixels."""
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3", Rows=64, Columns=64, BitsAllocated=16)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.NumberOfFrames = max(1, pixels // 8192)
    dataset.add_new(0x00110010, "LO", "SAMPLE")
    dataset.add_new(0x00111001, "OB", bytes(before_pixels))
    dataset.add_new(0x7FE00010, "OW", bytes(pixels))
    dcmwrite(path, dataset, enforce_file_format=True)


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_what_is_deflated_is_inflated_as_far_as_it_is_needed(tmp_path):
    """PS3.5 §A.5, CWE-409: a file of 100 kB that holds 100 MB behind its header."""
    path = tmp_path / "bomb.dcm"
    write_bomb(path, before_pixels=4096, pixels=100_000_000)
    assert path.stat().st_size < 200_000
    assert isinstance(read_header(path), Header)
    assert peak_bytes(lambda: read_header(path)) < 2_000_000
    assert peak_bytes(lambda: metadata(path, "at")) < 4_000_000
    stored = open_stored(path)
    assert stored.frame(50) == (bytes(8192), ExplicitVRLittleEndian)
    assert peak_bytes(lambda: stored.frame(12_000)) < 2_000_000


def test_a_header_that_unfolds_without_bounds_is_refused(tmp_path):
    """CWE-409: hundreds of megabytes in an element before the pixels are read neither for the index nor otherwise."""
    path = tmp_path / "bomb.dcm"
    write_bomb(path, before_pixels=300_000_000, pixels=8192)
    assert read_header(path) == Refusal(reason="its header unfolds to more than is read")
    with pytest.raises(DamagedFile, match="unfolds to more"):
        open_stored(path)


async def test_pixels_that_are_damaged_are_told_as_damaged(tmp_path):
    """Not as frames that are not there; the rest of the object can still be had."""
    content = (PYDICOM_DATA / "test_files" / "MR_small_RLE.dcm").read_bytes()
    start = content.rindex(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one.dcm").write_bytes(content[:start] + b"\x01" * 40 + content[start + 40 :])
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        (row,) = (await client.get("/instances")).json()
        address = first(row, "00081190")
        assert (await client.get(f"{address}/metadata")).status_code == 200
        assert (await client.get(f"{address}/frames/1")).status_code == 422


async def test_values_that_mean_nothing_are_shown_as_they_stand(tmp_path):
    """One bad element must not lose a row."""
    path = tmp_path / "files" / "one.dcm"
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3", SeriesNumber="12", PatientID="A1")
    path.write_bytes(path.read_bytes().replace(b"IS\x02\x0012", b"IS\x02\x00x?"))
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        (row,) = (await client.get("/series?PatientID=A1")).json()
        assert row["00200011"] == {"vr": "IS", "Value": ["x?"]}
        assert (await client.get("/series?SeriesNumber=12")).json() == []


def write_cut(
    path: Path, *, declared: int, frames: list[bytes], offsets: bool = False, syntax: str = JPEGBaseline8Bit
) -> None:
    """A multi-frame ultrasound that declares more frames than it holds."""
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3", NumberOfFrames=declared, Rows=8, Columns=8)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.PhotometricInterpretation = 1, 8, "MONOCHROME2"
    dataset.PixelData = encapsulate(frames, has_bot=offsets)
    dataset["PixelData"].VR = "OB"
    dcmwrite(path, dataset, enforce_file_format=True)


@pytest.mark.parametrize("offsets", [True, False])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, RLELossless])
async def test_the_frames_that_are_there_are_given_and_the_others_named(tmp_path, offsets, syntax):
    """contract.md §3.9, PS3.5 §A.4: forty frames declared, three encoded."""
    frames = [b"\xff\xd8" + bytes([number]) * 20 + b"\xff\xd9" for number in range(3)]
    write_cut(tmp_path / "files" / "cut.dcm", declared=40, frames=frames, offsets=offsets, syntax=syntax)
    instance = "/studies/2.25.1/series/2.25.2/instances/2.25.3"
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        for number, frame in enumerate(frames, start=1):
            assert frame in (await client.get(f"{instance}/frames/{number}")).content
        missing = [await client.get(f"{instance}/frames/{number}") for number in (4, 20, 40)]
        assert [response.status_code for response in missing] == [422] * 3
        assert all("only 3 of the 40 frames" in response.text for response in missing)
        assert (await client.get(f"{instance}/frames/41")).status_code == 404


async def test_native_frames_of_a_file_that_is_cut_are_given_as_far_as_it_goes(tmp_path):
    """contract.md §3.9, PS3.5 §8.1.1: one frame after another, without padding between them."""
    path = tmp_path / "files" / "cut.dcm"
    write_tiny(
        path,
        study="2.25.1",
        series="2.25.2",
        instance="2.25.3",
        NumberOfFrames=5,
        Rows=4,
        Columns=4,
        BitsAllocated=16,
        PixelData=bytes(range(160)),
    )
    path.write_bytes(path.read_bytes()[:-70])
    instance = "/studies/2.25.1/series/2.25.2/instances/2.25.3"
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        assert bytes(range(32, 64)) in (await client.get(f"{instance}/frames/2")).content
        missing = await client.get(f"{instance}/frames/3")
        assert (missing.status_code, "only 2 of the 5 frames" in missing.text) == (422, True)


async def test_forty_bad_frames_leave_the_rest_of_the_folder_reachable(tmp_path):
    """contract.md §3.9: an object's fault is no archive's fault."""
    write_cut(tmp_path / "cut.dcm", declared=40, frames=[b"\xff\xd8\xff\xd9"])
    write_tiny(tmp_path / "sound.dcm", study="2.25.11", series="2.25.12", instance="2.25.13")
    async with ArchiveClient(Archive(name="teaching", folder=tmp_path)) as client:
        for number in range(2, 41):
            with pytest.raises(ArchiveError, match="only 1 of the 40 frames") as refused:
                await retrieve_frame(client, "2.25.1", "2.25.2", "2.25.3", number)
            assert refused.value.http_status == 422
        assert await retrieve_instance(client, "2.25.11", "2.25.12", "2.25.13")
