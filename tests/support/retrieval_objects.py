"""The objects that retrieval is tested with: real images and a report, a PDF made here, and what is true of them."""

import io
from dataclasses import dataclass
from functools import cached_property

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian

PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
CDA_STORAGE = "1.2.840.10008.5.1.4.1.1.104.2"

# An odd number of bytes, so that the stored value has a pad byte.
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n" + (
    b"%" + b"-" * 2000 + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
CDA = (
    b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
    + b"<title>Report</title>" * 80
    + (b"</ClinicalDocument>")
)
assert len(PDF) % 2 == 1
assert len(CDA) % 2 == 1


@dataclass(frozen=True)
class StoredObject:
    """One object as it is stored: a DICOM file, byte for byte."""

    name: str
    file: bytes

    @cached_property
    def dataset(self) -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(self.file), force=True)

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and instance."""
        dataset = self.dataset
        return dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID

    @property
    def transfer_syntax(self) -> str:
        return str(self.dataset.file_meta.get("TransferSyntaxUID", ""))

    @cached_property
    def frames(self) -> list[bytes]:
        """Its frames as stored; empty where it has no pixels."""
        dataset = self.dataset
        if "PixelData" not in dataset:
            return []
        number = int(dataset.get("NumberOfFrames", 1))
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            return list(generate_frames(dataset.PixelData, number_of_frames=number))
        size = self.native_bytes
        return [dataset.PixelData[index * size : (index + 1) * size] for index in range(number)]

    @property
    def native_bytes(self) -> int:
        """The size of one frame when it is not compressed."""
        dataset = self.dataset
        return int(dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8)


def packaged(name: str) -> StoredObject:
    """One of the files that pydicom ships, with UIDs of its own where it has none."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), name
    with open(path, "rb") as file:  # noqa: PTH123 - pydicom hands out a string
        return StoredObject(name=name, file=file.read())


def document(
    number: int, *, sop_class: str, media_type: str, content: bytes, stated: int | None = None
) -> StoredObject:
    """An encapsulated document; `stated` is its Encapsulated Document Length, the true one unless told, 0 for none."""
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.77.{number}.3"
    dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.77.{number}.1"
    dataset.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.77.{number}.2"
    dataset.Modality = "DOC"
    dataset.PatientName = "Document^Test"
    dataset.PatientID = "DOC1"
    dataset.StudyDate = "20240131"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.MIMETypeOfEncapsulatedDocument = media_type
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    length = len(content) if stated is None else stated
    if length:
        dataset.EncapsulatedDocumentLength = length
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return StoredObject(name=f"document {number}", file=buffer.getvalue())


NATIVE = packaged("MR_small.dcm")
NATIVE_FRAMES = packaged("rtdose.dcm")
JPEG = packaged("SC_rgb_jpeg_dcmtk.dcm")
JPEG_2000 = packaged("MR_small_jp2klossless.dcm")
JPEG_LS = packaged("MR_small_jpeg_ls_lossless.dcm")
RLE = packaged("SC_rgb_rle_2frame.dcm")
EXPLICIT_BIG_ENDIAN = packaged("MR_small_bigendian.dcm")
REPORT = packaged("test-SR.dcm")
PDF_OBJECT = document(1, sop_class=PDF_STORAGE, media_type="application/pdf", content=PDF)
PDF_OF_UNKNOWN_LENGTH = document(2, sop_class=PDF_STORAGE, media_type="application/pdf", content=PDF, stated=0)
CDA_OBJECT = document(3, sop_class=CDA_STORAGE, media_type="text/XML", content=CDA)
IMAGES = (NATIVE, NATIVE_FRAMES, JPEG, JPEG_2000, JPEG_LS, RLE)
DOCUMENTS = (PDF_OBJECT, PDF_OF_UNKNOWN_LENGTH, CDA_OBJECT)
OBJECTS = (*IMAGES, REPORT, *DOCUMENTS)
