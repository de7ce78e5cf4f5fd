"""What an archive refuses at first contact never ends a question that is itself acceptable."""

import datetime as dt

import pytest

from federator.dicom.query.language import parse
from federator.model import Level, Page
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.records import ACCESSION_NUMBER, PATIENT_ID, PATIENT_NAME, Holdings, Record, study
from tests.support.hostile.switches import Switches
from tests.support.stepped import federation_of, stepped

CROWD = [
    study(f"1.{n}", date=f"2024{1 + n % 12:02}{1 + n % 28:02}", patient_id=f"C{n}", name=f"Cap^Nr{n}")
    for n in range(600)
]


async def asked(archive: HostileArchive, queries: list[str]) -> list[Page]:
    async with federation_of([archive], deadline_s=30) as federation:
        return [await federation.search(parse(q, Level.STUDY, today=dt.date(2024, 6, 30))) for q in queries]


def told(studies: list[Record], switches: Switches, *queries: str) -> tuple[list[Page], int]:
    archive = HostileArchive(Holdings(studies=studies), switches)
    return stepped(1, asked, archive, list(queries)), len(archive.ledger.requests)


@pytest.mark.parametrize(
    "switches",
    [
        Switches(too_broad=500),
        Switches(key_required=True),
        Switches(plain_json_only=True),
        Switches(key_required=True, plain_json_only=True),
        Switches(too_broad=500, key_required=True, over_limit_refused=100),
        Switches(too_broad=500, keywords_only=True),
    ],
    ids=str,
)
def test_a_narrow_question_is_answered_in_full(switches: Switches) -> None:
    """contract.md §3.6; PS3.18 Table 10.6.3-1 (413: repeat with a narrower query); RFC 9110 15.5.7 (406)."""
    pages, spent = told(CROWD, switches, "PatientID=C5", "PatientID=C6")
    assert [[entry.uid for entry in page.entries] for page in pages] == [["1.5"], ["1.6"]]
    assert [page.complete for page in pages] == [True, True]
    assert spent <= 25


def test_a_list_without_a_key_that_is_refused_is_read_by_dates() -> None:
    """contract.md §3.6: the question goes on in another form; what no date finds is told to be missing."""
    (page,), _ = told(CROWD, Switches(key_required=True), "limit=20")
    assert len(page.entries) == 20
    assert page.complete


@pytest.mark.parametrize("offset_ignored", [False, True])
def test_an_archive_that_marks_every_answer_as_a_part_gives_its_rows_in_a_few_requests(
    offset_ignored: bool,
) -> None:
    """PS3.18 2019e Table 10.6.3-1 (206); contract.md §3.6: rows in hand are an answer, whatever is said of them."""
    switches = Switches(always_206=True, offset_ignored=offset_ignored)
    (page,), spent = told(CROWD, switches, "PatientID=C5")
    assert [entry.uid for entry in page.entries] == ["1.5"]
    assert not page.complete
    assert spent <= 20


@pytest.mark.parametrize("length", [200, 100_000])
@pytest.mark.parametrize("tag", [PATIENT_NAME, PATIENT_ID, ACCESSION_NUMBER])
def test_absurd_values_of_one_answer_never_break_a_later_question(length: int, tag: str) -> None:
    """contract.md §3.6: what is kept of an answer to try filters on cannot spoil what comes after it."""
    value = "Ä b\\&#%" * (length // 7)
    # Answers of more than 256 kB are read in a thread, which knows another clock.
    rows = CROWD[: 20 if length < 1_000 else 1]
    absurd = [{**row, tag: (((value, "", ""),) if tag == PATIENT_NAME else (value,))} for row in rows]
    absurd += [{**CROWD[40], "0020000D": ("../../etc" * (length // 100),)}]
    pages, _ = told([*absurd, *CROWD[30:35]], Switches(), "", "PatientID=C31", "PatientName=cap*", "AccessionNumber=X")
    assert [entry.uid for entry in pages[1].entries] == ["1.31"]
    assert len(pages[2].entries) >= 5
