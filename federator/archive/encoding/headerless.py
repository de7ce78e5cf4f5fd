"""Data sets that archives send as files although they have no header: Orthanc gives back what was uploaded."""

import io

from federator.dicom.faults import read_faults
from federator.dicom.quiet import quiet_pydicom

_PREAMBLE = bytes(128) + b"DICM"
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_SYNTAX_OF_ENCODING: dict[tuple[bool | None, bool | None], str] = {
    (True, True): "1.2.840.10008.1.2",
    (False, True): "1.2.840.10008.1.2.1",
    (False, False): "1.2.840.10008.1.2.2",
}


def may_be_headerless(content: bytes) -> bool:
    """Whether bytes without the mark of a DICOM file begin as a data set or as the group of its header does."""
    return content.startswith(_FIRST_GROUPS)


def with_header(content: bytes) -> bytes | None:
    """The data set as a DICOM file, not a byte of it changed; None for what is no data set with UIDs.

    Standard: PS3.10 §7.1
    """
    from pydicom import dcmread
    from pydicom.dataset import FileMetaDataset, validate_file_meta
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info
    from pydicom.uid import UID

    if content.startswith(_FIRST_GROUPS[0]):
        return _PREAMBLE + content
    quiet_pydicom()
    header = DicomBytesIO()
    try:
        dataset = dcmread(io.BytesIO(content), force=True, stop_before_pixels=True)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = UID(_SYNTAX_OF_ENCODING[dataset.original_encoding])
        validate_file_meta(meta)
        write_file_meta_info(header, meta)
    except read_faults():
        return None
    return _PREAMBLE + header.getvalue() + content
