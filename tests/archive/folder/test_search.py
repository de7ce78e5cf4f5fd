"""A folder archive searches as PS3.18 section 10.6 and PS3.4 section C.2.2.2 say."""

import itertools
import warnings
from collections import defaultdict

import anyio
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.folder_archive import PYDICOM_DATA, first, opened, write_tiny

pytestmark = pytest.mark.anyio

STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"


@pytest.fixture(scope="module")
def instances():
    """What pydicom reads of its own files: the first file by path of every SOP Instance UID."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(PYDICOM_DATA.rglob("*"), key=lambda path: str(path.relative_to(PYDICOM_DATA))):
            start = path.read_bytes()[:132] if path.is_file() else b""
            if start[128:] != b"DICM" and not (start[:2] == b"\x08\0" or start[:2] == b"\0\x08"):
                continue
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            wanted = ("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
            if all(dataset.get(keyword) for keyword in wanted):
                found.setdefault(str(dataset.SOPInstanceUID), dataset)
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
async def archive(cache):
    async with opened(PYDICOM_DATA, cache) as client:
        yield client


async def rows(client, target):
    response = await client.get(target)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/dicom+json"
    return response.json()


async def test_every_instance_is_found_by_walking_and_by_relational_queries(archive, instances):
    """PS3.18 section 10.6.1: the hierarchy and the relational resources hold the same."""
    assert len(instances) > 120
    walked = set()
    for study in await rows(archive, "/studies"):
        uid = first(study, STUDY)
        for series in await rows(archive, f"/studies/{uid}/series"):
            found = await rows(archive, f"/studies/{uid}/series/{first(series, SERIES)}/instances")
            assert first(series, "00201209") == len(found)
            walked |= {first(row, INSTANCE) for row in found}
        assert first(study, "00201208") == len(await rows(archive, f"/studies/{uid}/instances"))
    assert walked == set(instances) == {first(row, INSTANCE) for row in await rows(archive, "/instances")}
    assert len(await rows(archive, "/series")) == len(
        {(str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID)) for dataset in instances.values()}
    )


async def test_modalities_and_classes_are_those_of_the_instances(archive, instances):
    """PS3.18 Table 10.6.3-3."""
    modalities, classes = defaultdict(set), defaultdict(set)
    for dataset in instances.values():
        if dataset.get("Modality"):
            modalities[str(dataset.StudyInstanceUID)].add(str(dataset.Modality))
        classes[str(dataset.StudyInstanceUID)].add(str(dataset.SOPClassUID))
    for row in await rows(archive, "/studies"):
        assert set(row["00080061"].get("Value", [])) == modalities[first(row, STUDY)]
        assert set(row["00080062"]["Value"]) == classes[first(row, STUDY)]


def day(dataset):
    return str(dataset.get("StudyDate") or "").replace(".", "")


MATCHES = [
    ("/studies?ModalitiesInStudy=MR", lambda dataset: dataset.get("Modality") == "MR"),
    ("/studies?ModalitiesInStudy=MR,CT", lambda dataset: dataset.get("Modality") in {"MR", "CT"}),
    ("/studies?00080061=mr", lambda dataset: dataset.get("Modality") == "MR"),
    ("/studies?StudyDate=20040101-20041231", lambda dataset: str(dataset.get("StudyDate"))[:4] == "2004"),
    (
        "/studies?StudyDate=-20041231",
        lambda dataset: "0" < str(dataset.get("StudyDate") or "~").replace(".", "") <= "20041231",
    ),
    ("/studies?StudyDate=19970424", lambda dataset: str(dataset.get("StudyDate")) == "1997.04.24"),
    ("/studies?PatientID=77654033", lambda dataset: dataset.get("PatientID") == "77654033"),
    ("/studies?PatientName=compressedsamples*", lambda dataset: "CompressedSamples" in str(dataset.get("PatientName"))),
    ("/studies?PatientName=Doe^P?ter", lambda dataset: str(dataset.get("PatientName")) == "Doe^Peter"),
    ("/studies?PatientName=*&PatientID=", lambda dataset: True),
    ("/series?Modality=MR", lambda dataset: dataset.get("Modality") == "MR"),
    (
        "/series?Modality=MR&PatientID=98890234",
        lambda ds: ds.get("Modality") == "MR" and ds.get("PatientID") == "98890234",
    ),
    ("/series?SeriesNumber=2", lambda dataset: str(dataset.get("SeriesNumber")) == "2"),
    ("/instances?InstanceNumber=1", lambda dataset: str(dataset.get("InstanceNumber")) == "1"),
    ("/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2", lambda ds: ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"),
    ("/instances?Rows=64&Columns=64", lambda dataset: dataset.get("Rows") == dataset.get("Columns") == 64),
    ("/instances?SliceThickness=5", lambda dataset: dataset.get("SliceThickness") == 5),
    # Attributes that are not in the index are read from the files.
    ("/instances?FlipAngle=90", lambda dataset: str(dataset.get("FlipAngle")) == "90"),
    ("/instances?MagneticFieldStrength=1.5", lambda dataset: dataset.get("MagneticFieldStrength") == 1.5),
]


@pytest.mark.parametrize(("target", "wanted"), MATCHES)
async def test_matching_agrees_with_the_files(archive, instances, target, wanted):
    """PS3.4 section C.2.2.2, at every level."""
    level = target.partition("?")[0]
    keyword, tag = {
        "/studies": ("StudyInstanceUID", STUDY),
        "/series": ("SeriesInstanceUID", SERIES),
        "/instances": ("SOPInstanceUID", INSTANCE),
    }[level]
    expected = {str(getattr(dataset, keyword)) for dataset in instances.values() if wanted(dataset)}
    assert expected
    assert {first(row, tag) for row in await rows(archive, target)} == expected


async def test_a_list_of_uids_finds_each(archive, instances):
    """PS3.4 section C.2.2.2.2."""
    uids = sorted({str(dataset.StudyInstanceUID) for dataset in instances.values()})[:3]
    found = await rows(archive, f"/studies?StudyInstanceUID={','.join(uids)}")
    assert sorted(first(row, STUDY) for row in found) == uids


@pytest.mark.parametrize(
    ("asked", "alphabetic"),
    [
        ("*山田*", "Yamada^Tarou"),
        ("山田^太郎", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("やまだ^たろう", "Yamada^Tarou"),
        ("洪*", "Hong^Gildong"),
        ("홍^길동", "Hong^Gildong"),
        ("王^小东", "Wang^XiaoDong"),
        ("王^小東", "Wang^XiaoDong"),
        ("Διονυσιος", "Διονυσιος"),
        ("Люкceмбypг", "Люкceмбypг"),
        ("شرon", ""),
        ("שרון^*", "שרון^דבורה"),
        ("قباني^لنزار", "قباني^لنزار"),
        ("buc^jerome", "Buc^Jérôme"),
        ("aneas*", "Äneas^Rüdiger"),
    ],
)
async def test_names_of_every_character_set_are_found_and_shown(archive, asked, alphabetic):
    """PS3.5 section 6.1: the files are in eleven character sets, the answer is UTF-8."""
    found = await rows(archive, f"/studies?PatientName={asked}")
    names = [row["00100010"]["Value"][0]["Alphabetic"] for row in found]
    assert (alphabetic in names) if alphabetic else not names
    assert all(row["00080005"]["Value"] == ["ISO_IR 192"] for row in found)


def in_order(dates, *, downwards):
    dated = [date.replace(".", "") for date in dates if date]
    return dated == sorted(dated, reverse=downwards) and not any(dates[len(dated) :])


async def test_studies_are_newest_first_and_undated_last(archive):
    """contract.md section 3.2; orderby as dcm4chee has it."""
    for target, downwards in (
        ("/studies", True),
        ("/studies?orderby=-StudyDate,-StudyTime", True),
        ("/studies?orderby=StudyDate", False),
    ):
        dates = [first(row, "00080020") for row in await rows(archive, target)]
        assert None in dates
        assert in_order(dates, downwards=downwards)


async def test_instances_are_in_the_order_of_their_numbers(archive):
    """contract.md section 3.2."""
    for series in await rows(archive, "/series"):
        target = f"/studies/{first(series, STUDY)}/series/{first(series, SERIES)}/instances"
        numbers = [first(row, "00200013") for row in await rows(archive, target)]
        present = [number for number in numbers if number is not None]
        assert numbers[: len(present)] == sorted(present)


async def test_pages_cover_everything_once(archive):
    """PS3.18 section 8.3.4.4: limit and offset."""
    whole = [first(row, STUDY) for row in await rows(archive, "/studies")]
    pages = [await rows(archive, f"/studies?limit=7&offset={offset}") for offset in range(0, len(whole) + 7, 7)]
    assert [first(row, STUDY) for row in itertools.chain(*pages)] == whole
    assert pages[-1] == []
    assert await rows(archive, "/studies?limit=0") == []


async def test_include_field_adds_attributes(archive):
    """PS3.18 section 8.3.4.3."""
    (plain,) = await rows(archive, "/studies?PatientName=Lestrade*")
    (more,) = await rows(
        archive, "/studies?PatientName=Lestrade*&includefield=PatientAge,00101030&includefield=StudyID"
    )
    assert first(more, "00101010") == "024Y"
    assert plain.items() < more.items()
    target = "/instances?PatientName=CompressedSamples^CT1&limit=1&includefield="
    ((short,), (one,), (everything,)) = [
        await rows(archive, target + fields) for fields in ("KVP", "ConvolutionKernel", "all")
    ]
    assert "00181210" not in short
    assert first(one, "00181210")
    assert everything.keys() > one.keys()
    assert "7FE00010" not in everything


async def test_fuzzy_matching_takes_the_beginnings_of_words(archive):
    """PS3.18 section 8.3.4.2."""
    assert await rows(archive, "/studies?PatientName=jerome buc") == []
    found = await rows(archive, "/studies?PatientName=jerome buc&fuzzymatching=true")
    assert [row["00100010"]["Value"][0]["Alphabetic"] for row in found] == ["Buc^Jérôme"]


async def test_a_retrieve_url_leads_to_the_object(archive):
    """PS3.18 Tables 10.6.3-3 to -5."""
    for target in ("/studies?limit=1", "/series?limit=1", "/instances?limit=1"):
        (row,) = await rows(archive, target)
        assert (await archive.get(f"{first(row, '00081190')}/metadata")).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/studies?NoSuchTag=1",
        "/studies?Modality=CT",
        "/studies?SeriesDescription=x",
        "/studies?InstanceNumber=1",
        "/series?InstanceNumber=1",
        "/studies?StudyDate=notadate",
        "/studies?StudyInstanceUID=1.2.*",
        "/studies?PatientID=1&PatientID=2",
        "/studies?limit=-1",
        "/studies?limit=abc",
        "/studies?limit=1&limit=2",
        "/studies?fuzzymatching=maybe",
        "/studies?includefield=NoSuchTag",
        "/studies?orderby=NoSuchTag",
        "/studies?00091001=1",
        "/studies/1.2.x/series",
        "/studies/1.2/series/x/instances",
    ],
)
async def test_what_is_not_understood_is_refused(archive, target):
    """PS3.18 section 8.3.4: never an answer that is wider than the question."""
    assert (await archive.get(target)).status_code == 400


async def test_an_unknown_study_has_no_series(archive):
    """PS3.18 section 10.6.4."""
    assert await rows(archive, "/studies/1.2.3/series") == []


async def test_unreadable_files_are_told_with_every_answer(archive):
    """Issue 2, part 4: unreadable files are counted and named."""
    summary = (await archive.get("/federator/index")).json()
    assert summary["unreadable_count"] == len(summary["unreadable"]) > 10
    response = await archive.get("/studies?limit=1")
    assert f"{summary['unreadable_count']} files" in response.headers["warning"]


WORDS = ["Doe", "doé", "Müller", "山田", "Li", "O'Brien", "Ng"]
MADE = [
    (
        f"2.25.{number}",
        f"{WORDS[number % 7]}^{WORDS[number % 5]}",
        f"20{20 + number % 3}{1 + number % 12:02}{1 + number % 28:02}",
    )
    for number in range(1, 43)
]


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for uid, name, date in MADE:
        write_tiny(
            folder / f"{uid}.dcm",
            study=uid,
            series=f"{uid}.1",
            instance=f"{uid}.1.1",
            PatientName=name,
            StudyDate="" if uid.endswith("7") else date,
        )
    return folder


@settings(deadline=None, max_examples=60)
@given(
    bounds=st.lists(st.sampled_from([date for *_, date in MADE]), min_size=2, max_size=2).map(sorted), data=st.data()
)
def test_ranges_and_wild_cards_agree_with_looking_at_each(made_folder, cache, bounds, data):
    """PS3.4 sections C.2.2.2.4 and C.2.2.2.5, against an oracle in memory."""
    letter = data.draw(st.sampled_from("dDlMbn山'"))
    first_day, last_day = data.draw(st.sampled_from([tuple(bounds), (bounds[0], ""), ("", bounds[1])]))

    async def search():
        async with opened(made_folder, cache) as client:
            return await rows(client, f"/studies?StudyDate={first_day}-{last_day}&PatientName=*{letter}*")

    expected = {
        uid
        for uid, name, date in MADE
        if not uid.endswith("7") and (first_day or "0") <= date <= (last_day or "9") and letter.lower() in name.lower()
    }
    assert {first(row, STUDY) for row in anyio.run(search)} == expected
