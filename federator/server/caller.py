"""A client of our own, for the shell and the demo: calls tools as an assistant's program does."""

import base64
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ImageContent,
    Implementation,
    TextContent,
)

from federator import __version__
from federator.archive.habits.folder import HabitsFolder
from federator.config import Config, ConfigSource
from federator.server.app import build_server


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image of an answer."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a tool answered: its text, its pictures and, where it has one, its structure."""

    text: str
    pictures: tuple[Picture, ...]
    structured: Mapping[str, Any] | None
    is_error: bool


class Caller:
    """Calls the tools of one running server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, on_progress: ProgressFnT | None = None
    ) -> Answered:
        """Call one tool; `on_progress` is told meanwhile how far it is, of how much, and in words."""
        # As `Client.call_tool` without listing the tools: federator's own answer need not be held against its schema,
        # and loading what does that is a twentieth of the whole command.
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=dict(arguments)))
        result = await self._client.session.send_request(request, CallToolResult, progress_callback=on_progress)
        return Answered(
            text="\n\n".join(block.text for block in result.content if isinstance(block, TextContent)),
            pictures=tuple(
                Picture(media_type=block.mime_type, content=base64.b64decode(block.data))
                for block in result.content
                if isinstance(block, ImageContent)
            ),
            structured=result.structured_content,
            is_error=bool(result.is_error),
        )

    async def tools(self) -> tuple[str, ...]:
        """The names of the tools."""
        return tuple(tool.name for tool in (await self._client.list_tools()).tools)


@asynccontextmanager
async def in_memory(
    source: ConfigSource | Config, *, habits: HabitsFolder | None = None, only: str = ""
) -> AsyncIterator[Caller]:
    """A server within this process; with `only` for one call of that tool."""
    async with Client(build_server(source, habits=habits, only=only), client_info=_client_info()) as client:
        yield Caller(client)


@asynccontextmanager
async def over_stdio(config: Path, *, state: Path) -> AsyncIterator[Caller]:
    """A server of its own process, started as an assistant's program would; `state` keeps its health file apart."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "federator", "--config", str(config)],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )
    async with Client(server, client_info=_client_info()) as client:
        yield Caller(client)


def _client_info() -> Implementation:
    return Implementation(name="federator-shell", version=__version__)
