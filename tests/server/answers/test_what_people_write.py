"""What people and models write for a query, through the server: rows, an error that teaches, a hint or a plain none."""

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult

from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import REFERRING_PHYSICIAN, SEX, Record, study, with_images

ROOT = "1.2.7"
YAMADA = ("Yamada^Tarou", "山田^太郎", "やまだ^たろう")
# UID's last component: name, Patient ID, accession number, description, sex, modalities.
HELD = {
    1: ("Doe^Jane", "P1", "A1", "CT chest", "F", ("CT",)),
    2: ("Doe^John", "P2", "A2", "MR brain", "M", ("MR",)),
    3: ("Smith^Adam", "00123", "00123", "Chest CT follow up", "M", ("CT", "SR")),
    4: ("Müller^Ute", "P4", "A4", "US abdomen", "F", ("US",)),
    5: ("O'Brien^Pat", "P5", "A5", "Chest, two views", "F", ("DX",)),
    6: (YAMADA, "P6", "A6", "PET CT", "M", ("PT", "CT")),
    7: ("Doe^Jane", "P1", "A7", "MR spine", "F", ("MR",)),
    8: ("van der Berg^Ann", "P8", "A8", "MG screening", "F", ("MG",)),
}

# Each row: the query, and by a word what must come of it. `rows 1 7`: exactly these studies (series, instances).
# `error WORDS`, `hint WORDS` (no rows, and a note): words that stand in the answer, in any case of letters, each
# parted from the next by ` & `. `none`: no rows and no note, because the form is fine. `read WORDS; 1 7`: rows, and a
# note that tells what was read.
STUDIES = {
    # names
    "PatientName=Doe^Jane": "rows 1 7",
    "patientname=doe*": "rows 1 2 7",
    "PatientName=DOE JANE": "error DOE^JANE* & JANE^DOE*",
    'PatientName="DOE JANE"': "hint PatientName=DOE^JANE* & PatientName=JANE^DOE*",
    'PatientName="Doe, Jane"': "hint PatientName=Doe^Jane*",
    'PatientName="Jane Doe"': "hint PatientName=Doe^Jane*",
    'PatientName="Jane Doe*"': "hint PatientName=Doe^Jane*",
    'PatientName="Dr. Jane Doe"': "hint PatientName=Doe^Jane*",
    'PatientName="Frau Doe"': "hint PatientName=Doe*",
    'PatientName="Ludwig van Beethoven"': 'hint PatientName="van Beethoven^Ludwig*"',
    'PatientName="van der Berg"': 'hint PatientName="van der Berg*"',
    'PatientName="van der Berg*"': "rows 8",
    'PatientName="van der Nobody*"': "none",
    "PatientName=doe": "hint PatientName=doe* & doe^*",
    'PatientName="O\'Brien"': "hint O'Brien*",
    "PatientName=O'Brien^Pat": "rows 5",
    "PatientName=Muller*": "rows 4",
    "PatientName=山田^太郎": "rows 6",
    "PatientName=山田太郎": "hint 山田太郎*",
    "PatientName=Nobody^Some": "none",
    "PatientName=Nobody*": "none",
    "PatientName=Doe%": "hint PatientName=Doe*",
    "PatientName=%Doe%": "hint PatientName=*Doe*",
    "PatientName=/doe/i": "hint PatientName=*doe*",
    "PatientName=Doe.*": "hint PatientName=Doe*",
    "PatientName=^Doe.*": "hint PatientName=Doe*",
    "PatientName=[Dd]oe*": "hint PatientName=Doe*",
    "PatientName=Doe%5EJane": "hint PatientName=Doe^Jane",
    "PatientName=doe~2": "hint PatientName=doe*",
    "PatientName=~doe": "error quote the value",
    "PatientName=!Doe*": "error exclude",
    "PatientName=<Doe>": "error quote the value",
    "PatientName=\"'Doe^Jane'\"": "hint PatientName=Doe^Jane",
    "PatientName=Doe^*,Smith^*": "hint comma & PatientName=Doe^*\\Smith^*",
    "PatientName=Doe^*\\Smith^*": "rows 1 2 3 7",
    "PatientName=Doe* OR PatientName=Smith*": "error PatientName=Doe*\\Smith*",
    "PatientName=Doe* or Smith*": "error PatientName=Doe*\\Smith*",
    "PatientName=“Doe^Jane”": 'error PatientName="Doe^Jane"',
    "PatientName=`Doe^Jane`": 'error PatientName="Doe^Jane"',
    "PatientName＝Ｄｏｅ＊": "rows 1 2 7",
    "PatientName=Doe*\u00a0ModalitiesInStudy=CT": "rows 1",
    "PatientName=Doe*\u200b ModalitiesInStudy=CT": "rows 1",
    'PatientName="Doe^Jane,"': "hint PatientName=Doe^Jane",
    'PatientName="Doe^Jane."': "hint PatientName=Doe^Jane",
    "PatientName=null": "hint leave PatientName out",
    'ReferringPhysicianName="Dr. Smith"': "hint ReferringPhysicianName=Smith*",
    "ReferringPhysicianName=Smith^*": "rows 1 2 3 4 5 6 7 8",
    # how filters are put together
    "PatientName:Doe": "error KEY=VALUE",
    "PatientName=": "error VALUE",
    "PatientName=Doe*, ModalitiesInStudy=CT": "error comma & spaces",
    "PatientName=Doe*; ModalitiesInStudy=CT": "error semicolon & spaces",
    "PatientName=Doe*;ModalitiesInStudy=CT": "error semicolon & space",
    "StudyDescription=*chest*, Modality=CT": "error comma",
    'PatientName="Doe*", ModalitiesInStudy=CT': "error comma & spaces",
    'PatientName="Doe*, ModalitiesInStudy=CT"': "hint ModalitiesInStudy= & close the quote",
    "PatientName=Doe*&ModalitiesInStudy=CT": "error space",
    "PatientName=Doe*\\nModalitiesInStudy=CT": "error space before ModalitiesInStudy",
    "PatientName=Doe*+ModalitiesInStudy=CT": "error space before ModalitiesInStudy",
    "PatientName=Doe*/ModalitiesInStudy=CT": "error space before ModalitiesInStudy",
    "?PatientName=Doe*": "error PatientName",
    "PatientName=Doe* AND ModalitiesInStudy=CT": "error spaces",
    "PatientName=Doe* NOT ModalitiesInStudy=CT": "error exclude",
    "NOT ModalitiesInStudy=CT": "error exclude",
    "PatientName=Doe* -ModalitiesInStudy=CT": "error exclude",
    "PatientName=Doe* ModalitiesInStudy!=CT": "error KEY=VALUE & exclude",
    "ModalitiesInStudy <> CT": "error exclude",
    "PatientName LIKE 'Doe%'": "error KEY=VALUE & PatientName=*VALUE*",
    "StudyDate BETWEEN 20240101 AND 20240131": "error StudyDate=20240101-20240131",
    "ModalitiesInStudy IN (CT,MR)": "error ModalitiesInStudy=A,B",
    "SELECT * FROM studies WHERE PatientName='Doe'": "error KEY=VALUE",
    '{"PatientName":"Doe*","ModalitiesInStudy":"CT"}': "error KEY=VALUE",
    "Show me all CT studies of Jane Doe": "error KEY=VALUE",
    "PatientName=Doe* OR StudyDate=2024": "error search twice",
    "PatientID=P1 PatientID=P2": "error PatientID=P1,P2",
    "StudyDate=20240103 StudyDate=20240105": "error StudyDate=20240103-20240105",
    "PatientID=P1 orderby=-StudyDate": "error newest first",
    "PatientID=P1 sort=date": "error newest first",
    "limit=all": "error whole number",
    "fuzzy=true PatientName=Smith": "error fuzzymatching",
    "Patient ID=P1": "error PatientID=P1",
    "Study Date=2024": "error StudyDate=2024",
    "PatientName= Doe*": "error VALUE & PatientName=Doe*",
    "PatientName =Doe*": "error without spaces",
    "PatientName==Doe^Jane": "hint PatientName=Doe^Jane",
    "PatientName=Doe* LIMIT 10": "error limit=10",
    "PatientName=Doe* ORDER BY StudyDate": "error newest first",
    "WHERE PatientName=Doe*": "error KEY=VALUE",
    "limit=10;": "error semicolon",
    "https://x/dicom-web/studies?PatientName=Doe*": "error PatientName",
    "/studies?PatientName=Doe*&limit=5": "error space",
    "name:doe AND modality:ct": "error KEY=VALUE",
    "PatientName~Doe": "error PatientName=Doe",
    "-PatientName=Doe*": "error exclude",
    "patients older than 60": "error KEY=VALUE",
    "Doe^Jane": "error KEY=VALUE",
    "all": "error KEY=VALUE",
    # codes
    "Modality=CT AND Modality=MR": "error Modality=CT,MR",
    "Modality=CT MR": "error Modality=CT,MR",
    "Modality=not CT": "error exclude",
    "Modality=<>CT": "error exclude",
    "modality=computed tomography": "error modality=CT",
    'Modality="Magnetic Resonance Imaging"': "read ModalitiesInStudy=MR; 2 7",
    "Modality=x-rays": "read ModalitiesInStudy=CR,DX; 5",
    "Modality=CT;MR": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "Modality=CT+MR": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "Modality=any": "hint leave ModalitiesInStudy out",
    "Modality=*": "rows 1 2 3 4 5 6 7 8",
    "Modality=C?": "rows 1 3 6",
    "ModalitiesInStudy=CT OR ModalitiesInStudy=MR": "error ModalitiesInStudy=CT,MR",
    "ModalitiesInStudy=CT OR MR": "error ModalitiesInStudy=CT,MR",
    "ModalitiesInStudy=CT, MR": "error ModalitiesInStudy=CT,MR",
    "ModalitiesInStudy=CT\\MR": "rows 1 2 3 6 7",
    'ModalitiesInStudy="CT,MR"': "rows 1 2 3 6 7",
    "ModalitiesInStudy=[CT,MR]": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    'ModalitiesInStudy=["CT","MR"]': "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "ModalitiesInStudy=CT|MR": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "ModalitiesInStudy=CT/MR": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    'ModalitiesInStudy="CT or MR"': "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "ModalitiesInStudy=ct": "rows 1 3 6",
    "Modality=CT": "rows 1 3 6",
    "Modality=ＣＴ": "rows 1 3 6",
    "Modality=MRI": "read ModalitiesInStudy=MR; 2 7",
    "Modality=MRT": "read ModalitiesInStudy=MR; 2 7",
    "Modality=CAT": "read ModalitiesInStudy=CT; 1 3 6",
    'Modality="CAT scan"': "read ModalitiesInStudy=CT; 1 3 6",
    "Modality=CAT scan": "error Modality=CT",
    "Modality=CT,MRI": "read ModalitiesInStudy=CT,MR; 1 2 3 6 7",
    "Modality=X-Ray": "read ModalitiesInStudy=CR,DX; 5",
    'Modality="x ray"': "read ModalitiesInStudy=CR,DX; 5",
    "Modality=Röntgen": "read ModalitiesInStudy=CR,DX; 5",
    "Modality=ultrasound": "read ModalitiesInStudy=US; 4",
    "Modality=PET": "read ModalitiesInStudy=PT; 6",
    "Modality=PET/CT": "read ModalitiesInStudy=PT; 6",
    "Modality=mammography": "read ModalitiesInStudy=MG; 8",
    "Modality=QQ": "hint is no modality",
    "Modality=XA": "none",
    "Modality=!CT": "error exclude",
    "PatientSex=female": "read PatientSex=F; 1 4 5 7 8",
    'PatientSex="Female"': "read PatientSex=F; 1 4 5 7 8",
    "PatientSex=weiblich": "read PatientSex=F; 1 4 5 7 8",
    "PatientSex=male,female": "read PatientSex=M,F; 1 2 3 4 5 6 7 8",
    "PatientSex=F": "rows 1 4 5 7 8",
    "PatientSex=O": "none",
    "PatientSex=X": "hint PatientSex=F",
    "PatientSex=w": "read PatientSex=F; 1 4 5 7 8",
    "PatientSex=males": "read PatientSex=M; 2 3 6",
    # lists and patterns of names
    "PatientName=DOE,JANE": "hint PatientName=DOE^JANE*",
    "PatientName=Doe*,Smith*": "hint comma & PatientName=Doe*\\Smith*",
    "PatientName=doe|smith": "hint PatientName=doe*\\smith*",
    "PatientName=(doe|smith)": "hint PatientName=doe*\\smith*",
    "PatientName=Doe%20Jane": "hint PatientName=Doe^Jane*",
    'PatientName="Prof. Dr. med. Ute Müller"': "hint PatientName=Müller^Ute*",
    'PatientName="山田 太郎"': "hint PatientName=山田^太郎*",
    "PatientName=Doe*.": "hint PatientName=Doe*",
    'PatientName="*Jane*Doe*"': "none",
    # text and numbers
    'StudyDescription="*chest* OR *brain*"': "hint StudyDescription=*chest*\\*brain*",
    "StudyDescription contains chest": "error StudyDescription=*VALUE*",
    "StudyDescription=.*chest.*": "hint StudyDescription=*chest*",
    "PatientID=P1;P2": "hint PatientID=P1,P2",
    "PatientID=P1|P2": "hint PatientID=P1,P2",
    'PatientID="P1,P2"': "hint PatientID=P1,P2",
    'PatientID="P1 OR P2"': "hint PatientID=P1,P2",
    "PatientID=P1, P2": "error PatientID=P1,P2",
    "PatientID=123": "none",
    "StudyDescription=*hest*": "rows 1 3 5",
    "StudyDescription=chest": "hint StudyDescription=*chest*",
    'StudyDescription="chest CT"': 'hint StudyDescription="*chest CT*"',
    "StudyDescription=CT chest": 'error "CT chest"',
    "StudyDescription=*nowhere*": "none",
    "StudyDescription=%chest%": "hint StudyDescription=*chest*",
    "StudyDescription=(chest)": "hint StudyDescription=*chest*",
    "StudyDescription=chest.": "hint StudyDescription=*chest*",
    "AccessionNumber=00123": "rows 3",
    "AccessionNumber=9999": "none",
    "PatientID=P1,P2": "rows 1 2 7",
    "PatientID=[P1,P2]": "hint PatientID=P1,P2",
    "PatientID==P1": "error PatientID=P1",
    "PatientID=NOPE": "none",
    "PatientID=P1.": "hint PatientID=P1",
    "PatientID=P1%": "hint PatientID=P1*",
    "(0010,0020)=P1": "rows 1 7",
    "StudyInstanceUID=1.2.7.1@x": "rows 1",
    # keys
    "StudyUID=1.2.7.1": "error StudyInstanceUID",
    "study_instance_uid=1.2.7.1": "error StudyInstanceUID",
    "studyInstanceUid=1.2.7.1": "rows 1",
    "patient.name=Doe*": "error PatientName",
    "MRN=P1": "error PatientID",
    "DOB=19600101": "error PatientBirthDate",
    "Geburtsdatum=19600101": "error PatientBirthDate",
    "gender=F": "error PatientSex",
    "age=60": "error PatientAge",
    "ReferringPhysician=Smith": "error ReferringPhysicianName",
    "doctor=Smith": "error ReferringPhysicianName",
    "q=chest": "error StudyDescription",
    "from=20240101": "error StudyDate & -20240131",
    "BodyPartExamined=CHEST": "error find-series",
    # dates, times, ages
    "StudyDate=20240103-": "rows 3 4 5 6 7 8",
    "StudyDate=2024-01-03/2024-01-05": "rows 3 4 5",
    "StudyDate=2024.01.03": "rows 3",
    "StudyDate=２０２４０１０３": "rows 3",
    "StudyDate=20240103 - 20240105": "error range",
    "StudyDate=20240103..20240105": "error StudyDate=20240103/20240105",
    "StudyDate=2024-01-03–2024-01-05": "error StudyDate=2024-01-03/2024-01-05",
    "StudyDate=>20240103": "error StudyDate=20240103- & 20240101-",
    "StudyDate=<=20240103": "error StudyDate=-20240103",
    "StudyDate>=20240103": "error 20240131-",
    "StudyDate=01/03/2024": "error StudyDate=2024-03-01 or StudyDate=2024-01-03",
    "StudyDate=3.1.2024": "error StudyDate=2024-01-03",
    "StudyDate=03.01.2024-05.01.2024": "error StudyDate=2024-01-03/2024-01-05",
    "StudyDate=2024-01-03T10:15:00Z": "error StudyDate=2024-01-03",
    "StudyDate=3-Jan-2024": "error StudyDate=2024-01-03",
    'StudyDate="January 3, 2024"': "error StudyDate=2024-01-03",
    'StudyDate="5. März 2024"': "error StudyDate=2024-03-05",
    "StudyDate=2024-1-3": "error StudyDate=2024-01-03",
    "StudyDate=2024-01-03..": "error StudyDate=2024-01-03-",
    "StudyDate=..2024-01-03": "error StudyDate=-2024-01-03",
    "StudyDate=20240103101500": "error StudyDate=20240103",
    "PatientAge=60 years": "error 060Y",
    "StudyDate=3. Januar 2024": "error StudyDate=2024-01-03",
    "StudyDate=20240103 to 20240105": "error range & StudyDate=20240103/20240105",
    "StudyDate<20240103": "error StudyDate=-20240103",
    'StudyDate="2024-01-03 10:15"': "error StudyDate=2024-01-03",
    "StudyDate=past-30-days": "error StudyDate=last-30-days",
    "StudyDate=last30days": "error StudyDate=last-30-days",
    "StudyDate=last-week": "error last-7-days",
    "StudyDate=heute": "error StudyDate=today",
    "StudyDate=7d": "error StudyDate=last-7-days",
    "StudyTime=8am-12pm": "error 0800-1200",
    "PatientAge=>60": "error 060Y & 045Y",
    "PatientAge=60": "error 060Y",
    "PatientBirthDate=01.01.1960": "error PatientBirthDate=1960-01-01",
}
SERIES = {
    "Modality=ct": "rows 1",
    "Modality=CAT": "read Modality=CT; 1",
    "SeriesDescription=eries": "hint SeriesDescription=*eries*",
    "SeriesDescription=*series*": "rows 1",
    "SeriesUID=1.2.7.1.1": "error SeriesInstanceUID",
    "BodyPartExamined=chest": "rows 1",
    "BodyPartExamined=lung": "hint BodyPartExamined=CHEST & SeriesDescription=*lung*",
    "BodyPartExamined=Kopf": "hint BodyPartExamined=HEAD",
    "BodyPartExamined=KNEE": "none",
    "SeriesNumber=>3": "error SeriesNumber=3",
    "modalities=CT": "error Modality",
    "StudyDescription=chest": "error find-studies",
}
INSTANCES = {
    "InstanceNumber=1": "rows 1",
    "InstanceNumber=1-10": "error digits",
    "InstanceNumber=999": "none",
    "SOPUID=1.2.7.1.1.1": "error SOPInstanceUID",
    'SOPClassUID="CT Image"': "read SOPClassUID=1.2.840.10008.5.1.4.1.1.2; 1 2",
    "SOPClass=1.2.840.10008.5.1.4.1.1.2": "error SOPClassUID",
    "image=1": "error InstanceNumber",
    "slice=12": "error InstanceNumber",
    "Modality=CT": "error find-series",
}
TABLE = [
    *(("find-studies", query, must) for query, must in STUDIES.items()),
    *(("find-series", query, must) for query, must in SERIES.items()),
    *(("find-instances", query, must) for query, must in INSTANCES.items()),
]
UID_OF = {
    "find-studies": ("studies", "studyInstanceUid"),
    "find-series": ("series", "seriesInstanceUid"),
    "find-instances": ("instances", "sopInstanceUid"),
}
PARENTS = {
    "find-studies": {},
    "find-series": {"studyInstanceUid": f"{ROOT}.1@x"},
    "find-instances": {"studyInstanceUid": f"{ROOT}.1@x", "seriesInstanceUid": f"{ROOT}.1.1@x"},
}


def record(number: int) -> Record:
    name, patient_id, accession_number, description, sex, modalities = HELD[number]
    told = study(
        f"{ROOT}.{number}",
        date=f"202401{number:02}",
        time="101500",
        name=name,
        patient_id=patient_id,
        description=description,
        modalities=modalities,
        accession_number=accession_number,
        birth_date="19600101",
    )
    return {**told, SEX: (sex,), REFERRING_PHYSICIAN: (("Smith^Adam", "", ""),)}


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, str], CallToolResult]:
    """What the server answers to every row of the table."""
    archive = HostileArchive(with_images([record(number) for number in HELD]))
    with Loopback() as loopback, loopback.serve(archive) as (url,):
        return anyio.run(asked, Archive(name="x", url=url))


async def asked(archive: Archive) -> dict[tuple[str, str], CallToolResult]:
    async with Client(build_server(Config(archives=(archive,)))) as client:
        return {
            (tool, query): await client.call_tool(tool, {"query": query, **PARENTS[tool]}) for tool, query, _ in TABLE
        }


@pytest.mark.parametrize(("tool", "query", "must"), TABLE, ids=[query for _, query, _ in TABLE])
def test_what_is_written_finds_or_teaches(answers, tool, query, must):
    """contract.md section 2: it fails closed, zero rows teach, and what was read otherwise is said."""
    result = answers[tool, query]
    text = result.content[0].text
    kind, _, wanted = must.partition(" ")
    assert result.is_error is (kind == "error"), text
    words = wanted.partition(";")[0] if kind in {"error", "hint", "read"} else ""
    others = text.casefold().replace(f"'{query}'".casefold(), "")
    for word in filter(None, words.split(" & ")):
        assert word.casefold() in others, text
    if kind == "error":
        return
    named, uid = UID_OF[tool]
    told = result.structured_content
    numbers = wanted.rpartition(";")[2].split() if kind in {"rows", "read"} else []
    assert {item[uid].partition("@")[0].rpartition(".")[2] for item in told[named]} == set(numbers), text
    notes = told.get("notes", [])
    assert bool(notes) is (kind in {"hint", "read"}), text
    assert all(note in text for note in notes)
    assert told["complete"] is True


def test_the_table_is_large_enough():
    """A row for each form that people and models were seen to write, at every level."""
    assert len(TABLE) == len({(tool, query) for tool, query, _ in TABLE}) >= 230
