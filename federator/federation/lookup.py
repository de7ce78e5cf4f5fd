"""Looking one study up in every archive: who holds it, and what each copy tells."""

from collections.abc import Sequence

from federator.archive.connection.client import ArchiveClient
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import Query
from federator.errors import NotFound
from federator.federation.lists import not_found
from federator.federation.newest.studies import StudyPage, find_page
from federator.model import Level


def query_for(tag: str, keyword: str, vr: str, kind: FilterKind, values: tuple[str, ...], *, limit: int) -> Query:
    """The studies that have one of these values."""
    wanted = Filter(tag=tag, keyword=keyword, vr=vr, kind=kind, values=values)
    return Query(level=Level.STUDY, filters=(wanted,), limit=limit, limit_asked=limit)


async def find_study(clients: Sequence[ArchiveClient], study_instance_uid: str, *, share: float = 1.0) -> StudyPage:
    """The study with all its copies; the page has exactly one entry.

    Raises NotFound, which tells who said no from who did not answer, and NoArchiveAnswered.
    """
    query = query_for("0020000D", "StudyInstanceUID", "UI", FilterKind.UID, (study_instance_uid,), limit=1)
    page = await find_page(clients, query, count=1, below=None, share=share)
    if not page.entries:
        raise NotFound(not_found(f"study {study_instance_uid}", page.outcomes), outcomes=page.outcomes)
    return page
