"""Filters are tried on rows that an archive is known to hold, before an empty answer is believed."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.naming import Naming
from federator.archive.search import samples, soundness
from federator.archive.search.request import Request, ask
from federator.archive.search.wire import ACCENTS, DATES, PERSON_NAMES, UID_LISTS, terms
from federator.config import Archive
from federator.dicom.query.filters import Filter
from federator.dicom.query.language import parse
from federator.model import Level
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import PATIENT_ID, Holdings, Record, study
from tests.support.hostile.switches import Switches, UnknownKey

pytestmark = pytest.mark.anyio

NAMES = ("Doe^Jane", "Müller^Jörg", "ROE^RICHARD", "")
STUDIES = [
    study(
        f"1.{number}",
        date="" if number % 7 == 0 else f"202401{number % 28 + 1:02}",
        name=NAMES[number % 4],
        patient_id=f"P{number}",
        description="Chest CT" if number % 3 else "",
        accession_number=f"A{number}",
    )
    for number in range(40)
]


def filters_of(query: str) -> tuple[Filter, ...]:
    return parse(query, Level.STUDY, today=dt.date(2024, 6, 30)).filters


@asynccontextmanager
async def known(
    loopback: Loopback, switches: Switches, studies: list[Record] = STUDIES
) -> AsyncIterator[tuple[HostileArchive, ArchiveClient]]:
    """An archive of which a sample is known already."""
    hostile = HostileArchive(Holdings(studies=studies), switches)
    with loopback.serve(hostile) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            answer = await ask(client, Request(level=Level.STUDY, path="/studies", limit=200))
            samples.keep(client, answer.rows)
            hostile.ledger.clear()
            yield hostile, client


async def establish(
    client: ArchiveClient, query: str, *, dates: bool = False, uid_list: bool = False
) -> dict[str, bool]:
    asked = terms(filters_of(query), client.habits.known, Naming.TAG, fuzzy=False)
    needs: dict[str, Filter | None] = {term.kind: term.sent for term in asked}
    needs |= {ACCENTS: None} if PERSON_NAMES in needs else {}
    needs |= {DATES: None} if dates else {}
    needs |= {UID_LISTS: None} if uid_list else {}
    await soundness.try_out(client, Naming.TAG, soundness.trials(client, Naming.TAG, needs))
    return {kind: yes for (_, kind), yes in client.habits.known.sound.items()}


@pytest.mark.parametrize(
    ("switches", "sound"),
    [
        (Switches(), {PERSON_NAMES: True, ACCENTS: False}),
        (Switches(wildcards_literal=True), {PERSON_NAMES: False, ACCENTS: False}),
        (Switches(names_case_sensitive=True), {PERSON_NAMES: False, ACCENTS: False}),
        (Switches(names_folded_in_upper_case_only=True), {PERSON_NAMES: True, ACCENTS: False}),
    ],
)
async def test_names_are_tried_for_wild_cards_for_case_and_for_marks(loopback, switches, sound):
    """facts/dicomweb.md 1.3: Google knows no wild cards, dcm4chee folds upper case only, Orthanc loses letters."""
    async with known(loopback, switches) as (hostile, client):
        assert await establish(client, "PatientName=Doe*") == sound
        assert len(hostile.ledger.requests) == 2
        await establish(client, "PatientName=Roe*")
        assert len(hostile.ledger.requests) == 2


@pytest.mark.parametrize("name", ["DOE^JANE", "Müller^Jörg", ("YAMADA^TAROU", "山田^太郎", "")])
async def test_names_without_plain_small_letters_show_whether_wild_cards_are_known(loopback, name):
    """contract.md §3.1: never a silent gap, also where every name that is known is in capitals or has marks."""
    studies = [study(f"1.{number}", date="20240101", name=name) for number in range(3)]
    for switches in (Switches(), Switches(wildcards_literal=True)):
        async with known(loopback, switches, studies) as (_, client):
            sound = await establish(client, "PatientName=Doe*")
            assert sound[PERSON_NAMES] is not switches.wildcards_literal


async def test_dates_and_lists_of_uids_are_tried_only_where_they_are_asked_for(loopback):
    """A question costs no trial that it does not need."""
    async with known(loopback, Switches(study_date_ignored=True, one_uid_only=True)) as (hostile, client):
        assert await establish(client, "") == {}
        assert hostile.ledger.requests == []
        assert await establish(client, "", uid_list=True) == {UID_LISTS: False}
        assert await establish(client, "", dates=True) == {UID_LISTS: False, DATES: True}
    async with known(loopback, Switches()) as (_, client):
        assert await establish(client, "", dates=True, uid_list=True) == {UID_LISTS: True, DATES: True}


async def test_a_trial_that_is_refused_is_a_filter_that_cannot_be_trusted(loopback):
    """A refusal of the trial must not teach that the filter beside it is refused as well."""
    switches = Switches(ignored_keys=frozenset({PATIENT_ID}), unknown_key=UnknownKey.REFUSED)
    async with known(loopback, switches) as (_, client):
        assert await establish(client, "PatientID=P1") == {"PatientID": False}
        assert client.habits.known.refused == set()


async def test_an_archive_that_breaks_down_during_a_trial_teaches_nothing(loopback):
    """contract.md §3.6: what is asked only to get to know an archive may be refused without harm."""

    class Broken(HostileArchive):
        def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
            return (403, [], b"") if b"0020000D=" in query else super().answer(path, query)

    with loopback.serve(Broken(Holdings(studies=STUDIES))) as (url,):
        async with ArchiveClient(Archive(name="a", url=url)) as client:
            answer = await ask(client, Request(level=Level.STUDY, path="/studies", limit=200))
            samples.keep(client, answer.rows)
            assert await establish(client, "PatientName=Doe* PatientID=P1", dates=True) == {}


async def test_what_no_known_row_can_prove_is_not_tried(loopback):
    """Without a row that has the attribute nothing is found out, and nothing is claimed."""
    bare = [study("1.1", date="20240101", name="", patient_id="", modalities=())]
    async with known(loopback, Switches(), bare) as (hostile, client):
        assert await establish(client, "PatientName=Doe* PatientID=P1 ModalitiesInStudy=CT") == {}
        assert hostile.ledger.requests == []


@pytest.mark.parametrize(
    ("switches", "honoured"),
    [
        (Switches(), True),
        (Switches(ignored_keys=frozenset({PATIENT_ID})), False),
        (Switches(ignored_keys=frozenset({PATIENT_ID}), unknown_key=UnknownKey.REFUSED), False),
    ],
)
async def test_a_filter_is_honoured_where_an_impossible_value_finds_nothing(loopback, switches, honoured):
    """contract.md §2: only then is a row kept that lacks the attribute."""
    (filter_,) = filters_of("PatientID=P1")
    async with known(loopback, switches) as (hostile, client):
        assert await soundness.honours(client, Naming.TAG, filter_) is honoured
        spent = len(hostile.ledger.requests)
        assert await soundness.honours(client, Naming.TAG, filter_) is honoured
        assert len(hostile.ledger.requests) == spent


async def test_the_sample_is_a_few_telling_rows(loopback):
    """soundness: dated, with small letters, with marks; bounded, whatever the archive holds."""
    async with known(loopback, Switches()) as (_, client):
        sample = client.habits.known.sample
    names = {row["00100010"]["Value"][0]["Alphabetic"] for row in sample if row["00100010"].get("Value")}
    assert {"Müller^Jörg"} < names
    assert len(sample) <= 8


async def test_a_folder_is_ours_and_needs_no_trial(tmp_path):
    """The embedded archive matches as the standard says."""
    async with ArchiveClient(Archive(name="a", folder=tmp_path)) as client:
        (filter_,) = filters_of("PatientID=P1")
        assert await establish(client, "PatientName=Doe*", dates=True, uid_list=True) == {}
        assert await soundness.honours(client, Naming.TAG, filter_)
