"""What get-instance-metadata does: the attributes of one instance as text."""

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.retrieve import retrieve_metadata
from federator.dicom import json
from federator.dicom.metadata import listing, parse_selection
from federator.dicom.report.sop_classes import class_name
from federator.dicom.uid import TaggedUID
from federator.federation.target import Target
from federator.model import DicomJson
from federator.server.shared import App
from federator.server.wording.results import text_only
from federator.server.wording.wording import fenced, one_line, served_by


async def attributes_of(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, instance: TaggedUID, *, attributes: str
) -> CallToolResult:
    """The attributes that `attributes` selects, or all, from whichever archive serves them."""
    selection = parse_selection(attributes)
    app = ctx.request_context.lifespan_context
    federation = await app.federation()

    async def read(client: ArchiveClient) -> DicomJson:
        return (await retrieve_metadata(client, study.uid, series.uid, instance.uid))[0]

    served = await federation.retrieve(Target(study=study, series=series, instance=instance), read)
    app.note(served.earlier)
    listed = await app.in_calm_worker(listing, served.value, selection)
    head = " ".join(part for part in (served_by(served.archive, served.earlier), listed.left_out) if part)
    if not listed.text:
        return text_only(f"{head} The instance has none of the attributes asked for: {one_line(attributes)}")
    kind = class_name(json.uid(served.value, "00080016"))
    return text_only(head, fenced(listed.text, f"attributes of one object, {kind}"))
