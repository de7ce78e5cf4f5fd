"""A measurement report (TID 1500) as highdicom writes it: made by other hands than the readers under test."""

import highdicom as hd
import numpy as np
import pydicom
from highdicom.sr import CodedConcept
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

ROOT = "1.2.826.0.1.3680043.10.1600.20"


def ct_image() -> Dataset:
    """The image that was measured on: pydicom's CT."""
    return pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))


def highdicom_report() -> Dataset:
    """Two lesions: one with two diameters on a region of the image, one with a volume."""
    image = ct_image()
    procedure = CodedConcept("25045-6", "LN", "CT unspecified body region")
    observer = hd.sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name="Obs^Erver"),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=observer),
        procedure_reported=procedure,
        imaging_measurements=[_diameters(image), _volume(image)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    return hd.sr.Comprehensive3DSR(
        evidence=[image],
        content=content,
        series_number=7,
        series_instance_uid=f"{ROOT}.100",
        sop_instance_uid=f"{ROOT}.101",
        instance_number=1,
        manufacturer="Federator tests",
        is_complete=True,
        is_final=True,
        is_verified=True,
        verifying_observer_name="Obs^Erver",
        verifying_organization="Mercy General",
    )


def _diameters(image: Dataset) -> hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    left_lung = hd.sr.FindingSite(
        CodedConcept("39607008", "SCT", "Lung"), laterality=CodedConcept("7771000", "SCT", "Left")
    )
    region = hd.sr.ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.array([[10.0, 10.0], [20.5, 10.0], [20.5, 20.0], [10.0, 10.0]]),
        source_image=hd.sr.SourceImageForRegion.from_source_image(image),
    )
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=f"{ROOT}.1", identifier="lesion A"),
        referenced_region=region,
        finding_type=CodedConcept("27925004", "SCT", "Nodule"),
        finding_sites=[left_lung],
        method=CodedConcept("126030", "DCM", "Area of closed irregular polygon"),
        measurements=[
            hd.sr.Measurement(
                name=CodedConcept("103339001", "SCT", "Long axis"),
                value=12.5,
                unit=codes.UCUM.Millimeter,
                derivation=codes.SCT.Mean,
            ),
            hd.sr.Measurement(
                name=CodedConcept("103340004", "SCT", "Short axis"), value=8.25, unit=codes.UCUM.Millimeter
            ),
        ],
    )


def _volume(image: Dataset) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=f"{ROOT}.2", identifier="lesion B"),
        finding_type=CodedConcept("103552005", "SCT", "Cyst"),
        source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(image)],
        measurements=[
            hd.sr.Measurement(
                name=CodedConcept("118565006", "SCT", "Volume"), value=99, unit=codes.UCUM.CubicMillimeter
            )
        ],
    )
