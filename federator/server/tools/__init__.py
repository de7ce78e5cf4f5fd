"""The tools, grouped as they are documented."""
