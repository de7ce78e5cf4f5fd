"""The endpoint: tools that fail closed, and the one boundary where exceptions become answers."""

import json
import logging
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.config import Config
from federator.errors import ArchiveError, ContentError, FederatorError, NoArchiveAnswered, RequestError
from federator.model import Outcome, OutcomeState
from federator.server.app import INSTRUCTIONS, build_server
from federator.server.arguments import InstanceUID, SeriesUID, StudyUID
from federator.server.endpoint import Endpoint
from federator.server.shared import App
from federator.server.wording.results import text_only
from tests.support.snapshot import assert_snapshot

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
SECRET = "Doe^Jane"


async def echo_uids(study_instance_uid: StudyUID, series_instance_uid: SeriesUID, frame: int = 1) -> CallToolResult:
    """Say the arguments."""
    return text_only(f"{study_instance_uid} {series_instance_uid} {frame}")


async def refuse(*, ctx: Context[App]) -> CallToolResult:
    """Raise on purpose."""
    raise RequestError("'PatientNam' is not a DICOM keyword. Did you mean PatientName?")


async def crash() -> CallToolResult:
    """Be a bug."""
    raise KeyError(SECRET)


async def refuse_in_a_group() -> CallToolResult:
    """Raise on purpose, in a task of a task group."""

    async def inner() -> None:
        raise ArchiveError("mercy: no answer within 10 s.", state=OutcomeState.TIMED_OUT)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inner)
    return text_only("never said")


async def crash_in_a_group(sop_instance_uid: InstanceUID) -> CallToolResult:
    """Raise on purpose in one task, be a bug in another."""

    async def inner(error: Exception) -> None:
        raise error

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inner, ContentError("no text"))
        tasks.start_soon(inner, ValueError(SECRET))
    return text_only("never said")


def endpoint() -> Endpoint:
    server = build_server(Config(archives=()))
    for function in (echo_uids, refuse, crash, refuse_in_a_group, crash_in_a_group):
        server.add(function, title="For tests")
    return server


async def call(tool: str, arguments: dict[str, object] | None = None, mode: str = "auto") -> CallToolResult:
    async with Client(endpoint(), mode=mode) as client:
        return await client.call_tool(tool, arguments or {})


@ERAS
async def test_a_uid_reaches_the_tool_parsed(mode):
    """contract.md section 1: a UID carries its archives; section 4: the reference server's parameter names."""
    result = await call("echo-uids", {"studyInstanceUid": " 1.2@a,b ", "seriesInstanceUid": "3", "frame": "7"}, mode)
    assert (result.is_error, result.content[0].text) == (False, "1.2@a,b 3 7")


@ERAS
@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("find-studies", {"querry": "x"}, "This tool has no parameter 'querry'. It takes: query, archives, cursor."),
        ("find-studies", {"study_instance_uid": "1"}, "This tool has no parameter 'study_instance_uid'."),
        ("find-studies", {"query": 1}, "query must be text."),
        ("find-studies", {"query": "x" * 1001}, "query may have at most 1000 characters."),
        ("find-series", {}, "studyInstanceUid is required."),
        ("find-series", {"studyInstanceUid": ["1.2"]}, "studyInstanceUid: write the UID as text"),
        ("find-series", {"studyInstanceUid": "1.2@A"}, "'A' behind the @ is not an archive's name."),
        ("find-series", {"studyInstanceUid": "../x"}, "studyInstanceUid: '../x' is not a UID."),
        (
            "echo-uids",
            {"studyInstanceUid": "1", "seriesInstanceUid": "1", "frame": "x"},
            "frame must be a whole number.",
        ),
        ("list-archives", {"x": 1}, "This tool has no parameter 'x'. It takes no parameters."),
        ("find-study", {}, "There is no tool 'find-study'. There are: list-archives, find-studies,"),
        ("refuse", {}, "'PatientNam' is not a DICOM keyword. Did you mean PatientName?"),
        ("refuse-in-a-group", {}, "mercy: no answer within 10 s."),
    ],
)
async def test_what_the_model_can_change_is_told_in_plain_words(mode, tool, arguments, said):
    """contract.md section 6: errors by who can act; pydantic's own text quotes values and links to its manual."""
    result = await call(tool, arguments, mode)
    text = result.content[0].text
    assert result.is_error
    assert text.startswith(said) or said in text
    assert "pydantic" not in text
    assert "input_value" not in text
    assert "Error executing tool" not in text


@ERAS
@pytest.mark.parametrize(("tool", "arguments"), [("crash", {}), ("crash-in-a-group", {"sopInstanceUid": "1"})])
async def test_a_bug_is_logged_by_type_and_place_and_hidden(mode, tool, arguments, caplog):
    """contract.md section 6: anything else is a bug; it is logged, and attribute values never reach a log."""
    with caplog.at_level(logging.DEBUG):
        result = await call(tool, arguments, mode)
    assert result.is_error
    assert "a fault of its own" in result.content[0].text
    assert SECRET not in result.content[0].text
    logged = [record for record in caplog.records if record.name == "federator.server.endpoint"]
    assert len(logged) == 1
    assert Path(__file__).name in logged[0].getMessage()
    assert SECRET not in caplog.text


def test_every_error_of_ours_is_told_as_it_reads():
    """contract.md section 6: each class of the tree, found by walking it, reaches the model with its own words."""
    outcome = Outcome(archive="mercy", state=OutcomeState.TIMED_OUT, message="no answer within 10 s")
    assert str(NoArchiveAnswered([outcome])) == (
        "No archive answered, so nothing is known. mercy: no answer within 10 s"
    )
    assert {error.__name__ for error in FederatorError.__subclasses__()} == {
        "ConfigError",
        "RequestError",
        "ArchiveError",
        "NoArchiveAnswered",
        "NotFound",
        "ContentError",
    }


async def tool_list():
    async with Client(build_server(Config(archives=()))) as client:
        return (await client.list_tools()).tools


async def test_the_tools_and_their_schemas_are_as_reviewed():
    """house.md: schemas and tool texts as snapshots."""
    for tool in await tool_list():
        told = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert_snapshot(f"tool-{tool.name}.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")


async def test_every_tool_is_read_only_titled_and_described():
    """contract.md section 4: all are read-only and say so; all have a title."""
    for tool in await tool_list():
        hints = tool.annotations
        assert (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint) == (
            True,
            False,
            True,
            False,
        )
        assert tool.title
        assert len(tool.description.encode()) < 2000
        assert len(tool.name) <= 40
        assert tool.input_schema["additionalProperties"] is False
        for parameter in tool.input_schema["properties"].values():
            assert parameter["description"]


async def test_the_tool_list_costs_a_model_little():
    """The agreed budget, at four characters a token: 6,000 tokens in all, 700 a tool."""
    tools = await tool_list()
    costs = {tool.name: len(tool.model_dump_json(by_alias=True, exclude_none=True)) / 4 for tool in tools}
    assert sum(costs.values()) <= 6000, costs
    assert max(costs.values()) <= 700, costs


async def test_the_reference_servers_tools_and_parameters_are_all_there():
    """contract.md, opening: a superset of the reference server; its nine tools work unchanged (facts/peers.md 1.1)."""
    study, series, instance = "studyInstanceUid", "seriesInstanceUid", "sopInstanceUid"
    expected = {
        "find-studies": {"query"},
        "find-series": {study, "query"},
        "find-instances": {study, series, "query"},
        "find-structured-reports": {study},
        "find-encapsulated-pdf-reports": {study},
        "get-structured-report-text": {study, series, instance},
        "get-encapsulated-pdf-report-text": {study, series, instance},
        "get-instance-metadata": {study, series, instance},
        "render-instance-frame": {study, series, instance, "frame", "outputFormat"},
    }
    tools = {tool.name: tool.input_schema for tool in await tool_list()}
    for name, parameters in expected.items():
        assert parameters <= set(tools[name]["properties"]), name
        required = set(tools[name].get("required", ()))
        assert required == {parameter for parameter in parameters if parameter.endswith("Uid")}, name


def test_the_instructions_fit_into_what_clients_keep():
    """facts/mcp.md section 7: Claude Code cuts the instructions of a server at 2 KB."""
    assert len(INSTRUCTIONS.encode()) <= 2000


@ERAS
async def test_the_server_names_itself_in_both_eras(mode):
    """MCP: serverInfo and instructions, in the handshake era and in 2026-07-28."""
    async with Client(build_server(Config(archives=())), mode=mode) as client:
        assert client.server_info.name == "federator"
        assert client.instructions == INSTRUCTIONS
        assert client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
