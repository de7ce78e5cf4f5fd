"""What is shown can be asked: a value exactly as an answer shows it, quoted, finds its rows (contract.md section 2)."""

import datetime as dt

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcp import Client

from federator.config import Archive, Config
from federator.dicom import json
from federator.dicom.query.language import MAX_QUERY_LENGTH, parse
from federator.dicom.query.matching import Verdict, judge
from federator.dicom.query.quoting import pair
from federator.dicom.visible import cell
from federator.model import Entry, Level, Row
from federator.server.app import build_server
from federator.server.wording.present import Asked, series_of, study_of
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import ISSUER, REFERRING_PHYSICIAN, SEX, study, with_images

TODAY = dt.date(2024, 3, 31)
# The field of an answer, and the keyword that asks for it.
STUDY_FIELDS = {
    "studyDescription": "StudyDescription",
    "patientName": "PatientName",
    "patientId": "PatientID",
    "issuerOfPatientId": "IssuerOfPatientID",
    "patientSex": "PatientSex",
    "accessionNumber": "AccessionNumber",
    "referringPhysicianName": "ReferringPhysicianName",
    "modalities": "ModalitiesInStudy",
}
SERIES_FIELDS = {
    "modality": "Modality",
    "seriesDescription": "SeriesDescription",
    "bodyPartExamined": "BodyPartExamined",
}
LETTERS = st.text(
    alphabet=st.one_of(
        st.sampled_from("aAbBzZ019 ^*?,;.:'\"`´“”=&|/()[]{}<>%~!-_+#@…\u00a0\u200b\t\u00adMFRCT"),
        st.characters(codec="utf-8"),
    ),
    min_size=1,
    max_size=24,
)


def quoted(value: str) -> str:
    """As a model quotes what it was shown."""
    quote = "'" if '"' in value and "'" not in value else '"'
    return quote + value.replace(quote, f"\\{quote}") + quote


def shown_of(level: Level, row: dict) -> dict:
    entry = Entry(level=level, uid="1.2", rows=(Row(archive="x", data=row),), conflicts={})
    return (study_of if level is Level.STUDY else series_of)(entry, Asked()).structured()


def finds(level: Level, row: dict, query: str) -> bool:
    return all(judge(row, filter_) is Verdict.MATCH for filter_ in parse(query, level, today=TODAY).filters)


def element(keyword: str, value: str) -> tuple[str, dict]:
    tag = json.tag_of(keyword)
    vr = json.vr_of(tag)
    return tag, {"vr": vr, "Value": [{"Alphabetic": value} if vr == "PN" else value]}


@pytest.mark.parametrize(
    ("level", "field", "keyword"),
    [(Level.STUDY, *pair_) for pair_ in STUDY_FIELDS.items()]
    + [(Level.SERIES, *pair_) for pair_ in SERIES_FIELDS.items()],
)
@given(value=LETTERS)
@example(value="5' 10\" tall")
@example(value="T1 *FLAIR?*")
@example(value="Doe^Jane (née Roe)")
@example(value="MRI")
@example(value="female")
@example(value="CT,MR")
@example(value="[CT]")
@example(value="Thorax/Abdomen")
@example(value="x" * 300)
@example(value="null")
@example(value="0=\x1f")
def test_a_shown_value_finds_its_row(level, field, keyword, value):
    """contract.md section 2: whatever letters the value holds, seen or unseen."""
    tag, held = element(keyword, value)
    row = {"0020000D": {"vr": "UI", "Value": ["1.2"]}, tag: held}
    shown = shown_of(level, row).get(field) or [""]
    shown = shown[0] if isinstance(shown, list) else shown
    if not shown:
        return
    query = f"{keyword}={quoted(shown)}"
    if len(query) <= MAX_QUERY_LENGTH:
        assert finds(level, row, query), (value, shown)


@given(groups=st.tuples(*[st.text(alphabet="Doe^山田(Jr) ", max_size=8)] * 3))
@example(groups=("Yamada^Tarou", "山田^太郎", "やまだ^たろう"))
@example(groups=("", "山田^太郎", "やまだ^たろう"))
@example(groups=("Smith^John (Jr)", "", ""))
@example(groups=("Kim (A)^B", "김^민수", ""))
def test_a_shown_name_finds_itself_whatever_its_groups(groups):
    """PS3.5 section 6.2.1: a name has up to three component groups; answers show two."""
    named = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=True))
    row = {"00100010": {"vr": "PN", "Value": [{key: group for key, group in named.items() if group}]}}
    shown = shown_of(Level.STUDY, row).get("patientName", "")
    if shown.strip(" ()"):
        assert finds(Level.STUDY, row, f"PatientName={quoted(shown)}"), shown


@given(day=st.dates(min_value=dt.date(1900, 1, 1)), time=st.times())
def test_a_shown_date_and_time_find_their_row(day, time):
    """Dates are shown as 2024-01-31, times as 10:15:00; a series without a date shows when its procedure step began."""
    row = {
        "00080020": {"vr": "DA", "Value": [f"{day:%Y%m%d}".zfill(8)]},
        "00080030": {"vr": "TM", "Value": [f"{time:%H%M%S.%f}"]},
    }
    shown = shown_of(Level.STUDY, row)
    asked = f'StudyDate="{shown["studyDate"]}" StudyTime="{shown["studyTime"]}"'
    assert finds(Level.STUDY, row, asked)
    step = {"00400244": row["00080020"], "00400245": row["00080030"]}
    assert shown_of(Level.SERIES, step)["seriesDate"] == shown["studyDate"]
    assert finds(Level.SERIES, step, asked.replace("Study", "Series"))


@given(value=LETTERS)
def test_a_proposed_filter_is_read_as_it_is_meant(value):
    """What an error or a hint proposes is a query that works."""
    if value.strip() and not value.isspace() and value[0] not in "“”„‟‘’‚‛«»`´「『＂＇" and value.isprintable():
        (only,) = parse(pair("PatientComments", value), Level.STUDY, today=TODAY).filters or (None,)
        assert only is None or only.values[0].strip("*") in value


NASTY = [
    (("Yamada^Tarou", "山田^太郎", "やまだ^たろう"), "ID 4 711", "A,1", 'CT chest, 5\' 10" (low "dose")', "weiblich"),
    (("Smith^John (Jr)", "", ""), "4*2", "B;2", "T2* what?", "FEMALE"),
    (("", "山田^太郎", "やまだ^たろう"), "UNKNOWN?", "C|3", "a=b & PatientID=3", "f"),
    (("Doe, Jane", "", ""), "A\u00a0B", "#4", "„Thorax“ 50% /links/", "U"),
    (('O\'Brien^"Pat"', "", ""), "null", "-5", "*", "M"),
    (("Kim^Minsu", "김^민수", ""), "P@x,y", "...", "CT  chest\u200b  twice", "O"),
    (("Müller", "", ""), "<6>", "6.", "[chest]", "F"),
]


async def told(archive: Archive, *queries: str) -> list[dict]:
    async with Client(build_server(Config(archives=(archive,)))) as client:
        results = [await client.call_tool("find-studies", {"query": query}) for query in queries]
        assert not any(result.is_error for result in results), [result.content[0].text for result in results]
        return [result.structured_content for result in results]


def test_a_shown_value_finds_its_study_in_a_real_search():
    """PS3.4 section C.2.2.2.4: what goes over the wire finds at least what is shown, where text is compared by case."""
    records = []
    for number, (name, patient_id, accession_number, description, sex) in enumerate(NASTY, start=1):
        record = study(
            f"1.2.8.{number}",
            date=f"202401{number:02}",
            time="101500",
            name=name,
            patient_id=patient_id,
            accession_number=accession_number,
            description=description,
            issuer=f"Hospital {number}, Ward",
        )
        records.append(
            {**record, SEX: (sex,), REFERRING_PHYSICIAN: ((f"Ref^{number} (Dr.)", "", ""),), ISSUER: ("H 1",)}
        )
    with Loopback() as loopback, loopback.serve(HostileArchive(with_images(records))) as (url,):
        archive = Archive(name="x", url=url)
        (everything,) = anyio.run(told, archive, "includefield=all")
        asked = [
            (item["studyInstanceUid"], f"{keyword}={quoted(value)}")
            for item in everything["studies"]
            for field, keyword in {**STUDY_FIELDS, "studyDate": "StudyDate", "studyTime": "StudyTime"}.items()
            for whole in ([item[field]] if isinstance(item[field], str) else item[field])
            for value in {whole, cell(whole)}  # as the structure has it, and as it stands in a line of text
        ]
        asked += [
            (item["studyInstanceUid"], f'StudyInstanceUID="{item["studyInstanceUid"]}"')
            for item in everything["studies"]
        ]
        answers = anyio.run(told, archive, *(query for _, query in asked))
    assert len(everything["studies"]) == len(NASTY)
    missed = [
        query
        for (uid, query), answer in zip(asked, answers, strict=True)
        if uid not in {item["studyInstanceUid"] for item in answer["studies"]}
    ]
    assert missed == []
