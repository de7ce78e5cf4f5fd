"""What a file in a folder is: an instance with its header, a DICOM file that cannot be used, or no DICOM file.

Reading stops behind the last attribute that the index holds: a folder is as fast to index as its files are to open.
"""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from federator.archive.folder.files.elements import MoreNeeded, Unusual, Walk, encoded_elements, object_of, uid_in
from federator.archive.folder.files.json import damaged, to_json
from federator.archive.folder.files.opening import NoFile, opened
from federator.archive.folder.files.source import DEFLATED, PREAMBLE, Head, Inflated, Plain, head_of
from federator.dicom import json
from federator.dicom.query import attributes
from federator.dicom.quiet import quiet_pydicom
from federator.dicom.uid import is_uid
from federator.model import Level

if TYPE_CHECKING:
    from pydicom import Dataset

_SOP_CLASS_UID = 0x00080016
_LEVEL_UIDS = tuple(int(level.uid_tag, 16) for level in (Level.STUDY, Level.SERIES, Level.INSTANCE))
SERIES_SEQUENCES = frozenset({"00400275"})
STUDY_SEQUENCES = frozenset({"00081032", "00080051", "00100024"})
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_TRANSFER_SYNTAXES = 0x00083002
_CHARACTER_SET = 0x00080005
# Nothing that the index holds follows a content tree in the objects that have one, nor pixels.
_STOPS = frozenset({0x0040A730, 0x7FE00008, 0x7FE00009, 0x7FE00010})
_WINDOWS = (8_192, 131_072, 2_097_152, 33_554_432)

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
    """The indexed attributes of one instance as DICOM JSON: `upper` of its study and series, `row` of itself."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    upper: str
    row: str


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


@cache
def _upper() -> frozenset[int]:
    """The attributes that an instance shares with its series, and its SOP Class, which its study is to tell."""
    tags = attributes.tags_of(Level.STUDY) | attributes.tags_of(Level.SERIES) | STUDY_SEQUENCES | SERIES_SEQUENCES
    return frozenset({_SOP_CLASS_UID, *(int(tag, 16) for tag in tags)})


@cache
def _wanted() -> frozenset[int]:
    return frozenset({_CHARACTER_SET, *(int(tag, 16) for tag in indexed_tags())})


@cache
def _last() -> int:
    return max(_wanted())


def read_headers(paths: list[str]) -> list[Header | Refusal]:
    """Several files, in their order."""
    return [read_header(Path(path)) for path in paths]


_REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (IsADirectoryError, "it is a folder that this account may not read"),
    (NoFile, "it is a pipe or a device"),
    (PermissionError, "this account may not read it"),
)


def read_header(path: Path) -> Header | Refusal:
    """Read a file up to its pixels. Never raises for what a file holds or for a file that cannot be opened."""
    try:
        with opened(path) as file:
            return _read(file, path)
    except damaged(NoFile) as error:
        reasons = (reason for kind, reason in _REFUSALS if isinstance(error, kind))
        return Refusal(reason=next(reasons, "it is damaged, or no DICOM file"))


def _read(file: BinaryIO, path: Path) -> Header | Refusal:
    start = file.read(_WINDOWS[0])
    if not _begins_like_dicom(start):
        return Refusal(reason="it does not begin as a DICOM file does" if path.suffix.lower() == ".dcm" else "")
    try:
        return _walked(file, start)
    except Unusual:
        return _read_otherwise(file, start)


def _walked(file: BinaryIO, start: bytes) -> Header | Refusal:
    head = head_of(start)
    source = Inflated(file, head.start) if head.transfer_syntax == DEFLATED else Plain(file, head.start)
    for size in _WINDOWS:
        is_first = size == len(start) and head.transfer_syntax != DEFLATED
        content = start if is_first else source.part(0, size)
        walk = Walk(content, head.syntax, bulk_address=_nowhere, wanted=_wanted(), stops=_STOPS, beyond=_last())
        is_whole = len(content) < size
        try:
            walk.top(head.start if is_first else 0)
        except MoreNeeded:
            if is_whole:
                raise Unusual from None
            continue
        if walk.stopped or is_whole:
            return _judged(walk.found, head.sop_class_uid, head.transfer_syntax)
    raise Unusual


def _read_otherwise(file: BinaryIO, start: bytes) -> Header | Refusal:
    """The header as pydicom reads it, which knows what is not as the standard says. Raises what `damaged` names."""
    from pydicom import dcmread
    from pydicom.filereader import read_dataset

    quiet_pydicom()
    tags: list[int] = sorted(_wanted())
    head = _deflated(start)
    if head is not None:
        # pydicom would inflate all of it before it looks at the first element.
        content = Inflated(file, head.start).part(0, _WINDOWS[-1])
        if len(content) == _WINDOWS[-1]:
            return Refusal(reason="its header unfolds to more than is read")
        dataset: Dataset = read_dataset(
            io.BytesIO(content),
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, _vr, _length: int(tag) in _STOPS,
            specific_tags=[*tags],
        )
        return _judged(_found_in(dataset), head.sop_class_uid, DEFLATED)
    file.seek(0)
    read = dcmread(file, force=start[PREAMBLE : PREAMBLE + 4] != b"DICM", stop_before_pixels=True, specific_tags=tags)
    meta = read.file_meta
    told = (str(meta.get(keyword) or "") for keyword in ("MediaStorageSOPClassUID", "TransferSyntaxUID"))
    return _judged(_found_in(read), *told)


def _deflated(start: bytes) -> Head | None:
    try:
        head = head_of(start)
    except Unusual:
        return None
    return head if head.transfer_syntax == DEFLATED else None


def _found_in(dataset: "Dataset") -> dict[int, str]:
    return encoded_elements(to_json(dataset, lambda _: ""))


def _judged(found: dict[int, str], sop_class_uid: str, transfer_syntax: str) -> Header | Refusal:
    if sop_class_uid == _MEDIA_DIRECTORY:
        return Refusal()
    uids = [uid_in(found.get(tag, "")) for tag in (_SOP_CLASS_UID, *_LEVEL_UIDS)]
    missing = [
        json.keyword_of(f"{tag:08X}")
        for tag, uid in zip((_SOP_CLASS_UID, *_LEVEL_UIDS), uids, strict=True)
        if not is_uid(uid)
    ]
    if missing:
        return Refusal(reason=f"it has no valid {', '.join(missing)}")
    found.pop(_CHARACTER_SET, None)
    if transfer_syntax:
        found[_TRANSFER_SYNTAXES] = encoded_elements({"00083002": {"vr": "UI", "Value": [transfer_syntax]}})[
            _TRANSFER_SYNTAXES
        ]
    upper = _upper()
    return Header(
        study_instance_uid=uids[1],
        series_instance_uid=uids[2],
        sop_instance_uid=uids[3],
        upper=object_of({tag: text for tag, text in found.items() if tag in upper}),
        row=object_of({tag: text for tag, text in found.items() if tag not in upper}),
    )


def _nowhere(_path: str, _size: int) -> str:
    """The address of bulk data, which the index leaves in its file."""
    return ""


def _begins_like_dicom(start: bytes) -> bool:
    """Whether a file has the marker of Part 10, or begins with an element of group 0002 or 0008 as old files do."""
    if start[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return True
    little = start[:2] in {b"\x08\x00", b"\x02\x00"} and start[3:4] == b"\x00"
    return little or (start[:3] == b"\x00\x08\x00")
