"""Encapsulated documents and images made up for tests, in the study of the synthetic reports."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.support.synthetic.reports import IMAGE_SERIES, ROOT, STUDY

PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
CDA_CLASS = "1.2.840.10008.5.1.4.1.1.104.2"
DOCUMENT_SERIES = f"{ROOT}.1.4"


def encapsulated(
    number: int,
    content: bytes,
    *,
    sop_class: str = PDF_CLASS,
    modality: str = "DOC",
    title: str = "Report",
    series: str = "",
) -> Dataset:
    """A document in an object; its series is of `modality`, and is one of its own for each modality."""
    made = _object(
        f"{DOCUMENT_SERIES}.{number}", sop_class, series or f"{DOCUMENT_SERIES}.{modality_number(modality)}", modality
    )
    made.InstanceNumber = number
    made.ContentDate, made.ContentTime = "20240201", "100000"
    made.DocumentTitle = title
    made.MIMETypeOfEncapsulatedDocument = "application/pdf" if sop_class == PDF_CLASS else "text/XML"
    made.EncapsulatedDocumentLength = len(content)
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return made


def modality_number(modality: str) -> int:
    """A number for a modality, the same every time."""
    return sum(ord(letter) * 100**at for at, letter in enumerate(modality))


def image(number: int, *, series: str = IMAGE_SERIES, modality: str = "CT") -> Dataset:
    """An image of two by two pixels."""
    made = _object(f"{ROOT}.5.{number}", "1.2.840.10008.5.1.4.1.1.2", series, modality)
    made.InstanceNumber = number
    made.Rows = made.Columns = 2
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 15, 0, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = bytes(8)
    return made


def _object(uid: str, sop_class: str, series: str, modality: str) -> Dataset:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = sop_class, uid
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, series
    made.StudyDate, made.StudyTime, made.StudyDescription = "20240131", "083000", "CT chest"
    made.PatientName, made.PatientID, made.AccessionNumber, made.StudyID = "Müller^Anna", "P-77", "A-1001", "7"
    made.Modality = modality
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = sop_class, uid
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made
