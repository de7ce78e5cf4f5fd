"""Objects that are no images, as small as they can be, all about one image of their study."""

import numpy as np
from pydicom.dataset import Dataset

from tests.support.synthetic.images import image_dataset

STORAGE = "1.2.840.10008.5.1.4.1.1."
STUDY, IMAGE_SERIES, IMAGE = "1.2.3", "1.2.3.4", "1.2.3.4.1"
CT = f"{STORAGE}2"


def item(**attributes: object) -> Dataset:
    """An item of a sequence."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def code(meaning: str) -> Dataset:
    """An item of a code sequence."""
    return item(CodeValue="1", CodingSchemeDesignator="99T", CodeMeaning=meaning)


def reference(instance: str = IMAGE, sop_class: str = CT) -> Dataset:
    """An item that refers to an instance (PS3.3 §10.8)."""
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)


def in_series(*references: Dataset, series: str = IMAGE_SERIES) -> Dataset:
    """An item of Referenced Series Sequence."""
    return item(SeriesInstanceUID=series, ReferencedImageSequence=list(references))


def no_image(end: str, modality: str, *, number: int = 9, **attributes: object) -> Dataset:
    """An object of the storage class that ends so, without pixels, in a series of its own."""
    made = image_dataset(np.zeros((2, 2), np.uint8))
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        delattr(made, keyword)
    made.SOPClassUID = end if end.startswith("1.2") else STORAGE + end
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, f"{STUDY}.{number}"
    made.SOPInstanceUID, made.Modality = f"{STUDY}.{number}.1", modality
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def presentation_state() -> Dataset:
    """A grayscale softcopy presentation state with a word drawn by it."""
    drawn = item(GraphicLayer="L", TextObjectSequence=[item(UnformattedTextValue="nodule?")])
    return no_image(
        "11.1",
        "PR",
        ContentLabel="ARROW",
        ReferencedSeriesSequence=[in_series(reference())],
        GraphicAnnotationSequence=[drawn],
    )


def structure_set(count: int = 1) -> Dataset:
    """Outlines of two organs on `count` images, each image named by many contours."""
    images = [reference(f"{IMAGE_SERIES}.{number}") for number in range(1, count + 1)]
    contours = [item(ContourImageSequence=[each], ContourData=[1, 2, 3]) for each in images * 3]
    regions = [item(ROINumber=number, ROIName=name) for number, name in enumerate(("Liver", "Heart"), start=1)]
    frame = item(
        RTReferencedStudySequence=[
            item(
                ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
                ReferencedSOPInstanceUID=STUDY,
                RTReferencedSeriesSequence=[item(SeriesInstanceUID=IMAGE_SERIES, ContourImageSequence=images)],
            )
        ]
    )
    return no_image(
        "481.3",
        "RTSTRUCT",
        StructureSetLabel="PLAN",
        StructureSetROISequence=regions,
        ROIContourSequence=[item(ReferencedROINumber=1, ContourSequence=contours)],
        ReferencedFrameOfReferenceSequence=[frame],
    )


def electrocardiogram() -> Dataset:
    """One lead of a second."""
    lead = item(ChannelSourceSequence=[code("Lead I")])
    wave = item(NumberOfWaveformChannels=1, NumberOfWaveformSamples=500, SamplingFrequency="500")
    wave.ChannelDefinitionSequence = [lead]
    return no_image("9.1.1", "ECG", WaveformSequence=[wave])


def segmentation(labels: tuple[str, ...] = ("Liver", "Spleen"), **attributes: object) -> Dataset:
    """A mask with a frame for each segment (PS3.3 §C.8.20), its pixels a disc."""
    rows, columns = np.mgrid[0:32, 0:32]
    planes = [(columns - 16) ** 2 + (rows - 16) ** 2 < (6 + 2 * place) ** 2 for place in range(len(labels))]
    made = image_dataset(np.zeros((len(labels), 32, 32), np.uint8), SOPClassUID=f"{STORAGE}66.4", Modality="SEG")
    made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID = STUDY, f"{STUDY}.6", f"{STUDY}.6.1"
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = 0
    made.PixelData = np.packbits(np.stack(planes).ravel(), bitorder="little").tobytes()
    made.SegmentationType = "BINARY"
    numbered = list(enumerate(labels, start=1))
    made.SegmentSequence = [item(SegmentNumber=number, SegmentLabel=label) for number, label in numbered]
    made.PerFrameFunctionalGroupsSequence = [
        item(SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)]) for number, _ in numbered
    ]
    made.ReferencedSeriesSequence = [item(SeriesInstanceUID=IMAGE_SERIES, ReferencedInstanceSequence=[reference()])]
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made
