"""federator: one MCP endpoint over several DICOMweb archives. It only ever reads."""

__version__ = "0.1.0"
