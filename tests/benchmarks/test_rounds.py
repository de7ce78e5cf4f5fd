"""Round trips are counted by what was under way when, not by how long it took."""

import pytest

from benchmarks.rounds import asked, one_after_the_other, spans
from benchmarks.searching import orthanc_with_studies


def test_requests_beside_each_other_are_one_round_trip() -> None:
    """Issue 10: round trips one after the other."""
    journal = "0 0 1.0\n1 0 1.1\n0 1 2.0\n1 1 2.1\n1 1 2.3\n0 0 2.2\n0 1 3.2\n1 0 3.3\n1 1 4.3\n"
    assert sorted(spans(journal)) == [(1.0, 2.0), (1.1, 2.3), (2.2, 3.2), (3.3, 4.3)]
    assert one_after_the_other(spans(journal)) == 3
    assert one_after_the_other([]) == 0


@pytest.mark.orthanc
@pytest.mark.xdist_group("benchmarks")
def test_a_first_question_far_from_orthanc_is_counted() -> None:
    """Issue 10: ten questions on each archive."""
    with orthanc_with_studies(3) as orthanc:
        trips, requests, spent, told = asked(orthanc, "", "")
    assert 1 <= trips <= requests
    assert spent > 0
    assert told == "3 studies, complete"
