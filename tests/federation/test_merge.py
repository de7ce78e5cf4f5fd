"""Rows of several archives as one list: the same whatever order they came in, and nothing decided silently."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.federation.merge import merge, place
from federator.federation.order import rank
from federator.model import Entry, Level, Row

ARCHIVES = ("a", "b", "c", "d")
NUMBER_OF_INSTANCES = {Level.STUDY: "00201208", Level.SERIES: "00201209"}


def element(value: object) -> dict[str, object]:
    return {"Value": [value]}


rows_of_one_study = st.fixed_dictionaries(
    {"0020000D": st.sampled_from(["1.1", "1.2", "1.3", "1.4"]).map(element)},
    optional={
        "00080020": st.sampled_from(["20240105", "20240106", "2024.01.05", "", "nonsense"]).map(element),
        "00080030": st.sampled_from(["101500", "1015", ""]).map(element),
        "00100010": st.sampled_from(["Doe^Jane", "Doe^Jane^^", "Roe^Jane"]).map(lambda n: element({"Alphabetic": n})),
        "00080061": st.sampled_from([["CT"], ["MR", "CT"], []]).map(lambda values: {"Value": values}),
        "00201208": st.sampled_from([0, 1, "7", 20, None]).map(element),
    },
)
copies = st.dictionaries(
    st.tuples(st.sampled_from(ARCHIVES), st.sampled_from(["1.1", "1.2", "1.3", "1.4"])), rows_of_one_study, max_size=12
).map(
    lambda found: [
        Row(archive=archive, data={**data, "0020000D": element(uid)}) for (archive, uid), data in found.items()
    ]
)


def shape(entries: list[Entry]) -> list[tuple[object, ...]]:
    return [(entry.uid, entry.holders, entry.conflicts, [row.data for row in entry.rows]) for entry in entries]


@given(rows=copies, seed=st.randoms(use_true_random=False))
def test_the_order_of_answering_makes_no_difference(rows: list[Row], seed: random.Random) -> None:
    """contract.md §3.3: the same list whichever archive is the fastest."""
    shuffled = list(rows)
    seed.shuffle(shuffled)
    assert shape(merge(Level.STUDY, rows, ARCHIVES)) == shape(merge(Level.STUDY, shuffled, ARCHIVES))


@given(rows=copies)
def test_every_uid_comes_once_with_every_holder_once_and_no_row_is_lost(rows: list[Row]) -> None:
    """contract.md §3.3: deduplicated by UID, with holders."""
    entries = merge(Level.STUDY, rows, ARCHIVES)
    assert len({entry.uid for entry in entries}) == len(entries)
    assert sorted((name, entry.uid) for entry in entries for name in entry.holders) == sorted(
        (row.archive, row.data["0020000D"]["Value"][0]) for row in rows
    )


@given(rows=copies)
def test_merging_again_changes_nothing(rows: list[Row]) -> None:
    """Idempotent: pages are merged once more when copies are compared."""
    once = merge(Level.STUDY, rows, ARCHIVES)
    assert shape(merge(Level.STUDY, [row for entry in once for row in entry.rows], ARCHIVES)) == shape(once)


@given(rows=copies, cut=st.integers(0, 12))
def test_merging_in_parts_is_merging_at_once(rows: list[Row], cut: int) -> None:
    """Associative: what comes later joins what is there."""
    parts = [merge(Level.STUDY, part, ARCHIVES) for part in (rows[:cut], rows[cut:])]
    joined = [row for part in parts for entry in part for row in entry.rows]
    assert shape(merge(Level.STUDY, joined, ARCHIVES)) == shape(merge(Level.STUDY, rows, ARCHIVES))


@given(rows=copies)
def test_an_entry_stands_where_its_earliest_copy_stands(rows: list[Row]) -> None:
    """contract.md §3.2 and §3.4: one place, whichever archive answers."""
    entries = merge(Level.STUDY, rows, ARCHIVES)
    assert [place(entry) for entry in entries] == sorted(place(entry) for entry in entries)
    for entry in entries:
        assert place(entry) == min(rank(Level.STUDY, row.data) for row in entry.rows)


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
def test_the_fullest_copy_comes_first_then_the_order_of_the_configuration(level: Level) -> None:
    """contract.md §1: most instances, then the order in the file; a count that is not told counts as none."""
    counts = {"a": 3, "b": "12", "c": 12, "d": None}
    rows = [
        Row(archive=name, data={level.uid_tag: element("1.2"), NUMBER_OF_INSTANCES[level]: element(count)})
        for name, count in counts.items()
    ]
    (entry,) = merge(level, rows, ARCHIVES)
    assert entry.holders == ("b", "c", "a", "d")
    (entry,) = merge(level, rows, ARCHIVES[::-1])
    assert entry.holders == ("c", "b", "a", "d")


def test_what_copies_disagree_about_stands_side_by_side() -> None:
    """contract.md §3.3: conflicts are kept, never decided; who tells nothing disagrees with nobody."""
    told = {
        "a": {"00100010": element({"Alphabetic": "Doe^Jane"}), "00080020": element("20240105")},
        "b": {"00100010": element({"Alphabetic": "Doe^Joan"}), "00080020": element("20240105")},
        "c": {},
    }
    rows = [Row(archive=name, data={"0020000D": element("1.2"), **data}) for name, data in told.items()]
    (entry,) = merge(Level.STUDY, rows, ARCHIVES)
    assert entry.conflicts == {"PatientName": {"a": "Doe^Jane", "b": "Doe^Joan"}}


@pytest.mark.parametrize(
    ("tag", "one", "other"),
    [
        ("00080020", "20240105", "2024.01.05"),
        ("00080030", "1015", "101500.000000"),
        ("00100010", {"Alphabetic": "Doe^Jane"}, {"Alphabetic": "Doe^Jane^^^ "}),
        ("00100020", " P1", "P1 "),
        ("00081030", "Chest", "Chest "),
    ],
)
def test_padding_and_old_forms_are_no_conflict(tag: str, one: object, other: object) -> None:
    """PS3.5 §6.2: what is not significant does not differ."""
    rows = [
        Row(archive=name, data={"0020000D": element("1.2"), tag: element(value)})
        for name, value in (("a", one), ("b", other))
    ]
    assert merge(Level.STUDY, rows, ARCHIVES)[0].conflicts == {}


def test_counts_and_modalities_of_copies_are_no_conflict() -> None:
    """contract.md §3.3: counts are per archive and never summed, modalities are united."""
    rows = [
        Row(archive=name, data={"0020000D": element("1.2"), "00201208": element(count), "00080061": {"Value": kinds}})
        for name, count, kinds in (("a", 3, ["CT"]), ("b", 9, ["CT", "SR"]))
    ]
    (entry,) = merge(Level.STUDY, rows, ARCHIVES)
    assert entry.conflicts == {}
    assert [row.data["00201208"]["Value"] for row in entry.rows] == [[9], [3]]
