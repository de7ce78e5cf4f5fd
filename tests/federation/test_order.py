"""The one order of each level, whatever the rows hold."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from federator.federation.order import instance_rank, moment_rank, rank, series_rank, study_rank
from federator.model import Level

anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["20240105", "1015"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Value", "vr"]), inner),
    max_leaves=4,
)
TAGS = {
    Level.STUDY: ("00080020", "00080030", "0020000D"),
    Level.SERIES: ("00080021", "00080031", "00400244", "00400245", "00200011", "0020000E"),
    Level.INSTANCE: ("00200013", "00080018"),
}


def row(**values: object) -> dict[str, Any]:
    return {tag[1:]: {"Value": [value]} for tag, value in values.items()}


def studies_in_order(*moments: tuple[str, str]) -> list[tuple[str, str]]:
    ranked = [
        (study_rank(row(t00080020=date, t00080030=time, t0020000D=f"1.{number}")), (date, time))
        for number, (date, time) in enumerate(moments)
    ]
    return [moment for _, moment in sorted(ranked)]


def test_studies_are_newest_first_without_a_time_after_those_of_the_day_and_undated_last():
    """contract.md §3.2."""
    wanted = [
        ("99991231", ""),
        ("20240106", "000000"),
        ("20240106", ""),
        ("20240105", "235959.999999"),
        ("20240105", "2359"),
        ("20240105", "23"),
        ("20240105", "000000"),
        ("20240105", ""),
        ("19991231", "235959"),
        ("00010101", ""),
        ("", "235959"),
    ]
    assert studies_in_order(*wanted[::-1]) == wanted


def test_equal_moments_are_in_the_order_of_uids():
    """facts/dicomweb.md 3.1: no two entries share a place."""
    first, second = (study_rank(row(t00080020="20240105", t0020000D=uid)) for uid in ("1.10", "1.2"))
    assert first < second


def test_impossible_dates_count_as_none():
    """facts/dicomweb.md 3.1: reject impossible dates."""
    assert study_rank(row(t00080020="20230229", t0020000D="1")) == moment_rank("", "", "1")


def test_series_go_by_date_then_number_and_fall_back_to_the_procedure_step():
    """contract.md §3.2: SeriesDate/Time descending, PerformedProcedureStepStartDate as fallback, then SeriesNumber."""
    rows = [
        row(t00080021="20240106", t00080031="0900", t00200011="7", t0020000E="1"),
        row(t00400244="20240106", t00400245="0800", t00200011="1", t0020000E="2"),
        row(t00080021="20240106", t00200011="1", t0020000E="3"),
        row(t00080021="20240105", t00080031="235959", t00400244="20240107", t00200011="1", t0020000E="4"),
        row(t00200011="2", t0020000E="5"),
        row(t00200011="10", t0020000E="6"),
        row(t0020000E="7"),
    ]
    backwards = rows[::-1]
    assert sorted(backwards, key=series_rank) == rows


def test_instances_go_by_number_as_a_number_and_absent_ones_last():
    """contract.md §3.2."""
    rows = [
        row(t00200013="-1", t00080018="1"),
        row(t00200013=2, t00080018="2"),
        row(t00200013="10", t00080018="3"),
        row(t00200013="10", t00080018="4"),
        row(t00080018="0"),
        row(t00200013="x", t00080018="5"),
    ]
    backwards = rows[::-1]
    assert sorted(backwards, key=instance_rank) == rows


@given(level=st.sampled_from(Level), elements=st.lists(anything, min_size=6, max_size=6))
def test_any_row_has_a_place(level, elements):
    """facts/dicomweb.md 1.7: one bad element must not lose a row, nor the order of the others."""
    place = rank(level, dict(zip(TAGS[level], elements, strict=False)))
    assert list(map(type, place)) == [int, int, str]
