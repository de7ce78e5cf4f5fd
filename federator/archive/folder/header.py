"""What a file in a folder is: an instance with its header, a DICOM file that cannot be used, or no DICOM file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federator.archive.folder.json import DAMAGED, to_json
from federator.dicom import json
from federator.dicom.query import attributes
from federator.dicom.quiet import quiet_pydicom
from federator.dicom.uid import is_uid
from federator.model import Level

if TYPE_CHECKING:
    from pydicom import FileDataset

_SOP_CLASS_UID = "00080016"
_UIDS = (_SOP_CLASS_UID, *(level.uid_tag for level in Level))
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_PREAMBLE = 128
_TRANSFER_SYNTAXES = "00083002"

# What is told apart inside a series; anything else is read from the file when it is asked for.
_INSTANCE_KEYWORDS = """
    SOPClassUID SOPInstanceUID InstanceNumber ImageType InstanceCreationDate InstanceCreationTime AcquisitionDate
    AcquisitionTime AcquisitionDateTime AcquisitionNumber ContentDate ContentTime ContentLabel ContentDescription
    Rows Columns BitsAllocated BitsStored NumberOfFrames SamplesPerPixel PhotometricInterpretation PixelSpacing
    SliceThickness SliceLocation ImagePositionPatient ImageOrientationPatient ImageComments KVP EchoTime RepetitionTime
    ViewPosition ConceptNameCodeSequence CompletionFlag VerificationFlag DocumentTitle
    MIMETypeOfEncapsulatedDocument BurnedInAnnotation
"""
_SEQUENCES = """
    ProcedureCodeSequence IssuerOfAccessionNumberSequence IssuerOfPatientIDQualifiersSequence
    RequestAttributesSequence AnatomicRegionSequence PerformedProtocolCodeSequence
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The indexed attributes of one instance, as one row of DICOM JSON."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that is not in the index; `reason` is empty for one that never was a DICOM object."""

    reason: str = ""


@cache
def indexed_tags() -> frozenset[str]:
    """The attributes that the index holds of every instance."""
    named = [json.tag_of(keyword) for keyword in (_INSTANCE_KEYWORDS + _SEQUENCES).split()]
    upper = attributes.tags_of(Level.STUDY) | attributes.tags_of(Level.SERIES)
    return frozenset(named) | upper


def read_header(path: Path) -> Header | Refusal:
    """Read a file up to its pixels. Never raises for what a file holds or for a file that cannot be opened."""
    try:
        with path.open("rb") as file:
            start = file.read(_PREAMBLE + 4)
        if not _begins_like_dicom(start):
            return Refusal(reason="it does not begin as a DICOM file does" if path.suffix.lower() == ".dcm" else "")
        return _judged(_read(path, force=start[_PREAMBLE:] != b"DICM"))
    except IsADirectoryError:
        return Refusal(reason="it is a folder that this account may not read")
    except PermissionError:
        return Refusal(reason="this account may not read it")
    except DAMAGED:
        return Refusal(reason="it is damaged, or no DICOM file")


def _judged(dataset: "FileDataset") -> Header | Refusal:
    if str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == _MEDIA_DIRECTORY:
        return Refusal()
    row = to_json(dataset, lambda _: "")
    missing = [json.keyword_of(tag) for tag in _UIDS if not is_uid(json.uid(row, tag))]
    if missing:
        return Refusal(reason=f"it has no valid {', '.join(missing)}")
    transfer_syntax = dataset.file_meta.get("TransferSyntaxUID")
    if transfer_syntax:
        row[_TRANSFER_SYNTAXES] = {"vr": "UI", "Value": [str(transfer_syntax)]}
    study, series, instance = (json.uid(row, level.uid_tag) for level in (Level.STUDY, Level.SERIES, Level.INSTANCE))
    return Header(study_instance_uid=study, series_instance_uid=series, sop_instance_uid=instance, row=row)


def _read(path: Path, *, force: bool) -> "FileDataset":
    from pydicom import dcmread

    quiet_pydicom()
    tags = [int(tag, 16) for tag in indexed_tags()]
    return dcmread(path, force=force, stop_before_pixels=True, specific_tags=tags)


def _begins_like_dicom(start: bytes) -> bool:
    """Whether a file has the marker of Part 10, or begins with an element of group 0002 or 0008 as old files do."""
    if start[_PREAMBLE:] == b"DICM":
        return True
    little = start[:2] in {b"\x08\x00", b"\x02\x00"} and start[3:4] == b"\x00"
    return little or (start[:3] == b"\x00\x08\x00")
