"""How filters go out: what is sent may find too much, and never too little."""

import datetime as dt
import fnmatch
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.archive.habits.known import Known
from federator.archive.habits.naming import Naming
from federator.archive.search import wire
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import parse
from federator.dicom.query.matching import Verdict, judge
from federator.model import Level

TODAY = dt.date(2024, 6, 30)
letters = st.sampled_from("abcdefgDOEdoeüÖéñßłøçåÅ山田ヤマ'-. ^*?")
names = st.text(letters, min_size=1, max_size=12)


def filters_of(query: str) -> tuple[Filter, ...]:
    return parse(query, Level.STUDY, today=TODAY).filters


def name_filter(value: str) -> Filter:
    return Filter(tag="00100010", keyword="PatientName", vr="PN", kind=FilterKind.NAME, values=(value,))


def as_archives_match(pattern: str, name: str, *, marks: bool) -> bool:
    """PS3.4 C.2.2.2.4 without regard to case, letter by letter; letters beyond ASCII are there or are lost."""
    told = unicodedata.normalize("NFC", name) if marks else name.encode("ascii", "ignore").decode()
    return fnmatch.fnmatchcase(told.upper(), pattern.replace("[", "[[]"))


@given(pattern=names, name=names.filter(lambda text: not set(text) & set("*?")), marks=st.booleans())
def test_every_name_that_matches_is_found_by_the_broad_pattern(pattern, name, marks):
    """contract.md §2: names fold case and marks here, so what is sent must find all of them there."""
    row = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]}}
    sent = wire.name_pattern(pattern, broaden=True)
    if judge(row, name_filter(pattern)) is Verdict.MATCH:
        assert as_archives_match(sent, name, marks=marks)


@given(pattern=names, name=st.text(st.sampled_from("abcDOE^ -.'"), min_size=1, max_size=12))
def test_every_plain_name_that_matches_is_found_by_the_pattern(pattern, name):
    """contract.md §2: without marks the letters themselves can be sent."""
    row = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]}}
    if pattern.isascii() and judge(row, name_filter(pattern)) is Verdict.MATCH:
        assert as_archives_match(wire.name_pattern(pattern), name.strip(), marks=True)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Doe", "DOE*"),
        ("Doe*", "DOE*"),
        ("doe^jane", "DOE^JANE*"),
        ("D?e", "D*E*"),
        ("Müller", "M*LLER*"),
        ("山田^太郎", "*"),
        ("Doe^*", "DOE*"),
        ("?^", "*"),
        ("O'Brien", "O'BRIEN*"),
        ("Yamada=山田", "YAMADA*"),
        ("Doe Smith", "DOE*SMITH*"),
        ("a&b=c", "A*B*"),
    ],
)
def test_names_go_out_in_upper_case_with_an_open_end(value, sent):
    """facts/dicomweb.md 1.3: dcm4chee folds upper case only, Orthanc compares whole values with their groups."""
    assert wire.name_pattern(value) == sent


def test_what_says_nothing_is_not_sent():
    """A filter of wild cards only would cost the archive a scan and narrow nothing."""
    filters = filters_of("PatientName=山田 StudyDescription=*ü* PatientID=P1 StudyDate=2024")
    told = wire.terms(filters, Known(), Naming.TAG, fuzzy=False)
    assert [(term.sent.keyword, term.sent.values) for term in told] == [("PatientID", ("P1",))]


@given(value=st.text(st.sampled_from('abcÄ%&#+"\\<> *?,'), min_size=1, max_size=10))
def test_text_is_sent_only_in_letters_that_arrive_everywhere(value):
    """facts/dicomweb.md 1.3: Orthanc 1.10 decodes no escapes, and a backslash is stripped."""
    filter_ = Filter(tag="00081030", keyword="StudyDescription", vr="LO", kind=FilterKind.TEXT, values=(value,))
    for term in wire.terms([filter_], Known(), Naming.TAG, fuzzy=False):
        for sent in term.sent.values:
            assert not wire.needs_pattern(sent)
            assert sent.strip("*")
            assert fnmatch.fnmatchcase(value, sent)


def test_several_values_are_several_requests():
    """facts/dicomweb.md 1.3: a repeated key, a comma and a backslash each lose values somewhere."""
    asked = wire.terms(filters_of("ModalitiesInStudy=CT,MR AccessionNumber=A1,A2"), Known(), Naming.TAG, fuzzy=False)
    assert sorted(map(sorted, wire.combinations(asked, Known(), Naming.TAG))) == sorted(
        sorted([("00080061", modality), ("00080050", number)]) for modality in ("CT", "MR") for number in ("A1", "A2")
    )


def test_too_many_requests_are_avoided_by_leaving_filters_to_be_checked_here():
    """house.md, Async: bounded; the filter with the most values goes first, lists of studies never."""
    numbers = ",".join(f"A{number}" for number in range(7))
    asked = wire.terms(
        filters_of(f"ModalitiesInStudy=CT,MR AccessionNumber={numbers}"), Known(), Naming.TAG, fuzzy=False
    )
    assert wire.combinations(asked, Known(), Naming.TAG) == [[("00080061", "CT")], [("00080061", "MR")]]
    uids = [f"1.2.{number}" for number in range(40)]
    query = f"StudyInstanceUID={','.join(uids)} ModalitiesInStudy=CT,MR PatientID=P1"
    single = Known(sound={(Naming.TAG, wire.UID_LISTS): False})
    requests = wire.combinations(wire.terms(filters_of(query), single, Naming.TAG, fuzzy=False), single, Naming.TAG)
    assert [dict(request)[wire.STUDY_UID] for request in requests] == uids


@given(uids=st.lists(st.from_regex(r"1\.[0-9]{1,60}", fullmatch=True), min_size=2, max_size=300, unique=True))
def test_uids_go_as_lists_that_fit_into_a_url_unless_lists_are_known_to_fail(uids):
    """facts/dicomweb.md 1.3: 6 kB URLs; every UID is asked for exactly once."""
    single = Known(sound={(Naming.TAG, wire.UID_LISTS): False})
    uid_filter = Filter(
        tag=wire.STUDY_UID, keyword="StudyInstanceUID", vr="UI", kind=FilterKind.UID, values=tuple(uids)
    )
    asked = wire.terms([uid_filter], Known(), Naming.TAG, fuzzy=False)
    requests = wire.combinations(asked, Known(), Naming.TAG)
    lists = [dict(request)[wire.STUDY_UID] for request in requests]
    assert [uid for one in lists for uid in one.split(",")] == uids
    assert all(len(one) < 6_000 for one in lists)
    assert len(wire.combinations(asked, single, Naming.TAG)) == len(uids)
