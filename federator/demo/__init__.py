"""Sample archives from embedded data, and the guided first run."""
