"""Numbers keep whose they are and where they were measured, however far that stands from them."""

import pytest

from federator.dicom.measures.table import measurements
from tests.support.synthetic.report_catalogue import FINDINGS, LATERALITY, LEFT, SITE
from tests.support.synthetic.reports import FAMILY, as_json, container, document, modifier, num
from tests.support.synthetic.who_and_where import BLADDER, DIAMETER, KIDNEY, WHO_AND_WHERE


def rows(dataset):
    return measurements(as_json(dataset)).rows


def told(name: str) -> list[tuple[str, ...]]:
    """Subject, finding, site, side and value of each number."""
    read = rows(WHO_AND_WHERE[name]())
    return [(row.subject, row.finding, row.site, row.laterality, row.value) for row in read]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "organ_doses",
            [
                ("", "", "", "", "250"),
                ("", "", "Kidney", "Left", "13.50"),
                ("", "", "Kidney", "Right", "12.25"),
                ("", "", "Urinary bladder", "", "32.0"),
            ],
        ),
        ("patient_dose", [("", "", "Kidney", "Left", "4.2")]),
        ("twins", [("Fetus A", "", "", "", "71.2"), ("Fetus 2", "", "", "", "69.8")]),
        ("site_on_a_section", [("", "Nodule", "Upper lobe of lung", "Right", "8")]),
        ("vascular", [("", "", "Carotid artery", "Left", "0.85")]),
        ("ophthalmology", [("", "", "Eye", "Right", "251.0"), ("", "", "Eye", "Left", "249.5")]),
        ("two_nodules", [("", "Nodule", "", "", "5"), ("", "Nodule", "", "", "9")]),
    ],
)
def test_context_is_inherited_from_whichever_section_tells_it(name, expected):
    """PS3.3 C.17.5; PS3.16 TID 10021, 10030, 5000, 4100, 5100, 2100."""
    assert [row for row in told(name) if row in expected] == expected


def test_two_findings_of_one_kind_stay_two():
    """contract.md section 4: what a number is of is told apart; here nothing but the finding does it."""
    first, second = rows(WHO_AND_WHERE["two_nodules"]())
    assert first.group.heading == "Findings › Finding 1"
    assert second.group.heading == "Findings › Finding 2"


def test_the_agent_stands_with_its_administration_and_the_part_of_a_vessel_with_its_number():
    """PS3.16 TID 10022, 5104: what is no site is a fact, and none is lost."""
    activity = rows(WHO_AND_WHERE["organ_doses"]())[0]
    assert activity.group.details == (("Radiopharmaceutical agent", "Fludeoxyglucose F^18^"),)
    (velocity,) = rows(WHO_AND_WHERE["vascular"]())
    assert velocity.derivation == "Mean"
    assert ("Topographical modifier", "Proximal") in velocity.modifiers


def test_a_number_keeps_its_qualifier_its_range_and_its_deviation():
    """PS3.3 C.18.1; PS3.16 TID 310, 311: they stand with the number, and as rows of their own."""
    length, deviation, limit = rows(WHO_AND_WHERE["qualified"]())
    assert [row.value for row in (length, deviation, limit)] == ["25.40", "0.10", "560.0"]
    assert length.qualifier == "Value out of range"
    assert length.modifiers == (("Standard Deviation", "0.10 mm"), ("Normal range upper limit", "560.0 mm"))
    assert [name for name, _ in deviation.modifiers] == ["Length"]
    assert limit.unit == "mm"


def test_a_side_is_not_taken_from_another_place():
    """Issue 11: a bladder within a section of the left kidney has no side; where the section is stands beside it."""
    nearer = container(FINDINGS, modifier(SITE, BLADDER), num(DIAMETER, "5", "mm"))
    section = container(FINDINGS, modifier(SITE, KIDNEY), modifier(LATERALITY, LEFT), nearer, num(DIAMETER, "6", "mm"))
    inner, outer = rows(document(69, FAMILY + "33", ("1", "99T", "T"), section))
    assert (inner.site, inner.laterality) == ("Urinary bladder", "")
    assert ("Within", "Kidney, Left") in (*inner.group.details, *inner.modifiers)
    assert (outer.site, outer.laterality) == ("Kidney", "Left")
