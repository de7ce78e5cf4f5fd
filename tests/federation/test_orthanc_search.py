"""Searching two real archives (Debian's Orthanc): the same facts as Orthanc's own interface tells."""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from federator.config import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.dicom import json
from federator.dicom.query.language import parse
from federator.dicom.uid import TaggedUID
from federator.federation.federation import Federation
from federator.model import Level, OutcomeState, Page
from tests.support.hostile.oracle import plain
from tests.support.orthanc_server import NAMES, Orthanc, OrthancPair

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

TODAY = dt.date(2026, 1, 15)
SHARED = "1.9.1"
"""A study that both archives hold, the second one without its last instances."""

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What one archive says of one study through its own interface."""

    archive: str
    tags: Facts
    modalities: frozenset[str]
    series: int
    instances: int

    def __getitem__(self, keyword: str) -> str:
        return str(self.tags.get(keyword, "")).strip("\0 ")


def known_studies(orthanc: Orthanc) -> list[Known]:
    series: dict[str, list[Facts]] = {}
    for one in orthanc.rest("/series?expand"):
        series.setdefault(one["ParentStudy"], []).append(one)
    return [
        Known(
            archive=orthanc.name,
            tags={**study["PatientMainDicomTags"], **study["MainDicomTags"]},
            modalities=frozenset(one["MainDicomTags"].get("Modality", "") for one in series[study["ID"]]),
            series=len(series[study["ID"]]),
            instances=sum(len(one["Instances"]) for one in series[study["ID"]]),
        )
        for study in orthanc.rest("/studies?expand")
    ]


@pytest.fixture(scope="module")
def known(orthanc_pair: OrthancPair) -> list[Known]:
    """What both archives hold, as they tell it themselves."""
    return known_studies(orthanc_pair.first) + known_studies(orthanc_pair.second)


def archives_of(pair: OrthancPair) -> tuple[Archive, Archive]:
    return (
        Archive(name="first", url=pair.first.url),
        Archive(
            name="second",
            url=pair.second.url,
            auth=AuthMethod.BASIC,
            user=pair.second.user,
            secret=SecretReference(store=SecretStore.ENVIRONMENT, name="ORTHANC_SECRET"),
        ),
    )


@pytest.fixture
async def federation(orthanc_pair: OrthancPair, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Federation]:
    """Both archives as one."""
    monkeypatch.setenv("ORTHANC_SECRET", orthanc_pair.second.password)
    async with Federation(Config(archives=archives_of(orthanc_pair))) as both:
        yield both


async def every_page(federation: Federation, query: str, level: Level = Level.STUDY, **below: Any) -> list[Page]:
    """All pages of a search; each must be complete."""
    pages: list[Page] = []
    cursor = ""
    for _ in range(100):
        page = await federation.search(parse(query, level, today=TODAY), cursor=cursor, **below)
        assert page.complete, page.outcomes
        pages.append(page)
        cursor = page.next_cursor
        if not cursor:
            return pages
    pytest.fail("the cursor does not end")


async def uids(federation: Federation, query: str, level: Level = Level.STUDY, **below: Any) -> list[str]:
    return [entry.uid for page in await every_page(federation, query, level, **below) for entry in page.entries]


QUERIES: list[tuple[str, Callable[[Known], bool]]] = [
    ("limit=200", lambda study: True),
    ("PatientName=compressedsamples*", lambda study: plain(study["PatientName"]).startswith("compressedsamples")),
    ("PatientName=*amples^*", lambda study: "amples^" in plain(study["PatientName"])),
    ("PatientName=Paging^00?", lambda study: study["PatientName"].startswith("Paging^00")),
    ("PatientName=Müller*", lambda study: plain(study["PatientName"]).startswith("muller")),
    ("PatientName=muller^jorg", lambda study: study["PatientName"] == "Müller^Jörg"),
    ("PatientName=*山田*", lambda study: "山田" in study["PatientName"]),
    ("PatientName=山田^太郎", lambda study: "=山田^太郎=" in study["PatientName"]),
    ("PatientName=Hong^Gildong", lambda study: study["PatientName"].startswith("Hong^Gildong=")),
    ("PatientName=διονυσιος", lambda study: plain(study["PatientName"]) == plain("Διονυσιος")),
    ("PatientName=O'Brien*", lambda study: study["PatientName"].startswith("O'Brien")),
    ("PatientID=PG7", lambda study: study["PatientID"] == "PG7"),
    ("PatientID=pg1?", lambda study: study["PatientID"].startswith("PG1") and len(study["PatientID"]) == 4),
    ("PatientID=PG1,PG2,PG3", lambda study: study["PatientID"] in {"PG1", "PG2", "PG3"}),
    ("AccessionNumber=A-5", lambda study: study["AccessionNumber"] == "A-5"),
    ("StudyDescription='paging test'", lambda study: study["StudyDescription"].casefold() == "paging test"),
    ("StudyDescription='Tête et cou *'", lambda study: study["StudyDescription"].startswith("Tête et cou ")),
    ("StudyDate=20240101-20240105", lambda study: "20240101" <= study["StudyDate"] <= "20240105"),
    ("StudyDate=2019", lambda study: study["StudyDate"].startswith("2019")),
    ("StudyDate=2004-01-19", lambda study: study["StudyDate"] == "20040119"),
    ("StudyDate=20200101-", lambda study: study["StudyDate"] >= "20200101"),
    ("StudyDate=-20031231", lambda study: "0" < study["StudyDate"].replace(".", "") <= "20031231"),
    ("ModalitiesInStudy=US", lambda study: "US" in study.modalities),
    ("ModalitiesInStudy=MR,US", lambda study: bool({"MR", "US"} & study.modalities)),
    ("ModalitiesInStudy=MR\\US PatientName=Paging*", lambda study: bool({"MR", "US"} & study.modalities)
     and study["PatientName"].startswith("Paging")),
    ("Modality=CT StudyDate=2015-2016", lambda study: "CT" in study.modalities
     and study["StudyDate"][:4] in {"2015", "2016"}),
    ("StudyInstanceUID=1.9.1,1.9.4,1.2.3.4.5.6.7", lambda study: study["StudyInstanceUID"] in {"1.9.1", "1.9.4"}),
    ("StudyInstanceUID=1.8.61", lambda study: study["StudyInstanceUID"] == "1.8.61"),
    ("PatientName=Nobody^*", lambda study: False),
]  # fmt: skip


@pytest.mark.parametrize(("query", "belongs"), QUERIES, ids=[query for query, _ in QUERIES])
async def test_studies_are_those_that_orthanc_knows(
    federation: Federation, known: list[Known], query: str, belongs: Callable[[Known], bool]
) -> None:
    """contract.md §2: wild cards, dates, several values, lists of UIDs, names in any script; PS3.4 C.2.2.2."""
    found = await uids(federation, query)
    assert len(found) == len(set(found))
    assert set(found) == {study["StudyInstanceUID"] for study in known if belongs(study)}


async def test_studies_come_newest_first_and_undated_last_over_all_pages(federation: Federation) -> None:
    """contract.md §3.2."""
    entries = [entry for page in await every_page(federation, "limit=9") for entry in page.entries]
    moments = [
        (json.date(entry.rows[0].data, "00080020"), json.time(entry.rows[0].data, "00080030")) for entry in entries
    ]
    assert moments == sorted(moments, reverse=True)
    assert moments[-1][0] == ""
    assert moments[0][0] > "2020"


async def test_holders_and_their_counts_are_those_of_each_archive(federation: Federation, known: list[Known]) -> None:
    """contract.md §3.3: counts are per archive, never summed."""
    told = {
        (entry.uid, row.archive): (json.integer(row.data, "00201206"), json.integer(row.data, "00201208"))
        for page in await every_page(federation, "limit=200")
        for entry in page.entries
        for row in entry.rows
    }
    assert told == {(study["StudyInstanceUID"], study.archive): (study.series, study.instances) for study in known}


async def test_the_holder_with_more_instances_comes_first(federation: Federation, known: list[Known]) -> None:
    """contract.md §1: the preferred holder has the most instances."""
    (page,) = await every_page(federation, "PatientID=N6")
    (entry,) = page.entries
    counts = {study.archive: study.instances for study in known if study["StudyInstanceUID"] == entry.uid}
    assert entry.holders == tuple(sorted(counts, key=counts.__getitem__, reverse=True))
    assert len(set(counts.values())) == 2


async def test_names_arrive_in_every_script(federation: Federation) -> None:
    """PS3.5 §6.1: what is stored in UTF-8 is shown as it is."""
    (page,) = await every_page(federation, "PatientID=N1,N2,N3,N4,N5,N6")
    told = {entry.uid: json.names(entry.rows[0].data, "00100010")[0] for entry in page.entries}
    assert {uid: "=".join(name.groups).rstrip("=") for uid, name in told.items()} == NAMES


async def test_an_offset_skips_over_both_archives_together(federation: Federation) -> None:
    """contract.md §3.4: offset still works, on the merged list."""
    everything = await uids(federation, "PatientName=Paging*")
    query = parse("PatientName=Paging* offset=35 limit=20", Level.STUDY, today=TODAY)
    page = await federation.search(query)
    assert [entry.uid for entry in page.entries] == everything[35:55]
    assert len(everything) == 120


@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_pages_of_any_size_make_the_same_list(federation: Federation, limit: int) -> None:
    """contract.md §3.4: no row twice, none skipped."""
    small = await every_page(federation, f"PatientName=Paging* limit={limit} StudyDate=2010-2014")
    assert all(len(page.entries) == limit for page in small[:-1])
    listed = [entry.uid for page in small for entry in page.entries]
    assert listed == await uids(federation, "PatientName=Paging* limit=200 StudyDate=2010-2014")


async def test_series_of_a_study_come_from_all_its_holders(federation: Federation) -> None:
    """contract.md §1, §3.2: both archives are asked and merged; the newest series first, then by number."""
    study = TaggedUID.of(SHARED, ["first", "second"])
    (page,) = await every_page(federation, "", Level.SERIES, study=study)
    assert [entry.uid for entry in page.entries] == [f"{SHARED}.1", f"{SHARED}.2"]
    assert {entry.holders for entry in page.entries} == {("first", "second")}
    assert [json.text(entry.rows[0].data, "0008103E") for entry in page.entries] == ["Series 1", "Series 2"]
    assert [json.integer(entry.rows[0].data, "00201209") for entry in page.entries] == [3, 3]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SeriesNumber=2", [f"{SHARED}.2"]),
        ("Modality=CT", [f"{SHARED}.1", f"{SHARED}.2"]),
        ("Modality=MR", []),
        ("Modality=MR,CT SeriesDescription='series 1'", [f"{SHARED}.1"]),
        (f"SeriesInstanceUID={SHARED}.2,1.2.3", [f"{SHARED}.2"]),
        ("limit=1", [f"{SHARED}.1", f"{SHARED}.2"]),
    ],
)
async def test_series_are_filtered(federation: Federation, query: str, expected: list[str]) -> None:
    """PS3.4 Table C.6-3; contract.md §2."""
    assert await uids(federation, query, Level.SERIES, study=TaggedUID(uid=SHARED)) == expected


async def test_instances_come_in_the_order_of_their_numbers(federation: Federation, known: list[Known]) -> None:
    """contract.md §3.2: Instance Number ascending."""
    study = TaggedUID.of(SHARED, ["first"])
    series = TaggedUID.of(f"{SHARED}.1", ["first"])
    below = {"study": study, "series": series}
    assert await uids(federation, "", Level.INSTANCE, **below) == [f"{SHARED}.1.{n}" for n in (1, 2, 3)]
    assert await uids(federation, "InstanceNumber=2", Level.INSTANCE, **below) == [f"{SHARED}.1.2"]
    assert await uids(federation, "limit=2", Level.INSTANCE, **below) == [f"{SHARED}.1.{n}" for n in (1, 2, 3)]
    assert await uids(federation, "SOPClassUID=1.2.840.10008.5.1.4.1.1.2", Level.INSTANCE, **below) == []


async def test_an_instance_of_the_fuller_archive_is_not_lost(federation: Federation) -> None:
    """contract.md §1: images may lie in one archive, the rest in another."""
    study, series = TaggedUID(uid="1.9.6"), TaggedUID(uid="1.9.6.2")
    pages = await every_page(federation, "", Level.INSTANCE, study=study, series=series)
    holders = {entry.uid: set(entry.holders) for page in pages for entry in page.entries}
    assert set(holders) == {"1.9.6.2.1", "1.9.6.2.2", "1.9.6.2.3"}
    assert holders["1.9.6.2.3"] == {"first"}


async def test_includefield_brings_an_attribute_that_is_not_asked_for_otherwise(
    federation: Federation, orthanc_pair: OrthancPair
) -> None:
    """PS3.18 §8.3.4.3."""
    uid = "1.9.5"
    (own,) = orthanc_pair.first.find("Study", {"StudyInstanceUID": uid})
    procedure = own["MainDicomTags"]["RequestedProcedureDescription"]
    query = f"StudyInstanceUID={uid} archive=first"
    (plain_page,) = await every_page(federation, query)
    (page,) = await every_page(federation, f"{query} includefield=RequestedProcedureDescription")
    assert procedure == "Procedure 5"
    assert json.text(page.entries[0].rows[0].data, "00321060") == procedure
    assert not json.has_value(plain_page.entries[0].rows[0].data, "00321060")


async def test_an_archive_is_asked_alone_when_it_is_named(federation: Federation, known: list[Known]) -> None:
    """contract.md §2: archive=NAME."""
    page = await federation.search(parse("archive=second limit=200", Level.STUDY, today=TODAY))
    assert [outcome.archive for outcome in page.outcomes] == ["second"]
    assert {entry.uid for entry in page.entries} == {
        study["StudyInstanceUID"] for study in known if study.archive == "second"
    }


async def test_a_wrong_password_costs_one_archive_and_is_said(
    orthanc_pair: OrthancPair, known: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md §3.1: refused, and the other archive's studies are there."""
    monkeypatch.setenv("ORTHANC_SECRET", "not-the-password")
    async with Federation(Config(archives=archives_of(orthanc_pair))) as federation:
        page = await federation.search(parse("limit=200", Level.STUDY, today=TODAY))
    states = {outcome.archive: outcome.state for outcome in page.outcomes}
    assert states == {"first": OutcomeState.ANSWERED, "second": OutcomeState.REFUSED}
    assert not page.complete
    assert {entry.uid for entry in page.entries} == {
        study["StudyInstanceUID"] for study in known if study.archive == "first"
    }
    assert "not-the-password" not in str(page.outcomes)


async def test_other_studies_of_the_patient_are_found_in_both_archives(
    federation: Federation, known: list[Known]
) -> None:
    """contract.md §4: find-prior-studies."""
    found = await federation.prior_studies(TaggedUID(uid="1.8.5"))
    expected = {study["StudyInstanceUID"] for study in known if study["PatientID"] == "PG5"} - {"1.8.5"}
    assert {prior.entry.uid for prior in found.priors} == expected
    assert len(expected) == 2


async def test_the_secret_of_an_archive_stays_out_of_the_log(
    federation: Federation, orthanc_pair: OrthancPair, caplog: pytest.LogCaptureFixture
) -> None:
    """contract.md §6: credentials and attribute values never reach a log."""
    with caplog.at_level(0):
        await federation.search(parse("PatientName=Müller*", Level.STUDY, today=TODAY))
    written = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("federator"))
    assert orthanc_pair.second.password not in written
    assert "ller" not in written


async def test_a_disabled_archive_is_not_asked(orthanc_pair: OrthancPair) -> None:
    """contract.md §7: enabled = false."""
    first, second = archives_of(orthanc_pair)
    async with Federation(Config(archives=(first, replace(second, enabled=False)))) as federation:
        page = await federation.search(parse("limit=5", Level.STUDY, today=TODAY))
    assert [outcome.archive for outcome in page.outcomes] == ["first"]
