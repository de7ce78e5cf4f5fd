"""The search tools: find-studies, find-series, find-instances, find-prior-studies."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from federator.server.arguments import SeriesUID, StudyUID
from federator.server.endpoint import Endpoint
from federator.server.shared import App
from federator.server.wording.models import InstancesFound, PriorStudiesFound, SeriesFound, StudiesFound

QueryText = Annotated[str, Field(max_length=1000, description="key=value pairs; empty: all")]
Cursor = Annotated[str, Field(max_length=2000, description="From the last answer, to go on with the same query")]


async def find_studies(
    query: QueryText = "",
    archives: Annotated[str, Field(max_length=1000, description="Ask only these: mercy,north")] = "",
    cursor: Cursor = "",
    *,
    ctx: Context[App],
) -> Annotated[CallToolResult, StudiesFound]:
    """Search studies in all archives at once, newest first. Start here.

    Each study comes with its UID (pass it on with its @archive tag), date, modalities, description, patient,
    accession number, holders with their counts, and a viewer link; beside them, what became of every archive.

    query: key=value pairs, all must match. Keys are DICOM keywords or tags; quote values with spaces.
    PatientName="Doe^Jane*" PatientID=123 StudyDate=last-3-months ModalitiesInStudy=CT,MR StudyDescription=*chest*
    Dates: 2024-01-31, 2024-01, 2024, 20240101-20240331, 2024-, today, last-7-days. Wildcards: * and ?
    Also: limit=50 offset=0 fuzzymatching=true includefield=StudyID (or all)
    A key that does not exist is an error; it never widens the search.
    """
    from federator.server.answers import search as searching

    return await searching.search(ctx, searching.STUDIES, query, archives=archives, cursor=cursor)


async def find_series(
    study_instance_uid: StudyUID,
    query: QueryText = "",
    cursor: Cursor = "",
    *,
    ctx: Context[App],
) -> Annotated[CallToolResult, SeriesFound]:
    """List the series of one study over all archives that hold it, newest first, then by number.

    Each series comes with its UID, modality, number, description, body part, date and, per archive, its number of
    images. query narrows as in find-studies: Modality=CT SeriesDescription=*lung* BodyPartExamined=CHEST
    Next: find-instances, or render-series-overview to see it.
    """
    from federator.server.answers import search as searching

    return await searching.search(ctx, searching.SERIES, query, cursor=cursor, study=study_instance_uid)


async def find_instances(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    query: QueryText = "",
    cursor: Cursor = "",
    *,
    ctx: Context[App],
) -> Annotated[CallToolResult, InstancesFound]:
    """List the instances (images, reports, …) of one series by instance number.

    Each instance comes with its UID, number, SOP class, image size and frames. query narrows as in find-studies:
    InstanceNumber=12 or SOPClassUID=1.2.840.10008.5.1.4.1.1.2. Next: render-instance-frame, get-instance-metadata.
    """
    from federator.server.answers import search as searching

    return await searching.search(
        ctx, searching.INSTANCES, query, cursor=cursor, study=study_instance_uid, series=series_instance_uid
    )


async def find_prior_studies(
    study_instance_uid: StudyUID,
    modality: Annotated[str, Field(max_length=64, description="Only studies with it: CT or CT,MR")] = "",
    body_part: Annotated[
        str, Field(validation_alias="bodyPart", max_length=64, description="Only studies that show it: CHEST")
    ] = "",
    *,
    ctx: Context[App],
) -> Annotated[CallToolResult, PriorStudiesFound]:
    """Find what to compare a study with: the same patient's other studies in every archive, newest first.

    Each comes as in find-studies, says whether it has a report, and whether it is certainly the same patient.
    Identity is certain only by the same ID from the same issuer or archive, with no other birth date or sex; a study
    that merely may be the same patient's says why, and a person must decide.
    """
    from federator.server.answers import search as searching

    return await searching.prior_studies(ctx, study_instance_uid, modality=modality, body_part=body_part)


def register(endpoint: Endpoint) -> None:
    """Offer the search tools."""
    endpoint.add(find_studies, title="Find studies", needs="federator.server.answers.search")
    endpoint.add(find_series, title="Find series", needs="federator.server.answers.search")
    endpoint.add(find_instances, title="Find instances", needs="federator.server.answers.search")
    endpoint.add(find_prior_studies, title="Find prior studies", needs="federator.server.answers.search")
