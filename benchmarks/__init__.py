"""Measurements anyone can repeat: `python -m benchmarks` prints one table of ratios, each taken in one run."""
