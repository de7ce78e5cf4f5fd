"""What every sample object has in common: whose it is, of which study, and under which UIDs (PS3.3 §C.7, §C.12.1)."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federator.dicom import json
from federator.private import make_folder

if TYPE_CHECKING:
    from pydicom import FileDataset

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_UTF_8 = "ISO_IR 192"
_NAMESPACE = uuid.UUID("7c0d6f0e-5d0f-5e0c-9a52-0b9b1d6f3c11")
_INSTITUTIONS = {"mercy": "Mercy General", "north": "North Clinic", "research": "Institute of Imaging"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A made-up person. `character_set` is how the name is encoded: names came to archives in many ways."""

    name: str
    identifier: str
    issuer: str = ""
    born: str = ""
    sex: str = ""
    character_set: str = _UTF_8


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One archive's copy of a study; copies with the same `key` are the same study. `date` may be empty."""

    archive: str
    key: str
    patient: Patient
    date: str
    time: str
    description: str
    body_part: str
    parts: tuple["Part", ...]
    referred_by: str = "Adeyemi^Ruth"

    @property
    def study_instance_uid(self) -> str:
        """The same in every run and in every copy."""
        return uid_of(self.key)


Part = Callable[[Study, int], Iterator["FileDataset"]]
"""Makes the instances of one series of a study, given its series number."""


def uid_of(*key: object) -> str:
    """A UID that is always the same for the same key (PS3.5 §B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(str(part) for part in key)).int}"


def series_uid(study: Study, series_number: int) -> str:
    """The Series Instance UID of a series by its number."""
    return uid_of(study.key, series_number)


def instance_uid(study: Study, series_number: int, instance_number: int) -> str:
    """The SOP Instance UID of an instance by its number."""
    return uid_of(study.key, series_number, instance_number)


def made(
    study: Study,
    *,
    sop_class_uid: str,
    modality: str,
    series: tuple[int, str],
    instance_number: int = 1,
    transfer_syntax: str = EXPLICIT_LITTLE_ENDIAN,
) -> "FileDataset":
    """A new object of a study with everything but its content; `series` is its number and its description."""
    from pydicom import FileDataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    dataset.SOPClassUID = UID(sop_class_uid)
    dataset.Modality = modality
    identify(dataset, study, series=series, instance_number=instance_number)
    return dataset


def identify(dataset: "FileDataset", study: Study, *, series: tuple[int, str], instance_number: int) -> None:
    """Make an object one of this study and this patient, whoever it was of."""
    patient, encoding, (series_number, series_description) = study.patient, study.patient.character_set, series
    values: dict[str, Any] = {
        "SpecificCharacterSet": ["", encoding] if " 2022 " in encoding else encoding,
        "SOPInstanceUID": instance_uid(study, series_number, instance_number),
        "StudyDate": study.date,
        "StudyTime": study.time,
        "SeriesDate": study.date,
        "SeriesTime": study.time,
        "ContentDate": study.date,
        "ContentTime": study.time,
        "AccessionNumber": uid_of(study.key, "accession")[-8:],
        "InstitutionName": _INSTITUTIONS[study.archive],
        "ReferringPhysicianName": study.referred_by,
        "StudyDescription": study.description,
        "SeriesDescription": series_description,
        "PatientName": patient.name,
        "PatientID": patient.identifier,
        "PatientBirthDate": patient.born,
        "PatientSex": patient.sex,
        "StudyInstanceUID": study.study_instance_uid,
        "SeriesInstanceUID": series_uid(study, series_number),
        "StudyID": uid_of(study.key, "study")[-4:],
        "SeriesNumber": series_number,
        "InstanceNumber": instance_number,
    }
    if patient.issuer:
        values["IssuerOfPatientID"] = patient.issuer
    if dataset.Modality not in {"SR", "DOC", "ECG", "RTDOSE"}:
        values["BodyPartExamined"] = study.body_part
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def write_study(folder: Path, study: Study) -> None:
    """Write the files of a study: a folder for it, one for each series in it."""
    for series_number, part in enumerate(study.parts, start=1):
        place = folder / study.key / f"series-{series_number}"
        make_folder(place)
        for dataset in part(study, series_number):
            number = json.as_integer(str(dataset.InstanceNumber))
            dataset.save_as(place / f"{number:04}.dcm", enforce_file_format=True)
