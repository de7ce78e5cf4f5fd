"""Whatever the archives do: the right answer, or the truth about who did not give all of it.

Archives with quirks at random, studies at random, questions at random, over real sockets. The oracle is the sorted
union of everything that matches. More examples: HYPOTHESIS_PROFILE=long.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, note

from federator.config import Archive, Config
from federator.dicom.query.language import parse
from federator.errors import NoArchiveAnswered
from federator.federation.federation import Federation
from federator.model import Level, Outcome
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.oracle import fits, union
from tests.support.hostile.records import STUDY_DATE, STUDY_TIME, STUDY_UID, Record, first, with_images
from tests.support.hostile.scenes import Scene, scenes
from tests.support.hostile.switches import QUIRKS

pytestmark = pytest.mark.xdist_group("properties")

TODAY = dt.datetime.now(tz=dt.UTC).date()
MAX_PAGES = 120

HARMLESS = (
    "order",
    "warned_cap",
    "default_limit",
    "plain_json_only",
    "limit_zero_refused",
    "server_error_for_bad_parameters",
    "commas_everywhere",
    "one_uid_only",
    "escaped_comma_literal",
    "backslash_stripped",
    "repeated_key",
    "date_and_time_combined",
    "bad_date_refused",
    "wrong_counts",
    "no_counts",
    "dotted_dates",
    "padded_uids",
    "missing_vr",
    "scalar_values",
    "null_values",
    "names_as_strings",
    "numbers_as_strings",
    "lower_case_hex",
    "blank_padded_uids",
    "joined_names",
    "untold_modalities",
    "control_characters",
    "not_a_number",
    "byte_order_mark",
    "trailing_comma",
    "json_lines",
    "wrapped_list",
    "declared_charset",
    "empty_204",
    "empty_body",
    "null_for_none",
    "single_object",
)
"""Quirks that must not keep an archive from a complete answer.

Leaving out attributes is not among them: a small archive none of whose rows has a time cannot show that it tells times.
"""


@dataclass(slots=True)
class Read:
    """A list read to its end: every UID with its holders, and every outcome of every page."""

    uids: list[str] = field(default_factory=list)
    holders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    failed: bool = False

    @property
    def complete(self) -> bool:
        return not self.failed and all(outcome.complete for outcome in self.outcomes)

    @property
    def incomplete_archives(self) -> set[str]:
        return {outcome.archive for outcome in self.outcomes if not outcome.complete}


async def read(scene: Scene, archives: list[HostileArchive], urls: list[str]) -> Read:
    """Read all pages; studies arrive between them if the scene has any."""
    found = Read()
    cursor = ""
    arriving = list(scene.arriving)
    query = parse(f"{scene.query} limit={scene.limit}", Level.STUDY, today=TODAY)
    configured = tuple(Archive(name=f"a{n}", url=url, deadline_s=120) for n, url in enumerate(urls))
    async with Federation(Config(archives=configured)) as federation:
        for _ in range(MAX_PAGES):
            try:
                page = await federation.search(query, cursor=cursor)
            except NoArchiveAnswered as error:
                found.outcomes += error.outcomes
                found.failed = True
                return found
            assert len(page.outcomes) == len(archives)
            assert len(page.entries) <= scene.limit
            found.outcomes += page.outcomes
            found.uids += [entry.uid for entry in page.entries]
            found.holders |= {entry.uid: entry.holders for entry in page.entries}
            cursor = page.next_cursor
            if not cursor:
                return found
            if arriving:
                place, record = arriving.pop(0)
                archives[place].add(record)
    pytest.fail("the list does not end")


def searched(loopback: Loopback, scene: Scene) -> Read:
    archives = [
        HostileArchive(with_images(held, instances_per_series=1), switches)
        for held, switches in zip(scene.holdings, scene.switches, strict=True)
    ]
    with loopback.serve(*archives) as urls:
        found = anyio.run(read, scene, archives, urls)
    for outcome in dict.fromkeys(found.outcomes):
        note(str(outcome))
    for number, archive in enumerate(archives):
        for request in archive.ledger.requests:
            note(f"a{number} {request.path}?{request.query.partition('&includefield')[0]}")
    return found


def held_by(scene: Scene) -> dict[str, dict[str, Record]]:
    """UID to archive to its copy, arriving studies included."""
    held: defaultdict[str, dict[str, Record]] = defaultdict(dict)
    for number, records in enumerate(scene.holdings):
        for record in records:
            held[first(record, STUDY_UID)][f"a{number}"] = record
    for number, record in scene.arriving:
        held[first(record, STUDY_UID)][f"a{number}"] = record
    return held


def check_what_is_shown(scene: Scene, found: Read) -> None:
    """True of every answer: nothing that does not match, nothing twice, no holder that does not hold it."""
    held = held_by(scene)
    for uid in {uid for uid in found.uids if found.uids.count(uid) > 1}:
        # A cursor carries no list of what was shown: only its archives tell that a study has a copy on an earlier page.
        assert len(_places(held[uid])) > 1, f"{uid} is shown twice"
        assert set(held[uid]) & found.incomplete_archives, f"{uid} is shown twice, and nobody failed"
    for uid in found.uids:
        for archive in found.holders[uid]:
            assert archive in held[uid], f"{uid} is not in {archive}"
            assert fits(held[uid][archive], scene.wanted), f"{uid} of {archive} does not match"


def _places(copies: Mapping[str, Record]) -> set[tuple[str, str]]:
    return {(first(record, STUDY_DATE), first(record, STUDY_TIME)) for record in copies.values()}


def check_the_order(scene: Scene, found: Read) -> None:
    """What is shown stands in the order of the contract."""
    if any(one.few_attributes for one in scene.switches):
        return  # such an archive may not tell the time, whatever it was asked for
    ordered = [uid for uid in union(scene.holdings, scene.wanted) if uid in found.uids]
    assert found.uids == ordered


def check_nothing_is_missing_in_silence(scene: Scene, found: Read) -> None:
    """What is missing could only come from archives whose outcome says that they did not give all."""
    held = held_by(scene)
    for uid in set(union(scene.holdings, scene.wanted)) - set(found.uids):
        copies = {archive: record for archive, record in held[uid].items() if fits(record, scene.wanted)}
        # Copies that disagree on their date stand at the newest one: who did not give that lost the study.
        named = set(copies) & found.incomplete_archives
        assert named == set(copies) or (len(_places(copies)) > 1 and named), (
            f"{uid} of {set(copies)} is missing in silence"
        )


@given(scene=scenes(QUIRKS))
def test_the_answer_is_the_oracles_or_says_which_archive_did_not_give_all(loopback: Loopback, scene: Scene) -> None:
    """Issue 2, contract.md §3.1: never a row that does not match, never a row twice, never a silent gap."""
    found = searched(loopback, scene)
    check_what_is_shown(scene, found)
    check_nothing_is_missing_in_silence(scene, found)
    if found.complete:
        check_the_order(scene, found)


@given(scene=scenes(HARMLESS))
def test_quirks_that_can_be_met_leave_the_answer_complete_and_exact(loopback: Loopback, scene: Scene) -> None:
    """contract.md §3: an answer that is always called incomplete would be worth nothing."""
    found = searched(loopback, scene)
    check_what_is_shown(scene, found)
    check_nothing_is_missing_in_silence(scene, found)
    check_the_order(scene, found)
    assert found.complete, found.incomplete_archives


@given(scene=scenes(HARMLESS, arriving=True))
def test_studies_that_arrive_between_pages_move_nothing(loopback: Loopback, scene: Scene) -> None:
    """contract.md §3.4: no row twice, none skipped, whatever was inserted meanwhile."""
    found = searched(loopback, scene)
    assert len(found.uids) == len(set(found.uids))
    assert found.complete
    check_nothing_is_missing_in_silence(scene, found)
    new = {first(record, STUDY_UID) for _, record in scene.arriving}
    found.uids = [uid for uid in found.uids if uid not in new]
    check_the_order(scene, found)
