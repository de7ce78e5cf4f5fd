"""The MCP server itself: how tools are added, and the one boundary where exceptions become answers."""

import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, TextContent, Tool, ToolAnnotations
from pydantic import ValidationError

from federator.dicom.visible import visible
from federator.errors import ContentError, FederatorError, NoArchiveAnswered, NotFound, places_of
from federator.server.arguments import invalid_arguments, unknown_arguments
from federator.server.progress import tell_of_waiting, telling_of_folders
from federator.server.shared import App

logger = logging.getLogger(__name__)

READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

_HIDDEN = (
    "federator could not do this because of a fault of its own; its log on this computer names the place. "
    "Nothing is known about what was asked for."
)


class Endpoint(MCPServer[App]):
    """An MCP server whose tools fail closed, and whose every failure is one of federator's own sentences."""

    def __init__(self, *named: Any, only: str = "", **options: Any) -> None:  # noqa: ANN401 - passed on to the SDK
        self._only = only
        self._names: list[str] = []
        self._needs: dict[str, str] = {}
        self._parameters: dict[str, Mapping[str, Any]] = {}
        self._silent: set[str] = set()
        super().__init__(*named, **options)

    def add(self, function: Callable[..., Any], *, title: str, needs: str = "", is_silent: bool = False) -> None:
        """Offer `function` as a tool; its docstring is what the model reads, its name becomes kebab-case.

        `needs` names the module that does the work. It is imported in a thread before the first call, because
        decoders and PDF readers take longer to load than other calls may be kept waiting. A tool that `is_silent`
        reports no progress of its own, so that signs of life are given for it. In an endpoint for `only` one tool the
        others are known by name.
        """
        name = function.__name__.replace("_", "-")
        self._names.append(name)
        if self._only and name != self._only:
            return
        if is_silent:
            self._silent.add(name)
        if needs:
            self._needs[name] = needs
        self.add_tool(
            function,
            name=name,
            title=title,
            description=inspect.getdoc(function),
            annotations=READ_ONLY,
        )

    async def list_tools(self) -> list[Tool]:
        """The tools, their schemas without what pydantic says twice."""
        tools = await super().list_tools()
        for tool in tools:
            tool.input_schema = {**_plain(tool.input_schema), "additionalProperties": False}
            tool.output_schema = _answer_schema(tool.output_schema) if tool.output_schema else None
        return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[App, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool; whatever goes wrong becomes an answer that the model can act on, or a hidden fault."""
        try:
            await self._refuse_unknown(name, arguments)
            if self._needs.get(name, "sys") not in sys.modules:
                await anyio.to_thread.run_sync(import_module, self._needs[name])
            return _visible(await self._call(name, arguments, context))
        except ToolError as error:
            meant = _meant(error.__cause__)
            if context is not None and isinstance(meant, NoArchiveAnswered | NotFound | ContentError):
                context.request_context.lifespan_context.note(meant.outcomes)
            return _failure(str(meant) if meant is not None else _explain(error))
        finally:
            _tell_health(context)

    async def _call(
        self, name: str, arguments: dict[str, Any], context: Context[App, Any] | None
    ) -> CallToolResult | InputRequiredResult:
        if context is None:
            return await super().call_tool(name, arguments, context)
        with telling_of_folders(context):
            return await self._told(name, arguments, context)

    async def _told(
        self, name: str, arguments: dict[str, Any], context: Context[App, Any]
    ) -> CallToolResult | InputRequiredResult:
        """The same, with signs of life for those who wait."""
        if name not in self._silent:
            return await super().call_tool(name, arguments, context)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell_of_waiting, context)
            try:
                return await super().call_tool(name, arguments, context)
            except ToolError as error:
                failure = error
            finally:
                tasks.cancel_scope.cancel()
        raise failure

    async def _refuse_unknown(self, name: str, arguments: Mapping[str, Any]) -> None:
        if name not in self._parameters:
            listed = await super().list_tools()
            self._parameters = {tool.name: tool.input_schema.get("properties", {}) for tool in listed}
        if name not in self._parameters:
            raise ToolError(f"There is no tool '{name[:60]}'. There are: {', '.join(self._names)}.")
        if said := unknown_arguments(arguments, self._parameters[name]):
            raise ToolError(said)


_Result = TypeVar("_Result", bound=CallToolResult | InputRequiredResult)


def _visible(result: _Result) -> _Result:
    """The answer without letters that nobody sees, in whichever part they stand (contract.md section 5)."""
    if isinstance(result, CallToolResult):
        for block in result.content:
            if isinstance(block, TextContent):
                block.text = visible(block.text)
        result.structured_content = _visible_value(result.structured_content)
    return result


def _visible_value(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _visible_value(inner) for key, inner in value.items()}
    return [_visible_value(inner) for inner in value] if isinstance(value, list) else value


def _failure(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=visible(text))], is_error=True)


def _explain(error: ToolError) -> str:
    cause = error.__cause__
    if cause is None:
        return str(error)
    if isinstance(cause, ValidationError):
        return invalid_arguments(cause)
    for place in places_of(cause):
        logger.error("A tool failed: %s", place)
    return _HIDDEN


def _meant(cause: BaseException | None) -> FederatorError | None:
    """The error that was raised on purpose, also out of a task group; None where it is a bug."""
    if isinstance(cause, FederatorError):
        return cause
    if isinstance(cause, BaseExceptionGroup):
        found = [_meant(inner) for inner in cause.exceptions]
        return found[0] if all(found) else None
    return None


def _tell_health(context: Context[App, Any] | None) -> None:
    if context is None:
        return
    request = context.request_context
    client = request.session.client_params
    request.lifespan_context.called_by(client.client_info.name if client else "")


def _answer_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an answer; which fields of a part are always there is said only at the top, to save tokens."""
    plain = _plain(schema)
    for part in plain.get("$defs", {}).values():
        part.pop("required", None)
    return plain


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without generated titles and empty defaults, which say nothing but cost the model tokens."""
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value in ("", None, [], {}, False)):
            continue
        if key in {"properties", "$defs"}:
            plain[key] = {name: _plain(inner) for name, inner in value.items()}
        elif isinstance(value, dict):
            plain[key] = _plain(value)
        else:
            plain[key] = value
    return plain
