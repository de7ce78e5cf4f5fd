"""A folder archive gives metadata, instances, frames and bulk data as PS3.18 section 10.4 says."""

import io
import json
import warnings

import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.pixels import iter_pixels
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from federator.archive.connection.client import ArchiveClient
from federator.archive.encoding.multipart import parse
from federator.archive.folder.files.json import encoded
from federator.archive.folder.files.pixels import DamagedFile, open_stored
from federator.archive.retrieve.retrieve import retrieve_document, retrieve_frame, retrieve_instance, retrieve_metadata
from federator.config import Archive
from federator.demo.samples.catalogue import write_samples
from tests.support.folder_archive import PYDICOM_DATA, first, opened

pytestmark = pytest.mark.anyio

ANY_FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ANY_INSTANCE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
# Files that pydicom keeps because they are broken.
BROKEN = {"MR_truncated.dcm", "rtplan_truncated.dcm", "badVR.dcm", "SC_rgb_jpeg_app14_dcmd.dcm"}


def images():
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted((PYDICOM_DATA / "test_files").glob("*.dcm")):
            dataset = pydicom.dcmread(path, force=True)
            if path.name not in BROKEN and "PixelData" in dataset and "Rows" in dataset:
                found.append(path)
    return found


def expected_frames(dataset):
    """Every frame as pydicom tells them apart: fragments joined where compressed, else pixels in little endian."""
    count = int(dataset.get("NumberOfFrames") or 1)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax and syntax.is_encapsulated:
        return list(generate_frames(dataset.PixelData, number_of_frames=count))
    if syntax == ExplicitVRBigEndian and dataset["PixelData"].VR == "OW":
        # pydicom brings words into order; none of these files has planes to be reordered.
        return [frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in iter_pixels(dataset, raw=True)]
    size = get_expected_length(dataset) // count
    return [dataset.PixelData[size * number : size * (number + 1)] for number in range(count)]


@pytest.mark.parametrize("path", images(), ids=lambda path: path.name)
def test_frames_equal_those_of_pydicom(path):
    """PS3.18 section 10.4.1.1.6: 60 files in 14 transfer syntaxes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        expected = expected_frames(dataset)
    stored = open_stored(path)
    assert stored.number_of_frames == len(expected)
    for number, frame in enumerate(expected, start=1):
        content, transfer_syntax = stored.frame(number)
        assert content == frame
        declared = dataset.file_meta.get("TransferSyntaxUID")
        assert transfer_syntax == (declared if declared and declared.is_encapsulated else ExplicitVRLittleEndian)
    assert stored.frame(0) is None
    assert stored.frame(len(expected) + 1) is None


def test_frames_of_single_bits_begin_where_they_begin(tmp_path):
    """PS3.5 section 8.1.1: 1-bit pixels are packed without regard to frames."""
    numpy = pytest.importorskip("numpy")
    bits = numpy.random.default_rng(3).integers(0, 2, (3, 5, 7), dtype="uint8")
    packed = pydicom.pixels.pack_bits(bits)
    dataset = pydicom.dcmread(PYDICOM_DATA / "test_files" / "liver_1frame.dcm")
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames, dataset.PixelData = 5, 7, 3, packed
    dataset.save_as(tmp_path / "bits.dcm")
    stored = open_stored(tmp_path / "bits.dcm")
    for number, frame in enumerate(bits, start=1):
        content, _ = stored.frame(number)
        found = numpy.unpackbits(numpy.frombuffer(content, "uint8"), bitorder="little")[:35]
        assert (found == frame.reshape(-1)).all()


def test_a_file_that_ends_early_has_only_the_frames_that_are_whole():
    """A cut frame must not be shown as if it were one."""
    with pytest.raises(DamagedFile):
        open_stored(PYDICOM_DATA / "test_files" / "MR_truncated.dcm").frame(1)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


async def locate(client, query):
    """The address of the one instance that a query finds."""
    (row,) = (await client.get(f"/instances?{query}")).json()
    return first(row, "00081190")


async def test_an_instance_is_given_byte_for_byte(samples, cache):
    """PS3.18 section 10.4.1.1.1."""
    stored = (samples[1] / "yamada-2" / "series-1" / "0001.dcm").read_bytes()
    async with opened(samples[1], cache) as client:
        address = await locate(client, "StudyDate=20260421&Modality=MR")
        whole = await client.get(address, headers={"Accept": ANY_INSTANCE})
        (part,) = parse(whole.content, whole.headers["content-type"])
        assert (part.content, part.transfer_syntax) == (stored, "1.2.840.10008.1.2.5")
        alone = await client.get(address, headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert (alone.content, alone.headers["content-type"]) == (
            stored,
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.5",
        )
        for refused in ("image/jpeg", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"):
            assert (await client.get(address, headers={"Accept": refused})).status_code == 406


@pytest.mark.parametrize("source", ["ExplVR_BigEnd.dcm", "MR_small_implicit.dcm"])
async def test_a_file_without_a_header_gets_one(tmp_path, source):
    """PS3.10 section 7.1."""
    original = pydicom.dcmread(PYDICOM_DATA / "test_files" / source)
    headless = io.BytesIO()
    pydicom.filewriter.dcmwrite(
        headless,
        pydicom.Dataset(original),
        implicit_vr=original.original_encoding[0],
        little_endian=original.original_encoding[1],
        enforce_file_format=False,
    )
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "old").write_bytes(headless.getvalue())
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        address = await locate(client, "limit=1")
        given = (await client.get(address, headers={"Accept": "application/dicom; transfer-syntax=*"})).content
    assert given[128:132] == b"DICM"
    assert given.endswith(headless.getvalue())
    read = pydicom.dcmread(io.BytesIO(given))
    assert (read.original_encoding, read.PixelData) == (original.original_encoding, original.PixelData)


async def test_metadata_hold_every_attribute_and_bulk_data_lie_where_they_say(samples, cache):
    """PS3.18 sections 10.4.1.1.2 and 10.4.1.1.5, F.2."""
    for folder in samples:
        async with opened(folder, cache) as client:
            for row in (await client.get("/instances")).json():
                (given,) = (await client.get(f"{first(row, '00081190')}/metadata")).json()
                name = f"{int(first(row, '00200013')):04}.dcm"
                path = next(
                    path
                    for path in folder.rglob(name)
                    if str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
                    == first(row, "00080018")
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    dataset = pydicom.dcmread(path)
                    dataset.decode()
                # What follows the pixels (padding, signatures) is not read.
                assert given.keys() == {f"{element.tag:08X}" for element in dataset if element.tag <= 0x7FE00010}
                assert given["00080005"]["Value"] == ["ISO_IR 192"]
                if "BulkDataURI" in given.get("7FE00010", {}) and not dataset.file_meta.TransferSyntaxUID.is_compressed:
                    pixels = await client.get(
                        given["7FE00010"]["BulkDataURI"], headers={"Accept": "application/octet-stream"}
                    )
                    assert pixels.content == dataset.PixelData


async def test_metadata_of_a_series_and_of_a_study(samples, cache):
    """PS3.18 section 10.4.1.1.2."""
    async with opened(samples[0], cache) as client:
        (study,) = (await client.get("/studies?StudyDate=20260312")).json()
        assert len((await client.get(f"{first(study, '00081190')}/metadata")).json()) == 23
        series = (await client.get(f"/studies/{first(study, '0020000D')}/series?SeriesNumber=1")).json()
        assert len((await client.get(f"{first(series[0], '00081190')}/metadata")).json()) == 20


async def test_bulk_data_inside_items_are_found(samples, cache):
    """The waveform of an ECG stands in a sequence."""
    path = samples[1] / "obrien-1" / "series-1" / "0001.dcm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pydicom.dcmread(path).WaveformSequence[0].WaveformData
    async with opened(samples[1], cache) as client:
        address = await locate(client, "StudyDate=20251110")
        (row,) = (await client.get(f"{address}/metadata")).json()
        told = row["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
        assert told == f"{address}/bulkdata/54000100/0/54001010"
        whole = await client.get(told, headers={"Accept": 'multipart/related; type="application/octet-stream"'})
        (part,) = parse(whole.content, whole.headers["content-type"])
        assert part.content == expected
        for wrong in ("54000100/9/54001010", "54000100/x/54001010", "54000100", "00100010", "zz", "54000100/0"):
            assert (await client.get(f"{address}/bulkdata/{wrong}")).status_code == 404


async def test_frames_come_one_by_one_or_together(samples, cache):
    """PS3.18 section 10.4.1.1.6."""
    path = samples[0] / "papadopoulos-1" / "series-1" / "0001.dcm"
    frames = list(generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=30))
    async with opened(samples[0], cache) as client:
        address = await locate(client, "StudyDate=20251007&Modality=US")
        several = await client.get(f"{address}/frames/2,30", headers={"Accept": ANY_FRAME})
        parts = parse(several.content, several.headers["content-type"])
        assert [part.content for part in parts] == [frames[1], frames[29]]
        assert {part.transfer_syntax for part in parts} == {"1.2.840.10008.1.2.4.50"}
        one = await client.get(f"{address}/frames/1", headers={"Accept": "application/octet-stream; transfer-syntax=*"})
        assert one.content == frames[0]
        for wrong in ("0", "31", "1,31", "x", "-1", "99999999999999"):
            assert (await client.get(f"{address}/frames/{wrong}")).status_code == 404


async def test_compressed_pixels_as_bulk_data_are_their_frames(samples, cache):
    """PS3.18 section 8.7.3.2: a part for each frame."""
    path = samples[0] / "papadopoulos-1" / "series-1" / "0001.dcm"
    frames = list(generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=30))
    async with opened(samples[0], cache) as client:
        address = await locate(client, "StudyDate=20251007&Modality=US")
        (row,) = (await client.get(f"{address}/metadata")).json()
        given = await client.get(row["7FE00010"]["BulkDataURI"], headers={"Accept": "*/*"})
        assert [part.content for part in parse(given.content, given.headers["content-type"])] == frames
        alone = await client.get(row["7FE00010"]["BulkDataURI"], headers={"Accept": "application/octet-stream"})
        assert alone.status_code == 406


async def test_it_makes_no_pictures_and_takes_nothing(samples, cache):
    """Federator only reads, and decodes by itself."""
    async with opened(samples[0], cache) as client:
        address = await locate(client, "StudyDate=20251201&Modality=US")
        assert (await client.get(f"{address}/rendered")).status_code == 406
        assert (await client.get(f"{address}/frames/1/rendered")).status_code == 406
        for method in ("POST", "PUT", "DELETE"):
            assert (await client.request(method, "/studies")).status_code == 405


@pytest.mark.parametrize(
    "target",
    [
        "/studies/1.2.3/metadata",
        "/studies/1.2.3/series/1.2/instances/1.2",
        "/studies/../../etc/passwd",
        "/studies/%2e%2e/series",
        "/studies/..%2f..%2fetc/metadata",
        "/etc/passwd",
        "/nothing",
    ],
)
async def test_no_path_leads_anywhere_else(samples, cache, target):
    """Files are found by UIDs only."""
    async with opened(samples[0], cache) as client:
        assert (await client.get(target)).status_code in {400, 404}


async def test_the_client_of_every_archive_reads_a_folder(samples, tmp_path, monkeypatch):
    """contract.md section 7: a folder is an archive of its own, reached through the same client."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    async with ArchiveClient(Archive(name="mercy", folder=samples[0])) as client:
        rows = {}
        for date in ("20251007", "20250630"):
            answer = await client.get("/instances", accept="application/dicom+json", parameters=[("StudyDate", date)])
            assert answer.status == 200
            for row in pydicom.dataset.json.loads(answer.body):
                rows[date, first(row, "00200011")] = tuple(
                    first(row, tag) for tag in ("0020000D", "0020000E", "00080018")
                )
        ultrasound, document = rows["20251007", 1], rows["20250630", 2]
        frame = await retrieve_frame(client, *ultrasound, 30)
        assert frame.transfer_syntax == "1.2.840.10008.1.2.4.50"
        path = samples[0] / "papadopoulos-1" / "series-1" / "0001.dcm"
        assert await retrieve_instance(client, *ultrasound) == path.read_bytes()
        (metadata,) = await retrieve_metadata(client, *document)
        assert (await retrieve_document(client, *document, metadata)).startswith(b"%PDF-1.4")


def test_json_written_in_pieces_is_the_json_of_the_whole():
    """PS3.18 §F.2: however deep the sequences, and whatever the texts hold."""
    row: dict = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": 'Müller^"Jörg"'}]}, "00101000": {"vr": "LO"}}
    for depth in range(8):
        empty = {"vr": "SQ"} if depth % 2 else {"vr": "SQ", "Value": []}
        row = {"0040A730": {"vr": "SQ", "Value": [row, {"00400001": empty}, {}]}, "0040A160": {"vr": "UT"}}
    for each in (row, {}):
        assert encoded(each) == json.dumps(each, ensure_ascii=False, separators=(",", ":"))
