"""Which archives are asked about one object: tags first, then what all archives said not long ago."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.dicom.uid import TaggedUID
from federator.errors import RequestError
from federator.federation.target import Holders, Target
from federator.model import Outcome, OutcomeState

NAMES = ("a", "b", "c")
tags = st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def heard(*names: str, state: OutcomeState = OutcomeState.ANSWERED) -> list[Outcome]:
    return [Outcome(archive=name, state=state) for name in names]


@given(study=tags, series=st.none() | tags, instance=st.none() | tags)
def test_the_most_specific_tag_decides(study, series, instance):
    """contract.md §1: tags that disagree; no common holder is an error that shows all three."""
    target = Target(
        study=TaggedUID(uid="1.1", archives=study),
        series=None if series is None else TaggedUID(uid="1.2", archives=series),
        instance=None if instance is None else TaggedUID(uid="1.3", archives=instance),
    )
    told = [archives for archives in (instance, series, study) if archives]
    if told and not set.intersection(*map(set, told)):
        with pytest.raises(RequestError, match="no archive together") as caught:
            _ = target.archives
        for uid in (target.study, target.series, target.instance):
            assert uid is None or str(uid) in str(caught.value)
    else:
        assert target.archives == (told[0] if told else ())


def test_a_target_knows_its_path_and_its_uid():
    """PS3.18 §10.4.1."""
    study, series, instance = (TaggedUID(uid=f"1.{number}", archives=("a",)) for number in (1, 2, 3))
    assert (Target(study=study).path, Target(study=study).uid) == ("/studies/1.1", "1.1")
    whole = Target(study=study, series=series, instance=instance)
    assert (whole.path, whole.uid) == ("/studies/1.1/series/1.2/instances/1.3", "1.3")


def test_holders_are_remembered_where_all_were_heard():
    """contract.md §1: found by asking every archive, once."""
    holders = Holders(Clock())
    holders.remember("1.1", ["b", "a"], heard(*NAMES))
    assert holders.get("1.1", NAMES) == ("b", "a")
    assert holders.get("1.2", NAMES) == ()


@pytest.mark.parametrize("state", [state for state in OutcomeState if state is not OutcomeState.ANSWERED])
def test_nothing_is_remembered_where_one_was_not_heard(state):
    """contract.md §1: it may hold the study as well."""
    holders = Holders(Clock())
    holders.remember("1.1", ["b"], [*heard("a", "b"), *heard("c", state=state)])
    assert holders.get("1.1", NAMES) == ()


def test_what_was_remembered_is_forgotten_after_ten_minutes():
    """Studies move; a cache that does not forget would send retrievals astray."""
    clock = Clock()
    holders = Holders(clock)
    holders.remember("1.1", ["b"], heard(*NAMES))
    clock.now = 600
    assert holders.get("1.1", NAMES) == ("b",)
    clock.now = 600.1
    assert holders.get("1.1", NAMES) == ()


def test_an_archive_that_was_added_since_was_not_asked():
    """contract.md §1: every archive; what was asked of fewer is not known."""
    holders = Holders(Clock())
    holders.remember("1.1", ["b"], heard("a", "b"))
    assert holders.get("1.1", ("a", "b")) == ("b",)
    assert holders.get("1.1", ("b",)) == ("b",)
    assert holders.get("1.1", ("a",)) == ()
    assert holders.get("1.1", NAMES) == ()


def test_the_memory_is_bounded_and_forgets_the_least_used():
    """contract.md §1: a bounded cache."""
    holders = Holders(Clock())
    for number in range(4096):
        holders.remember(f"1.{number}", ["a"], heard("a"))
    assert holders.get("1.0", ("a",)) == ("a",)
    holders.remember("2", ["a"], heard("a"))
    assert holders.get("1.0", ("a",)) == ("a",)
    assert holders.get("1.1", ("a",)) == ()
    holders.forget("1.0")
    assert holders.get("1.0", ("a",)) == ()
    holders.forget("never heard of")
