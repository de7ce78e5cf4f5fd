"""Sample images: those that pydicom ships, given to made-up patients, and phantoms of a chest and of an abdomen.

A phantom is computed in Hounsfield units: air -1000, lung -850, fat -90, soft tissue 40, bone 700 (PS3.3 §C.8.2.1).
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from federator.demo.samples.study import Study, identify, made, uid_of

if TYPE_CHECKING:
    import numpy as np
    from pydicom import FileDataset

    Volume = np.ndarray[tuple[int, int], np.dtype[np.float32]]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_EDGE = 192
_SPACING_MM = 1.8
_THICKNESS_MM = 5.0
_SLICES = 20
_OFFSET = 1024
NODULE_SLICE = 11
"""The number of the instance that cuts the nodule of a chest phantom in its middle."""

# What would name someone else, or point to objects that are not here.
_LEFTOVERS = (
    "OtherPatientIDs", "OtherPatientNames", "OtherPatientIDsSequence", "PatientAddress", "PatientAge",
    "PatientComments", "AdditionalPatientHistory", "OperatorsName", "PerformingPhysicianName", "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy", "InstitutionAddress", "InstitutionalDepartmentName", "StationName",
    "RequestAttributesSequence", "ReferencedStudySequence", "ReferencedSeriesSequence",
    "ReferencedPerformedProcedureStepSequence", "ReferencedImageSequence", "SourceImageSequence",
    "ReferencedRTPlanSequence", "ReferringPhysicianIdentificationSequence", "AcquisitionDate", "AcquisitionTime",
    "RequestingPhysician", "RequestingService",
    "PerformedProcedureStepID", "DeviceSerialNumber", "AdmissionID", "StudyComments", "ImageComments",
    "AcquisitionDateTime", "InstanceCreationDate", "InstanceCreationTime", "PatientBirthTime",
)  # fmt: skip


def picture(study: Study, series_number: int, *, source: str, description: str) -> Iterator["FileDataset"]:
    """One of the images that pydicom ships, in the transfer syntax in which it came."""
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    from federator.dicom.quiet import quiet_pydicom

    quiet_pydicom()
    path = get_testdata_file(source, download=False)
    if not isinstance(path, str):
        raise FileNotFoundError(f"pydicom does not ship {source}")
    dataset = dcmread(path)
    dataset.remove_private_tags()
    for keyword in _LEFTOVERS:
        if keyword in dataset:
            delattr(dataset, keyword)
    identify(dataset, study, series=(series_number, description), instance_number=1)
    yield dataset


def chest_phantom(study: Study, series_number: int, *, nodule_mm: float = 0.0) -> Iterator["FileDataset"]:
    """A CT of a chest: two lungs, a spine and, if asked for, a round nodule in the right upper lobe."""
    return _phantom(study, series_number, "Chest 5 mm", range(1, _SLICES + 1), lambda z: _chest(z, nodule_mm))


def abdomen_phantom(study: Study, series_number: int, *, slices: int) -> Iterator["FileDataset"]:
    """A CT of an abdomen: liver, kidneys, spine and aorta; the first `slices` of sixteen."""
    return _phantom(study, series_number, "Abdomen 5 mm", range(1, slices + 1), _abdomen)


def _phantom(
    study: Study, series_number: int, description: str, numbers: range, density: Callable[[float], "Volume"]
) -> Iterator["FileDataset"]:
    import numpy as np

    noise = np.random.default_rng(7).normal(0.0, 9.0, (_EDGE, _EDGE))
    for number in numbers:
        z_mm = (NODULE_SLICE - number) * _THICKNESS_MM
        hounsfield = density(z_mm) + np.roll(noise, number * 37)
        dataset = _slice_of(study, series_number, description, number, z_mm)
        dataset.PixelData = np.clip(np.rint(hounsfield) + _OFFSET, 0, 4095).astype("<u2").tobytes()
        yield dataset


def _slice_of(study: Study, series_number: int, description: str, number: int, z_mm: float) -> "FileDataset":
    dataset = made(
        study, sop_class_uid=CT_IMAGE, modality="CT", series=(series_number, description), instance_number=number
    )
    edge_mm = -_EDGE * _SPACING_MM / 2
    values = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "AcquisitionNumber": 1,
        "PatientPosition": "HFS",
        "FrameOfReferenceUID": uid_of(study.key, series_number, "frame of reference"),
        "PositionReferenceIndicator": "",
        "KVP": 120,
        "SliceThickness": _THICKNESS_MM,
        "PixelSpacing": [_SPACING_MM, _SPACING_MM],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [edge_mm, edge_mm, z_mm],
        "SliceLocation": z_mm,
        "Manufacturer": "federator samples",
        "ManufacturerModelName": "computed phantom",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": _EDGE,
        "Columns": _EDGE,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleIntercept": -_OFFSET,
        "RescaleSlope": 1,
        "RescaleType": "HU",
        "WindowCenter": 40,
        "WindowWidth": 400,
        "BurnedInAnnotation": "NO",
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _chest(z_mm: float, nodule_mm: float) -> "Volume":
    import numpy as np

    image = _body()
    apex = max(0.35, 1.0 - abs(z_mm) / 75.0)
    for side in (-1, 1):
        _paint(image, -850.0, x=side * 72, y=-8, across=46 * apex, down=78 * apex)
    _paint(image, 45.0, x=18, y=-22, across=40, down=44)
    _spine(image)
    half_mm = np.sqrt(max(0.0, (nodule_mm / 2) ** 2 - z_mm**2))
    if half_mm > 0:
        # The right side of the patient is on the left of the image.
        _paint(image, 60.0, x=-82, y=-30, across=float(half_mm), down=float(half_mm))
    return image


def _abdomen(z_mm: float) -> "Volume":
    image = _body()
    shrunk = max(0.3, 1.0 - abs(z_mm) / 90.0)
    _paint(image, 110.0, x=-62, y=-18, across=72 * shrunk, down=58 * shrunk)
    for side in (-1, 1):
        _paint(image, 180.0, x=side * 66, y=48, across=24 * shrunk, down=30 * shrunk)
    _paint(image, 250.0, x=8, y=44, across=11, down=11)
    _spine(image)
    return image


def _body() -> "Volume":
    import numpy as np

    image = np.full((_EDGE, _EDGE), -1000.0, dtype=np.float32)
    _paint(image, -90.0, x=0, y=0, across=155, down=112)
    _paint(image, 40.0, x=0, y=0, across=140, down=98)
    return image


def _spine(image: "Volume") -> None:
    _paint(image, 700.0, x=0, y=70, across=19, down=17)
    _paint(image, 40.0, x=0, y=84, across=7, down=6)


def _paint(image: "Volume", hounsfield: float, *, x: float, y: float, across: float, down: float) -> None:
    """Fill an ellipse, in millimetres from the middle: `across` and `down` are its half axes."""
    import numpy as np

    places = (np.arange(_EDGE) - (_EDGE - 1) / 2) * _SPACING_MM
    inside = ((places[None, :] - x) / across) ** 2 + ((places[:, None] - y) / down) ** 2 <= 1
    image[inside] = hounsfield
