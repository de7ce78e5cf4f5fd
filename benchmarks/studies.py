"""Studies to measure with: made up, in DICOM JSON or as files."""

import datetime as dt
import io
import random
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from tests.support.synthetic.images import image_file

_ROOT = "1.2.826.0.1.3680043.10.1601"


def seeded(seed: int) -> random.Random:
    """Chance that is the same at every run."""
    return random.Random(seed)


def today() -> dt.date:
    """The day that distributions of studies end with."""
    return dt.datetime.now(tz=dt.UTC).date()


def row(archive: int, number: int, rng: random.Random) -> dict[str, Any]:
    """One study as an archive tells it: the attributes that federator asks for."""
    day = dt.date(2010, 1, 1) + dt.timedelta(days=rng.randrange(5000))
    values: dict[str, tuple[str, Any]] = {
        "00080005": ("CS", "ISO_IR 192"),
        "00080020": ("DA", day.strftime("%Y%m%d")),
        "00080030": ("TM", f"{rng.randrange(24):02}{rng.randrange(60):02}00"),
        "00080050": ("SH", f"A{number}"),
        "00080061": ("CS", "CT"),
        "00080090": ("PN", {"Alphabetic": "Sample^Referrer"}),
        "00081030": ("LO", "CT CHEST WITH CONTRAST"),
        "00081190": ("UR", f"http://127.0.0.1/dicom-web/studies/{_ROOT}.{archive}.{number}"),
        "00100010": ("PN", {"Alphabetic": f"Sample^Patient{number}"}),
        "00100020": ("LO", f"P{number}"),
        "00100030": ("DA", "19700101"),
        "00100040": ("CS", "F"),
        "0020000D": ("UI", f"{_ROOT}.{archive}.{number}"),
        "00200010": ("SH", str(number)),
        "00201206": ("IS", "4"),
        "00201208": ("IS", "400"),
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}


SLICES = 16
IMAGE_STUDY, IMAGE_SERIES = f"{_ROOT}.8", f"{_ROOT}.8.1"


def slice_uid(number: int) -> str:
    """The SOP Instance UID of a slice, from 1."""
    return f"{_ROOT}.8.1.{number}"


def slice_file(number: int, edge: int) -> bytes:
    """One CT slice of `edge` × `edge` 16-bit pixels: a bright body with some noise, with rescale and window."""
    import numpy as np

    rng = np.random.default_rng(number)
    across = np.linspace(-1, 1, edge)
    body = np.hypot(across[:, None], across[None, :]) < 0.8
    pixels = np.where(body, 1040, 24) + rng.integers(-20, 20, (edge, edge))
    return image_file(
        pixels.astype(np.int16),
        StudyInstanceUID=IMAGE_STUDY,
        SeriesInstanceUID=IMAGE_SERIES,
        SOPInstanceUID=slice_uid(number),
        PatientName="Sample^Slices",
        PatientID="P0",
        StudyDate="20240105",
        SeriesNumber=1,
        InstanceNumber=number,
        ImagePositionPatient=[0, 0, 2.5 * number],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.7, 0.7],
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=40,
        WindowWidth=400,
    )


def study_uid(number: int) -> str:
    """The Study Instance UID of a file's study."""
    return f"{_ROOT}.1.{number}"


def file(number: int, rng: random.Random) -> bytes:
    """A study of one tiny image, dated within the last 1,500 days, as a Part 10 file."""
    day = dt.datetime.now(tz=dt.UTC).date() - dt.timedelta(days=rng.randrange(1500))
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    image.StudyInstanceUID = study_uid(number)
    image.SeriesInstanceUID = f"{_ROOT}.2.{number}"
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"{_ROOT}.3.{number}")
    image.StudyDate, image.StudyTime = day.strftime("%Y%m%d"), f"{rng.randrange(24):02}{rng.randrange(60):02}00"
    image.PatientName, image.PatientID = f"Sample^Patient{number}", f"P{number}"
    image.PatientBirthDate, image.PatientSex = "19700101", "F"
    image.AccessionNumber, image.StudyID, image.StudyDescription = f"A{number}", str(number), "CT CHEST WITH CONTRAST"
    image.ReferringPhysicianName, image.Modality = "Sample^Referrer", "CT"
    image.SeriesNumber, image.InstanceNumber = 1, 1
    image.Rows = image.Columns = 2
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
    image.PixelData = bytes(4)
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
