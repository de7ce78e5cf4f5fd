"""Copies in other archives are asked for by lists of UIDs, where an archive takes them."""

import anyio
import pytest

from federator.config import Archive, Config
from federator.dicom.query.language import Query
from federator.federation.federation import Federation
from federator.model import Level
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import STUDY_UID, Holdings, study
from tests.support.hostile.switches import Switches

pytestmark = pytest.mark.anyio


def holdings(archive: int) -> Holdings:
    """More studies than one request brings, none of them in the other archive."""
    numbers = range(archive * 1000, archive * 1000 + 300)
    return Holdings(studies=[study(f"1.2.{n}", date=f"20{n % 24:02}{n % 12 + 1:02}{n % 28 + 1:02}") for n in numbers])


@pytest.mark.parametrize(("one_uid_only", "most"), [(False, 1), (True, 12)])
async def test_copies_cost_one_request_unless_the_archive_takes_one_uid_at_a_time(
    loopback: Loopback, one_uid_only: bool, most: int
) -> None:
    """PS3.18 §8.3.4.1 and PS3.4 §C.2.2.2.2: a UID may be a list; Azure takes a comma for a letter."""
    hostile = [HostileArchive(holdings(number), Switches(one_uid_only=one_uid_only)) for number in range(2)]
    query = Query(level=Level.STUDY, limit=10, limit_asked=10)
    with loopback.serve(*hostile) as urls, anyio.fail_after(60):
        archives = tuple(Archive(name=f"a{number}", url=url, deadline_s=30) for number, url in enumerate(urls))
        async with Federation(Config(archives=archives)) as federation:
            await federation.search(query)
            for archive in hostile:
                archive.ledger.clear()
            page = await federation.search(query)
    assert page.complete
    assert len(page.entries) == 10
    for archive in hostile:
        by_uid = [
            request for request in archive.ledger.requests if f"{STUDY_UID}=" in request.query.split("include")[0]
        ]
        assert 1 <= len(by_uid) <= most
        assert any("," in request.query for request in by_uid) is not one_uid_only
