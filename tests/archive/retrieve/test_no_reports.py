"""When a study needs no look into its series: its archive lists the SOP Classes, and none of them is a report."""

import json
from collections.abc import Mapping, Sequence

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.reports import Gathering, Wanted, gather_reports
from federator.config import Archive
from tests.support.canned_server import canned, http

pytestmark = pytest.mark.anyio

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
STUDY, OTHER, SERIES, REPORT = "1.2.3", "1.2.4", "1.2.3.1", "1.2.3.1.1"
WARNING = {"Warning": '299 archive "Some nodes did not answer"'}


def row(uid: str, *classes: str) -> dict[str, object]:
    listed = {"00080062": {"vr": "UI", "Value": list(classes)}} if classes else {}
    return {"0020000D": {"vr": "UI", "Value": [uid]}, **listed}


async def found(rows: Sequence[object], headers: Mapping[str, str]) -> tuple[Gathering, list[str]]:
    """What is gathered of a study that has one report in one series, and the paths that were asked for."""
    asked: list[str] = []
    series = {"0020000E": {"vr": "UI", "Value": [SERIES]}, "00080060": {"vr": "CS", "Value": ["SR"]}}
    instance = {
        "00080016": {"vr": "UI", "Value": [SR]},
        "00080018": {"vr": "UI", "Value": [REPORT]},
        "0020000E": {"vr": "UI", "Value": [SERIES]},
    }

    def answer(head: str) -> bytes:
        path = head.split()[1].partition("?")[0].removeprefix("/rs")
        asked.append(path)
        told = {"/studies": rows, f"/studies/{STUDY}/series": [series]}.get(path, [instance])
        return http(200, json.dumps(told).encode(), **(headers if path == "/studies" else {}))

    with canned(answer) as port:
        async with ArchiveClient(Archive(name="a", url=f"http://127.0.0.1:{port}/rs")) as client:
            into = Gathering()
            await gather_reports(client, Wanted(study_instance_uid=STUDY, is_wanted=SR.__eq__), into)
    return into, asked


@pytest.mark.parametrize(
    ("rows", "headers"),
    [
        ([row(STUDY, CT), row(STUDY, CT, SR)], {}),
        ([row(STUDY, CT, SR), row(STUDY, CT)], {}),
        ([row(STUDY, CT), row(STUDY)], {}),
        ([row(STUDY)], {}),
        ([row(OTHER, CT)], {}),
        ([], {}),
        ([*([row(STUDY, CT)] * 10)], {}),
        ([row(STUDY, CT)], WARNING),
        ([row(STUDY, CT), 7], {}),
        ([row(STUDY, CT), row("none", SR)], {}),
    ],
    ids=[
        "the report stands in the second row", "in the first row", "the second row does not tell", "no row tells",
        "another study's row", "no row", "as many rows as were asked for", "it warned", "a row that is none",
        "a row whose UID is none",
    ],
)  # fmt: skip
async def test_every_row_of_a_study_has_to_say_that_it_holds_no_report(rows, headers):
    """contract.md §3.7: under one UID there may be a row for each of two patients (Orthanc); a none is proven."""
    into, asked = await found(rows, headers)
    assert list(into.rows) == [REPORT]
    assert f"/studies/{STUDY}/series" in asked


@pytest.mark.parametrize("rows", [[row(STUDY, CT)], [row(STUDY, CT), row(STUDY, CT)], [row(STUDY, CT), row(OTHER, SR)]])
async def test_where_every_row_says_so_no_series_is_asked_for(rows):
    """facts/dicomweb.md: SOP Classes in Study spares a look into every series."""
    into, asked = await found(rows, {})
    assert (into.rows, into.seen, asked) == ({}, True, ["/studies"])
