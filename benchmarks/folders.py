"""A folder as an archive: how long it takes to index, to search, and to read a large report out of it."""

import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from benchmarks.measuring import Line

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
        "InstanceNumber": "00000",
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
            (place / f"{number:03}.dcm").write_bytes(one.replace(b"00000 ", b"%05d " % number))


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
