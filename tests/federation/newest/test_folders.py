"""The newest studies of a folder, which sorts as the federation does."""

import pytest

from federator.config import Archive, Config
from federator.dicom.query.language import Query
from federator.federation.federation import Federation
from federator.model import Level
from tests.support.folder_archive import write_tiny

pytestmark = pytest.mark.anyio


async def test_more_studies_of_one_moment_than_an_answer_holds_cost_one_request_and_none_is_lost(tmp_path, monkeypatch):
    """contract.md §3.2, §3.4: newest first, then by UID; no row twice, none skipped."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    uids = [f"2.25.{number}" for number in range(1000, 1230)]
    for uid in uids:
        write_tiny(
            tmp_path / "files" / f"{uid}.dcm",
            study=uid, series=f"{uid}.1", instance=f"{uid}.1.1", StudyDate="20240131", StudyTime="083000",
        )  # fmt: skip
    found: list[str] = []
    async with Federation(Config(archives=(Archive(name="files", folder=tmp_path / "files", deadline_s=60),))) as all_:
        query = Query(level=Level.STUDY, limit=50, limit_asked=50)
        await all_.search(query)
        page = await all_.search(query)
        assert page.outcomes[0].attempts == 1
        while True:
            assert page.complete
            found += [entry.uid for entry in page.entries]
            if not page.next_cursor:
                break
            page = await all_.search(query, cursor=page.next_cursor)
    assert found == uids
