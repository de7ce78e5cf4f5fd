"""Dose reports as tables: every number of every event in some cell, what all share said once."""

import pytest

from federator.dicom.measures.events import events_of
from federator.dicom.measures.row import Role
from federator.dicom.measures.table import measurements
from tests.support.synthetic.doses import fluoroscopy, mammography
from tests.support.synthetic.report_catalogue import CATALOGUE
from tests.support.synthetic.reports import ROOT, as_json


def events(dataset):
    rows = [row for row in measurements(as_json(dataset)).rows if row.group.role is Role.EVENT]
    return events_of(rows), rows


def test_what_a_physicist_reads_comes_first_and_what_all_share_is_said_once():
    """Issue 11 part 7: one row an event; context that repeats is said once."""
    read, _ = events(fluoroscopy(3, details=1))
    assert read.shared == (
        ("Irradiation Event Type", "Fluoroscopy"),
        ("Acquisition Plane", "Single Plane"),
        ("Event UID begins with", f"{ROOT}.77."),
    )
    (table,) = read.tables
    assert table.columns == (
        "event",
        "Acquisition Protocol",
        "Dose Area Product, uGy.m2",
        "Dose (RP), mGy",
        "Detail 0, mA",
        "X-Ray Filter Thickness Minimum, mm, X-Ray Filter Material: Copper",
        "Event UID",
    )
    assert [row.cells[:2] + row.cells[-1:] for row in table.rows] == [
        ("1", "Coro 1", "1"), ("2", "Coro 2", "2"), ("3", "Coro 3", "3")
    ]  # fmt: skip
    assert [float(row.cells[2]) for row in table.rows] == [1, 2, 3]


def test_what_differs_from_value_to_value_stands_with_the_value():
    """PS3.16 TID 10013: two X-ray sources in one event, each with its own voltage."""
    read, _ = events(CATALOGUE["ct_dose"]())
    (table,) = read.tables
    voltage = [column.startswith("KVP, kV") for column in table.columns].index(True)
    second = table.rows[1].cells[voltage]
    assert "Identification of the X-Ray Source: A" in second
    assert "Identification of the X-Ray Source: B" in second
    assert table.columns[1:3] == ("Acquisition Protocol", "Target Region")


def test_a_view_of_a_breast_keeps_its_side():
    """PS3.16 TID 10003C: glandular dose, entrance exposure and compression of each view."""
    read, _ = events(mammography())
    (table,) = read.tables
    assert ("Image View", "cranio-caudal") in read.shared
    assert [row.cells[1] for row in table.rows] == ["Left breast", "Right breast"]
    assert table.columns[2] == "Average Glandular Dose, mGy"


@pytest.mark.parametrize("details", [0, 5, 40])
def test_every_number_of_every_event_stands_in_one_cell(details):
    """Issue 3: none lost, none doubled, however many kinds of numbers there are."""
    read, rows = events(fluoroscopy(4, details=details))
    assert sum(row.numbers for table in read.tables for row in table.rows) == len(rows)
    values = sorted(row.value for row in rows)
    cells = [cell for table in read.tables for row in table.rows for cell in row.cells]
    assert all(value in cells for value in values)
    assert all(len(table.columns) <= 17 for table in read.tables)


def test_sums_are_told_from_events():
    """Issue 11 part 7: totals first; they are known by what they are, not by where they stand."""
    roles = [row.group.role for row in measurements(as_json(fluoroscopy(1))).rows]
    assert roles[-1] is Role.TOTAL
    assert set(roles[:-1]) == {Role.EVENT}
