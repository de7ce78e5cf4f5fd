"""Whether a row matches a filter, as PS3.4 section C.2.2.2 says."""

import datetime as dt
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from federator.dicom.query.language import parse
from federator.dicom.query.matching import Verdict, judge, matches_text
from federator.model import Level

TODAY = dt.date(2024, 3, 31)


def verdict(query: str, value: object, level: Level = Level.STUDY, *, fuzzy: bool = False) -> Verdict:
    (only,) = parse(query, level, today=TODAY).filters
    return judge({only.tag: {"vr": only.vr, "Value": value if isinstance(value, list) else [value]}}, only, fuzzy=fuzzy)


def matches(query: str, value: object, level: Level = Level.STUDY) -> bool:
    return verdict(query, value, level) is Verdict.MATCH


NAME = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("doe^john", "Doe^John", True),
        ("Doe^John", "Doe^John^^^", True),
        ("Doe^John^^^", "Doe^John", True),
        ("Doe^John^*", "Doe^John", True),
        ("'Doe ^ John'", "Doe^John ", True),
        ("Doe", "Doe^John", False),
        ("Doe*", "Doe^John", True),
        ("*John", "Doe^John", True),
        ("*^John^*", "Doe^John", True),
        ("D?e^John", "Doe^John", True),
        ("D?e^John", "Dooe^John", False),
        ("Muller*", "Müller^Jürgen", True),
        ("MÜLLER^jurgen", "Mu\u0308ller^Jürgen", True),
        ("Παπαδοπουλοσ*", "Παπαδόπουλος^Νίκος", True),
        ("O'Brien*", "O'Brien^Pat", True),
        ("Yamada*", NAME, True),
        ("山田*", NAME, True),
        ("*太郎", NAME, True),
        ("やまだ^たろう", NAME, True),
        ("Yamada*=山田*", NAME, True),
        ("=山田^太郎", NAME, True),
        ("Yamada*=田中*", NAME, False),
        ("*Tarou*たろう", NAME, True),
        ("김?수^*", "김희수^", True),
        ("Smith*", NAME, False),
    ],
)
def test_names_fold_case_and_diacritics_and_match_by_group(asked, held, expected):
    """contract.md section 2; PS3.5 section 6.2.1 for groups and for delimiters at the end."""
    value = held if isinstance(held, dict) else {"Alphabetic": held}
    assert matches(f"PatientName={asked}", value) is expected


@pytest.mark.parametrize(
    ("query", "held", "expected"),
    [
        ("StudyDescription=chest*", "CHEST CT", True),
        ("StudyDescription=chest", "CHEST CT", False),
        ("StudyDescription='*[a-z]*'", "CHEST [A-Z] CT", True),
        ("StudyDescription='*[a-z]*'", "CHEST", False),
        ("StudyDescription=Thorax", "THORAX ", True),
        ("PatientID=a1", "A1", True),
        ("AccessionNumber=A1,A2", "A2", True),
        ("AccessionNumber=A1,A2", "A3", False),
        ("ModalitiesInStudy=SR", ["CT", "SR"], True),
        ("ModalitiesInStudy=SR", ["CT\\SR"], True),
        ("ModalitiesInStudy=M*", ["CT", "MR"], True),
        ("ModalitiesInStudy=US", ["CT", "MR"], False),
        ("StudyInstanceUID=1.2,1.3", "1.3\0", True),
        ("StudyInstanceUID=1.2,1.3", "1.30", False),
        ("NumberOfStudyRelatedSeries=3", "3", True),
        ("NumberOfStudyRelatedSeries=3", 3, True),
        ("NumberOfStudyRelatedSeries=3", 30, False),
        ("PatientWeight=70", "70.0", True),
        ("PatientAge=045y", "045Y", True),
        ("StudyDate=2024", "20240615", True),
        ("StudyDate=2024", "2024.06.15", True),
        ("StudyDate=2024", "20250101", False),
        ("StudyDate=20240601-", "20240601", True),
        ("StudyDate=-20240601", "20240602", False),
        ("StudyDate=-20240601", "junk", False),
        ("StudyTime=10:30", "103045.5", True),
        ("StudyTime=10:30", "103100", False),
        ("StudyTime=-1200", "1200", True),
    ],
)
def test_the_kinds_compare_as_the_standard_says(query, held, expected):
    """PS3.4 sections C.2.2.2.1 to C.2.2.2.6."""
    assert matches(query, held) is expected


def test_moments_are_compared_without_their_offset():
    """PS3.5 section 6.2, DT."""
    assert matches("AcquisitionDateTime=20240131", "20240131103000.5+0100", Level.INSTANCE)
    assert not matches("AcquisitionDateTime=20240131", "20240201", Level.INSTANCE)
    assert matches("AcquisitionDateTime=20240101-20240131", "202401", Level.INSTANCE)


def test_a_row_without_the_attribute_says_neither_yes_nor_no():
    """contract.md section 2."""
    (only,) = parse("StudyDescription=x", Level.STUDY, today=TODAY).filters
    assert judge({}, only) is Verdict.ABSENT
    assert judge({"00081030": None}, only) is Verdict.ABSENT


def test_an_empty_value_does_not_match():
    """PS3.4 section C.2.2.2.1: an undated study is not of 2024."""
    assert verdict("StudyDate=-20240601", []) is Verdict.MISMATCH
    assert verdict("PatientName=?*", []) is Verdict.MISMATCH


def test_an_empty_computed_attribute_is_as_good_as_absent():
    """No study is truly without a modality: the archive did not compute it."""
    assert verdict("ModalitiesInStudy=CT", []) is Verdict.ABSENT


def test_a_fuzzy_hit_is_not_checked_by_letter():
    """contract.md section 2."""
    assert verdict("PatientName=Schmidt", {"Alphabetic": "Smith"}, fuzzy=True) is Verdict.MATCH
    assert verdict("PatientName=Schmidt", [], fuzzy=True) is Verdict.MISMATCH
    assert verdict("PatientID=1", "2", fuzzy=True) is Verdict.MISMATCH


def test_many_stars_do_not_take_for_ever():
    """A pattern of the model's must not hang the server: the time is linear, the suite's bound would show it."""
    assert not matches("PatientComments=" + "*a" * 300 + "*b", "a" * 10_000)


LETTERS = st.text(alphabet="abAB.^[*?\\ ", max_size=12)


def oracle(held: str, pattern: str) -> bool:
    """The definition by recursion: a star stands for any run of letters, a question mark for one."""
    if not pattern:
        return not held
    if pattern[0] == "*":
        return any(oracle(held[count:], pattern[1:]) for count in range(len(held) + 1))
    return bool(held) and pattern[0] in {"?", held[0]} and oracle(held[1:], pattern[1:])


@settings(deadline=None, max_examples=400)
@given(held=LETTERS, pattern=st.text(alphabet="abAB.^[*?", max_size=7))
@example(held="aab", pattern="*ab*")
def test_wild_cards_are_as_defined(held, pattern):
    """PS3.4 section C.2.2.2.4."""
    assert matches_text(held, pattern) == oracle(held.strip().lower(), pattern.lower())


@settings(deadline=None, max_examples=200)
@given(words=st.lists(st.text(alphabet="aä山'^-", min_size=1, max_size=6), min_size=1, max_size=3), data=st.data())
def test_a_row_built_to_match_matches(words, data):
    """A pattern made of a value by putting wild cards in still finds it."""
    name = "^".join(words)
    if not name.replace("^", ""):
        return
    begin = data.draw(st.integers(0, len(name)))
    end = data.draw(st.integers(begin, len(name)))
    pattern = name[:begin] + "*" + name[end:]
    if pattern.strip("*"):
        assert matches(f'PatientName="{pattern}"', {"Alphabetic": name})
        assert matches(f'StudyDescription="{pattern}"', name)


@settings(deadline=None, max_examples=200)
@given(
    first=st.dates(min_value=dt.date(1000, 1, 1)),
    last=st.dates(min_value=dt.date(1000, 1, 1)),
    day=st.dates(min_value=dt.date(1000, 1, 1)),
)
def test_a_range_holds_the_days_between(first, last, day):
    """PS3.4 section C.2.2.2.5: both ends belong to it."""
    first, last = sorted((first, last))
    asked = f"StudyDate={first:%Y%m%d}-{last:%Y%m%d}"
    assert matches(asked, f"{day:%Y%m%d}") is (first <= day <= last)
    assert re.fullmatch("[0-9]{8}", f"{day:%Y%m%d}")
