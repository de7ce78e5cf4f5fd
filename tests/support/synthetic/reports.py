"""Structured reports and documents made up for tests: no package ships dose, CAD, echo, TID 1500 or KOS objects."""

from collections.abc import Callable, Iterable
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from federator.archive.folder.files.json import to_json

ROOT = "1.2.826.0.1.3680043.10.1600"
STUDY, SERIES = f"{ROOT}.1", f"{ROOT}.1.1"
IMAGE_SERIES = f"{ROOT}.1.2"
CT_IMAGE, MG_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.2"
FAMILY = "1.2.840.10008.5.1.4.1.1.88."

Concept = tuple[str, str, str]
"""Code value, scheme, meaning."""

UNIT_MEANINGS = {"1": "no units", "%": "percent", "[hnsf'U]": "Hounsfield unit", "mm": "millimeter", "cm": "centimeter"}


def coded(concept: Concept) -> Dataset:
    """One item of a code sequence; codes longer than 16 characters go where the standard wants them."""
    entry = Dataset()
    value, scheme, meaning = concept
    if len(value) > 16:
        entry.LongCodeValue = value
    else:
        entry.CodeValue = value
    entry.CodingSchemeDesignator = scheme
    entry.CodeMeaning = meaning
    return entry


def item(value_type: str, concept: Concept | None, *children: Dataset, rel: str = "CONTAINS", **values: Any) -> Dataset:
    """A content item of any type; `values` are its attributes by keyword."""
    made = Dataset()
    made.RelationshipType = rel
    made.ValueType = value_type
    if concept:
        made.ConceptNameCodeSequence = Sequence([coded(concept)])
    for keyword, value in values.items():
        setattr(made, keyword, value)
    if children:
        made.ContentSequence = Sequence(children)
    return made


def container(
    concept: Concept | None, *children: Dataset, continuity: str = "SEPARATE", rel: str = "CONTAINS"
) -> Dataset:
    return item("CONTAINER", concept, *children, rel=rel, ContinuityOfContent=continuity)


def text(concept: Concept, value: str, *children: Dataset, rel: str = "CONTAINS") -> Dataset:
    return item("TEXT", concept, *children, rel=rel, TextValue=value)


def code(concept: Concept, value: Concept, *children: Dataset, rel: str = "CONTAINS") -> Dataset:
    return item("CODE", concept, *children, rel=rel, ConceptCodeSequence=Sequence([coded(value)]))


def modifier(concept: Concept, value: Concept, *children: Dataset) -> Dataset:
    return code(concept, value, *children, rel="HAS CONCEPT MOD")


def num(concept: Concept, value: str, unit: str | Concept, *children: Dataset, rel: str = "CONTAINS") -> Dataset:
    """A number with its unit: a UCUM code, or a whole concept."""
    measured = Dataset()
    measured.NumericValue = value
    whole = (unit, "UCUM", UNIT_MEANINGS.get(unit, unit)) if isinstance(unit, str) else unit
    measured.MeasurementUnitsCodeSequence = Sequence([coded(whole)])
    return item("NUM", concept, *children, rel=rel, MeasuredValueSequence=Sequence([measured]))


def no_number(concept: Concept, qualifier: Concept, *children: Dataset) -> Dataset:
    """A number that could not be measured."""
    return item(
        "NUM",
        concept,
        *children,
        MeasuredValueSequence=Sequence([]),
        NumericValueQualifierCodeSequence=Sequence([coded(qualifier)]),
    )


def uidref(concept: Concept, value: str, *, rel: str = "CONTAINS") -> Dataset:
    return item("UIDREF", concept, rel=rel, UID=value)


def image(
    uid: str,
    *children: Dataset,
    concept: Concept | None = None,
    sop_class: str = CT_IMAGE,
    frames: Iterable[int] = (),
    rel: str = "CONTAINS",
    value_type: str = "IMAGE",
) -> Dataset:
    """A reference to an image or to another object."""
    entry = Dataset()
    entry.ReferencedSOPClassUID = sop_class
    entry.ReferencedSOPInstanceUID = uid
    numbers = list(frames)
    if numbers:
        entry.ReferencedFrameNumber = numbers
    return item(value_type, concept, *children, rel=rel, ReferencedSOPSequence=Sequence([entry]))


def points(
    concept: Concept | None, graphic: str, data: list[float], *children: Dataset, rel: str = "CONTAINS"
) -> Dataset:
    return item("SCOORD", concept, *children, rel=rel, GraphicType=graphic, GraphicData=data)


def see(*position: int, rel: str = "INFERRED FROM") -> Dataset:
    """A by-reference item: only a relationship and the position of its target."""
    made = Dataset()
    made.RelationshipType = rel
    made.ReferencedContentItemIdentifier = list(position)
    return made


def evidence(*instances: tuple[str, str]) -> Sequence:
    """The list of the objects that a report rests on: (SOP class, SOP instance), all in one series."""
    series = Dataset()
    series.SeriesInstanceUID = IMAGE_SERIES
    series.ReferencedSOPSequence = Sequence()
    for sop_class, uid in instances:
        entry = Dataset()
        entry.ReferencedSOPClassUID, entry.ReferencedSOPInstanceUID = sop_class, uid
        series.ReferencedSOPSequence.append(entry)
    study = Dataset()
    study.StudyInstanceUID = STUDY
    study.ReferencedSeriesSequence = Sequence([series])
    return Sequence([study])


def document(
    number: int, sop_class: str, title: Concept, *children: Dataset, template: str = "", **header: Any
) -> Dataset:
    """A whole object, ready to be written; `header` are attributes by keyword that replace the usual ones."""
    made = container(title, *children)
    del made.RelationshipType
    if template:
        entry = Dataset()
        entry.MappingResource, entry.TemplateIdentifier = "DCMR", template
        made.ContentTemplateSequence = Sequence([entry])
    made.update(_head(number, sop_class, **header))
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = sop_class
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made


def _head(number: int, sop_class: str, **header: Any) -> Dataset:
    head = Dataset()
    usual: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": sop_class,
        "SOPInstanceUID": f"{SERIES}.{number}",
        "StudyDate": "20240131",
        "StudyTime": "083000",
        "StudyDescription": "CT chest",
        "StudyID": "7",
        "AccessionNumber": "A-1001",
        "Modality": "SR",
        "Manufacturer": "Federator tests",
        "PatientName": "Müller^Anna",
        "PatientID": "P-77",
        "PatientBirthDate": "19610203",
        "PatientSex": "F",
        "ReferringPhysicianName": "Roe^Jane",
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "SeriesNumber": 900,
        "InstanceNumber": number,
        "ContentDate": "20240131",
        "ContentTime": "091500",
        "PerformedProcedureCodeSequence": Sequence(),
        "ReferencedPerformedProcedureStepSequence": Sequence(),
        "CompletionFlag": "COMPLETE",
        "VerificationFlag": "UNVERIFIED",
    }
    for keyword, value in {**usual, **header}.items():
        if value is not None:
            setattr(head, keyword, value)
    return head


def verified(
    name: str = "Obs^Erver", organisation: str = "Mercy General", when: str = "20240131120000"
) -> dict[str, Any]:
    """The header of a report that a person has attested to."""
    entry = Dataset()
    entry.VerifyingObserverName, entry.VerifyingOrganization, entry.VerificationDateTime = name, "Mercy General", when
    entry.VerifyingObserverIdentificationCodeSequence = Sequence()
    return {"VerificationFlag": "VERIFIED", "VerifyingObserverSequence": Sequence([entry])}


def as_json(dataset: Dataset) -> dict[str, Any]:
    """The object as a folder archive gives it: numbers as they are written."""
    return to_json(dataset, bulk_address=str)


Builder = Callable[[], Dataset]
