"""A row that cannot be put into words costs its archive only (contract.md §3.9)."""

import pytest

from federator.archive.connection.boundary import CANNOT_BE_USED
from federator.errors import NoArchiveAnswered, RequestError
from federator.model import Entry, Level, Outcome, OutcomeState, Page, Row
from federator.server.answers.worded import worded

SECRET = "Mustermann^Erika"


def entry(uid: str, *archives: str) -> Entry:
    rows = tuple(Row(archive=name, data={"00100010": {"vr": "PN", "Value": [name]}}) for name in archives)
    return Entry(level=Level.STUDY, uid=uid, rows=rows, conflicts={"PatientName": {name: name for name in archives}})


def page(*entries: Entry, archives: tuple[str, ...] = ("good", "bad")) -> Page:
    outcomes = tuple(Outcome(archive=name, state=OutcomeState.ANSWERED) for name in archives)
    return Page(level=Level.STUDY, entries=entries, outcomes=outcomes)


def of_bad(told: Entry) -> str:
    if "bad" in told.holders:
        raise KeyError(SECRET)
    return f"{told.uid} {','.join(told.holders)} {sorted(told.conflicts.get('PatientName', ()))}"


def test_a_row_that_cannot_be_told_costs_its_archive_only(caplog) -> None:
    """contract.md §3.9: the others' entries stay, and so does what they say of a shared one."""
    given = page(
        entry("1", "good"), entry("2", "bad"), entry("3", "good", "bad", "third"), archives=("good", "bad", "third")
    )
    left, told = worded(given, of_bad)
    assert told == ["1 good ['good']", "3 good,third ['good', 'third']"]
    assert [one.uid for one in left.entries] == ["1", "3"]
    assert [(one.archive, one.state) for one in left.outcomes] == [
        ("good", OutcomeState.ANSWERED),
        ("bad", OutcomeState.FAILED),
        ("third", OutcomeState.ANSWERED),
    ]
    assert left.outcomes[1].message == CANNOT_BE_USED
    assert not left.complete
    assert "A row of archive bad cannot be told: KeyError at " in caplog.text
    assert SECRET not in caplog.text


def test_rows_that_cannot_be_told_together_cost_those_archives() -> None:
    """contract.md §3.9: neither raises by itself."""

    def apart(told: Entry) -> str:
        if len(told.rows) > 1:
            raise ValueError(SECRET)
        return told.uid

    left, told = worded(page(entry("1", "third"), entry("2", "good", "bad"), archives=("good", "bad", "third")), apart)
    assert told == ["1"]
    assert [one.state for one in left.outcomes] == [OutcomeState.FAILED, OutcomeState.FAILED, OutcomeState.ANSWERED]


def test_what_nobody_can_tell_is_no_empty_list_and_what_is_said_on_purpose_passes() -> None:
    """contract.md §3.1: all failed is an error."""
    with pytest.raises(NoArchiveAnswered, match="cannot be used"):
        worded(page(entry("1", "bad"), archives=("bad",)), of_bad)

    def refuse(_: Entry) -> str:
        raise RequestError("no")

    with pytest.raises(RequestError):
        worded(page(entry("1", "good")), refuse)
    assert worded(page(entry("1", "good")), of_bad) == (page(entry("1", "good")), ["1 good ['good']"])
