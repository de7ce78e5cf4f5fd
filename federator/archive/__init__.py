"""One archive. Knows nothing of the others."""
