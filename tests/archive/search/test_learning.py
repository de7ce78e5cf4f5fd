"""Many questions teach one archive at once: what one of them finds out never makes another one believe too much.

Interleavings are chosen by hypothesis (`tests/support/stepped.py`), not by the machine's mood.
"""

import asyncio
import datetime as dt
import random
from typing import Any

import anyio
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from federator.archive.habits.flight import SingleFlight
from federator.dicom.query.language import parse
from federator.errors import ArchiveError, NoArchiveAnswered
from federator.model import Level, OutcomeState, Page
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.oracle import Wanted, union
from tests.support.hostile.records import PATIENT_ID, PATIENT_NAME, STUDY_DATE, STUDY_UID, Holdings, study
from tests.support.hostile.scenes import quirks
from tests.support.hostile.switches import Switches
from tests.support.stepped import federation_of, stepped

STUDIES = [
    study(f"1.{n}", date=f"2024{n % 12 + 1:02}{n % 28 + 1:02}", name=f"Doe{n % 9}^Jane", patient_id=f"P{n % 7}")
    for n in range(60)
]
QUESTIONS: tuple[tuple[str, Wanted], ...] = (
    ("PatientName=doe3*", {PATIENT_NAME: ["doe3*"]}),
    ("StudyDate=2024-03", {STUDY_DATE: ["20240301-20240331"]}),
    ("StudyInstanceUID=1.5,1.7", {STUDY_UID: ["1.5", "1.7"]}),
    ("PatientName=DOE5^JANE", {PATIENT_NAME: ["DOE5^JANE"]}),
    ("PatientID=P3", {PATIENT_ID: ["P3"]}),
    ("", {}),
)
TEACHING = (
    "keywords_only", "wildcards_literal", "names_case_sensitive", "one_uid_only", "silent_cap", "cap_plus_one",
    "study_date_ignored", "all_filters_ignored", "ignored_keys", "unknown_key", "over_limit_refused", "orderby",
    "include_field", "offset_ignored",
)  # fmt: skip


class Unhurried(HostileArchive):
    """Takes its time for every answer, each time another."""

    def __init__(self, seed: int, switches: Switches) -> None:
        super().__init__(Holdings(studies=STUDIES), switches)
        self._rng = random.Random(seed)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(self._rng.choice((0, 0, 0.01, 0.1, 1)))
        await super().__call__(scope, receive, send)


async def all_at_once(archive: HostileArchive, numbers: list[int]) -> dict[int, Page | None]:
    """The pages of these questions, asked at the same time; None where no archive answered."""
    told: dict[int, Page | None] = {}

    async def search(place: int, query: str) -> None:
        try:
            told[place] = await federation.search(parse(f"{query} limit=200", Level.STUDY, today=dt.date(2024, 6, 30)))
        except NoArchiveAnswered:
            told[place] = None

    async with federation_of([archive], deadline_s=300) as federation, anyio.create_task_group() as tasks:
        for place, number in enumerate(numbers):
            tasks.start_soon(search, place, QUESTIONS[number][0])
    return told


FEWER = settings(max_examples=max(1, settings.default.max_examples // 4))
"""An example here is a whole day of an archive: a quarter of the profile's, whichever that is."""


@FEWER
@given(
    seed=st.integers(0, 2**32),
    switches=quirks(TEACHING, most=4),
    numbers=st.lists(st.integers(0, len(QUESTIONS) - 1), min_size=2, max_size=8),
)
def test_whatever_the_order_of_steps_a_complete_answer_is_true(
    seed: int, switches: Switches, numbers: list[int]
) -> None:
    """house.md, Async: judged by what was known when the request went out, never taken back in somebody's midst."""
    archive = Unhurried(seed, switches)
    told = stepped(seed, all_at_once, archive, numbers)
    for request in archive.ledger.requests:
        note(f"{request.path}?{request.query.partition('&includefield')[0]}")
    for place, page in told.items():
        query, wanted = QUESTIONS[numbers[place]]
        if page is not None and page.complete:
            assert [entry.uid for entry in page.entries] == union([STUDIES], wanted), query


@FEWER
@given(seed=st.integers(0, 2**32))
def test_what_many_want_to_know_at_once_is_asked_once(seed: int) -> None:
    """house.md, Async: found out once; the others wait for it."""
    archive = Unhurried(seed, Switches())
    stepped(seed, all_at_once, archive, [0] * 6)
    asked = [request.query.partition("&includefield")[0] for request in archive.ledger.requests]
    trials = [query for query in asked if "1.0&" in query or "1.3&" in query]
    assert len(trials) == len(set(trials))
    assert asked.count("limit=200") <= 1


@FEWER
@given(seed=st.integers(0, 2**32))
def test_an_archive_that_knows_attributes_by_keyword_only_is_learned_by_many_at_once(seed: int) -> None:
    """tiny-pacs: filters by tag let everything pass, so a trial by tag succeeds; it must not vouch for keywords."""
    switches = Switches(keywords_only=True, wildcards_literal=True, names_case_sensitive=True, one_uid_only=True)
    told = stepped(seed, all_at_once, Unhurried(seed, switches), [0, 1, 2, 3, 0, 1])
    for place, number in enumerate([0, 1, 2, 3, 0, 1]):
        page = told[place]
        assert page is not None
        assert page.complete
        assert [entry.uid for entry in page.entries] == union([STUDIES], QUESTIONS[number][1])


@given(seed=st.integers(0, 2**32), askers=st.integers(1, 6), ended=st.integers(0, 5))
def test_where_the_first_is_cancelled_the_next_one_finds_it_out(seed: int, askers: int, ended: int) -> None:
    """contract.md §3.1: one question's deadline is not another's."""
    found: list[int] = []

    async def find_out(number: int) -> None:
        await asyncio.sleep(1)
        found.append(number)

    async def all_of_them() -> None:
        flights = SingleFlight()

        async def ask(number: int) -> None:
            with anyio.move_on_after(0.5 if number < ended else 60):
                await flights.once("it", lambda: find_out(number))

        async with anyio.create_task_group() as tasks:
            for number in range(askers):
                tasks.start_soon(ask, number)

    stepped(seed, all_of_them)
    assert len(found) == (askers > ended)


@given(seed=st.integers(0, 2**32))
def test_what_keeps_the_first_from_finding_out_is_told_to_all(seed: int) -> None:
    """house.md, Async: bounded; a hundred who wait must not each ask an archive that is down."""
    asked: list[int] = []

    async def break_down() -> None:
        asked.append(1)
        await asyncio.sleep(1)
        raise ArchiveError("is down.", state=OutcomeState.FAILED)

    async def all_of_them() -> None:
        flights = SingleFlight()

        async def ask() -> None:
            with pytest.raises(ArchiveError):
                await flights.once("it", break_down)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask)

    stepped(seed, all_of_them)
    assert len(asked) == 1
