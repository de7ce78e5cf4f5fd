"""Thirty questions to real archives, through the tools: the same facts as the archive's own interface tells."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from mcp import Client

from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.orthanc_server import Orthanc, many_files, named_files, running
from tests.support.real.own_interface import OwnInterface, Record, of_orthanc, of_tiny_pacs
from tests.support.real.session import QUESTIONS, Question
from tests.support.real.tiny_pacs import TinyPacs, running_tiny_pacs

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("orthanc")]

KINDS = {
    "find-studies": ("studies", "studyInstanceUid", "StudyInstanceUID"),
    "find-series": ("series", "seriesInstanceUid", "SeriesInstanceUID"),
    "find-instances": ("instances", "sopInstanceUid", "SOPInstanceUID"),
}
FACTS = {
    "find-studies": {
        "patientId": "PatientID",
        "accessionNumber": "AccessionNumber",
        "studyDescription": "StudyDescription",
        "studyDate": "StudyDate",
        "studyTime": "StudyTime",
    },
    "find-series": {
        "modality": "Modality",
        "seriesDescription": "SeriesDescription",
        "seriesNumber": "SeriesNumber",
    },
    "find-instances": {"instanceNumber": "InstanceNumber"},
}
"""A field of an answer, and the attribute of which it tells."""
PARTIAL_AT_TINY_PACS = frozenset(
    {"find-studies ModalitiesInStudy=US limit=200", 'find-series SeriesDescription="series 2"'}
)
"""What tiny-pacs cannot answer in full; it has to be said with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An archive with its own interface, and what it may answer `partial`."""

    url: str
    own: OwnInterface
    may_be_partial: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc with names in several scripts and ninety other studies."""
    with running(tmp_path_factory.mktemp("session"), "archive", "/dicom-web/") as server:
        for file in files():
            assert server.store(file)
        yield server


@pytest.fixture(scope="module")
def tiny_pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyPacs]:
    """A tiny-pacs with the same."""
    with running_tiny_pacs(tmp_path_factory.mktemp("session")) as server:
        server.store(files())
        yield server


def files() -> list[bytes]:
    return [*named_files(), *many_files()[:90]]


@pytest.fixture(scope="module")
def setting(request: pytest.FixtureRequest) -> Setting:
    """One of the archives, by its name; the other one need not be installed."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, Orthanc):
        return Setting(url=server.url, own=of_orthanc(server))
    return Setting(url=server.url, own=of_tiny_pacs(server), may_be_partial=PARTIAL_AT_TINY_PACS)


BOTH = pytest.mark.parametrize(
    "setting",
    [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("orthanc", "tiny_pacs")],
    indirect=True,
)


@pytest.fixture
async def client(setting: Setting) -> AsyncIterator[Client]:
    """An assistant whose server knows nothing of the archive yet."""
    config = Config(archives=(Archive(name="archive", url=setting.url, deadline_s=60),))
    async with Client(build_server(config)) as connected:
        yield connected


async def answers(client: Client, question: Question) -> list[dict[str, Any]]:
    """Every page of the answer, by its cursor."""
    arguments = {**{key: f"{uid}@archive" for key, uid in question.below.items()}, "query": question.query}
    pages: list[dict[str, Any]] = []
    while not pages or "nextCursor" in pages[-1]:
        cursor = pages[-1]["nextCursor"] if pages else ""
        result = await client.call_tool(question.tool, {**arguments, "cursor": cursor})
        assert not result.is_error, result.content
        pages.append(result.structured_content)
        assert len(pages) < 60
    return pages


def own_records(own: OwnInterface, question: Question) -> Sequence[Record]:
    """What the archive itself has at the level of the question."""
    match question.tool:
        case "find-studies":
            return own.studies()
        case "find-series":
            return own.series(question.below["studyInstanceUid"])
        case _:
            return own.instances(*question.below.values())


def check(setting: Setting, question: Question, pages: list[dict[str, Any]]) -> bool:
    """The same entries with the same facts, or fewer and the reason; says whether they are all."""
    kind, tagged, keyword = KINDS[question.tool]
    own = {record[keyword]: record for record in own_records(setting.own, question) if question.belongs(record)}
    items = [item for page in pages for item in page[kind]]
    found = [item[tagged].removesuffix("@archive") for item in items]
    assert len(found) == len(set(found))
    assert set(found) <= own.keys()
    for uid, item in zip(found, items, strict=True):
        check_facts(question.tool, item, own[uid])
    for page in pages:
        (outcome,) = page["archives"]
        assert page["complete"] is (outcome["outcome"] == "answered")
        assert page["complete"] or outcome["message"]
    complete = all(page["complete"] for page in pages)
    if complete:
        assert set(found) == own.keys()
    return complete


def check_facts(tool: str, item: dict[str, Any], record: Record) -> None:
    """What an answer tells of an entry is what the archive's own interface tells, in the answer's form."""
    told = {field: str(item.get(field, "")) for field in FACTS[tool]}
    if tool == "find-studies":
        told["studyDate"] = told["studyDate"].replace("-", "")
        told["studyTime"] = told["studyTime"].replace(":", "")
        latin, *others = record.get("PatientName", "").split("=")
        assert item.get("patientName", "").startswith(latin)
        assert all(group in item["patientName"] for group in others[:1])
        assert item.get("modalities", []) in ([], record["ModalitiesInStudy"].split("\\"))
    assert told == {field: record.get(keyword, "") for field, keyword in FACTS[tool].items()}
    (holder,) = item["heldBy"]
    assert all(str(holder[count]) == record[count] for count in holder.keys() & {"series", "instances"})


@BOTH
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
async def test_a_new_process_answers_with_what_the_archive_tells_itself(setting, client, question):
    """contract.md §2 to §4: the same facts, or `partial` with the reason."""
    assert check(setting, question, await answers(client, question)) or question.name in setting.may_be_partial


@BOTH
async def test_a_whole_session_in_one_process_is_answered_the_same(setting, client):
    """contract.md §3.6: what one question teaches of the archive makes no later answer false."""
    complete = [question.name for question in QUESTIONS if check(setting, question, await answers(client, question))]
    assert len(QUESTIONS) == 30
    assert {question.name for question in QUESTIONS} - set(complete) <= setting.may_be_partial


@pytest.mark.orthanc
@pytest.mark.parametrize(
    "question", [question for question in QUESTIONS if question.own is not None], ids=lambda question: question.name
)
def test_the_table_means_what_orthancs_own_search_finds(orthanc, question):
    """PS3.4 C.2.2.2, by Orthanc's `/tools/find`: the questions themselves are right."""
    found = {hit["MainDicomTags"]["StudyInstanceUID"] for hit in orthanc.find("Study", question.own)}
    own = of_orthanc(orthanc).studies()
    assert found == {record["StudyInstanceUID"] for record in own if question.belongs(record)}
