"""Which SOP Classes are reports, whatever Modality they stand under (PS3.3 A.35, A.45)."""

from federator.dicom.dictionary import name_of
from federator.dicom.uid import is_uid

_STRUCTURED_REPORT_ROOT = "1.2.840.10008.5.1.4.1.1.88."
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
ENCAPSULATED_CDA = "1.2.840.10008.5.1.4.1.1.104.2"

REPORT_CLASSES = (
    *(f"{_STRUCTURED_REPORT_ROOT}{number}" for number in range(1, 100)),
    ENCAPSULATED_PDF,
    ENCAPSULATED_CDA,
)
"""Every UID that a class of report has, or will have as the family grows: what to ask an archive for."""

MAYBE_REPORTS = frozenset({"SR", "KO", "DOC", "PLAN", "LOG", "OT", "M3D", "ECG", "OP", "OPT", "SMR"})
"""Modalities under which reports are usual: where a search must be cut short, these series are looked at first."""


def is_structured_report(sop_class_uid: str) -> bool:
    """Whether objects of this class hold an SR content tree: every class of the family, retired and future ones too."""
    return sop_class_uid.startswith(_STRUCTURED_REPORT_ROOT)


def is_key_object_selection(sop_class_uid: str) -> bool:
    """Whether it is a Key Object Selection: an SR tree whose point is the objects that it names."""
    return sop_class_uid == KEY_OBJECT_SELECTION


def is_encapsulated_document(sop_class_uid: str) -> bool:
    """Whether it wraps a document to read: PDF or CDA. Models for 3D printing are no reports."""
    return sop_class_uid in {ENCAPSULATED_PDF, ENCAPSULATED_CDA}


def class_name(sop_class_uid: str) -> str:
    """The class in words, for example "Comprehensive SR"; its UID where the standard's list lacks it.

    What is no UID is an archive's text, and no name: that is said instead.
    """
    if not is_uid(sop_class_uid):
        return "object of an unknown class"
    name = name_of(sop_class_uid) or sop_class_uid
    return name.removesuffix(" (Retired)").replace(" Storage", "")
