"""Sample structured reports: a text report, CT measurements (TID 1500) and a CT dose report (TID 10011).

Standard: PS3.3 §C.17.3, PS3.16 TID 1500, TID 10011
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from federator.demo.samples.images import CT_IMAGE, NODULE_SLICE
from federator.demo.samples.study import Study, instance_uid, made, series_uid, uid_of
from federator.demo.samples.tree import Code, code, container, image, number, person, reference, text

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

_BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
_COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
_DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
_READER = "Lindqvist^Sara"

_ENGLISH = Code("en", "RFC5646", "English")
_MILLIMETRE = Code("mm", "UCUM", "millimeter")
_CUBIC_MILLIMETRE = Code("mm3", "UCUM", "cubic millimeter")
_HISTORY = Code("121060", "DCM", "History")
_FINDINGS = Code("121070", "DCM", "Findings")
_FINDING = Code("121071", "DCM", "Finding")
_IMPRESSIONS = Code("121072", "DCM", "Impressions")
_IMPRESSION = Code("121073", "DCM", "Impression")
_LANGUAGE = Code("121049", "DCM", "Language of Content Item and Descendants")
_OBSERVER_NAME = Code("121008", "DCM", "Person Observer Name")
_PROCEDURE_REPORTED = Code("121058", "DCM", "Procedure reported")


def text_report(study: Study, series_number: int, *, paragraphs: tuple[str, str, str]) -> Iterator["FileDataset"]:
    """A Basic Text SR: history, findings and impression, verified."""
    history, findings, impression = paragraphs
    content = container(
        Code("18748-4", "LN", "Diagnostic Imaging Report"),
        code("HAS CONCEPT MOD", _LANGUAGE, _ENGLISH),
        person("HAS OBS CONTEXT", _OBSERVER_NAME, _READER),
        container(_HISTORY, text("CONTAINS", _HISTORY, history)),
        container(_FINDINGS, text("CONTAINS", _FINDING, findings)),
        container(_IMPRESSIONS, text("CONTAINS", _IMPRESSION, impression)),
    )
    yield _document(study, _BASIC_TEXT_SR, (series_number, "Report"), content)


def measurement_report(
    study: Study, series_number: int, *, long_axis_mm: float, short_axis_mm: float, volume_mm3: float
) -> Iterator["FileDataset"]:
    """A TID 1500 report of one nodule, measured on the phantom of the study's first series."""
    source = (CT_IMAGE, instance_uid(study, 1, NODULE_SLICE))
    group = container(
        Code("125007", "DCM", "Measurement Group"),
        text("HAS OBS CONTEXT", Code("112039", "DCM", "Tracking Identifier"), "Nodule 1"),
        reference("HAS OBS CONTEXT", Code("112040", "DCM", "Tracking Unique Identifier"), uid_of("okafor nodule 1")),
        code("CONTAINS", _FINDING, Code("27925004", "SCT", "Nodule")),
        code(
            "HAS CONCEPT MOD",
            Code("363698007", "SCT", "Finding Site"),
            Code("45653009", "SCT", "Upper lobe of lung"),
            code("HAS CONCEPT MOD", Code("272741003", "SCT", "Laterality"), Code("24028007", "SCT", "Right")),
        ),
        number(Code("103339001", "SCT", "Long Axis"), long_axis_mm, _MILLIMETRE, image("INFERRED FROM", *source)),
        number(Code("103340004", "SCT", "Short Axis"), short_axis_mm, _MILLIMETRE, image("INFERRED FROM", *source)),
        number(Code("118565006", "SCT", "Volume"), volume_mm3, _CUBIC_MILLIMETRE),
        template="1501",
    )
    content = container(
        Code("126000", "DCM", "Imaging Measurement Report"),
        code("HAS CONCEPT MOD", _LANGUAGE, _ENGLISH),
        person("HAS OBS CONTEXT", _OBSERVER_NAME, _READER),
        code("HAS CONCEPT MOD", _PROCEDURE_REPORTED, Code("24627-2", "LN", "CT Chest")),
        container(
            Code("111028", "DCM", "Image Library"),
            container(Code("126200", "DCM", "Image Library Group"), image("CONTAINS", *source)),
        ),
        container(Code("126010", "DCM", "Imaging Measurements"), group),
        template="1500",
    )
    dataset = _document(study, _COMPREHENSIVE_3D_SR, (series_number, "Measurements"), content)
    dataset.CurrentRequestedProcedureEvidenceSequence = [_evidence(study, [source])]
    yield dataset


def dose_report(study: Study, series_number: int, *, ctdi_vol_mgy: float, dlp_mgy_cm: float) -> Iterator["FileDataset"]:
    """A CT dose report of one spiral acquisition."""
    milligray = Code("mGy", "UCUM", "mGy")
    milligray_centimetre = Code("mGy.cm", "UCUM", "mGy.cm")
    acquisition = container(
        Code("113819", "DCM", "CT Acquisition"),
        text("CONTAINS", Code("125203", "DCM", "Acquisition Protocol"), study.description),
        code("CONTAINS", Code("123014", "DCM", "Target Region"), Code("51185008", "SCT", "Chest")),
        code("CONTAINS", Code("113820", "DCM", "CT Acquisition Type"), Code("116152004", "SCT", "Spiral Acquisition")),
        reference("CONTAINS", Code("113769", "DCM", "Irradiation Event UID"), uid_of(study.key, "irradiation")),
        container(
            Code("113829", "DCM", "CT Dose"),
            number(Code("113830", "DCM", "Mean CTDIvol"), ctdi_vol_mgy, milligray),
            number(Code("113838", "DCM", "DLP"), dlp_mgy_cm, milligray_centimetre),
        ),
    )
    content = container(
        Code("113701", "DCM", "X-Ray Radiation Dose Report"),
        code("HAS CONCEPT MOD", _PROCEDURE_REPORTED, Code("77477000", "SCT", "Computed Tomography X-Ray")),
        code("HAS OBS CONTEXT", Code("121005", "DCM", "Observer Type"), Code("121007", "DCM", "Device")),
        reference("HAS OBS CONTEXT", Code("121012", "DCM", "Device Observer UID"), uid_of(study.archive, "scanner")),
        code("HAS OBS CONTEXT", Code("113705", "DCM", "Scope of Accumulation"), Code("113014", "DCM", "Study")),
        container(
            Code("113811", "DCM", "CT Accumulated Dose Data"),
            number(Code("113812", "DCM", "Total Number of Irradiation Events"), 1, Code("{events}", "UCUM", "events")),
            number(Code("113813", "DCM", "CT Dose Length Product Total"), dlp_mgy_cm, milligray_centimetre),
        ),
        acquisition,
        template="10011",
    )
    yield _document(study, _DOSE_SR, (series_number, "Dose"), content, verified=False)


def _document(
    study: Study, sop_class_uid: str, series: tuple[int, str], content: "Dataset", *, verified: bool = True
) -> "FileDataset":
    """The object around a content tree (PS3.3 §C.17.2)."""
    from pydicom import Dataset

    dataset = made(study, sop_class_uid=sop_class_uid, modality="SR", series=series)
    dataset.Manufacturer = "federator samples"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "VERIFIED" if verified else "UNVERIFIED"
    if verified:
        verifier = Dataset()
        verifier.VerifyingObserverName = _READER
        verifier.VerifyingOrganization = dataset.InstitutionName
        verifier.VerificationDateTime = f"{study.date}{study.time}"
        verifier.VerifyingObserverIdentificationCodeSequence = []
        dataset.VerifyingObserverSequence = [verifier]
    del content.RelationshipType  # the root of the tree relates to nothing
    dataset.update(content)
    return dataset


def _evidence(study: Study, sources: Sequence[tuple[str, str]]) -> "Dataset":
    from pydicom import Dataset

    series, evidence = Dataset(), Dataset()
    series.SeriesInstanceUID = series_uid(study, 1)
    series.ReferencedSOPSequence = [image("CONTAINS", *source).ReferencedSOPSequence[0] for source in sources]
    evidence.StudyInstanceUID = study.study_instance_uid
    evidence.ReferencedSeriesSequence = [series]
    return evidence
