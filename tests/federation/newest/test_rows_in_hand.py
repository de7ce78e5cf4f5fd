"""What came before the deadline is in the answer, however long an archive takes for each request."""

import datetime as dt

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from federator.dicom.query.language import parse
from federator.errors import NoArchiveAnswered
from federator.model import Level, Page
from tests.federation.test_search_properties import HARMLESS
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.oracle import Wanted, fits, in_order, union
from tests.support.hostile.records import MODALITIES, STUDY_UID, Holdings, Record, first, study, with_images
from tests.support.hostile.scenes import Scene, scenes
from tests.support.hostile.switches import Switches
from tests.support.stepped import federation_of, stepped

TODAY = dt.date(2024, 6, 30)
DEADLINE_S = 5.0


class Clocked(HostileArchive):
    """Takes `delay_s` for every answer and notes the studies it gave: what is given up before is not answered.

    One whose modalities were asked for, and only the series tell, was given when they did.
    """

    def __init__(self, holdings: Holdings, switches: Switches, delay_s: float) -> None:
        super().__init__(holdings, switches, latency_s=delay_s)
        self._gave: set[str] = set()
        self._told: set[str] = set()

    def gave(self, wanted: Wanted) -> set[str]:
        """The UIDs of the studies that were given so that it can be told whether they are `wanted`."""
        return self._gave & self._told if self.switches.untold_modalities and MODALITIES in wanted else self._gave

    def _search(self, path: str, query: bytes) -> tuple[list[Record], list[str]]:
        rows, warnings = super()._search(path, query)
        if path == "/studies":
            self._gave |= {first(row, STUDY_UID) for row in rows}
        elif path.startswith("/studies/") and path.endswith("/series"):
            self._told.add(path.split("/")[2])
        return rows, warnings


async def asked(archive: HostileArchive, query: str) -> Page | None:
    async with federation_of([archive], deadline_s=DEADLINE_S) as federation:
        try:
            return await federation.search(parse(query, Level.STUDY, today=TODAY))
        except NoArchiveAnswered:
            return None


@given(scene=scenes(HARMLESS, least_archives=1), seed=st.integers(0, 2**32), delay_s=st.floats(0, 3))
def test_whatever_the_delay_what_arrived_before_the_deadline_is_in_the_answer(
    scene: Scene, seed: int, delay_s: float
) -> None:
    """contract.md §3.6: rows in hand are an answer (`partial`), never "no archive answered"."""
    held, switches = scene.holdings[0], scene.switches[0]
    archive = Clocked(with_images(held, instances_per_series=1), switches, delay_s)
    page = stepped(seed, asked, archive, f"{scene.query} limit={scene.limit}")
    for request in archive.ledger.requests:
        note(f"{request.path}?{request.query.partition('&includefield')[0]}")
    records = {first(record, STUDY_UID): record for record in held}
    came = [records[uid] for uid in archive.gave(scene.wanted) if fits(records[uid], scene.wanted)]
    wanted = [first(record, STUDY_UID) for record in in_order(came)][: scene.limit]
    if page is None:
        assert not wanted
        return
    note(str(page.outcomes))
    shown = [entry.uid for entry in page.entries]
    if page.complete:
        every = union([held], scene.wanted)
        # Where only case tells a row from what was asked, an archive may rightly keep it back (PS3.4 C.2.2.2.1).
        exact = [uid for uid in every if fits(records[uid], scene.wanted)]
        assert len(shown) == scene.limit or set(exact) <= set(shown) <= set(every)
    else:
        assert len(shown) == scene.limit or set(wanted) <= set(shown)


@pytest.mark.parametrize("delay_s", [0, 0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize("count", [1, 40, 300, 3_000])
def test_a_slow_line_never_costs_the_whole_answer(delay_s: float, count: int) -> None:
    """facts/field-2026-11: behind 1.5 s a request, the whole list had come and the answer was an error."""
    day = TODAY.toordinal()
    studies = [
        study(f"1.{n}", date=dt.date.fromordinal(day - n * 1500 // count).strftime("%Y%m%d")) for n in range(count)
    ]
    archive = HostileArchive(Holdings(studies=studies[::-1]), Switches(delay_s=delay_s))
    for query in ("", "PatientName=doe*", "limit=10"):
        page = stepped(1, asked, archive, query)
        assert page is not None
        assert page.entries


@pytest.mark.parametrize("delay_s", [0.5, 1, 1.5])
def test_modalities_that_only_the_series_told_are_in_hand_as_well(delay_s: float) -> None:
    """contract.md §3.6: at 1 s a request, the study and its series had come and the answer was an error."""
    held = [study("1.1", date="20220710", modalities=("US", "SR"))]
    archive = Clocked(with_images(held, instances_per_series=1), Switches(untold_modalities=True), delay_s)
    page = stepped(0, asked, archive, "Modality=CT,US")
    assert page is not None
    assert [entry.uid for entry in page.entries] == ["1.1"]
