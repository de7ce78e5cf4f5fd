"""The series of a study, or the instances of a series, over all its holders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from federator.archive.connection.client import ArchiveClient
from federator.archive.search.children import Children
from federator.archive.search.fetched import Wholeness
from federator.dicom.query.language import Query
from federator.errors import NotFound
from federator.federation.fanout import OnOutcome, Reply, fan_out
from federator.federation.joined import joined
from federator.federation.merge import merged
from federator.model import DicomJson, Entry, Outcome, Row


@dataclass(slots=True, kw_only=True)
class Listing:
    """What one archive lists; `seen` counts what it has before filters."""

    rows: dict[str, DicomJson] = field(default_factory=dict)
    seen: int = 0
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many rows match."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class FullList:
    """All entries in order, what became of every archive, and who holds the parent."""

    entries: tuple[Entry, ...]
    outcomes: tuple[Outcome, ...]
    holders: tuple[str, ...]


async def find_all(
    clients: Sequence[ArchiveClient],
    query: Query,
    *,
    study_instance_uid: str,
    series_instance_uid: str = "",
    on_outcome: OnOutcome | None = None,
    share: float = 1.0,
) -> FullList:
    """Every series or instance that matches. Raises NotFound where no archive has any, NoArchiveAnswered."""

    async def ask(client: ArchiveClient, listing: Listing) -> None:
        children = Children(
            client=client,
            query=query,
            study_instance_uid=study_instance_uid,
            series_instance_uid=series_instance_uid,
        )
        fetched = await children.read()
        listing.rows = dict(fetched.rows)
        listing.seen = len(fetched.seen)
        listing.remarks = children.remarks()
        listing.gaps += children.unjudged()
        if fetched.wholeness is not Wholeness.WHOLE:
            listing.gaps.append(f"It gave {listing.seen} {query.level.value} rows, but may have more.")

    replies = await fan_out(clients, ask, Listing, on_outcome=on_outcome, share=share)
    outcomes = tuple(reply.outcome for reply in replies)
    holders = tuple(reply.client.name for reply in replies if reply.gathered.seen)
    if not holders:
        what = f"series {series_instance_uid}" if series_instance_uid else f"study {study_instance_uid}"
        raise NotFound(not_found(what, outcomes), outcomes=outcomes)
    names = [client.name for client in clients]

    async def join(replies: Sequence[Reply[Listing]]) -> list[Entry]:
        rows = [Row(archive=reply.client.name, data=row) for reply in replies for row in reply.gathered.rows.values()]
        return await merged(query.level, rows, names, count=len(rows))

    entries, replies = await joined(replies, join, Listing)
    return FullList(entries=tuple(entries), outcomes=tuple(reply.outcome for reply in replies), holders=holders)


def not_found(what: str, outcomes: Sequence[Outcome]) -> str:
    """Who said no, and who did not answer: the two must not be mixed up."""
    denied = [outcome.archive for outcome in outcomes if outcome.complete]
    silent = [outcome for outcome in outcomes if not outcome.complete]
    said = f"No archive that answered holds {what}."
    if denied:
        said += f" Asked: {', '.join(denied)}."
    if silent:
        told = "; ".join(f"{outcome.archive}: {outcome.message or outcome.state.value}" for outcome in silent)
        said += f" It may be in an archive that gave no full answer: {told}"
    return said
