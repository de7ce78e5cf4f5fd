"""The search session at a second real archive, tiny-pacs: what it tells itself, or partial with the reason."""

import datetime as dt
from collections.abc import Iterator

import pytest

from federator.config import Archive, Config
from federator.dicom import json
from federator.dicom.query.language import parse
from federator.dicom.uid import TaggedUID
from federator.federation.federation import Federation
from federator.model import Level, OutcomeState, Page
from tests.support.orthanc_server import many_files, named_files
from tests.support.real.tiny_pacs import TinyPacs, running_tiny_pacs

pytestmark = [pytest.mark.anyio, pytest.mark.tiny_pacs]

TODAY = dt.date(2026, 1, 1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyPacs]:
    with running_tiny_pacs(tmp_path_factory.mktemp("tiny")) as server:
        server.store([*named_files(), *many_files()[:90]])
        yield server


async def every_page(tiny: TinyPacs, query: str, level: Level = Level.STUDY, **below: TaggedUID) -> list[Page]:
    """All pages of a question to a process that knows nothing of the archive yet."""
    config = Config(archives=(Archive(name="tiny", url=tiny.url, deadline_s=60),))
    pages: list[Page] = []
    async with Federation(config) as federation:
        while not pages or pages[-1].next_cursor:
            cursor = pages[-1].next_cursor if pages else ""
            pages.append(await federation.search(parse(query, level, today=TODAY), cursor=cursor, **below))
    return pages


def uids(pages: list[Page]) -> list[str]:
    return [entry.uid for page in pages for entry in page.entries]


STUDY_QUERIES = {
    "limit=200": lambda _: True,
    "limit=25": lambda _: True,
    "PatientID=PG7": lambda row: json.text(row, "00100020") == "PG7",
    "PatientID=pg7": lambda row: json.text(row, "00100020") == "PG7",
    "PatientID=NOPE": lambda _: False,
    "PatientName=Paging*": lambda row: json.text(row, "00100010").startswith("Paging"),
    "PatientName=*007": lambda row: json.text(row, "00100010").endswith("007"),
    "PatientName=müller*": lambda row: json.uid(row, "0020000D") in {"1.9.1", "1.9.4"},
    "PatientName=muller^hans": lambda row: json.uid(row, "0020000D") == "1.9.4",
    "PatientName=*山田*": lambda row: json.uid(row, "0020000D") == "1.9.2",
    "PatientName=o'brien*": lambda row: json.uid(row, "0020000D") == "1.9.6",
    "AccessionNumber=A-2": lambda row: json.text(row, "00080050") == "A-2",
    "AccessionNumber=a-2": lambda row: json.text(row, "00080050") == "A-2",
    "StudyDate=2014": lambda row: json.date(row, "00080020").startswith("2014"),
    "StudyDate=20120101-20150630": lambda row: "20120101" <= json.date(row, "00080020") <= "20150630",
    "StudyDate=20240101-": lambda row: json.date(row, "00080020") >= "20240101",
    "StudyDescription=*paging*": lambda row: "PAGING" in json.text(row, "00081030"),
    "StudyDescription=other": lambda row: json.text(row, "00081030") == "Other",
    "StudyInstanceUID=1.8.3,1.8.5,1.7.1": lambda row: json.uid(row, "0020000D") in {"1.8.3", "1.8.5"},
    "PatientID=PG3 StudyDate=2013": lambda row: (
        json.text(row, "00100020") == "PG3" and json.date(row, "00080020").startswith("2013")
    ),
}


@pytest.mark.parametrize("query", STUDY_QUERIES)
async def test_studies_are_those_that_it_tells_itself(tiny, query):
    """contract.md §2 and §3.7: keywords only, no wild cards, 204 for none; its plain list is the witness."""
    told = tiny.lists("/studies?limit=1000")
    expected = {json.uid(row, "0020000D") for row in told if STUDY_QUERIES[query](row)}
    assert len(told) == 96
    pages = await every_page(tiny, query)
    found = uids(pages)
    assert len(found) == len(set(found))
    assert set(found) <= expected
    for page in pages:
        for outcome in page.outcomes:
            assert outcome.complete or outcome.message
    if all(page.complete for page in pages):
        assert set(found) == expected


@pytest.mark.parametrize("modality", ["MR", "SR"])
async def test_modalities_that_it_does_not_return_are_found_or_said(tiny, modality):
    """facts: it does not return ModalitiesInStudy; contract.md §3.7: by series, or partial."""
    of_series = {
        json.uid(study, "0020000D")
        for study in tiny.lists("/studies?limit=1000")
        for series in tiny.lists(f"/studies/{json.uid(study, '0020000D')}/series")
        if json.text(series, "00080060") == modality
    }
    pages = await every_page(tiny, f"ModalitiesInStudy={modality} limit=200")
    assert set(uids(pages)) <= of_series
    if all(page.complete for page in pages):
        assert set(uids(pages)) == of_series
    else:
        assert all(page.outcomes[0].state is OutcomeState.PARTIAL for page in pages)
        assert any(page.outcomes[0].message for page in pages)


async def test_series_and_instances_are_those_that_it_tells_itself(tiny):
    """PS3.18 Table 10.6.1-2."""
    study, series = TaggedUID(uid="1.9.2"), TaggedUID(uid="1.9.2.2")
    pages = await every_page(tiny, "", Level.SERIES, study=study)
    told = {json.uid(row, "0020000E") for row in tiny.lists("/studies/1.9.2/series")}
    assert set(uids(pages)) == told == {"1.9.2.1", "1.9.2.2"}
    pages = await every_page(tiny, "", Level.INSTANCE, study=study, series=series)
    told = {json.uid(row, "00080018") for row in tiny.lists("/studies/1.9.2/series/1.9.2.2/instances")}
    assert set(uids(pages)) == told
    assert len(told) == 3
