"""Fuzzing, shortened: a few cases of every kind, always the same ones (issue 12)."""

import json
import logging
import random

import pytest

from benchmarks.fuzz.__main__ import KINDS, fuzz
from benchmarks.fuzz.changes import changed, changed_json
from benchmarks.fuzz.watch import Watch

pytestmark = pytest.mark.xdist_group("soak")


def test_whatever_comes_from_outside_changed_is_answered_in_our_words() -> None:
    """contract.md §3.9, §6: no fault of our own, no traceback, no process that ends, and the next question is answered.

    Time is the long run's matter: `python -m benchmarks.fuzz --seconds 600`.
    """
    report = fuzz(seconds=8, seed="short", is_timed=False)
    assert report.findings == []
    assert set(report.cases) == set(KINDS)
    assert report.refused["configuration"] > 0
    assert report.refused["file"] > 0


def test_a_fault_of_our_own_an_exception_and_an_error_in_the_log_are_found() -> None:
    """A watch that sees nothing proves nothing."""
    watch = Watch()
    with watch.case("made", 1):
        watch.answered("federator could not do this because of a fault of its own", is_error=True)
        watch.handle(watch_record("A tool failed: KeyError at x.py:1"))
        watch.handle(watch_record("Archive bad failed: KeyError at y.py:2"))
        raise KeyError
    assert [finding.partition(":")[0] for finding in watch.report.findings] == ["made 1"] * 3
    assert watch.report.caught == {"KeyError at y.py:2": "made 1"}


def watch_record(text: str) -> logging.LogRecord:
    return logging.LogRecord("federator", logging.ERROR, "x.py", 1, text, (), None)


def test_the_same_number_makes_the_same_changes() -> None:
    """A finding that cannot be repeated cannot be mended."""
    made = [changed(random.Random("1 file 7"), bytes(range(256)) * 8) for _ in range(2)]
    assert made[0] == made[1] != bytes(range(256)) * 8
    rows = json.dumps([{"0020000D": {"vr": "UI", "Value": ["1.2"]}}]).encode()
    assert len({changed_json(random.Random(number), rows) for number in range(40)}) > 20
