"""What the search tools do: a question to the federation, and its page as text and structure.

Apart from the tools because it needs pydicom's dictionary, which the start of the server does without.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom.query.hints import hints
from federator.dicom.query.language import Query, parse
from federator.dicom.uid import TaggedUID
from federator.errors import RequestError
from federator.model import Entry, Level, Outcome, Page
from federator.server.answers.worded import worded
from federator.server.progress import reporter
from federator.server.shared import App
from federator.server.wording import listing
from federator.server.wording.models import (
    Found,
    Instance,
    InstancesFound,
    Item,
    PriorStudiesFound,
    PriorStudy,
    Series,
    SeriesFound,
    StudiesFound,
    Study,
)
from federator.server.wording.present import (
    Asked,
    found_fields,
    instance_of,
    outcome_of,
    series_of,
    study_fields,
    study_of,
)
from federator.server.wording.results import both, fitting
from federator.server.wording.wording import fenced_lines, one_line

ItemType = TypeVar("ItemType", bound=Item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[ItemType]):
    """One kind of list: how its items are made, named and told."""

    level: Level
    tool: str
    noun: str
    plural: str
    order: str
    legend: str
    make: Callable[[Entry, Asked], ItemType]
    line: Callable[[ItemType], str]
    uid: Callable[[ItemType], str]
    found: Callable[[dict[str, Any], list[ItemType]], Found]


STUDIES: Kind[Study] = Kind(
    level=Level.STUDY,
    tool="find-studies",
    noun="study",
    plural="studies",
    order="newest first",
    legend=listing.STUDY_LEGEND,
    make=study_of,
    line=listing.study_line,
    uid=lambda study: study.study_instance_uid,
    found=lambda fields, items: StudiesFound(**fields, studies=items),
)
SERIES: Kind[Series] = Kind(
    level=Level.SERIES,
    tool="find-series",
    noun="series",
    plural="series",
    order="newest first, then by number",
    legend=listing.SERIES_LEGEND,
    make=series_of,
    line=listing.series_line,
    uid=lambda series: series.series_instance_uid,
    found=lambda fields, items: SeriesFound(**fields, series=items),
)
INSTANCES: Kind[Instance] = Kind(
    level=Level.INSTANCE,
    tool="find-instances",
    noun="instance",
    plural="instances",
    order="by number",
    legend=listing.INSTANCE_LEGEND,
    make=instance_of,
    line=listing.instance_line,
    uid=lambda instance: instance.sop_instance_uid,
    found=lambda fields, items: InstancesFound(**fields, instances=items),
)


async def search(
    ctx: Context[App],
    kind: Kind[ItemType],
    query_text: str,
    *,
    archives: str = "",
    cursor: str = "",
    study: TaggedUID | None = None,
    series: TaggedUID | None = None,
) -> CallToolResult:
    """Ask the federation and tell its page, which ends early where it would not fit into one answer."""
    query = _restricted(parse(query_text, kind.level, today=_today()), archives)
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    page = await federation.search(query, study=study, series=series, cursor=cursor, on_outcome=reporter(ctx))
    asked = Asked.of(federation.archives, query)
    page, items = worded(page, lambda entry: kind.make(entry, asked))
    app.note(page.outcomes)
    room = fitting(items)
    if room < len(items):
        page = federation.shortened(page, room, query, study=study, series=series)
        items = items[:room]
    page = dataclasses.replace(page, notes=(*page.notes, *_notes(query, page, first=not cursor and not query.offset)))
    return told(kind, page, items, config_note=federation.config_note)


def _notes(query: Query, page: Page, *, first: bool) -> list[str]:
    """What was read otherwise than it was written, and what to write where that is why nothing came back."""
    notes = list(query.readings)
    if first and not page.entries:
        notes += hints(query)
    if page.next_cursor and query.offset:
        notes.append("With the cursor, leave offset out of the query.")
    return notes


def told(kind: Kind[ItemType], page: Page, items: list[ItemType], *, config_note: str) -> CallToolResult:
    """A page and its items as text and structure."""
    fields = found_fields(page)
    fields["notes"] += [config_note] if config_note else []
    found = kind.found(fields, items)
    lines = listing.head(found, page.outcomes, count=len(items), noun=kind.noun, plural=kind.plural, order=kind.order)
    if items:
        lines += [kind.legend, *fenced_lines(listing.numbered(items, kind.line, kind.uid), kind.plural)]
    lines += listing.viewer_lines([item for item in items if isinstance(item, Study)])
    return both(found, [*lines, *listing.tail(found, page.outcomes, tool=kind.tool)])


async def prior_studies(ctx: Context[App], study: TaggedUID, *, modality: str, body_part: str) -> CallToolResult:
    """The same patient's other studies, and whether that is certain."""
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    priors = await federation.prior_studies(study, modality=modality, body_part=body_part, on_outcome=reporter(ctx))
    app.note(priors.outcomes)
    asked = Asked.of(federation.archives)
    items = [
        PriorStudy(
            **study_fields(prior.entry, asked),
            same_patient=prior.certain,
            reason=one_line(prior.reason),
            has_report=prior.has_report,
            body_parts=[one_line(part) for part in prior.body_parts],
        )
        for prior in priors.priors
    ]
    room = fitting(items)
    fields = _prior_fields(priors.outcomes, priors.notes, left_out=len(items) - room if items else 0)
    reference = study_of(priors.reference, asked)
    found = PriorStudiesFound(**fields, reference=reference.structured(), studies=items[:room])
    lines = listing.head(
        found,
        priors.outcomes,
        count=len(found.studies),
        noun="prior study",
        plural="prior studies",
        order="newest first",
    )
    lines += fenced_lines([listing.study_line(reference)], "the study to compare with")
    if found.studies:
        lines += ["Certainly of the same patient, unless marked.", listing.STUDY_LEGEND]
        lines += fenced_lines(listing.numbered(found.studies, listing.prior_line, STUDIES.uid), "prior studies")
    lines += listing.viewer_lines(found.studies)
    return both(found, [*lines, *listing.tail(found, priors.outcomes, tool="find-prior-studies")])


def _prior_fields(outcomes: Sequence[Outcome], notes: Sequence[str], *, left_out: int) -> dict[str, Any]:
    said = [f"{left_out:,} older studies do not fit here: narrow by modality or bodyPart."] if left_out else []
    return {
        "complete": all(outcome.complete for outcome in outcomes),
        "archives": [outcome_of(outcome) for outcome in outcomes],
        "notes": [*notes, *said],
        "known_more": left_out,
    }


def _restricted(query: Query, archives: str) -> Query:
    names = tuple(dict.fromkeys(part.strip() for part in archives.split(",") if part.strip()))
    if not names:
        return query
    if query.archives and set(query.archives) != set(names):
        raise RequestError("archives and archive= in the query name different archives. Use one of the two.")
    return dataclasses.replace(query, archives=names)


def _today() -> dt.date:
    """Today where the server runs: what a clinician beside it calls today."""
    return dt.datetime.now().astimezone().date()
