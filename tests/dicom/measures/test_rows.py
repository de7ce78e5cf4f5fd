"""Numbers of structured reports as rows: the right value, with its unit, in the right group."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.dicom.measures import tid1500 as measures_tid1500
from federator.dicom.measures.generic import MEASUREMENT_GROUP, GenericReader
from federator.dicom.measures.row import Source
from federator.dicom.measures.table import measurements
from federator.dicom.report.tree import read_tree
from tests.support.synthetic.highdicom import ct_image, highdicom_report
from tests.support.synthetic.report_catalogue import CATALOGUE, DIAMETER, FINDING, FINDINGS, GROUP, LENGTH
from tests.support.synthetic.reports import (
    CT_IMAGE,
    FAMILY,
    MG_IMAGE,
    ROOT,
    as_json,
    code,
    container,
    document,
    num,
    text,
)


def rows(dataset):
    return measurements(as_json(dataset)).rows


def facts(name: str) -> list[tuple]:
    """What a reader of the table sees first: group, finding, site, side, measurement, value, unit."""
    return [
        (row.group.heading, row.finding, row.site, row.laterality, row.name.meaning, row.value, row.unit)
        for row in rows(CATALOGUE[name]())
    ]


def test_lesions_of_a_measurement_report_keep_their_numbers_sites_and_sides():
    """TID 1500: two lesions of the same finding, one coded with old SNOMED codes; a number outside any lesion."""
    first, second = "Imaging Measurements › Measurement Group 1", "Imaging Measurements › Measurement Group 2"
    assert facts("measurement_report") == [
        (first, "Nodule", "Upper lobe of lung", "Right", "Long axis", "12.30", "mm"),
        (first, "Nodule", "Upper lobe of lung", "Right", "Short axis", "8.1", "mm"),
        (second, "Nodule", "Upper lobe of lung", "Left", "Long axis", "7", "mm"),
        (second, "Nodule", "Upper lobe of lung", "Left", "Short axis", "5.55", "mm"),
        ("Derived Imaging Measurements", "", "", "", "Volume", "1234.5", "mm3"),
    ]


def test_a_lesion_is_followed_by_its_tracking_identifiers_and_seen_on_its_image():
    """contract.md §4: tracking identifier, source image, method."""
    long_axis, short_axis, *_ = rows(CATALOGUE["measurement_report"]())
    assert long_axis.group.tracking_identifier == "Lesion 1"
    assert long_axis.group.tracking_uid == f"{ROOT}.8.11"
    assert long_axis.group.details == (("Margin (RID1, 99RAD)", "Spiculated"),)
    assert long_axis.derivation == "Mean"
    assert long_axis.sources == (Source(sop_instance_uid=f"{ROOT}.5.11", sop_class_uid=CT_IMAGE, frames=(11,)),)
    assert (short_axis.derivation, short_axis.sources) == ("", ())


@pytest.mark.parametrize("build", [CATALOGUE["measurement_report"], highdicom_report])
def test_highdicom_reads_the_groups_that_follow_the_template_and_sees_what_the_tolerant_reader_sees(build):
    """Issue 3 part 4: highdicom for TID 1500; two readers that know nothing of each other agree."""
    tree = read_tree(as_json(build()))
    groups = [(item, line) for item, line in walk(tree.root) if item.has_concept(MEASUREMENT_GROUP)]
    assert len(groups) == 2
    for item, line in groups:
        group, reading = GenericReader(tree).read_group(item, line), measures_tid1500._read(item)
        assert reading is not None
        assert reading.finding == group.finding
        assert (reading.tracking_identifier, reading.tracking_uid) == (group.tracking_identifier, group.tracking_uid)
        assert reading.method == group.method


def walk(item, line=()):
    """Every item with its ancestors."""
    yield item, line
    for child in item.children:
        yield from walk(child, (*line, item))


def test_a_report_that_highdicom_wrote_is_read_with_site_side_method_and_image():
    """TID 1500 as its best-known writer makes it, with regions of interest."""
    long_axis, short_axis, volume = rows(highdicom_report())
    assert (long_axis.finding, long_axis.site, long_axis.laterality) == ("Nodule", "Lung", "Left")
    assert (long_axis.name.meaning, long_axis.value, long_axis.unit) == ("Long axis", "12.5", "mm")
    assert (long_axis.method, long_axis.derivation) == ("Area of closed irregular polygon", "Mean")
    assert long_axis.group.tracking_identifier == "lesion A"
    assert long_axis.group.tracking_uid == "1.2.826.0.1.3680043.10.1600.20.1"
    assert [source.sop_instance_uid for source in long_axis.sources] == [ct_image().SOPInstanceUID]
    assert (short_axis.value, short_axis.group.path) == ("8.25", long_axis.group.path)
    assert (volume.value, volume.unit, volume.finding, volume.group.tracking_identifier) == (
        "99.0",
        "mm3",
        "Cyst",
        "lesion B",
    )
    assert volume.group.path != long_axis.group.path


def test_where_highdicom_is_missing_the_tolerant_reading_stands(monkeypatch):
    """Python 3.14, for which a decoder that highdicom needs has no wheel: the same numbers, units and lesions."""
    strict = rows(CATALOGUE["measurement_report"]())
    monkeypatch.setitem(sys.modules, "highdicom", None)
    tolerant = rows(CATALOGUE["measurement_report"]())
    told = [(row.value, row.unit, row.group.finding, row.group.tracking_identifier) for row in strict]
    assert [(row.value, row.unit, row.group.finding, row.group.tracking_identifier) for row in tolerant] == told


def test_a_group_that_highdicom_refuses_loses_no_number():
    """Issue 3 part 4: fall back, never lose a number. Here a concept name and a relationship are missing."""
    dataset = CATALOGUE["measurement_report"]()
    group = dataset.ContentSequence[4].ContentSequence[0]
    del group.ContentSequence[4].RelationshipType
    del group.ContentSequence[5].ConceptNameCodeSequence
    read = rows(dataset)
    assert [(row.name.meaning, row.value, row.finding) for row in read[:2]] == [
        ("Long axis", "12.30", "Nodule"),
        ("(no name)", "8.1", "Nodule"),
    ]
    assert len(read) == 5


def test_ct_dose_stays_with_its_irradiation_event():
    """TID 10011: the numbers lie in containers below the event, several X-ray sources each with its own voltage."""
    read = rows(CATALOGUE["ct_dose"]())
    assert [(row.group.heading, row.group.site, row.name.meaning, row.value, row.unit) for row in read] == [
        ("CT Accumulated Dose Data", "", "Total Number of Irradiation Events", "2", "{events}"),
        ("CT Accumulated Dose Data", "", "CT Dose Length Product Total", "512.40", "mGy.cm"),
        ("CT Acquisition 1: Chest routine", "Chest", "Exposure Time", "5.3", "s"),
        ("CT Acquisition 1: Chest routine", "Chest", "Scanning Length", "350", "mm"),
        ("CT Acquisition 1: Chest routine", "Chest", "KVP", "120", "kV"),
        ("CT Acquisition 1: Chest routine", "Chest", "Mean CTDIvol", "8.20", "mGy"),
        ("CT Acquisition 1: Chest routine", "Chest", "DLP", "300.10", "mGy.cm"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "Exposure Time", "5.3", "s"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "Scanning Length", "350", "mm"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "KVP", "80", "kV"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "KVP", "140", "kV"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "Mean CTDIvol", "9.10", "mGy"),
        ("CT Acquisition 2: Abdomen dual energy", "Abdomen", "DLP", "212.30", "mGy.cm"),
    ]
    assert [row.group.tracking_uid for row in read[2::5]] == [f"{ROOT}.9.1", f"{ROOT}.9.2", f"{ROOT}.9.2"]
    assert [row.modifiers for row in read if row.name.meaning == "KVP"] == [
        (("Identification of the X-Ray Source", source),) for source in ("A", "A", "B")
    ]
    assert read[5].modifiers == (("CTDIw Phantom Type", "IEC Body Dosimetry Phantom"),)
    assert read[5].section == "CT Dose"


def test_projection_dose_stays_with_its_irradiation_event():
    """TID 10001: events are told apart by number, UID and time; small numbers keep every digit."""
    read = rows(CATALOGUE["projection_dose"]())
    assert [(row.group.heading, row.name.meaning, row.number, row.unit) for row in read] == [
        ("Accumulated X-Ray Dose Data", "Dose Area Product Total", 0.00011, "Gy.m2"),
        ("Irradiation Event X-Ray Data 1", "Dose Area Product", 0.00005, "Gy.m2"),
        ("Irradiation Event X-Ray Data 1", "KVP", 70.0, "kV"),
        ("Irradiation Event X-Ray Data 1", "X-Ray Filter Thickness Maximum", 0.1, "mm"),
        ("Irradiation Event X-Ray Data 2", "Dose Area Product", 0.00006, "Gy.m2"),
        ("Irradiation Event X-Ray Data 2", "KVP", 70.0, "kV"),
        ("Irradiation Event X-Ray Data 2", "X-Ray Filter Thickness Maximum", 0.1, "mm"),
    ]
    assert ("DateTime Started", "2024-01-31 09:15:02") in read[4].group.details
    assert ("Acquisition Plane", "Single Plane") in read[4].group.details


def test_echo_measurements_keep_site_mode_method_and_direction():
    """TID 5200: the site stands on the section, the mode on the group, method and direction on the number."""
    assert facts("echo") == [
        ("Findings 1 › Measurement Group 1", "", "Left Ventricle", "",
         "Left Ventricle Internal End Diastolic Dimension", "4.7", "cm"),
        ("Findings 1 › Measurement Group 1", "", "Left Ventricle", "",
         "Left Ventricular Ejection Fraction by US", "61", "%"),
        ("Findings 1 › Measurement Group 2", "", "Left Ventricle", "",
         "Left Ventricle Internal Systolic Dimension", "3.1", "cm"),
        ("Findings 2 › Measurement Group", "", "Aortic Valve", "", "Peak Velocity", "1.32", "m/s"),
    ]  # fmt: skip
    read = rows(CATALOGUE["echo"]())
    assert [row.group.details for row in read] == [
        (("Image Mode", mode),) for mode in ("2D mode", "2D mode", "M mode", "Doppler Continuous Wave")
    ]
    assert [row.method for row in read] == ["Method of Disks, Biplane", "", "", ""]
    assert read[3].modifiers == (("Flow Direction", "Antegrade Flow"),)


def test_simplified_echo_takes_the_site_from_the_number_itself():
    """TID 5300: post-coordinated measurements carry their site."""
    assert facts("simplified_echo") == [
        ("Pre-coordinated Measurements", "", "", "", "LV Ejection Fraction", "58", "%"),
        (
            "Post-coordinated Measurements",
            "",
            "Structure of left ventricular outflow tract",
            "",
            "Measurement",
            "2.2",
            "cm",
        ),
    ]


def test_mammography_cad_numbers_belong_to_their_finding_and_its_image():
    """TID 4000: findings hang below one another; the side comes from the image in the library, by reference."""
    read = rows(CATALOGUE["mammography_cad"]())
    assert [(row.finding, row.laterality, row.name.meaning, row.value) for row in read] == [
        ("Mass", "", "Certainty of Finding", "77"),
        ("Mammographic breast density", "Right", "Certainty of Finding", "81"),
        ("Mammographic breast density", "Right", "Probability of cancer", "12.5"),
        ("Mammographic breast density", "Left", "Certainty of Finding", "64"),
        ("Mammographic breast density", "Left", "Probability of cancer", "9.5"),
    ]
    assert len({row.group.path for row in read}) == 3
    assert read[1].sources == (Source(sop_instance_uid=f"{ROOT}.5.21", sop_class_uid=MG_IMAGE),)
    assert ("Image View", "cranio-caudal") in read[1].group.details


def test_chest_cad_takes_site_and_side_from_the_finding():
    """TID 4100."""
    (row,) = rows(CATALOGUE["chest_cad"]())
    assert (row.finding, row.site, row.laterality) == ("Nodule", "Upper lobe of lung", "Right")
    assert (row.name.meaning, row.value, row.unit) == ("Diameter", "8.4", "mm")
    assert row.sources == (Source(sop_instance_uid=f"{ROOT}.5.31", sop_class_uid=CT_IMAGE),)


def test_a_number_that_a_finding_was_inferred_from_has_that_finding():
    """Enhanced SR without a template: the number hangs below the sentence that rests on it."""
    (row,) = rows(CATALOGUE["enhanced"]())
    assert (row.finding, row.value, row.unit, row.derivation) == ("Nodule", "8.25", "mm", "Mean")
    assert row.sources == (Source(sop_instance_uid=f"{ROOT}.5.2", sop_class_uid=CT_IMAGE, frames=(3, 4)),)


def test_a_number_that_was_not_measured_says_why_and_has_no_value():
    """PS3.3 C.18.1: an empty number with its qualifier is no zero."""
    empty, private, ratio, density = rows(CATALOGUE["unmeasured"]())
    assert (empty.value, empty.number, empty.unit, empty.qualifier) == ("", None, "", "Not a number")
    assert (private.unit, private.unit_meaning) == ("cm", "Private length unit")
    assert (ratio.unit, ratio.unit_meaning) == ("1", "no units")
    assert (density.number, density.unit) == (-40.0, "[hnsf'U]")


def test_a_finding_is_not_taken_from_a_section_that_names_several():
    """Issue 3: never attached to the wrong group; which of two findings is meant cannot be known."""
    two = container(FINDINGS, text(FINDING, "a nodule"), text(FINDING, "a mass"), num(DIAMETER, "5", "mm"))
    one = container(FINDINGS, text(FINDING, "a cyst"), num(DIAMETER, "6", "mm"))
    read = rows(document(50, FAMILY + "33", ("1", "99T", "Title"), two, one))
    assert [(row.finding, row.value, row.group.path) for row in read] == [("", "5", "1.1"), ("a cyst", "6", "1.2")]


def test_a_finding_of_one_group_does_not_reach_the_next():
    """Issue 3: never attached to the wrong group."""
    nodule = code(FINDING, ("27925004", "SCT", "Nodule"))
    read = rows(
        document(
            51,
            FAMILY + "33",
            ("126000", "DCM", "Imaging Measurement Report"),
            container(GROUP, nodule, num(DIAMETER, "1", "mm")),
            container(GROUP, num(DIAMETER, "2", "mm")),
        )
    )
    assert [(row.value, row.finding, row.group.heading) for row in read] == [
        ("1", "Nodule", "Measurement Group 1"),
        ("2", "", "Measurement Group 2"),
    ]


def test_a_number_below_a_number_says_so():
    """PS3.16 TID 300: properties of a measurement are numbers too, and are no second measurement of the finding."""
    deviation = num(("386136009", "SCT", "Standard Deviation"), "0.4", "mm", rel="HAS PROPERTIES")
    read = rows(document(52, FAMILY + "33", ("1", "99T", "T"), container(FINDINGS, num(LENGTH, "9", "mm", deviation))))
    assert [(row.value, row.modifiers) for row in read] == [
        ("9", (("Standard Deviation", "0.4 mm"),)),
        ("0.4", (("Length", "9 mm"),)),
    ]


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.none(), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_every_number_of_any_tree_is_one_row_in_order_and_in_its_own_container(shape):
    """Issue 3: the same number as in the file, none lost, none doubled, none moved."""
    expected: list[tuple[str, str]] = []

    def built(part, position: str):
        if part is None:
            expected.append((str(len(expected)), position.rpartition(".")[0]))
            return num(LENGTH, expected[-1][0], "mm")
        return container(FINDINGS, *[built(child, f"{position}.{at}") for at, child in enumerate(part, start=1)])

    whole = document(53, FAMILY + "33", ("1", "99T", "Title"), built(shape, "1.1"))
    assert [(row.value, row.group.path) for row in rows(whole)] == expected


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_report_of_the_catalogue_can_be_read_as_data(name):
    """Issue 3 part 4: a report without numbers gives no rows and no error."""
    read = measurements(as_json(CATALOGUE[name]()))
    assert read.notices == ()
    assert all(row.unit or row.qualifier for row in read.rows)
