"""What an earlier process kept of an archive says how to ask first; that the archive has changed since costs no row."""

import datetime as dt
import functools
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from federator.archive.habits.folder import HabitsFolder
from federator.dicom.query.language import parse
from federator.errors import NoArchiveAnswered
from federator.model import Level, Page
from tests.federation.test_search_properties import HARMLESS
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.oracle import Wanted, fits, union
from tests.support.hostile.records import PATIENT_NAME, STUDY_DESCRIPTION, STUDY_UID, Record, first, study, with_images
from tests.support.hostile.scenes import DESCRIPTIONS, FILTERS, NAMES, SETTINGS, TIMES, quirks
from tests.support.hostile.switches import QUIRKS, Switches
from tests.support.stepped import federation_of

EXAMPLES = settings().max_examples // 4
TODAY = dt.datetime.now(tz=dt.UTC).date()
ASKED: tuple[tuple[str, Wanted], ...] = (
    ("", {}),
    ("PatientName=doe* StudyDescription=knee*", {PATIENT_NAME: ["doe*"], STUDY_DESCRIPTION: ["knee*"]}),
)


@functools.cache
def stored(count: int = 200, seed: int = 5) -> tuple[Record, ...]:
    """Studies of the last 300 days, some without a date, as `scenes` has them else."""
    rng = random.Random(seed)
    return tuple(
        study(
            f"1.2.{number}",
            date=(TODAY - dt.timedelta(days=rng.randrange(300))).strftime("%Y%m%d") if number % 40 else "",
            time=rng.choice(TIMES),
            name=rng.choice(NAMES),
            patient_id=rng.choice(("P1", "P2", "p3", "P10", "")),
            description=rng.choice(DESCRIPTIONS),
            modalities=rng.sample(("CT", "MR", "US", "SR"), rng.randrange(1, 3)),
            accession_number=f"A{number % 9}" if number % 4 else "",
        )
        for number in range(count)
    )


async def process(archive: HostileArchive, folder: HabitsFolder | None, queries: Sequence[str]) -> list[Page | None]:
    """What one process is told for these questions, one after the other; None where the archive did not answer."""
    pages: list[Page | None] = []
    async with federation_of([archive], habits=folder, deadline_s=120, max_rows=100_000) as federation:
        for query in queries:
            try:
                pages.append(await federation.search(parse(query, Level.STUDY, today=TODAY)))
            except NoArchiveAnswered:
                pages.append(None)
    if folder is not None:
        folder.save()
    return pages


def archive_of(records: Sequence[Record], switches: Switches) -> HostileArchive:
    return HostileArchive(with_images(list(records), instances_per_series=1), switches)


def check(page: Page | None, records: Sequence[Record], wanted: Wanted, switches: Switches, limit: int = 50) -> None:
    """Exact, or partial with nothing in it that does not match."""
    if page is None:
        return
    shown = [entry.uid for entry in page.entries]
    held = {first(record, STUDY_UID): record for record in records}
    assert all(fits(held[uid], wanted) for uid in shown)
    assert len(set(shown)) == len(shown)
    if page.complete and not switches.few_attributes:
        assert shown == union([records], wanted)[:limit]


def settings_of(name: str) -> Switches:
    """An archive with one quirk, in its last setting."""
    return Switches(**{name: SETTINGS.get(name, (True,))[-1]})


@pytest.fixture(scope="module")
def known_plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is kept of an archive that keeps to the standard."""
    folder = tmp_path_factory.mktemp("plain") / "habits"
    anyio.run(process, archive_of(stored(), Switches()), HabitsFolder(folder), [query for query, _ in ASKED])
    return folder


@pytest.mark.parametrize("name", QUIRKS)
def test_an_archive_that_changed_between_two_processes_costs_no_row(
    tmp_path: Path, known_plain: Path, name: str
) -> None:
    """contract.md §3.7: what is kept is a hint; what an answer relies on is proven by each process, for every quirk."""
    quirk = settings_of(name)
    shutil.copytree(known_plain, tmp_path / "plain")
    anyio.run(process, archive_of(stored(), quirk), HabitsFolder(tmp_path / "odd"), [query for query, _ in ASKED])
    for before, after in (("plain", quirk), ("odd", Switches())):
        folder = tmp_path / before
        assert list(folder.glob("a-*.json"))
        pages = anyio.run(process, archive_of(stored(), after), HabitsFolder(folder), [query for query, _ in ASKED])
        for page, (_, wanted) in zip(pages, ASKED, strict=True):
            check(page, stored(), wanted, after)
        if name in HARMLESS and not all(map(_is_complete, pages)):
            anew = anyio.run(process, archive_of(stored(), after), None, [query for query, _ in ASKED])
            assert [*map(_is_complete, pages)] >= [*map(_is_complete, anew)], (before, after)


def _is_complete(page: Page | None) -> bool:
    return page is not None and page.complete


@pytest.mark.parametrize("count", [300, 3_000])
def test_a_first_page_takes_one_round_trip_where_it_is_known_what_days_bring_it(tmp_path: Path, count: int):
    """Issue 10, Speed: the days that should bring the page, and beside them one look that proves them whole."""
    anyio.run(process, archive_of(stored(count), Switches()), HabitsFolder(tmp_path), [""])
    archive = HostileArchive(archive_of(stored(count), Switches()).holdings, latency_s=0.01)
    (page,) = anyio.run(process, archive, HabitsFolder(tmp_path), [""])
    check(page, stored(count), {}, Switches())
    assert _is_complete(page)
    assert (len(archive.ledger.requests), archive.ledger.most_under_way) == (2, 2)
    assert archive.ledger.rows < 150


def test_an_archive_with_ways_of_its_own_is_asked_in_them_at_once(tmp_path: Path) -> None:
    """Issue 10, part 1: what was refused once need not be refused to every process."""
    odd = Switches(plain_json_only=True, over_limit_refused=100, keywords_only=True, all_filters_ignored=False)
    spent: list[int] = []
    for _ in range(2):
        archive = archive_of(stored(), odd)
        (page,) = anyio.run(process, archive, HabitsFolder(tmp_path), ["PatientName=doe*"])
        check(page, stored(), {PATIENT_NAME: ["doe*"]}, odd)
        assert _is_complete(page)
        spent.append(len(archive.ledger.requests))
    assert spent[1] < spent[0]


def test_what_is_not_to_be_kept_is_forgotten(tmp_path: Path) -> None:
    """archives.toml: keep_habits = false, also for what an earlier process kept."""
    folder = HabitsFolder(tmp_path)
    anyio.run(process, archive_of(stored(), Switches()), folder, [""])
    assert list(tmp_path.iterdir())

    async def ask() -> None:
        async with federation_of([archive_of(stored(), Switches())], habits=folder, keep_habits=False) as federation:
            assert federation._pool.chosen(())[0].habits.known.kept is None
            await federation.search(parse("", Level.STUDY, today=TODAY))

    anyio.run(ask)
    folder.save()
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=EXAMPLES)
@given(
    before=quirks(QUIRKS),
    after=quirks(QUIRKS),
    counts=st.tuples(st.sampled_from((0, 30, 200)), st.sampled_from((0, 30, 200, 500))),
    asked=st.sampled_from((*FILTERS, ("", {}), ("limit=10", {}), ("limit=200", {}))),
    seed=st.integers(0, 3),
)
def test_whatever_was_kept_the_answer_is_exact_or_says_that_it_is_not(
    before: Switches, after: Switches, counts: tuple[int, int], asked: tuple[str, Mapping[str, list[str]]], seed: int
) -> None:
    """contract.md §3.7: for archives that change what they do, and what they hold, in any way at once."""
    query, wanted = asked
    records = stored(counts[1], seed)
    limit = int(query.partition("limit=")[2] or 50)
    with TemporaryDirectory() as place:
        folder = Path(place) / "habits"
        known = [query, "", "PatientName=doe*", "StudyDescription=knee*", "PatientID=P1"]
        anyio.run(process, archive_of(stored(counts[0]), before), HabitsFolder(folder), known)
        for path in folder.glob("*.json"):
            note(path.read_text())
        archive = archive_of(records, after)
        (page,) = anyio.run(process, archive, HabitsFolder(folder), [query])
    for request in archive.ledger.requests:
        note(f"{request.path}?{request.query.partition('&includefield')[0]}")
    note(str(page and page.outcomes))
    check(page, records, wanted, after, limit)


@settings(max_examples=EXAMPLES)
@given(before=quirks(QUIRKS), after=quirks(HARMLESS), asked=st.sampled_from((("", {}), ("limit=10", {}))))
def test_whatever_was_kept_a_good_archive_answers_completely(
    before: Switches, after: Switches, asked: tuple[str, Wanted]
) -> None:
    """contract.md §3: an answer that is called incomplete for what was once would be worth nothing."""
    query, wanted = asked
    with TemporaryDirectory() as place:
        folder = Path(place) / "habits"
        anyio.run(process, archive_of(stored(), before), HabitsFolder(folder), ["", "PatientName=doe*"])
        (page,) = anyio.run(process, archive_of(stored(), after), HabitsFolder(folder), [query])
    note(str(page and page.outcomes))
    check(page, stored(), wanted, after, int(query.partition("limit=")[2] or 50))
    if not _is_complete(page):
        assert not _is_complete(anyio.run(process, archive_of(stored(), after), None, [query])[0])
