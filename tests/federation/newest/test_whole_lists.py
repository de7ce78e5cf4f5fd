"""When a list may be called whole: the ways in which archives that cut without a word nearly went unnoticed.

Each test is one archive that led to a silent gap, or could have.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import anyio
import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.naming import Naming
from federator.archive.search.children import Children
from federator.archive.search.fetched import EVERYTHING, Wholeness
from federator.archive.search.pages import read_pages
from federator.archive.search.studies import Search
from federator.config import Archive, Config
from federator.dicom.query.language import Query, parse
from federator.dicom.uid import TaggedUID
from federator.federation.fanout import Reply
from federator.federation.federation import Federation
from federator.federation.newest import studies
from federator.federation.newest.harvest import Harvest
from federator.model import Level, Outcome, OutcomeState, Page
from tests.support.hostile.archive import HostileArchive, encode
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.oracle import union
from tests.support.hostile.query_string import Asked
from tests.support.hostile.records import INSTANCE_UID, INSTANCES_IN_SERIES, Holdings, Record, first, study, with_images
from tests.support.hostile.switches import Order, Switches

pytestmark = pytest.mark.anyio

ALL = Query(level=Level.STUDY)
DEADLINE_S = 60.0


def asked(query: str, level: Level = Level.STUDY) -> Query:
    return parse(query, level, today=dt.date(2024, 6, 30))


def of(*urls: str, **keys: object) -> Config:
    archives = (Archive(name="ab"[n], url=url, deadline_s=DEADLINE_S, **keys) for n, url in enumerate(urls))  # type: ignore[arg-type]
    return Config(archives=tuple(archives))


async def all_pages(federation: Federation, query: Query, *, at_most: int = 60) -> list[Page]:
    pages = [await federation.search(query)]
    while pages[-1].next_cursor and len(pages) < at_most:
        pages.append(await federation.search(query, cursor=pages[-1].next_cursor))
    assert not pages[-1].next_cursor
    return pages


def uids(pages: Iterable[Page]) -> list[str]:
    return [entry.uid for page in pages for entry in page.entries]


def dated(count: int, *, start: int = 0, **attributes: object) -> list[Record]:
    day = dt.date(2024, 1, 1).toordinal()
    return [
        study(f"1.{start + n}", date=dt.date.fromordinal(day - n).strftime("%Y%m%d"), **attributes)  # type: ignore[arg-type]
        for n in range(count)
    ]


async def test_every_request_for_one_of_several_values_has_offsets_of_its_own(loopback: Loopback) -> None:
    """One offset for the lists of CT and of MR together would skip a thousand CTs."""
    studies = [study(f"1.{n}", modalities=("CT" if n < 2503 else "MR",)) for n in range(3506)]
    with loopback.serve(HostileArchive(Holdings(studies=studies))) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            whole = await Search(client, asked("ModalitiesInStudy=CT,MR")).pages(EVERYTHING)
    assert whole.seen == {first(record, "0020000D") for record in studies}
    assert whole.wholeness is Wholeness.WHOLE
    assert whole.longest == 1000


async def test_a_cap_is_that_of_one_answer_not_of_several_together(loopback: Loopback) -> None:
    """Two answers of 40 rows show a cap of 40; taken for 80, it would let every later answer of 40 pass as whole."""
    studies = [*dated(90, modalities=("CT",)), *dated(90, start=1000, modalities=("MR",))]
    archive = HostileArchive(Holdings(studies=studies), Switches(silent_cap=40))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(asked("ModalitiesInStudy=CT,MR limit=200"))
            assert uids([page]) == union([studies], {})[:200]
            pages = await all_pages(federation, asked("ModalitiesInStudy=MR limit=50"))
            assert uids(pages) == union([studies], {"00080061": ["MR"]})
            (state,) = await federation.survey()
    assert "cuts study answers at 40 rows without saying so" in state.findings


async def test_a_longer_answer_refutes_a_cap(loopback: Loopback) -> None:
    """A study that is stored between two requests looks like a cap; the finding must not stay for ever."""
    with loopback.serve(HostileArchive(Holdings(studies=dated(90)))) as (url,):
        async with Federation(of(url)) as federation:
            await federation.search(ALL)
            habits = federation._pool.chosen(["a"])[0].habits
            habits.cuts(Level.STUDY, 30)
            await federation.search(asked("PatientName=Doe*"))
    assert habits.known.caps == {}


async def test_the_length_of_a_list_read_in_pages_says_nothing_of_one_answer(loopback: Loopback) -> None:
    """100 series in pages of 50 do not show that an answer of 50 is whole."""
    long, short = (
        with_images([study(f"1.{n}", date="20240101", modalities=tuple(f"M{m}" for m in range(count)))])
        for n, count in ((1, 100), (2, 70))
    )
    holdings = Holdings(
        studies=[*long.studies, *short.studies],
        series=[*long.series, *short.series],
        instances=[*long.instances, *short.instances],
    )
    with loopback.serve(HostileArchive(holdings, Switches(clamp_limit=50))) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            for uid, count in (("1.1", 100), ("1.2", 70)):
                children = Children(client=client, query=Query(level=Level.SERIES), study_instance_uid=uid)
                whole = await children.read()
                assert len(whole.rows) == count
                assert whole.wholeness is Wholeness.WHOLE


class InstancesUncapped(HostileArchive):
    """Orthanc with LimitFindResults, but without LimitFindInstances."""

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        capped = self.switches
        if path.endswith("/instances"):
            self.switches = replace(capped, silent_cap=0)
        try:
            return super().answer(path, query)
        finally:
            self.switches = capped


async def test_a_long_list_of_instances_does_not_prove_a_list_of_studies(loopback: Loopback) -> None:
    """Thirty undated studies behind forty dated ones: no window finds the nineteen beyond a cap of 51."""
    studies = [*dated(40), *(study(f"2.{n}") for n in range(30))]
    archive = InstancesUncapped(with_images(studies), Switches(silent_cap=50, cap_plus_one=True))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(asked("limit=200"))
    assert len(page.entries) < 70
    assert not page.complete
    assert page.outcomes[0].state is OutcomeState.PARTIAL


class PathsIgnored(HostileArchive):
    """Gives the series of every study, whatever the path says."""

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        return super().answer("/" + path.rpartition("/")[2], query)


async def test_rows_of_other_studies_are_left_out(loopback: Loopback) -> None:
    """contract.md §2: archives answer with everyone's; a row that does not match is dropped, also below the study."""
    archive = PathsIgnored(with_images([study("1.1", date="20240101"), study("1.2", date="20240102")]))
    with loopback.serve(archive) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            children = Children(client=client, query=Query(level=Level.SERIES), study_instance_uid="1.1")
            assert set((await children.read()).rows) == {"1.1.1"}
            assert children.remarks() == ["1 rows of other studies or series were left out."]
            absent = Children(client=client, query=Query(level=Level.SERIES), study_instance_uid="1.3")
            assert not (await absent.read()).seen


class SortsWhatWasCut(HostileArchive):
    """Takes `orderby`, but sorts the page instead of the list."""

    def _ordered(self, found: list[Record], asked: Asked, uid_tag: str) -> list[Record]:
        return super()._ordered(found, replace(asked, orderby=""), uid_tag)

    def _page(self, found: list[Record], asked: Asked) -> tuple[list[Record], list[str]]:
        page, warnings = super()._page(found, asked)
        if asked.orderby:
            page.sort(key=lambda row: first(row, "00080020"), reverse=asked.orderby.startswith("-"))
        return page, warnings


async def test_an_order_that_is_made_after_the_cut_is_not_believed(loopback: Loopback) -> None:
    """Azure gives what was stored last; sorted afterwards, that looks like the newest without being it."""
    studies = dated(600)
    studies = studies[1::2] + studies[0:1] + studies[2::2][::-1]
    archive = SortsWhatWasCut(Holdings(studies=[*studies[1:], studies[0]]), Switches(order=Order.NEWEST_STORED))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(asked("limit=50"))
    assert page.complete
    assert uids([page]) == union([studies], {})[:50]


async def test_there_is_no_day_after_the_last_one(loopback: Loopback) -> None:
    """31 December 9999 is what many systems write for "not known"."""
    studies = [study(f"1.{n:04}", date="99991231", time=f"{n // 60 % 24:02}{n % 60:02}") for n in range(700)]
    studies += dated(20, start=5000)
    with loopback.serve(HostileArchive(Holdings(studies=studies))) as (url,):
        async with Federation(of(url)) as federation:
            for _ in range(2):
                pages = await all_pages(federation, asked("limit=200"))
                assert all(page.complete for page in pages)
                assert uids(pages) == union([studies], {})


async def test_days_before_the_year_1000_have_four_digits_too(loopback: Loopback) -> None:
    """Strftime writes the year 999 in three digits, which would make a window that no archive understands."""
    studies = [study(f"1.{n}", date=f"09{n % 90 + 10:02}0101") for n in range(150)]
    with loopback.serve(HostileArchive(Holdings(studies=studies), Switches(silent_cap=37))) as (url,):
        async with Federation(of(url)) as federation:
            pages = await all_pages(federation, asked("limit=100"))
    assert uids(pages) == union([studies], {})


async def test_a_page_whose_studies_all_came_before_does_not_end_the_list(loopback: Loopback) -> None:
    """Copies under older dates: what archive `a` gave as newest stands in `b` in the middle of its list."""
    moved = [study(f"3.{n}", date=f"202406{n + 1:02}") for n in range(3)]
    b_holds = dated(600)
    b_holds[10:10] = [study(f"3.{n}", date="20231222") for n in range(3)]
    with loopback.serve(HostileArchive(Holdings(studies=moved)), HostileArchive(Holdings(studies=b_holds))) as urls:
        async with Federation(of(*urls)) as federation:
            query = asked("limit=1")
            pages = [await federation.search(query)]
            while pages[-1].next_cursor and len(pages) < 20:
                pages.append(await federation.search(query, cursor=pages[-1].next_cursor))
    told = uids(pages)
    assert len(set(told)) == len(told)
    assert pages[-1].next_cursor
    assert told == union([moved, b_holds], {})[: len(told)]


class OneDayTooMany(HostileArchive):
    """More studies on one day than it lets read, by whatever time."""

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        if b"00080020=20240101-20240101" in query:
            status, warnings, _ = super().answer(path, query)
            return (
                status,
                [*warnings, '299 a "There are 7 additional results that can be requested"'],
                encode(self.holdings.studies[:2], self.switches),
            )
        return super().answer(path, query)


async def test_a_list_goes_on_behind_a_day_that_could_not_be_read(loopback: Loopback) -> None:
    """contract.md §3.1: partial is not the end; the cursor leads to what lies further down."""
    studies = [*(study(f"2.{n:03}", date="20240101") for n in range(260)), *dated(300)[1:]]
    archive = OneDayTooMany(Holdings(studies=studies), Switches(offset_ignored=True))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            query = asked("limit=50")
            first_page = await federation.search(query)
            assert not first_page.complete
            pages = await all_pages(federation, query)
    assert uids(pages)[-1] == union([studies], {})[-1]


async def test_lists_of_uids_that_are_refused_do_not_unlearn_the_uid(loopback: Loopback) -> None:
    """Azure and tiny-pacs take one UID. A refused trial of a list must not make every look-up read the archive."""
    archive = OneUidOnly(Holdings(studies=dated(900)))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(asked("StudyInstanceUID=1.800,1.17"))
            assert page.complete
            assert uids([page]) == ["1.17", "1.800"]
            habits = federation._pool.chosen(["a"])[0].habits
            assert habits.known.sound[Naming.TAG, "lists of UIDs"] is False
            assert not habits.known.refused
            archive.ledger.clear()
            await federation.search(asked("StudyInstanceUID=1.333"))
            assert archive.ledger.rows <= 4


class OneUidOnly(HostileArchive):
    """400 for a comma: Azure."""

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        if b"0020000D=" in query and b"," in query:
            self.ledger.requests.clear()
            return 400, [], b"{}"
        return super().answer(path, query)


async def test_a_hundred_questions_at_once_teach_one_archive_consistently(loopback: Loopback) -> None:
    """house.md: habits are shared by all questions; a race must not make one of them believe an empty answer."""
    studies = [study(f"1.{n}", date=f"2024{n % 12 + 1:02}01", name=f"Doe{n % 9}^Jane") for n in range(120)]
    switches = Switches(keywords_only=True, wildcards_literal=True, names_case_sensitive=True, one_uid_only=True)
    queries = ("PatientName=doe3*", "StudyDate=2024-03", "StudyInstanceUID=1.5,1.7", "PatientName=DOE5^JANE")
    told: dict[int, Page] = {}

    async def search(number: int, federation: Federation) -> None:
        told[number] = await federation.search(asked(f"{queries[number % 4]} limit=200"))

    with loopback.serve(HostileArchive(Holdings(studies=studies), switches)) as (url,), anyio.fail_after(DEADLINE_S):
        async with Federation(of(url)) as federation, anyio.create_task_group() as tasks:
            for number in range(32):
                tasks.start_soon(search, number, federation)
    wanted = (
        union([studies], {"00100010": ["doe3*"]}),
        union([studies], {"00080020": ["20240301-20240331"]}),
        union([studies], {"0020000D": ["1.5", "1.7"]}),
        union([studies], {"00100010": ["DOE5^JANE"]}),
    )
    for number, page in told.items():
        assert not page.complete or uids([page]) == wanted[number % 4], queries[number % 4]


async def test_copies_that_an_archive_may_have_kept_back_make_its_answer_partial(loopback: Loopback) -> None:
    """A copy that is not known may stand on another page as well: the study would come twice."""
    archive = HostileArchive(Holdings(studies=dated(30)), Switches(silent_cap=20))
    wanted = [f"1.{number}" for number in range(30)]
    with loopback.serve(archive) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            reply = Reply(client=client, outcome=Outcome(archive="a", state=OutcomeState.ANSWERED), gathered=Harvest())
            for uids, state in ((wanted, OutcomeState.PARTIAL), (wanted[:15], OutcomeState.ANSWERED)):
                outcome = await studies._copies(reply, uids, ALL, [], 30)
                assert outcome.state is state


async def test_two_patients_studies_under_one_uid_are_told(loopback: Loopback) -> None:
    """contract.md §3.3: disagreeing attributes are never decided silently; Orthanc keeps such studies side by side."""
    twins = [study("1.2.7", date="20240101", patient_id=patient) for patient in ("P1", "P2")]
    archive = HostileArchive(Holdings(studies=[*twins, study("1.2.8", date="20240102", patient_id="P2")]))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(ALL)
            first_only = await federation.search(asked("PatientID=P1"))
            second_only = await federation.search(asked("PatientID=P2"))
    assert uids([page]) == ["1.2.8", "1.2.7"]
    assert not page.complete
    assert "more than once under one Study Instance UID" in page.outcomes[0].message
    assert (uids([first_only]), first_only.complete) == (["1.2.7"], True)
    assert (uids([second_only]), second_only.complete) == (["1.2.8", "1.2.7"], True)


async def every_study_of(loopback: Loopback, records: list[Record], switches: Switches | None = None) -> list[str]:
    """The UIDs of all pages of ten; every page is complete."""
    with loopback.serve(HostileArchive(Holdings(studies=records), switches or Switches())) as (url,):
        async with Federation(of(url)) as federation:
            pages = await all_pages(federation, asked("limit=10"))
    assert all(page.complete for page in pages), [page.outcomes for page in pages if not page.complete]
    return uids(pages)


async def test_undated_studies_in_a_window_do_not_show_that_dates_are_ignored(loopback: Loopback) -> None:
    """facts/dicomweb.md 1.3: Orthanc counts studies with an empty date to any window that is open below."""
    records = [*dated(47), *(study(f"2.{n:02}", date="") for n in range(60))]
    records += dated(150, start=500)
    archive = HostileArchive(Holdings(studies=records), Switches(undated_match_open_ranges=True))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            told = uids(await all_pages(federation, asked("limit=10")))
            assert federation._pool._clients["a"].habits.known.ignored == set()
    assert told == union([records], {})


async def test_a_study_whose_date_stands_in_an_old_form_is_found_though_ranges_do_not_find_it(
    loopback: Loopback,
) -> None:
    """facts/dicomweb.md 1.3: Orthanc keeps 2019.01.02 as text; an archive that has such dates is read as a whole."""
    records = [*dated(30), study("9.1", date="2023.12.15"), *dated(250, start=100)]
    told = await every_study_of(loopback, records)
    assert told == union([[{**row, "00080020": (first(row, "00080020").replace(".", ""),)} for row in records]], {})


@pytest.mark.parametrize("switches", [Switches(), Switches(repeated_rows=True)], ids=["in the list", "in the answer"])
async def test_rows_that_stand_there_twice_do_not_hide_the_end_of_a_list(
    loopback: Loopback, switches: Switches
) -> None:
    """Orthanc 1.10 lists two patients' studies under one UID with the same row twice; Azure repeats a row."""
    twice = study("7.1", date="")
    records = [*dated(230), *([twice, twice] if switches == Switches() else [twice]), study("7.2", date="")]
    told = await every_study_of(loopback, records, switches)
    assert told == union([records], {})


async def test_the_end_of_a_list_below_a_study_is_looked_for_once(
    loopback: Loopback,
) -> None:
    """Issue 5: an overview lists the same series again, and every request takes an archive its time."""
    archive = HostileArchive(with_images([study("1.2", date="20240101", modalities=("CT",))], instances_per_series=16))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            spent = []
            for _ in range(3):
                archive.ledger.clear()
                page = await federation.search(
                    asked("", Level.INSTANCE), study=TaggedUID.of("1.2", ("a",)), series=TaggedUID.of("1.2.1", ("a",))
                )
                assert (page.complete, len(page.entries)) == (True, 16)
                spent.append(len(archive.ledger.requests))
            archive.holdings.instances.append({**archive.holdings.instances[0], INSTANCE_UID: ("1.2.1.99",)})
            grown = await federation.search(
                asked("", Level.INSTANCE), study=TaggedUID.of("1.2", ("a",)), series=TaggedUID.of("1.2.1", ("a",))
            )
    assert spent == [3, 1, 1]
    assert (grown.complete, len(grown.entries)) == (True, 17)


@pytest.mark.parametrize(
    "switches", [Switches(study_date_ignored=True), Switches(all_filters_ignored=True)], ids=["dates", "all"]
)
@pytest.mark.parametrize("with_dates", [0, 3, 233])
async def test_undated_studies_show_that_dates_are_ignored_where_a_window_begins(
    loopback: Loopback, switches: Switches, with_dates: int
) -> None:
    """Two servers of the field know no dates, and studies made anonymous often have none: no reason to ask for ever."""
    records = [*(study(f"2.{n:03}", date="") for n in range(270)), *dated(with_dates)]
    archive = HostileArchive(Holdings(studies=records), switches)
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            page = await federation.search(asked("limit=10"))
    assert uids([page]) == union([records], {})[:10]
    assert page.complete
    assert len(archive.ledger.requests) < 20


@pytest.mark.parametrize(("cap", "twins"), [(50, 1), (51, 2), (100, 2)])
async def test_rows_that_stand_there_twice_do_not_hide_a_cap(loopback: Loopback, cap: int, twins: int) -> None:
    """An archive cuts its list with its repetitions: 50 rows with one of them twice are 49 studies, and cut at 50."""
    twice = study("7.1", date="")
    records = [*(study(f"2.{n:03}", date="") for n in range(20)), *[twice] * (twins + 1), *dated(90)]
    archive = HostileArchive(Holdings(studies=records[::-1]), Switches(silent_cap=cap))
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            pages = await all_pages(federation, asked("limit=20"))
    assert set(uids(pages)) == set(union([records], {})) or not all(page.complete for page in pages)


async def test_a_list_that_grows_behind_a_cap_is_not_taken_for_what_it_was(loopback: Loopback) -> None:
    """A series of fifty images while more arrive, at an archive that cuts at fifty: as many again are not all."""
    archive = HostileArchive(
        with_images([study("1.2", date="20240101", modalities=("CT",))], instances_per_series=50),
        Switches(silent_cap=50),
    )
    below = {"study": TaggedUID.of("1.2", ("a",)), "series": TaggedUID.of("1.2.1", ("a",))}
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            before = await federation.search(asked("limit=200", Level.INSTANCE), **below)
            known = archive.holdings.instances
            known += [{**known[0], INSTANCE_UID: (f"1.2.1.9{n:02}",)} for n in range(30)]
            archive.holdings.series[0] = {**archive.holdings.series[0], INSTANCES_IN_SERIES: (80,)}
            after = await federation.search(asked("limit=200", Level.INSTANCE), **below)
    assert (before.complete, len(before.entries)) == (True, 50)
    assert not after.complete or len(after.entries) == 80


class Moving(HostileArchive):
    """A study moves to the front of the list behind the first page, as where the last updated comes first."""

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        told = super().answer(path, query)
        if b"offset" not in query and b"limit=200&" in query:
            self.holdings.studies.insert(0, self.holdings.studies.pop(300))
        return told


async def test_a_list_that_moves_between_its_pages_is_not_called_whole(loopback: Loopback) -> None:
    """AWS lists the last updated first: what moves over a page's edge is given by neither page."""
    with loopback.serve(Moving(Holdings(studies=dated(450)))) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            search = Search(client, ALL)
            read = await read_pages(
                lambda limit, offset: search.fetch(EVERYTHING, limit=limit, offset=offset),
                client.habits,
                Level.STUDY,
                limit=200,
            )
    assert len(read.seen) < 450
    assert read.wholeness is Wholeness.CUT


@pytest.mark.parametrize("short", [1, 2, 11])
async def test_a_page_that_is_short_does_not_end_a_list_below_a_study(loopback: Loopback, short: int) -> None:
    """facts/dicomweb.md section 7: DICOMcloud gives less than was asked for although more follows."""
    archive = HostileArchive(
        with_images([study("1.2", date="20240101", modalities=("CT",))], instances_per_series=30),
        Switches(short_pages=short),
    )
    with loopback.serve(archive) as (url,):
        async with Federation(of(url)) as federation:
            for _ in range(2):
                page = await federation.search(
                    asked("", Level.INSTANCE), study=TaggedUID.of("1.2", ("a",)), series=TaggedUID.of("1.2.1", ("a",))
                )
                assert len(page.entries) == 30 or not page.complete
