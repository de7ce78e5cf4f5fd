"""The least that an MCP server on the same library can be: one tool, nothing else. What ours is compared with."""

from mcp.server import MCPServer

server = MCPServer("bare", version="1", log_level="WARNING")


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text


if __name__ == "__main__":
    server.run()
