"""What the same question costs an archive the second time, and what is asked only where it has to be."""

import datetime as dt
from urllib.parse import parse_qsl

import pytest

from federator.config import Archive, Config
from federator.dicom.query.language import parse
from federator.federation.federation import Federation
from federator.model import Level, Page
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.oracle import in_order
from tests.support.hostile.records import PATIENT_ID, STUDY_UID, Holdings, Record, first, study
from tests.support.hostile.switches import OrderBy, Switches

pytestmark = pytest.mark.anyio

TODAY = dt.datetime.now(tz=dt.UTC).date()


def stored(count: int, *, per_day: int = 1, days_apart: int = 1) -> list[Record]:
    """Studies that end today, the oldest stored first."""
    return [
        study(
            f"1.2.{number}",
            date=(TODAY - dt.timedelta(days=(count - 1 - number) // per_day * days_apart)).strftime("%Y%m%d"),
            time=f"{8 + number % per_day:02}0000",
        )
        for number in range(count)
    ]


async def asked(federation: Federation, query: str) -> Page:
    return await federation.search(parse(query, Level.STUDY, today=TODAY))


def one(url: str) -> Config:
    return Config(archives=(Archive(name="a", url=url),))


def newest(records: list[Record], count: int) -> list[str]:
    return [first(row, STUDY_UID) for row in in_order(records)[:count]]


@pytest.mark.parametrize("per_day", [1, 7])
async def test_the_same_question_again_takes_one_request_for_what_it_shows(loopback: Loopback, per_day: int) -> None:
    """Issue 5: where the newest lay is remembered, so only studies of the last day can be too many."""
    records = stored(700, per_day=per_day)
    before = newest(records, 10)
    archive = HostileArchive(Holdings(studies=records))
    with loopback.serve(archive) as (url,):
        async with Federation(one(url)) as federation:
            await asked(federation, "limit=10")
            archive.ledger.clear()
            page = await asked(federation, "limit=10")
            assert (len(archive.ledger.requests), archive.ledger.rows <= 10 + per_day) == (1, True)
            archive.add(study("1.3.1", date=TODAY.strftime("%Y%m%d"), time="235959"))
            later = await asked(federation, "limit=10")
    assert [entry.uid for entry in page.entries] == before
    assert [entry.uid for entry in later.entries] == ["1.3.1", *before[:9]]


async def test_the_same_question_is_exact_when_studies_have_gone(loopback: Loopback) -> None:
    """contract.md §3.2: what was remembered is a place to begin, not an answer."""
    records = stored(300)
    archive = HostileArchive(Holdings(studies=records))
    with loopback.serve(archive) as (url,):
        async with Federation(one(url)) as federation:
            await asked(federation, "limit=20")
    fewer = HostileArchive(Holdings(studies=records[:-5]))
    with loopback.serve(fewer) as (url,):
        async with Federation(one(url)) as emptier:
            emptier._pool._clients["a"].habits = federation._pool._clients["a"].habits
            page = await asked(emptier, "limit=20")
    assert page.complete
    assert [entry.uid for entry in page.entries] == newest(records[:-5], 20)


@pytest.mark.parametrize(
    ("orderby", "asked_for"),
    [
        (OrderBy.SUPPORTED, ["-StudyDate,-StudyTime", "StudyDate,StudyTime", "-StudyDate,-StudyTime"]),
        (OrderBy.ASCENDING, ["-StudyDate,-StudyTime"]),
        (OrderBy.IGNORED, ["-StudyDate,-StudyTime"]),
    ],
    ids=str,
)
async def test_whether_an_archive_sorts_is_asked_only_where_windows_do_not_do_at_once(
    loopback: Loopback, orderby: OrderBy, asked_for: list[str]
) -> None:
    """Facts of the field, 0.1: hardly any archive sorts, and asking those that do not costs them a look at everything.

    It is asked the other way round only where the first way looked like it.
    """
    dense, sparse = stored(400), stored(1_500, days_apart=60)
    for records, expected in ((dense, []), (sparse, asked_for)):
        archive = HostileArchive(Holdings(studies=records), Switches(orderby=orderby))
        with loopback.serve(archive) as (url,):
            async with Federation(one(url)) as federation:
                page = await asked(federation, "limit=10")
        assert [entry.uid for entry in page.entries] == newest(records, 10)
        queries = [dict(parse_qsl(request.query)) for request in archive.ledger.requests]
        assert [query["orderby"] for query in queries if "orderby" in query] == expected


async def test_a_filter_is_tried_on_a_row_that_has_the_attribute_wherever_it_stands(loopback: Loopback) -> None:
    """contract.md §3.1: an archive that takes * for a letter must not be believed that nobody has such a Patient ID."""
    records = [{**row, PATIENT_ID: ()} for row in stored(230)]
    records[120] = {**records[120], PATIENT_ID: ("P7",)}
    archive = HostileArchive(Holdings(studies=records), Switches(wildcards_literal=True))
    with loopback.serve(archive) as (url,):
        async with Federation(one(url)) as federation:
            await asked(federation, "limit=10")
            page = await asked(federation, "PatientID=P*")
    assert [entry.uid for entry in page.entries] == ["1.2.120"]


async def test_rows_with_an_attribute_that_nobody_has_are_looked_for_once(loopback: Loopback) -> None:
    """Issue 5: what cannot be tried must not cost a list of rows at every question."""
    archive = HostileArchive(Holdings(studies=[{**row, PATIENT_ID: ()} for row in stored(230)]))
    with loopback.serve(archive) as (url,):
        async with Federation(one(url)) as federation:
            spent = []
            for name in ("P1", "P2", "P3"):
                archive.ledger.clear()
                await asked(federation, f"PatientID={name}*")
                spent.append(archive.ledger.rows)
    assert spent[0] >= 200
    assert spent[1:] == [0, 0]
