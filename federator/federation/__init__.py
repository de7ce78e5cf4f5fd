"""Several archives as one. Knows nothing of MCP."""
