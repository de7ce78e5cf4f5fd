"""Every tool on every kind of object, as a client over stdio meets it: the halves of a study in two real archives."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pydicom
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from tests.server.answers.test_images import loop, slices
from tests.support.orthanc_server import running
from tests.support.synthetic import pdfs
from tests.support.synthetic.clinical_documents import SAMPLE as CDA
from tests.support.synthetic.documents import CDA_CLASS, encapsulated
from tests.support.synthetic.images import written
from tests.support.synthetic.report_catalogue import CATALOGUE
from tests.support.synthetic.reports import STUDY
from tests.whole.test_command_line import environment

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

PASSWORD = "s3cret-of-alice"
MAX_BYTES = 1_048_576
MAX_CHARACTERS = 50_000
ONE = ("get-instance-metadata", "get-structured-report-text", "get-structured-report-measurements")
ONE = (*ONE, "get-encapsulated-pdf-report-text", "render-instance-frame")
ANSWERS = {
    "CT Image": {"get-instance-metadata", "render-instance-frame"},
    "Ultrasound Multi-frame Image": {"get-instance-metadata", "render-instance-frame"},
    "Encapsulated PDF": {"get-instance-metadata", "get-encapsulated-pdf-report-text"},
    "Encapsulated CDA": {"get-instance-metadata", "get-encapsulated-pdf-report-text"},
}
"""Which tools have something to say of an object; of everything else (SR, KOS) it is the first three."""


class Archives:
    """Two Orthancs and the configuration of a server over them; `stop` ends the one that is preferred."""

    def __init__(self, config: Path, first: ExitStack, environment: dict[str, str]) -> None:
        self.stop = first.close
        self.server = StdioServerParameters(
            command=sys.executable, args=["-m", "federator", "--config", str(config)], env=environment
        )


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> Iterator[Archives]:
    """CT, ultrasound and one report in `images`; all reports, documents and some of the CT images in `reports`."""
    folder = tmp_path_factory.mktemp("acceptance")
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    with running(folder, "reports", "/pacs/rs/", user="alice", password=PASSWORD) as reports, ExitStack() as first:
        images = first.enter_context(running(folder, "images", "/dicom-web/"))
        for held in (*slices(6), loop()):
            held.StudyInstanceUID = STUDY
            assert images.store(written(held))
        for held in slices(3):
            held.StudyInstanceUID = STUDY
            assert reports.store(written(held))
        assert images.store(file_of(CATALOGUE["basic_text"]()))
        for build in CATALOGUE.values():
            assert reports.store(file_of(build()))
        assert reports.store(file_of(encapsulated(1, pdfs.drawn(pdfs.lines("Normal."), pdfs.scan), modality="OT")))
        assert reports.store(file_of(encapsulated(2, CDA, sop_class=CDA_CLASS, modality="SR")))
        config = folder / "archives.toml"
        config.write_text(
            f"[archives.images]\nurl = {json.dumps(images.url)}\n"
            f"[archives.reports]\nurl = {json.dumps(reports.url)}\nauth = 'basic'\nuser = 'alice'\n"
            f"secret = 'file:{secret}'\n"
        )
        yield Archives(config, first, environment(folder))


def file_of(dataset: pydicom.Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def empty_fields(value: Any, place: str = "") -> list[str]:
    """Where a structured answer has null or nothing; an empty list of what was asked for is an answer."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in empty_fields(inner, f"{place}.{key}")]
    if isinstance(value, list) and value:
        return [found for inner in value for found in empty_fields(inner, place)]
    is_answer = place in {".studies", ".series", ".instances", ".reports", ".groups"}
    return [] if value not in (None, "", [], {}) or is_answer else [place]


class Person:
    """Calls tools and holds every answer to what contract.md §5 says of all of them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, tool: str, **arguments: Any) -> CallToolResult:
        result = await self._client.call_tool(tool, arguments)
        kinds = [block.type for block in result.content]
        assert kinds[:1] == ["text"]
        assert len(said(result)) <= MAX_CHARACTERS
        assert len(result.model_dump_json(by_alias=True)) <= MAX_BYTES
        structured = result.structured_content
        if "image" in kinds:
            assert structured is None
        if structured is not None:
            assert len(json.dumps(structured, ensure_ascii=False)) <= MAX_CHARACTERS
            assert empty_fields(structured) == []
        assert PASSWORD not in result.model_dump_json()
        return result

    async def list(self, tool: str, kind: str, uid: str, **arguments: Any) -> list[dict[str, Any]]:
        """The items of a list, of each of which the text tells the same."""
        result = await self.ask(tool, **arguments)
        assert not result.is_error, said(result)
        items = result.structured_content[kind]
        told = said(result)
        for item in items:
            facts = [value for key, value in item.items() if isinstance(value, str) and key in {uid, *TOLD}]
            facts += [holder["archive"] for holder in item["heldBy"]]
            assert [fact for fact in facts if fact not in told] == []
        assert said(result).startswith("PARTIAL ANSWER") is not result.structured_content["complete"]
        return items


TOLD = {"studyDate", "studyDescription", "patientName", "patientId", "accessionNumber", "seriesDescription"}
TOLD |= {"sopClass", "title", "kind", "verification"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_every_tool_answers_for_every_kind_of_object_or_says_which_one_does(archives, mode):
    """Issue 3: every tool on every kind of object, study halves in two archives; contract.md §4 and §5."""
    asked: dict[str, set[str]] = {}
    async with Client(archives.server, mode=mode) as client:
        person = Person(client)
        listed = (await person.ask("list-archives")).structured_content
        assert [(one["archive"], one["outcome"]) for one in listed["archives"]] == [
            ("images", "answered"),
            ("reports", "answered"),
        ]
        (study,) = await person.list("find-studies", "studies", "studyInstanceUid")
        uid = study["studyInstanceUid"]
        assert uid.partition("@")[0] == STUDY
        assert {holder["archive"] for holder in study["heldBy"]} == {"images", "reports"}
        await person.list("find-prior-studies", "studies", "studyInstanceUid", studyInstanceUid=uid)
        reports = await person.list("find-structured-reports", "reports", "sopInstanceUid", studyInstanceUid=uid)
        documents = await person.list(
            "find-encapsulated-pdf-reports", "reports", "sopInstanceUid", studyInstanceUid=uid
        )
        assert (len(reports), len(documents)) == (len(CATALOGUE), 2)
        for series in await person.list("find-series", "series", "seriesInstanceUid", studyInstanceUid=uid):
            of_series = {"studyInstanceUid": uid, "seriesInstanceUid": series["seriesInstanceUid"]}
            sheet = await person.ask("render-series-overview", **of_series)
            instances = await person.list("find-instances", "instances", "sopInstanceUid", **of_series)
            is_image = any("render-instance-frame" in ANSWERS.get(one["sopClass"], ()) for one in instances)
            assert sheet.is_error is not is_image, said(sheet)
            for instance in instances:
                if instance["sopClass"] in asked:
                    continue
                of_instance = {**of_series, "sopInstanceUid": instance["sopInstanceUid"]}
                answers = {tool: await person.ask(tool, **of_instance) for tool in ONE}
                asked[instance["sopClass"]] = {tool for tool, answer in answers.items() if not answer.is_error}
                refused = [said(answer) for answer in answers.values() if answer.is_error]
                assert all("get-" in told or "render-" in told for told in refused), refused
    assert asked == {kind: ANSWERS.get(kind, set(ONE[:3])) for kind in asked}
    assert ANSWERS.keys() < asked.keys()
    assert len(asked) >= 10


async def test_when_the_preferred_archive_stops_half_way_the_other_half_is_still_there(archives):
    """Issue 3: failover when the preferred holder stops mid-way; contract.md §1, §3.1 and §5."""
    both = {"studyInstanceUid": f"{STUDY}@images,reports", "seriesInstanceUid": "1.2.3.4"}
    shared, alone = "1.2.3.4.2@images,reports", "1.2.3.4.5@images"
    async with Client(archives.server) as client:
        person = Person(client)
        before = await person.ask("render-instance-frame", **both, sopInstanceUid=shared)
        assert said(before).startswith("From images.")
        archives.stop()
        after = await person.ask("render-instance-frame", **both, sopInstanceUid=shared)
        assert said(after).startswith("From reports; images could not be reached")
        lost = await person.ask("render-instance-frame", **both, sopInstanceUid=alone)
        assert lost.is_error
        assert said(lost).startswith("No archive answered, so nothing is known. images: ")
        found = await person.ask("find-studies")
        assert said(found).startswith("PARTIAL ANSWER: images ")
        assert found.structured_content["complete"] is False
        (study,) = found.structured_content["studies"]
        assert study["studyInstanceUid"] == f"{STUDY}@reports"
        reports = await person.ask("find-structured-reports", studyInstanceUid=both["studyInstanceUid"])
        assert said(reports).startswith("PARTIAL ANSWER: images ")
        assert len(reports.structured_content["reports"]) == len(CATALOGUE)
        first = next(one for one in reports.structured_content["reports"] if one["kind"] == "Basic Text SR")
        text = await person.ask(
            "get-structured-report-text",
            studyInstanceUid=both["studyInstanceUid"],
            seriesInstanceUid=first["seriesInstanceUid"],
            sopInstanceUid=first["sopInstanceUid"].replace("@reports", "@images,reports"),
        )
        assert "From reports; images " in said(text)
        series = await person.ask("find-series", studyInstanceUid=f"{STUDY}@images")
        assert series.is_error
