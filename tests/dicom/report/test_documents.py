"""Which objects are reports, and what codes mean."""

import pytest

from federator.dicom.codes import Code
from federator.dicom.report.sop_classes import (
    class_name,
    is_encapsulated_document,
    is_key_object_selection,
    is_structured_report,
)

FAMILY = "1.2.840.10008.5.1.4.1.1.88."


@pytest.mark.parametrize("number", [1, 2, 3, 4, 11, 22, 33, 34, 35, 40, 50, 59, 65, 67, *range(68, 78), 999])
def test_every_class_of_the_sr_family_is_a_structured_report(number):
    """contract.md §4: by SOP Class, all of …88.*, retired and future ones too."""
    assert is_structured_report(f"{FAMILY}{number}")


@pytest.mark.parametrize(
    "uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.78.6", "1.2.840.10008.5.1.4.1.1.104.1", ""]
)
def test_images_documents_and_measurements_outside_the_family_are_no_structured_reports(uid):
    """facts: 78.6 and 79.1 are called reports, but they are no SR trees."""
    assert not is_structured_report(uid)


def test_key_objects_are_of_the_sr_family_and_told_apart():
    """contract.md §4: every SR and KOS instance."""
    assert is_structured_report(FAMILY + "59")
    assert is_key_object_selection(FAMILY + "59")
    assert not is_key_object_selection(FAMILY + "11")


def test_pdf_and_cda_are_documents_and_models_for_printing_are_not():
    """contract.md §4: every encapsulated PDF and CDA; PS3.3 A.45 has STL, OBJ and MTL beside them."""
    kinds = [f"1.2.840.10008.5.1.4.1.1.104.{number}" for number in range(1, 6)]
    assert [is_encapsulated_document(uid) for uid in kinds] == [True, True, False, False, False]


def test_classes_are_named_in_words():
    """contract.md §5: compact text."""
    assert class_name(FAMILY + "34") == "Comprehensive 3D SR"
    assert class_name("1.2.840.10008.5.1.4.1.1.1.2") == "Digital Mammography X-Ray Image - For Presentation"
    assert class_name("1.2.3.4") == "1.2.3.4"


def test_old_snomed_codes_mean_what_the_new_ones_mean():
    """PS3.16 §8: SRT, SNM3 and 99SDM are the same scheme, before it was renamed."""
    new = Code(value="39607008", scheme="SCT", meaning="Lung")
    for scheme in ("SRT", "SNM3", "99SDM"):
        assert Code(value="T-28000", scheme=scheme, meaning="").is_same_as(new)
    assert not Code(value="T-28000", scheme="DCM", meaning="").is_same_as(new)
    assert not Code(value="", scheme="SCT", meaning="Lung").is_same_as(new)


@pytest.mark.parametrize(
    ("code", "written"),
    [
        (("1", "DCM", "Finding"), "Finding"),
        (("1", "DCM", ""), "(1, DCM)"),
        (("A1", "99LOCAL", "Ours"), "Ours (A1, 99LOCAL)"),
        (("A1", "L", "Ours"), "Ours (A1, L)"),
        (("", "", "Only a meaning"), "Only a meaning"),
        (("", "", ""), ""),
    ],
)
def test_codes_are_written_by_meaning_and_identified_where_the_meaning_is_empty_or_private(code, written):
    """Issue 3 part 3."""
    value, scheme, meaning = code
    assert str(Code(value=value, scheme=scheme, meaning=meaning)) == written
