"""Many questions and many archives at once: bounded at every archive, and nobody waits for the slowest."""

import datetime as dt

import anyio
import pytest

from federator.config import Archive, Config
from federator.dicom.query.language import Query, parse
from federator.federation.federation import Federation
from federator.model import Level, Outcome, Page
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.oracle import union
from tests.support.hostile.records import Holdings, study, with_images
from tests.support.hostile.switches import Switches

pytestmark = pytest.mark.anyio

EVERYTHING = Query(level=Level.STUDY)


def holdings(archive: int, count: int = 60) -> Holdings:
    """Studies of one archive; every third is in the next archive as well."""
    numbers = range(archive * count, archive * count + count + count // 3)
    return Holdings(
        studies=[
            study(f"1.2.{number}", date=f"2024{1 + number % 12:02}{1 + number % 28:02}", name=f"Name{number % 7}^A")
            for number in numbers
        ]
    )


async def test_thirty_two_searches_at_once_are_all_answered_within_the_limit_of_each_archive(
    loopback: Loopback,
) -> None:
    """contract.md §3.6: concurrency per archive is bounded, measured at the archive."""
    hostile = [
        HostileArchive(holdings(number), Switches(silent_cap=51 if number == 1 else 0), latency_s=0.005)
        for number in range(3)
    ]
    queries = [
        (text, parse(text, Level.STUDY, today=_today()))
        for text in ("limit=20", "PatientName=name3*", "StudyDate=2024-03", "limit=200 StudyDate=20240401-")
    ]
    pages: dict[int, Page] = {}

    async def ask(number: int, federation: Federation) -> None:
        pages[number] = await federation.search(queries[number % 4][1])

    with loopback.serve(*hostile) as urls, anyio.fail_after(90):
        archives = tuple(
            Archive(name=f"archive{number}", url=url, deadline_s=60, max_connections=number + 1)
            for number, url in enumerate(urls)
        )
        async with Federation(Config(archives=archives)) as federation, anyio.create_task_group() as tasks:
            for number in range(32):
                tasks.start_soon(ask, number, federation)
    assert len(pages) == 32
    assert all(page.complete for page in pages.values())
    for number, page in pages.items():
        assert [entry.uid for entry in page.entries] == [entry.uid for entry in pages[number % 4].entries]
    assert [archive.ledger.most_under_way <= number + 1 for number, archive in enumerate(hostile)] == [True] * 3
    assert hostile[2].ledger.most_under_way > 1
    assert [archive.ledger.under_way for archive in hostile] == [0, 0, 0]
    expected = union([archive.holdings.studies for archive in hostile], {})
    assert [entry.uid for entry in pages[0].entries] == expected[:20]


async def test_a_hundred_archives_are_one_question(loopback: Loopback) -> None:
    """contract.md §3.6: a hundred archives are not a special case."""
    hostile = [HostileArchive(holdings(number, count=6)) for number in range(100)]
    told: list[tuple[str, int, int]] = []

    async def on_outcome(outcome: Outcome, done: int, total: int) -> None:
        told.append((outcome.archive, done, total))

    with loopback.serve(*hostile) as urls, anyio.fail_after(90):
        archives = tuple(Archive(name=f"a{number}", url=url, deadline_s=60) for number, url in enumerate(urls))
        async with Federation(Config(archives=archives)) as federation:
            page = await federation.search(EVERYTHING, on_outcome=on_outcome)
    assert page.complete
    assert [entry.uid for entry in page.entries] == union([a.holdings.studies for a in hostile], {})[:50]
    assert [outcome.archive for outcome in page.outcomes] == [archive.name for archive in archives]
    assert sorted(done for _, done, _ in told) == list(range(1, 101))
    assert {total for _, _, total in told} == {100}


async def test_a_cancelled_search_lets_go_of_the_archive(loopback: Loopback) -> None:
    """Issue 2: cancellation reaches the sockets, and the next question is answered."""
    slow = HostileArchive(with_images([study("1.2.1", date="20240101")]), latency_s=0.2)
    with loopback.serve(slow) as (url,), anyio.fail_after(60):
        async with Federation(Config(archives=(Archive(name="slow", url=url, max_connections=1),))) as federation:
            for _ in range(5):
                with anyio.move_on_after(0.02) as scope:
                    await federation.search(EVERYTHING)
                assert scope.cancelled_caught
            page = await federation.search(EVERYTHING)
    assert page.complete
    assert [entry.uid for entry in page.entries] == ["1.2.1"]


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()
