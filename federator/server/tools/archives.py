"""The tool list-archives."""

from collections.abc import Sequence
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom.visible import cell
from federator.model import Outcome
from federator.server.endpoint import Endpoint
from federator.server.progress import reporter
from federator.server.shared import App
from federator.server.wording.models import ArchiveListed, ArchivesListed
from federator.server.wording.results import both
from federator.server.wording.wording import counted, explain, fenced_lines, one_line


async def list_archives(*, ctx: Context[App]) -> Annotated[CallToolResult, ArchivesListed]:
    """List the configured archives: name, title, reachable or why not, and what each was found to support.

    Use it to see where a search looks, or why an archive is missing from an answer. It asks every archive anew.
    The names are the @tags on UIDs and what `archives` in find-studies takes.
    """
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    states = await federation.survey(on_outcome=reporter(ctx))
    outcomes = [state.outcome for state in states]
    app.note(outcomes)
    note = federation.config_note
    answer = ArchivesListed(
        complete=all(outcome.complete for outcome in outcomes),
        archives=[
            ArchiveListed(
                archive=state.archive.name,
                title=one_line(state.archive.title),
                outcome=state.outcome.state.value,
                milliseconds=state.outcome.milliseconds,
                message=one_line(state.outcome.message),
                supports=[one_line(finding, max_characters=600) for finding in state.findings],
            )
            for state in states
        ],
        notes=[note] if note else [],
    )
    lines = fenced_lines(_archive_lines(answer.archives, outcomes), "archives with their titles")
    notes = [f"Note: {said}" for said in answer.notes]
    return both(answer, [_first_line(outcomes), *lines, *notes])


def _archive_lines(archives: Sequence[ArchiveListed], outcomes: Sequence[Outcome]) -> list[str]:
    lines: list[str] = []
    for listed, outcome in zip(archives, outcomes, strict=True):
        title = f" ({cell(listed.title)})" if listed.title else ""
        found = explain(outcome).removeprefix(f"{listed.archive} ")
        lines.append(f"- {listed.archive}{title}: {found}, {listed.milliseconds} ms")
        lines += [f"    {finding}" for finding in listed.supports]
    return lines


def _first_line(outcomes: Sequence[Outcome]) -> str:
    failed = [explain(outcome) for outcome in outcomes if not outcome.complete]
    if failed:
        return f"PARTIAL ANSWER: {'; '.join(failed)}. Until that changes, searches miss what lies only there."
    return f"{counted(len(outcomes), 'archive')}, all of them answer."


def register(endpoint: Endpoint) -> None:
    """Offer list-archives."""
    endpoint.add(list_archives, title="List archives")
