"""The search tools through the server, in both protocol eras, over real HTTP archives (contract.md sections 3 to 6)."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from federator.config import Archive, Config, ConfigSource
from federator.server.app import build_server
from federator.server.health import HealthFile
from tests.support.folder_archive import write_tiny
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import study, with_images
from tests.support.hostile.switches import Order, Switches

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
CHEST = study("1.2.1", date="20240302", time="101500", name="Yamada^Tarou", patient_id="P1", description="CT chest")
HEAD = study("1.2.2", date="20230101", name="Yamada^Tarou", patient_id="P1", modalities=("MR", "SR"))
OTHER = study("1.2.3", name="Müller^Jörg", patient_id="P2", modalities=())


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@contextmanager
def silent() -> Iterator[socket.socket]:
    """An archive that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


def at(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/dicom-web"


@pytest.fixture
def two(loopback) -> Iterator[tuple[Archive, Archive]]:
    """Mercy holds two studies, north one of them (with fewer series known) and one of its own."""
    mercy = HostileArchive(with_images([CHEST, HEAD], instances_per_series=3))
    north = HostileArchive(with_images([CHEST, OTHER], instances_per_series=2), Switches(order=Order.OLDEST))
    with loopback.serve(mercy, north) as (first, second):
        yield (
            Archive(name="mercy", url=first, viewer_url="https://viewer.example/?s={study}"),
            Archive(name="north", url=second),
        )


async def call(archives, tool, arguments=None, mode="auto", **options):
    async with Client(build_server(Config(archives=tuple(archives)), **options), mode=mode) as client:
        return await client.call_tool(tool, arguments or {})


@ERAS
async def test_studies_of_two_archives_are_one_list(two, mode):
    """contract.md sections 3 and 5: newest first, undated last, once each, with holders, counts and viewer link."""
    result = await call(two, "find-studies", mode=mode)
    told = result.structured_content
    assert not result.is_error
    assert told["complete"] is True
    assert [item["studyInstanceUid"] for item in told["studies"]] == ["1.2.1@mercy,north", "1.2.2@mercy", "1.2.3@north"]
    assert told["studies"][0]["heldBy"] == [
        {"archive": "mercy", "series": 1, "instances": 3},
        {"archive": "north", "series": 1, "instances": 2},
    ]
    assert told["studies"][0]["viewerUrl"] == "https://viewer.example/?s=1.2.1"
    assert "studyDate" not in told["studies"][2]
    assert [outcome["outcome"] for outcome in told["archives"]] == ["answered", "answered"]
    text = result.content[0].text
    assert text.startswith("3 studies, newest first. Answered in full: mercy and north.\n")
    assert "undated" in text
    for item in told["studies"]:
        assert item["studyInstanceUid"] in text
        assert item["patientName"] in text


@ERAS
async def test_the_query_language_reaches_the_archives(two, mode):
    """contract.md section 2: case and diacritics fold; archives may be named in the query or beside it."""
    found = await call(two, "find-studies", {"query": "PatientName=müller*"}, mode)
    assert [item["studyInstanceUid"] for item in found.structured_content["studies"]] == ["1.2.3@north"]
    for arguments in (
        {"archives": " mercy "},
        {"query": "archive=mercy"},
        {"archives": "mercy", "query": "archive=mercy"},
    ):
        found = await call(two, "find-studies", arguments, mode)
        assert [item["archive"] for item in found.structured_content["archives"]] == ["mercy"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": "PatientNam=Doe"}, "Did you mean PatientName?"),
        ({"archives": "mercy", "query": "archive=north"}, "name different archives"),
        ({"archives": "mian"}, "mian"),
        ({"cursor": "abc"}, "The cursor is damaged."),
        ({"query": "SeriesDescription=x"}, "find-series"),
    ],
)
async def test_a_question_that_cannot_be_asked_is_an_error_that_says_what_to_write(two, arguments, said):
    """contract.md section 2: it fails closed."""
    result = await call(two, "find-studies", arguments)
    assert result.is_error
    assert said in result.content[0].text


@ERAS
async def test_one_page_after_the_other_is_the_whole_list(two, mode):
    """contract.md section 3.4: paged by a stateless cursor; every page from a server of its own."""
    seen, cursor = [], ""
    for _ in range(5):
        page = (await call(two, "find-studies", {"query": "limit=1", "cursor": cursor}, mode)).structured_content
        seen += [item["studyInstanceUid"].partition("@")[0] for item in page["studies"]]
        cursor = page.get("nextCursor", "")
        if not cursor:
            break
    assert seen == ["1.2.1", "1.2.2", "1.2.3"]


@ERAS
async def test_series_and_instances_are_found_below_a_tagged_uid(two, mode):
    """contract.md section 1: UID@a,b asks both and merges; UID@a asks only a."""
    series = (await call(two, "find-series", {"studyInstanceUid": "1.2.1@mercy,north"}, mode)).structured_content
    (only,) = series["series"]
    assert (only["seriesInstanceUid"], only["modality"]) == ("1.2.1.1@mercy,north", "CT")
    where = {"studyInstanceUid": "1.2.1@mercy,north", "seriesInstanceUid": "1.2.1.1@north"}
    instances = (await call(two, "find-instances", where, mode)).structured_content
    assert [item["archive"] for item in instances["archives"]] == ["north"]
    assert [item["instanceNumber"] for item in instances["instances"]] == [1, 2]


async def test_prior_studies_say_whether_identity_is_certain(two):
    """contract.md section 4: the same patient's other studies, newest first, reports flagged."""
    result = await call(two, "find-prior-studies", {"studyInstanceUid": "1.2.1@mercy"})
    told = result.structured_content
    assert told["reference"]["studyInstanceUid"].startswith("1.2.1@")
    (prior,) = told["studies"]
    assert (prior["studyInstanceUid"], prior["hasReport"]) == ("1.2.2@mercy", True)
    assert "HAS A REPORT" in result.content[0].text


async def test_archives_are_listed_with_what_became_of_asking_them(two):
    """contract.md section 4: each archive: name, title, reachable or why not."""
    gone = Archive(name="gone", title="Old PACS", url="http://127.0.0.1:9/dicom-web", deadline_s=3)
    result = await call([*two, gone], "list-archives")
    told = result.structured_content
    assert [(item["archive"], item["outcome"]) for item in told["archives"]] == [
        ("mercy", "answered"),
        ("north", "answered"),
        ("gone", "unreachable"),
    ]
    assert told["complete"] is False
    assert result.content[0].text.startswith("PARTIAL ANSWER: gone could not be reached")
    assert "Old PACS" in result.content[0].text


@ERAS
async def test_a_silent_archive_makes_the_answer_partial_and_is_named_first(two, mode):
    """contract.md section 5: a partial answer says so in its first line."""
    with silent() as listener:
        quiet = Archive(name="quiet", url=at(listener), deadline_s=0.5)
        result = await call([*two, quiet], "find-studies", mode=mode)
    assert result.content[0].text.startswith("PARTIAL ANSWER: quiet did not answer in time")
    assert result.structured_content["complete"] is False
    assert len(result.structured_content["studies"]) == 3


@ERAS
async def test_nobody_answering_is_an_error_and_never_an_empty_list(mode):
    """contract.md section 3.1: all failed is an error."""
    with silent() as listener:
        quiet = Archive(name="quiet", url=at(listener), deadline_s=0.3)
        result = await call([quiet], "find-studies", mode=mode)
    assert result.is_error
    assert result.content[0].text.startswith("No archive answered, so nothing is known. quiet:")
    assert result.structured_content is None


@ERAS
async def test_progress_is_told_as_archives_answer(two, mode):
    """Issue 2 part 6: progress while archives are slow; MCP: progress increases."""
    steps = []

    async def on_progress(progress, total, message):
        steps.append((progress, total, message))

    async with Client(build_server(Config(archives=two)), mode=mode) as client:
        await client.call_tool("find-studies", {}, progress_callback=on_progress)
    assert [(progress, total) for progress, total, _ in steps] == [(1, 2), (2, 2)]
    assert {message for _, _, message in steps} == {"mercy answered", "north answered"}


@ERAS
async def test_a_cancelled_call_hangs_up_on_the_archive(mode):
    """Issue 2 part 6: cancellation that reaches the sockets."""
    with silent() as listener:
        quiet = Archive(name="quiet", url=at(listener), deadline_s=60)
        server = build_server(Config(archives=(quiet,)))
        async with Client(server, mode=mode) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "find-studies", {})
            connection, _ = await anyio.to_thread.run_sync(listener.accept)
            with connection:
                connection.settimeout(20)
                asked = await anyio.to_thread.run_sync(connection.recv, 65536)
                assert asked.startswith(b"GET /dicom-web/studies")
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    assert await anyio.to_thread.run_sync(connection.recv, 65536) == b""


async def test_many_calls_at_once_over_one_server(two):
    """Issue 2: 32 calls at once over one server finish without error."""
    results = []
    async with Client(build_server(Config(archives=two))) as client, anyio.create_task_group() as tasks:

        async def one() -> None:
            results.append(await client.call_tool("find-studies", {"query": "PatientID=P1"}))

        for _ in range(32):
            tasks.start_soon(one)
    assert len(results) == 32
    assert {len(result.structured_content["studies"]) for result in results} == {2}
    assert not any(result.is_error for result in results)


async def test_a_page_too_large_for_clients_ends_early_and_goes_on_by_cursor(loopback):
    """contract.md section 5: lists end early with a cursor and say how many more are known."""
    long = "A description as long as descriptions get. " * 3
    studies = [study(f"1.2.826.0.1.3680043.{n:030}", date="20240101", description=long) for n in range(150)]
    with loopback.serve(HostileArchive(with_images(studies, instances_per_series=1))) as (url,):
        archives = [Archive(name="mercy", url=url)]
        first = await call(archives, "find-studies", {"query": "limit=150"})
        told = first.structured_content
        assert len(told["studies"]) < 150
        assert told["knownMore"] >= 150 - len(told["studies"])
        assert len(json.dumps(told)) < 55_000
        assert len(first.content[0].text) < 50_000
        seen = [item["studyInstanceUid"] for item in told["studies"]]
        for _ in range(6):
            if "nextCursor" not in told:
                break
            told = (
                await call(archives, "find-studies", {"query": "limit=150", "cursor": told["nextCursor"]})
            ).structured_content
            seen += [item["studyInstanceUid"] for item in told["studies"]]
    assert len(seen) == len(set(seen)) == 150


async def test_use_and_outcomes_reach_the_health_file(two, tmp_path):
    """facts/tray.md 5.4: client name, archive name, time, outcome; nothing of patients."""
    path = tmp_path / "health.json"
    await call(two, "find-studies", {"query": "PatientName=Yamada*"}, health=HealthFile(path))
    told = json.loads(path.read_text(encoding="utf-8"))
    assert {name: entry["outcome"] for name, entry in told["archives"].items()} == {
        "mercy": "answered",
        "north": "answered",
    }
    assert list(told["clients"]) == ["mcp"]
    assert "Yamada" not in path.read_text(encoding="utf-8")


async def test_no_answer_waits_for_the_health_file(two, tmp_path):
    """Issue 5: it lies on a disk that may be slow (here a pipe that nobody fills), and no answer needs it."""
    path = tmp_path / "health.json"
    os.mkfifo(path)
    async with Client(build_server(Config(archives=tuple(two)), health=HealthFile(path))) as client:
        with anyio.fail_after(20):
            for _ in range(3):
                result = await client.call_tool("find-studies", {})
                assert result.structured_content["complete"] is True
            await anyio.to_thread.run_sync(path.write_bytes, b"", abandon_on_cancel=True)
    assert set(json.loads(path.read_text(encoding="utf-8"))["archives"]) == {"mercy", "north"}


async def test_nobody_answering_reaches_the_health_file_too(tmp_path):
    """facts/tray.md 5.4: the tray must see that an archive is silent above all when no other one answered."""
    path = tmp_path / "health.json"
    with silent() as listener:
        quiet = Archive(name="quiet", url=at(listener), deadline_s=0.3)
        await call([quiet], "find-studies", health=HealthFile(path))
    assert json.loads(path.read_text(encoding="utf-8"))["archives"]["quiet"]["ok"] is False


@ERAS
async def test_a_changed_file_is_taken_up_and_a_broken_one_is_told(two, tmp_path, mode):
    """contract.md section 7: taken up at the next call; the last good one is kept when the new one is broken."""
    path = tmp_path / "archives.toml"
    path.write_text(f"[archives.mercy]\nurl = '{two[0].url}'\n", encoding="utf-8")
    async with Client(build_server(ConfigSource(path, {})), mode=mode) as client:

        async def asked() -> tuple[list[str], list[str]]:
            told = (await client.call_tool("find-studies", {})).structured_content
            return [item["archive"] for item in told["archives"]], told.get("notes", [])

        assert await asked() == (["mercy"], [])
        path.write_text(f"[archives.new-name]\nurl = '{two[1].url}'\n", encoding="utf-8")
        assert await asked() == (["new-name"], [])
        path.write_text("[archives.new-name]\nurl = 'nonsense, and long'\n", encoding="utf-8")
        names, notes = await asked()
    assert names == ["new-name"]
    assert "was not taken up" in notes[0]
    assert "archives.new-name.url" in notes[0]


async def test_what_a_folder_cannot_read_is_told_when_archives_are_listed(tmp_path):
    """Issue 2 part 4: unreadable files are counted and named, for no search can find what they hold."""
    write_tiny(tmp_path / "one.dcm", study="1.5", series="1.5.1", instance="1.5.1.1")
    (tmp_path / "torn.dcm").write_bytes(bytes(128) + b"DICM" + b"torn" * 20)
    result = await call([Archive(name="cd", folder=tmp_path)], "list-archives")
    (told,) = result.structured_content["archives"]
    (finding,) = [finding for finding in told["supports"] if "not readable" in finding]
    assert finding.startswith("not readable and left out: 1, torn.dcm (")
    assert finding in result.content[0].text


@pytest.mark.parametrize("query", ["PatientName=山田*", "StudyTime=101500", "StudyDescription=*chest*"])
async def test_a_folder_without_the_attribute_has_answered_in_full(tmp_path, query):
    """contract.md section 3.1: a folder is matched here, so what it does not have does not match."""
    write_tiny(tmp_path / "one.dcm", study="1.5", series="1.5.1", instance="1.5.1.1", PatientID="P1")
    result = await call([Archive(name="cd", folder=tmp_path)], "find-studies", {"query": query})
    assert result.content[0].text == "No study matches in cd."
    assert result.structured_content["complete"] is True
