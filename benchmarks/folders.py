"""A folder as an archive: how long it takes to index, to search, and to read a large report out of it."""

import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from benchmarks.measuring import Line, Stdio, federator_command, interleaved, ratio
from federator.archive.folder.files.pixels import open_stored
from federator.archive.folder.index.index import FolderIndex
from tests.support.synthetic import report_catalogue

_REPORT_BYTES = 3_300_000
_FILES = 20_000
_SLICES = 100
_BY_PYDICOM = """
import sys
from pathlib import Path
from pydicom import dcmread
for path in Path(sys.argv[1]).rglob("*.dcm"):
    dcmread(path, stop_before_pixels=True)
"""
_BY_FEDERATOR = """
import sys
import anyio
from pathlib import Path
from federator.archive.folder.index.index import FolderIndex
from federator.archive.folder.index.upkeep import Upkeep
index = FolderIndex(Path(sys.argv[1]), Path(sys.argv[2]))
assert anyio.run(Upkeep(index).current) is None
assert index.summary().instances == int(sys.argv[3])
"""


def slice_model() -> bytes:
    """A small CT slice with the attributes that scanners write, and marks where the UIDs and numbers go."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.3000000"
    values = {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": "2.25.3000000",
        "StudyDate": "20240101",
        "SeriesDate": "20240101",
        "AcquisitionDate": "20240101",
        "ContentDate": "20240101",
        "StudyTime": "101010.000",
        "SeriesTime": "101112.000",
        "AcquisitionTime": "101213.000",
        "ContentTime": "101214.000",
        "AccessionNumber": "A1",
        "Modality": "CT",
        "Manufacturer": "SAMPLE",
        "InstitutionName": "Sample Hospital",
        "ReferringPhysicianName": "Sample^Referrer",
        "StationName": "CT1",
        "StudyDescription": "CT CHEST",
        "SeriesDescription": "AXIAL 5 MM",
        "ManufacturerModelName": "SAMPLER",
        "PatientName": "Sample^Patient",
        "PatientID": "P0000",
        "PatientBirthDate": "19700101",
        "PatientSex": "F",
        "PatientAge": "054Y",
        "PatientWeight": "70",
        "ScanOptions": "HELICAL MODE",
        "SliceThickness": "5.0",
        "KVP": "120",
        "DataCollectionDiameter": "500",
        "ProtocolName": "CHEST",
        "ReconstructionDiameter": "360",
        "DistanceSourceToDetector": "949.075",
        "DistanceSourceToPatient": "541",
        "GantryDetectorTilt": "0",
        "TableHeight": "150",
        "RotationDirection": "CW",
        "ExposureTime": "500",
        "XRayTubeCurrent": "200",
        "Exposure": "100",
        "FilterType": "BODY",
        "FocalSpots": "1.2",
        "ConvolutionKernel": "STANDARD",
        "PatientPosition": "FFS",
        "StudyInstanceUID": "2.25.1000000",
        "SeriesInstanceUID": "2.25.2000000",
        "StudyID": "1",
        "SeriesNumber": "2",
        "AcquisitionNumber": "1",
        "InstanceNumber": "77777",
        "ImagePositionPatient": ["-180", "-180", "-00000"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "FrameOfReferenceUID": "2.25.4000000",
        "PositionReferenceIndicator": "SN",
        "SliceLocation": "-00000",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 32,
        "Columns": 32,
        "PixelSpacing": ["0.703125", "0.703125"],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "WindowCenter": "40",
        "WindowWidth": "400",
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
        "PixelData": bytes(2048),
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def write_folder(folder: Path, count: int) -> None:
    """`count` slices in studies of a hundred, in a folder for each study."""
    model = slice_model()
    for study in range(count // _SLICES):
        place = folder / f"{study:04}"
        place.mkdir(parents=True)
        content = model.replace(b"2.25.1000000", b"2.25.1%06d" % study).replace(b"2.25.2000000", b"2.25.2%06d" % study)
        content = content.replace(b"P0000", b"P%04d" % study).replace(b"2.25.4000000", b"2.25.4%06d" % study)
        for number in range(_SLICES):
            uid = b"2.25.3%06d" % (study * _SLICES + number)
            one = content.replace(b"2.25.3000000", uid).replace(b"-00000", b"-%05d" % number)
            (place / f"{number:03}.dcm").write_bytes(one.replace(b"77777 ", b"%05d " % number))


def indexing(*, count: int = _FILES) -> list[Line]:
    """Reading a folder through for the first time, against pydicom's reading of its headers and nothing else."""
    with tempfile.TemporaryDirectory() as place:
        write_folder(Path(place) / "files", count)
        pairs = []
        for number in range(3):
            ours = _spent(_BY_FEDERATOR, f"{place}/files", f"{place}/cache{number}", str(count))
            pairs.append((ours, _spent(_BY_PYDICOM, f"{place}/files")))
    (cpu, wall), (their_cpu, their_wall) = (
        tuple(statistics.median(pair[which][kind] for pair in pairs) for kind in (0, 1)) for which in (0, 1)
    )
    against = "pydicom's `dcmread(stop_before_pixels=True)` of them"
    return [
        Line(
            what=f"indexing {count:,} small CT files, {kind}",
            against=against,
            reached=statistics.median(pair[0][at] / pair[1][at] for pair in pairs),
            goal=goal,
            note=f"{ours_s:.1f} s against {theirs_s:.1f} s, {os.cpu_count()} cores",
        )
        for at, (kind, goal, ours_s, theirs_s) in enumerate(
            [("CPU", 1.0, cpu, their_cpu), ("wall clock", 0.6, wall, their_wall)]
        )
    ]


def _spent(program: str, *arguments: str) -> tuple[float, float]:
    """Seconds of the processor and of the clock that a program takes with all its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def searching(*, count: int = _FILES, rounds: int = 10) -> list[Line]:
    """The newest studies of a large folder, against SQLite's answer from the same index."""
    with tempfile.TemporaryDirectory() as place, _served(Path(place), count) as server:
        index = FolderIndex(Path(place) / "files", Path(place) / "cache" / "federator")
        statement = "SELECT row FROM studies ORDER BY date DESC, study LIMIT 50"
        ours_s, theirs_s, _ = interleaved(
            lambda: server.call("find-studies"), lambda: index.rows(statement, ()), rounds=rounds
        )
        bare_s = statistics.median(_timed(partial(_look, Path(place) / "files")) for _ in range(rounds))
    return [
        Line(
            what=f"`find-studies` over a folder of {count:,} files, each time as it is then",
            against="an SQLite query of that page",
            reached=(ours_s - theirs_s) * 1000,
            goal=20,
            unit="ms",
            note=f"{ours_s * 1000:.1f} ms against {theirs_s * 1000:.2f} ms; "
            f"{bare_s * 1000:.1f} ms take `os.scandir` and the `stat` of each file alone",
        )
    ]


def _look(folder: Path) -> None:
    """The least that it takes to see whether a file has changed, where no system tells of all changes."""
    for entry in os.scandir(folder):
        for file in os.scandir(entry.path):
            file.stat()


@contextmanager
def _served(place: Path, count: int) -> Iterator[Stdio]:
    write_folder(place / "files", count)
    with _server(place) as server:
        _read_through(server)
        yield server


@contextmanager
def _server(place: Path) -> Iterator[Stdio]:
    config = place / "archives.toml"
    config.write_text(f'schema_version = 1\n[archives.files]\nfolder = "{place / "files"}"\n', encoding="utf-8")
    caches = {"XDG_CACHE_HOME": str(place / "cache"), "XDG_STATE_HOME": str(place / "state")}
    server = Stdio(federator_command(config), caches)
    try:
        server.initialize()
        yield server
    finally:
        server.close()


def _read_through(server: Stdio) -> None:
    while not server.structured("find-studies")["complete"]:
        pass


def large_report(*, size_bytes: int = _REPORT_BYTES, rounds: int = 5) -> list[Line]:
    """A dose report of megabytes as text out of a folder, the first time and again, against DCMTK's `dsrdump`."""
    first, again, theirs = [], [], []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "files").mkdir()
        report = place / "files" / "report.dcm"
        report.write_bytes(_dose_report(size_bytes))
        for _ in range(rounds):
            with _server(place) as server:
                uids = _only_report(server)
                for seconds in (first, again):
                    seconds.append(_timed(lambda: server.call("get-structured-report-text", **uids)))  # noqa: B023
            theirs.append(_timed(lambda: subprocess.run(["dsrdump", report], check=True, capture_output=True)))
    return [
        Line(
            what=f"the text of a dose report of 3.3 MB in a folder, {which}",
            against="`dsrdump` of it",
            reached=ratio(ours, theirs),
            goal=goal,
            note=f"{statistics.median(ours):.2f} s against {statistics.median(theirs):.2f} s",
        )
        for which, ours, goal in (("first", first, 3), ("again", again, 0.5))
    ]


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _only_report(server: Stdio) -> dict[str, str]:
    """Its UIDs, found without looking into it."""
    study = {"studyInstanceUid": server.structured("find-studies")["studies"][0]["studyInstanceUid"]}
    series = {"seriesInstanceUid": server.structured("find-series", **study)["series"][0]["seriesInstanceUid"]}
    instance = server.structured("find-instances", **study, **series)["instances"][0]
    return {**study, **series, "sopInstanceUid": instance["sopInstanceUid"]}


def _dose_report(size_bytes: int) -> bytes:
    """A report with as many irradiation events as make so many bytes."""
    dataset = report_catalogue.projection_dose()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    events = [item for item in dataset.ContentSequence if item.ValueType == "CONTAINER"]
    small = len(_saved(dataset))
    dataset.ContentSequence.extend(events)
    # The same items again and again: written, they are as good as copies.
    dataset.ContentSequence.extend(events * (size_bytes // (len(_saved(dataset)) - small)))
    return _saved(dataset)


def _saved(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def one_frame(*, frames: int = 100) -> list[Line]:
    """Memory for the fiftieth frame of a file of 200 MB, against that frame."""
    frame_bytes = 2 * 1000 * 1000
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "frames.dcm"
        dataset = dcmread(io.BytesIO(slice_model()))
        dataset.Rows = dataset.Columns = 1000
        dataset.NumberOfFrames = frames
        dataset.PixelData = bytes(frame_bytes * frames)
        dataset.save_as(path, enforce_file_format=True)
        open_stored(path)
        tracemalloc.start()
        open_stored(path).frame(frames // 2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return [
        Line(
            what="memory for frame 50 of a 200 MB multi-frame file in a folder",
            against="that frame",
            reached=peak / frame_bytes,
            goal=4,
            note=f"{peak / 1e6:.1f} MB against {frame_bytes / 1e6:.1f} MB",
        )
    ]
