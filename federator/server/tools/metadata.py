"""The tool that lists attributes: get-instance-metadata."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from federator.server.arguments import InstanceUID, SeriesUID, StudyUID
from federator.server.endpoint import Endpoint
from federator.server.shared import App


async def get_instance_metadata(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    sop_instance_uid: InstanceUID,
    attributes: Annotated[
        str,
        Field(
            max_length=2000,
            description="Only these: keywords, tags or groups, such as PixelSpacing,(0018,0060),0028. Empty: all",
        ),
    ] = "",
    *,
    ctx: Context[App],
) -> CallToolResult:
    """List the DICOM attributes of one instance: tag, keyword, VR and value, sequences indented.

    Private attributes come with their creator, bulk data by size. Selected attributes are found at every depth of
    sequences; a long list says what it left out.
    """
    from federator.server.answers import metadata as attributes_listing

    return await attributes_listing.attributes_of(
        ctx, study_instance_uid, series_instance_uid, sop_instance_uid, attributes=attributes
    )


def register(endpoint: Endpoint) -> None:
    """Offer the metadata tool."""
    endpoint.add(
        get_instance_metadata, title="List attributes", needs="federator.server.answers.metadata", is_silent=True
    )
