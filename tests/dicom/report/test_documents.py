"""Which objects are reports, and clinical documents as text."""

import pytest

from federator.dicom.codes import Code
from federator.dicom.report.cda import read_cda
from federator.dicom.report.sop_classes import (
    class_name,
    is_encapsulated_document,
    is_key_object_selection,
    is_structured_report,
)
from federator.errors import ContentError

FAMILY = "1.2.840.10008.5.1.4.1.1.88."
CDA = b"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <title>Radiology report</title>
  <effectiveTime value="20240131091500+0100"/>
  <recordTarget><patientRole><patient>
    <name><given>Anna</given> <family>M\xc3\xbcller</family></name>
  </patient></patientRole></recordTarget>
  <author><assignedAuthor><assignedPerson>
    <name>Jane <family>Roe</family></name>
  </assignedPerson></assignedAuthor></author>
  <component><structuredBody>
    <component><section><title>Findings</title>
      <text><paragraph>Nodule of <content styleCode="Bold">8 mm</content>.</paragraph>
        <list><item>right</item><item>upper lobe</item></list>
        <table>
          <thead><tr><th>Lesion</th><th>2021</th><th>2024</th></tr></thead>
          <tbody><tr><td>1</td><td/><td>8 mm</td></tr></tbody>
        </table>
      </text>
      <component><section><title>Heart</title><text>Normal<br/>in size</text></section></component>
      <entry><observation><code code="1" displayName="not narrative"/><value>NOT NARRATIVE</value></observation></entry>
    </section></component>
  </structuredBody></component>
</ClinicalDocument>"""


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


def test_a_clinical_document_is_read_section_by_section():
    """HL7 CDA R2: the narrative block is what people attest to; coded entries repeat it for machines."""
    assert read_cda(CDA + b"\0").text.split("\n") == [
        "Date: 2024-01-31 09:15:00 +01:00",
        "Patient: Anna Müller",
        "Author: Jane Roe",
        "",
        "Radiology report",
        "Findings",
        "  Nodule of 8 mm.",
        "  - right",
        "  - upper lobe",
        "  Lesion | 2021 | 2024",
        "  1 | | 8 mm",
        "  Heart",
        "    Normal",
        "    in size",
    ]


@pytest.mark.parametrize(
    "declared",
    [
        b'<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]><x>&file;</x>',
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd"><x/>',
    ],
)
def test_a_document_type_is_refused_so_that_nothing_is_loaded_or_expanded(declared):
    """Issue 3: hostile retrieval; no external or exploding entities."""
    with pytest.raises(ContentError, match="declares a document type"):
        read_cda(declared)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no xml", "is no sound XML"),
        (b"", "is no sound XML"),
        (b"<ClinicalDocument/>", "holds no text"),
        (b"<a>" * 500, "nested deeper"),
        (
            b'<x><nonXMLBody><text mediaType="application/pdf" representation="B64">JVBERi0=</text></nonXMLBody></x>',
            "Its body is of the type application/pdf",
        ),
    ],
)
def test_what_is_no_readable_clinical_document_gets_a_clear_answer(content, message):
    """contract.md §6: ContentError, found but without text."""
    with pytest.raises(ContentError, match=message):
        read_cda(content)


def test_a_long_clinical_document_is_cut_with_a_notice():
    """contract.md §5: a result stays under 25,000 tokens."""
    read = read_cda(b"<x><text>" + b"word " * 1000 + b"</text></x>", max_characters=100)
    assert len(read.text) == 101
    assert read.notices == ("The document is too long: it is cut off.",)


def test_a_clinical_document_beyond_the_size_limit_is_refused():
    """contract.md §3: nothing is unbounded."""
    with pytest.raises(ContentError, match="more than 20,000,000 are not read"):
        read_cda(b" " * 20_000_001)


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
