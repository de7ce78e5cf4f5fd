"""The query language: what it means, and that it fails closed."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.dicom.query.language import MAX_LIMIT, Filter, FilterKind, Query, parse
from federator.errors import RequestError
from federator.model import Level

TODAY = dt.date(2024, 3, 31)


def ask(text: str, level: Level = Level.STUDY) -> Query:
    return parse(text, level, today=TODAY)


def values(text: str, level: Level = Level.STUDY) -> tuple[str, ...]:
    (only,) = ask(text, level).filters
    return only.values


# (query, level, what the message quotes, what it says to write)
MALFORMED = [
    ("PatientNam=Doe", "study", "'PatientNam'", "Did you mean PatientName?"),
    ("PatienID=1", "study", "'PatienID'", "Did you mean PatientID?"),
    ("Patient_Name=Doe", "study", "'Patient_Name'", "Did you mean PatientName?"),
    ("Patient-ID=1", "study", "'Patient-ID'", "Did you mean PatientID?"),
    ("MRN=1", "study", "'MRN'", "Did you mean PatientID?"),
    ("name=Doe", "study", "'name'", "Did you mean PatientName?"),
    ("dob=1960", "study", "'dob'", "Did you mean PatientBirthDate?"),
    ("date=2024", "study", "'date=2024'", "Did you mean StudyDate?"),
    ("accession=1", "study", "'accession'", "Did you mean AccessionNumber?"),
    ("description=x", "study", "'description'", "Did you mean StudyDescription?"),
    ("description=x", "series", "'description'", "Did you mean SeriesDescription?"),
    ("ModalitiesInStdy=CT", "study", "'ModalitiesInStdy'", "Did you mean ModalitiesInStudy?"),
    ("lmit=5", "study", "'lmit'", "Did you mean limit?"),
    ("pacs=mercy", "study", "'pacs'", "Did you mean archive?"),
    ("fuzzy=true", "study", "'fuzzy'", "Did you mean fuzzymatching?"),
    ("fields=all", "study", "'fields'", "Did you mean includefield?"),
    ("SeriesDescripton=x", "study", "'SeriesDescripton'", "Did you mean SeriesDescription?"),
    ("KVPP=100", "instance", "'KVPP'", "Did you mean KVP?"),
    ("xyzzy=1", "study", "'xyzzy'", "Ask for one of PatientName"),
    ("99990010=1", "study", "'99990010'", "Ask for one of"),
    ("(9998,0010)=1", "study", "'(9998,0010)'", "not in the DICOM dictionary"),
    ("Doe", "study", "'Doe'", "Write KEY=VALUE"),
    ("PatientName", "study", "'PatientName'", "Write KEY=VALUE"),
    ("PatientName = Doe", "study", "'PatientName'", "without spaces around the ="),
    ("StudyDate>=20240101", "study", "'StudyDate>='", "StudyDate=20240131-"),
    ("StudyDate!=20240101", "study", "'StudyDate!='", "KEY=VALUE"),
    ("PatientID:=1", "study", "'PatientID:='", "KEY=VALUE"),
    ("PatientID=1 AND Modality=CT", "study", "'AND'", "side by side"),
    ("PatientID=1 , Modality=CT", "study", "','", "side by side"),
    ("PatientID=1&StudyDate=2024", "study", "'PatientID=1&StudyDate=2024'", "put a space before StudyDate"),
    ("PatientID=1,limit=5", "study", "'PatientID=1,limit=5'", "put a space before limit"),
    ("StudyDescription=a;patientid=3", "study", "'StudyDescription=a;patientid=3'", "quote the value"),
    ("=Doe", "study", "'=Doe'", "no key before the ="),
    ("PatientName=John Smith", "study", "'Smith'", 'PatientName="John Smith"'),
    ("StudyDate=20240101 - 20240131", "study", "'-'", "without spaces"),
    ('"PatientName=Doe"', "study", "'\"PatientName'", "Quote the value only"),
    ("PatientName='Doe", "study", "PatientName='Doe", "is not closed"),
    ('PatientName="Doe John', "study", 'PatientName="Doe John', "is not closed"),
    ("PatientName=\"Doe'", "study", "PatientName=\"Doe'", "is not closed"),
    ("PatientName='Doe'John", "study", "'John'", "Put a space between"),
    ("PatientName='Doe'PatientID=1", "study", "'PatientID=1'", "Put a space between"),
    ("PatientName=“Doe”", "study", "'PatientName=“'", "straight"),
    ("PatientID=", "study", "'PatientID='", "leave PatientID out"),
    ("PatientID=''", "study", "'PatientID='", "leave PatientID out"),
    ("PatientID=1 PatientID=2", "study", "'PatientID=2'", "Write it once"),
    ("PatientName=* PatientName=Doe", "study", "'PatientName=Doe'", "Write it once"),
    ("Modality=CT ModalitiesInStudy=MR", "study", "'ModalitiesInStudy=MR'", "CT,MR"),
    ("limit=5 limit=6", "study", "'limit=6'", "Write it once"),
    ("archive=a archives=b", "study", "'archives=b'", "Write it once"),
    ("SeriesDescription=x", "study", "'SeriesDescription=x'", "find-series"),
    ("BodyPartExamined=CHEST", "study", "'BodyPartExamined=CHEST'", "find-series"),
    ("SeriesInstanceUID=1.2", "study", "'SeriesInstanceUID=1.2'", "find-series"),
    ("InstanceNumber=1", "study", "'InstanceNumber=1'", "find-instances"),
    ("SOPInstanceUID=1.2", "study", "'SOPInstanceUID=1.2'", "find-instances"),
    ("InstanceNumber=1", "series", "'InstanceNumber=1'", "find-instances"),
    ("PatientName=Doe", "series", "'PatientName=Doe'", "find-studies"),
    ("ModalitiesInStudy=CT", "series", "'ModalitiesInStudy=CT'", "Did you mean Modality?"),
    ("StudyInstanceUID=1.2", "series", "'StudyInstanceUID=1.2'", "studyInstanceUid"),
    ("Modality=CT", "instance", "'Modality=CT'", "find-series"),
    ("SeriesInstanceUID=1.2", "instance", "'SeriesInstanceUID=1.2'", "seriesInstanceUid"),
    ("StudyDate=20240230", "study", "'StudyDate=20240230'", "20240101-20240131"),
    ("StudyDate=2024-13", "study", "'StudyDate=2024-13'", "last-7-days"),
    ("StudyDate=31.01.2024", "study", "'StudyDate=31.01.2024'", "2024-01-31"),
    ("StudyDate=01/31/2024", "study", "'StudyDate=01/31/2024'", "2024-01-31"),
    ("StudyDate=last-week", "study", "'StudyDate=last-week'", "last-2-weeks"),
    ("StudyDate=-", "study", "'StudyDate=-'", "20240101-"),
    ("StudyDate=2024*", "study", "'StudyDate=2024*'", "wild card"),
    ("StudyDate=20240201-20240101", "study", "'StudyDate=20240201-20240101'", "ends before it begins"),
    ("StudyDate=20240101,20240102", "study", "'StudyDate=20240101,20240102'", "20240101-20240131"),
    ("StudyDate=last-99999-years", "study", "'StudyDate=last-99999-years'", "last-7-days"),
    ("StudyTime=25", "study", "'StudyTime=25'", "10:30"),
    ("StudyTime=10*", "study", "'StudyTime=10*'", "wild card"),
    ("AcquisitionDateTime=202413", "instance", "'AcquisitionDateTime=202413'", "20240131"),
    ("StudyInstanceUID=1.2.x", "study", "'StudyInstanceUID=1.2.x'", "digits and dots"),
    ("StudyInstanceUID=1.2.*", "study", "'StudyInstanceUID=1.2.*'", "no wild cards"),
    ("StudyInstanceUID=" + "1." * 33 + "1", "study", "'StudyInstanceUID=1.1", "at most 64"),
    ("StudyInstanceUID=1.2,,1.3", "study", "'StudyInstanceUID=1.2,,1.3'", "empty"),
    ("StudyInstanceUID=1.2@Mercy!", "study", "'Mercy!'", "UID@name"),
    ("SeriesNumber=one", "series", "'SeriesNumber=one'", "whole number"),
    ("SeriesNumber=1-3", "series", "'SeriesNumber=1-3'", "no range"),
    ("SeriesNumber=99999999999", "series", "'SeriesNumber=99999999999'", "2147483647"),
    ("Rows=70000", "instance", "'Rows=70000'", "65535"),
    ("SliceThickness=thin", "instance", "'SliceThickness=thin'", "2.5"),
    ("PatientAge=45", "study", "'PatientAge=45'", "045Y"),
    ("ModalitiesInStudy=C-T", "study", "'ModalitiesInStudy=C-T'", "CT,MR"),
    ("ModalitiesInStudy=CT,,MR", "study", "'ModalitiesInStudy=CT,,MR'", "A,B"),
    ("PatientSex=ABCDEFGHIJKLMNOPQ", "study", "'PatientSex=ABCDEFGHIJKLMNOPQ'", "at most 16"),
    ("PixelData=1", "instance", "'PixelData=1'", "Leave it out"),
    ("ProcedureCodeSequence=1", "study", "'ProcedureCodeSequence=1'", "sequence"),
    (
        "RequestAttributesSequence.ScheduledProcedureStepID=9",
        "study",
        "'RequestAttributesSequence",
        "in a sequence",
    ),
    ("TransferSyntaxUID=1.2", "instance", "'TransferSyntaxUID=1.2'", "Leave it out"),
    ("00000002=1.2", "study", "'00000002=1.2'", "Leave it out"),
    ("00091001=x", "study", "'00091001'", "private"),
    ("limit=0", "study", "'limit=0'", "from 1"),
    ("limit=-5", "study", "'limit=-5'", "from 1"),
    ("limit=10abc", "study", "'limit=10abc'", "limit=20"),
    ("limit=1e3", "study", "'limit=1e3'", "whole number"),
    ("limit=", "study", "'limit='", "whole number"),
    ("offset=-1", "study", "'offset=-1'", "from 0"),
    ("fuzzymatching=maybe", "study", "'fuzzymatching=maybe'", "fuzzymatching=true"),
    ("includefield=PatientNam", "study", "'PatientNam'", "Did you mean PatientName?"),
    ("includefield=", "study", "'includefield='", "includefield=all"),
    ("includefield=PatientName,,StudyDate", "study", "'includefield=PatientName,,StudyDate'", "empty"),
    ("includefield=SeriesDescription", "study", "'includefield=SeriesDescription'", "find-series"),
    ("includefield=PixelData", "instance", "'includefield=PixelData'", "get-instance-metadata"),
    ("archive=Mercy!", "study", "'Mercy!'", "archive=mercy,north"),
    ("archive=", "study", "'archive='", "list-archives"),
    ("PatientName=Do\x00e", "study", "'PatientName=Do'", "control character"),
    ("PatientName=" + "x" * 1000, "study", "1012 characters", "1000"),
]


def test_there_are_enough_malformed_queries():
    """Issue 2: a table of at least 60."""
    assert len({(query, level) for query, level, *_ in MALFORMED}) == len(MALFORMED) >= 60


@pytest.mark.parametrize(("query", "level", "quoted", "remedy"), MALFORMED)
def test_a_malformed_query_names_the_token_and_the_remedy(query, level, quoted, remedy):
    """contract.md section 2: it fails closed."""
    with pytest.raises(RequestError) as raised:
        ask(query, Level(level))
    assert quoted in str(raised.value)
    assert remedy in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "key", ["PatientID", "patientid", "PATIENTID", "00100020", "(0010,0020)", "(0010, 0020)", "0010,0020"]
)
def test_a_key_is_a_keyword_in_any_case_or_a_tag(key):
    """contract.md section 2."""
    (only,) = ask(f"{key}=A1").filters
    assert only == Filter(tag="00100020", keyword="PatientID", vr="LO", kind=FilterKind.TEXT, values=("A1",))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("PatientName=O'Brien*", ("O'Brien*",)),
        ('PatientName="O\'Brien ^ Pat"', ("O'Brien ^ Pat",)),
        ("PatientName='Doe^John'", ("Doe^John",)),
        ('PatientName=Doe"s', ('Doe"s',)),
        ("PatientName=山田^太郎", ("山田^太郎",)),
        ("StudyDescription='CHEST, ABDOMEN'", ("CHEST, ABDOMEN",)),
        ("StudyDescription=CHEST,ABDOMEN", ("CHEST,ABDOMEN",)),
        ("StudyDescription=a=b", ("a=b",)),
        ("StudyDescription=a&b=c", ("a&b=c",)),
        ("StudyDescription='a&PatientID=3'", ("a&PatientID=3",)),
        ("PatientName=Doe\\Roe", ("Doe", "Roe")),
        ("PatientComments=a\\b", ("a\\b",)),
    ],
)
def test_a_quote_counts_only_where_a_value_begins(query, expected):
    """contract.md section 2."""
    assert values(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ModalitiesInStudy=CT,MR", ("CT", "MR")),
        ("ModalitiesInStudy=ct\\mr,CT", ("CT", "MR")),
        ("Modality=CT", ("CT",)),
        ("AccessionNumber=A1,A2", ("A1", "A2")),
        ("AccessionNumber='A1,A2'", ("A1,A2",)),
        ("PatientID=1,2", ("1", "2")),
        ("StudyInstanceUID=1.2,1.3", ("1.2", "1.3")),
        ("NumberOfStudyRelatedSeries=01,2", ("1", "2")),
    ],
)
def test_several_values_stand_with_commas_where_no_value_holds_one(query, expected):
    """contract.md section 2."""
    assert values(query) == expected


def test_modality_of_a_study_is_modalities_in_study():
    """contract.md section 2."""
    assert ask("Modality=CT").filters[0].keyword == "ModalitiesInStudy"
    assert ask("Modality=CT", Level.SERIES).filters[0].keyword == "Modality"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20240131", "20240131"),
        ("2024-01-31", "20240131"),
        ("2024-02", "20240201-20240229"),
        ("2024", "20240101-20241231"),
        ("20240101-20240131", "20240101-20240131"),
        ("2024-01-01-2024-01-31", "20240101-20240131"),
        ("2024-01-01/2024-01-31", "20240101-20240131"),
        ("20240101-2024-02", "20240101-20240229"),
        ("2023-2024", "20230101-20241231"),
        ("2023-11-2024-02", "20231101-20240229"),
        ("20240101-", "20240101-"),
        ("2024-02/", "20240201-"),
        ("-20240131", "-20240131"),
        ("-2024-02", "-20240229"),
        ("today", "20240331"),
        ("Yesterday", "20240330"),
        ("yesterday-today", "20240330-20240331"),
        ("20240301-today", "20240301-20240331"),
        ("last-7-days", "20240324-20240331"),
        ("last-2-weeks", "20240317-20240331"),
        ("last-1-months", "20240229-20240331"),
        ("last-3-months", "20231231-20240331"),
        ("last-1-year", "20230331-20240331"),
        ("last-0-days", "20240331-20240331"),
        ("20240131-20240131", "20240131"),
    ],
)
def test_dates_become_strict(written, expected):
    """contract.md section 2: sent to archives as strict YYYYMMDD."""
    assert values(f"StudyDate={written}") == (expected,)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("StudyDate=20240131", ("20240131", "20240131")),
        ("StudyDate=20240131-", ("20240131", "")),
        ("StudyDate=-20240131", ("", "20240131")),
        ("StudyDate=2024", ("20240101", "20241231")),
    ],
)
def test_a_date_filter_tells_its_ends(query, expected):
    """An open end is empty."""
    assert ask(query).filters[0].date_range == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10", "100000.000000-105959.999999"),
        ("10:30", "103000.000000-103059.999999"),
        ("103015", "103015.000000-103015.999999"),
        ("103015.123456", "103015.123456"),
        ("08-12", "080000.000000-125959.999999"),
        ("0830-", "083000.000000-"),
        ("-1200", "-120059.999999"),
    ],
)
def test_a_time_covers_what_it_leaves_out(written, expected):
    """PS3.5 section 6.2, TM."""
    assert values(f"StudyTime={written}") == (expected,)


def test_a_moment_covers_what_it_leaves_out():
    """PS3.5 section 6.2, DT."""
    assert values("AcquisitionDateTime=20240131", Level.INSTANCE) == ("20240131000000.000000-20240131235959.999999",)
    assert values("AcquisitionDateTime=2024013110-", Level.INSTANCE) == ("20240131100000.000000-",)


def test_stars_alone_ask_nothing():
    """PS3.4 section C.2.2.2.3: universal matching."""
    assert ask("PatientName=* PatientID=** StudyDescription=*a").filters == ask("StudyDescription=*a").filters


def test_wild_cards_are_told():
    """PS3.4 section C.2.2.2.4."""
    assert ask("PatientName=Do?").filters[0].has_wildcard
    assert not ask("StudyInstanceUID=1.2").filters[0].has_wildcard


INCLUDE = "includefield=PatientComments,(0008,0050),00081030"


def test_options_are_read():
    """contract.md section 2."""
    query = ask(
        "limit=500 offset=3 fuzzymatching=TRUE includefield=PatientComments,(0008,0050),00081030 archives=mercy,north"
    )
    assert (query.limit, query.limit_asked, query.offset, query.fuzzy) == (MAX_LIMIT, 500, 3, True)
    assert query.include == ("00104000", "00080050", "00081030")
    assert query.archives == ("mercy", "north")
    assert ask("includefield=all").include_all


def test_an_empty_query_asks_for_everything():
    """contract.md section 4: find-studies, default all."""
    assert ask("  \n") == Query(level=Level.STUDY)


@pytest.mark.parametrize(
    ("written", "uids", "archives"),
    [
        ("1.2@mercy", ("1.2",), ("mercy",)),
        ("1.2@mercy,north", ("1.2",), ("mercy", "north")),
        ("1.2@mercy,1.3@north", ("1.2", "1.3"), ("mercy", "north")),
        ("1.2@mercy,1.3", ("1.2", "1.3"), ()),
    ],
)
def test_a_tagged_uid_is_asked_where_it_is_held(written, uids, archives):
    """contract.md section 1: UID@a asks only a."""
    query = ask(f"StudyInstanceUID={written}")
    assert (query.filters[0].values, query.archives) == (uids, archives)


def test_the_digest_is_of_what_is_found():
    """contract.md section 3.4: a cursor belongs to its query, whatever the page size."""
    one = ask("PatientName=Doe StudyDate=2024 limit=5")
    assert one.digest == ask("StudyDate=2024-01-01-2024-12-31 PatientName=Doe offset=7 includefield=all").digest
    different = [
        "PatientName=Doe",
        "PatientName=Roe StudyDate=2024",
        "PatientName=Doe StudyDate=2024 fuzzymatching=true",
    ]
    different.append("PatientName=Doe StudyDate=2024 archive=mercy")
    assert len({one.digest, *(ask(text).digest for text in different)}) == 5
    assert one.without("00100010").digest == ask("StudyDate=2024").digest
    assert one.filter("00100010") is not None
    assert one.filter("00100020") is None


FRAGMENTS = [
    "PatientName",
    "StudyDate",
    "(0010,0020)",
    "limit",
    "=",
    "=",
    "'",
    '"',
    " ",
    ",",
    "\\",
    "-",
    "/",
    "2024",
    "*",
    "@",
]


@settings(deadline=None, max_examples=500)
@given(
    text=st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join), level=st.sampled_from(list(Level))
)
def test_whatever_is_asked_is_a_query_or_a_request_error(text, level):
    """contract.md section 2."""
    with contextlib.suppress(RequestError):
        query = ask(text, level)
        assert query.level is level
        assert all(filter_.values for filter_ in query.filters)


@settings(deadline=None, max_examples=200)
@given(first=st.dates(min_value=dt.date(1000, 1, 1)), last=st.dates(min_value=dt.date(1000, 1, 1)))
def test_any_two_days_in_order_are_a_range(first, last):
    """PS3.4 section C.2.2.2.5."""
    first, last = sorted((first, last))
    for form in ("{:%Y%m%d}-{:%Y%m%d}", "{:%Y-%m-%d}-{:%Y-%m-%d}", "{:%Y-%m-%d}/{:%Y%m%d}"):
        (only,) = ask("StudyDate=" + form.format(first, last)).filters
        assert only.date_range == (f"{first:%Y%m%d}", f"{last:%Y%m%d}")
