"""The accessors read what archives really send, and never raise."""

import json as text_json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import examples

from federator.dicom import json
from federator.dicom.json import PersonName

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
CARRIERS = st.sampled_from(["Value", "vr", "BulkDataURI", "InlineBinary", "Alphabetic"])
ELEMENTS = ANYTHING | st.dictionaries(CARRIERS, ANYTHING, max_size=4)
TAGS = ["00080020", "00080030", "00080061", "00100010", "0020000D", "00200013", "00400275", "7FE00010", "99999999"]
ACCESSORS = [
    json.values,
    json.text,
    json.texts,
    json.uid,
    json.integer,
    json.number,
    json.date,
    json.time,
    json.names,
    json.items,
    json.has_value,
    json.is_present,
]


@settings(deadline=None, max_examples=400)
@given(row=st.dictionaries(st.sampled_from(TAGS) | st.text(max_size=9), ELEMENTS, max_size=6))
def test_no_accessor_ever_raises(row):
    """facts: one bad element must not lose a row."""
    for tag in TAGS:
        for accessor in ACCESSORS:
            accessor(row, tag)
    assert 0 <= json.faults(row) <= len(row)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"vr": "CS", "Value": ["CT", "MR"]}, ["CT", "MR"]),
        ({"vr": "CS", "Value": ["CT\\MR"]}, ["CT", "MR"]),
        ({"vr": "CS", "Value": "CT"}, ["CT"]),
        ({"Value": ["CT"]}, ["CT"]),
        ("CT", ["CT"]),
        ({"vr": "CS", "Value": [None, " CT "]}, ["CT"]),
        ({"vr": "CS", "Value": None}, []),
        ({"vr": "CS", "Value": []}, []),
        ({"vr": "CS"}, []),
        (None, []),
    ],
)
def test_a_value_is_read_however_it_was_written(element, expected):
    """PS3.18 F.2, and the defects of archives that are known."""
    assert json.texts({"00080061": element}, "00080061") == expected


def test_a_backslash_is_a_letter_where_there_is_only_one_value():
    """PS3.5 section 6.2: LT, ST, UR and UT have no delimiter."""
    assert json.texts({"00104000": {"vr": "LT", "Value": ["a\\b"]}}, "00104000") == ["a\\b"]


def test_tags_in_lower_case_are_found():
    """PS3.18 F.2.2 asks for upper case; some archives do otherwise."""
    assert json.uid({"0020000d": {"vr": "UI", "Value": ["1.2.3\0"]}}, "0020000D") == "1.2.3"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (12, 12),
        ("12", 12),
        ("12.0", 12),
        (12.0, 12),
        (" 12 ", 12),
        ("12.5", None),
        ("abc", None),
        ("", None),
        (True, None),
    ],
)
def test_whole_numbers_are_read_as_number_or_string(written, expected):
    """PS3.18 F.2.3.1: IS is a number or a string."""
    assert json.integer({"00200013": {"vr": "IS", "Value": [written]}}, "00200013") == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("1.5", 1.5), (1.5, 1.5), ("1e2", 100.0), ("1e999", None), ("nan", None), ("١", None)]
)
def test_numbers_are_finite_or_nothing(written, expected):
    """PS3.5 section 6.2, DS."""
    assert json.number({"00180050": {"vr": "DS", "Value": [written]}}, "00180050") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20240131", "20240131"),
        ("2024.01.31", "20240131"),
        ("2024-01-31", "20240131"),
        (20240131, "20240131"),
        ("20240231", ""),
        ("2024-0131", ""),
        ("00000000", ""),
        ("today", ""),
    ],
)
def test_dates_are_strict_or_nothing(written, expected):
    """PS3.5 section 6.2, DA, with the form of ACR-NEMA."""
    assert json.date({"00080020": {"vr": "DA", "Value": [written]}}, "00080020") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10", "100000.000000"),
        ("1030", "103000.000000"),
        ("10:30:15", "103015.000000"),
        ("103015.5", "103015.500000"),
        ("2500", ""),
        ("1", ""),
    ],
)
def test_times_are_padded(written, expected):
    """PS3.5 section 6.2, TM."""
    assert json.time({"00080030": {"vr": "TM", "Value": [written]}}, "00080030") == expected


def test_names_have_their_component_groups():
    """PS3.18 F.2.2: an object per name; some archives send one string."""
    yamada = PersonName(alphabetic="Yamada^Tarou", ideographic="山田^太郎", phonetic="やまだ^たろう")
    as_object = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    assert json.names({"00100010": {"vr": "PN", "Value": [as_object]}}, "00100010") == [yamada]
    assert json.names({"00100010": "Yamada^Tarou=山田^太郎=やまだ^たろう"}, "00100010") == [yamada]
    assert str(yamada) == "Yamada^Tarou (山田^太郎)"
    assert str(PersonName(alphabetic="Doe^John^^^")) == "Doe^John"
    assert not PersonName()


def test_a_sound_row_has_no_faults():
    """PS3.18 F.2: what pydicom writes of a real image is sound."""
    row = text_json.loads(examples.ct.to_json(bulk_data_threshold=100, bulk_data_element_handler=lambda _: "/bulk"))
    assert json.faults(row) == 0


@pytest.mark.parametrize(
    "element",
    [
        None,
        "CT",
        {},
        {"vr": "CT scan"},
        {"vr": "CS", "Value": "CT"},
        {"vr": "CS", "Value": [1]},
        {"vr": "CS", "Value": ["CT\\MR"]},
        {"vr": "CS", "Value": ["CT"], "BulkDataURI": "/x"},
    ],
)
def test_what_is_not_as_the_standard_says_is_counted(element):
    """PS3.18 F.2.2."""
    assert json.faults({"00080061": element, "00080020": {"vr": "DA", "Value": ["20240131"]}}) == 1


def test_the_dictionary_decides_and_not_the_archive():
    """PS3.6 chapter 6."""
    assert json.keyword_of("00100010") == "PatientName"
    assert json.tag_of("PatientName") == "00100010"
    assert json.vr_of("00100010") == "PN"
    assert (json.keyword_of("00091001"), json.tag_of("PatientNam"), json.vr_of("x")) == ("", "", "")
