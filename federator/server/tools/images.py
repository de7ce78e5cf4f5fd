"""The tools that show images: render-instance-frame, render-series-overview."""

from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from federator.server.arguments import InstanceUID, SeriesUID, StudyUID
from federator.server.endpoint import Endpoint
from federator.server.shared import App

WindowText = Annotated[
    str,
    Field(
        max_length=64,
        description="CT preset (lung, bone, brain, soft-tissue, mediastinum, liver, abdomen, stroke, subdural, angio, "
        "spine, temporal-bone) or CENTER,WIDTH such as -600,1500. Empty: the image's own",
    ),
]


async def render_instance_frame(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    sop_instance_uid: InstanceUID,
    frame: Annotated[int, Field(ge=1, description="Frame of a multi-frame image, from 1")] = 1,
    output_format: Annotated[
        Literal["image/jpeg", "image/png"], Field(validation_alias="outputFormat", description="Kind of image")
    ] = "image/jpeg",
    window: WindowText = "",
    max_edge: Annotated[
        int, Field(validation_alias="maxEdge", ge=64, le=2048, description="Longest edge in pixels")
    ] = 1024,
    *,
    ctx: Context[App],
) -> CallToolResult:
    """See one image (one frame of it), under 700 kB, for orientation and not for diagnosis.

    With it in text what the picture cannot say: the archive, modality, series and frame n of N, the window shown, size,
    orientation in the patient, pixel spacing, whether text is burned in. For a whole series: render-series-overview.
    """
    from federator.server.answers import frame as picturing

    return await picturing.render(
        ctx,
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        frame=frame,
        media_type=output_format,
        window=window,
        max_edge=max_edge,
    )


async def render_series_overview(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    frames: Annotated[int, Field(ge=1, le=36, description="How many images")] = 9,
    window: WindowText = "",
    *,
    ctx: Context[App],
) -> CallToolResult:
    """See a whole series at once: a contact sheet of evenly spaced images in patient order.

    Echoes, b-values, phases, segments and localizers are told apart, and images of one kind share a window. The numbers
    on the sheet stand in the text with the instance UID and frame of each image; pass those on to render-instance-frame
    to see one larger.
    """
    from federator.server.answers import overview as overviewing

    return await overviewing.overview(ctx, study_instance_uid, series_instance_uid, frames=frames, window=window)


def register(endpoint: Endpoint) -> None:
    """Offer the image tools."""
    endpoint.add(render_instance_frame, title="Show an image", needs="federator.server.answers.frame", is_silent=True)
    endpoint.add(
        render_series_overview, title="Show a series as a contact sheet", needs="federator.server.answers.overview"
    )
