"""No text from an archive costs more than in proportion to its length, whichever pattern or function looks at it."""

import subprocess
import sys

from tests.support.hostile import worst_letters


def test_every_pattern_takes_its_worst_letters_in_linear_time() -> None:
    """CWE-1333; issue 12: no backtracking over archive text. Quadratic work on 200 kB outlasts the limit many times."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.hostile.worst_letters"], capture_output=True, text=True, check=False
    )
    told = ended.stdout.splitlines()
    assert ended.returncode == 0, f"stopped at: {told[-1:]}; {ended.stderr[-500:]}"
    assert told[-1] == "done"


def test_all_patterns_are_found() -> None:
    """Issue 12: a test feeds every pattern of the code."""
    found = {pattern.pattern for _, pattern in worst_letters.patterns()}
    assert {r"[0-9]+(\.[0-9]+)*", r"[\s,;]+", rb"stream\r?\n"} <= found
    assert len(found) > 50
