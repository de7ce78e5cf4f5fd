"""The tools that find and read reports: structured reports, key objects, PDF and clinical documents."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from federator.server.arguments import InstanceUID, SeriesUID, StudyUID
from federator.server.endpoint import Endpoint
from federator.server.shared import App
from federator.server.wording.report_models import MeasurementsRead, ReportsFound

Cursor = Annotated[str, Field(max_length=200, description="From the last answer, to go on")]


async def find_structured_reports(
    study_instance_uid: StudyUID, cursor: Cursor = "", *, ctx: Context[App]
) -> Annotated[CallToolResult, ReportsFound]:
    """Find every structured report (SR) and key object selection of a study, in all archives that hold it.

    Each comes with its UIDs, title, date, completion and verification, and which later report replaces it: read that
    one then. Reports are found by what they are, whatever modality they stand under.
    Next: get-structured-report-text to read one, get-structured-report-measurements for its numbers.
    """
    from federator.server.answers import report_lists

    return await report_lists.structured_reports(ctx, study_instance_uid, cursor=cursor)


async def find_encapsulated_pdf_reports(
    study_instance_uid: StudyUID, cursor: Cursor = "", *, ctx: Context[App]
) -> Annotated[CallToolResult, ReportsFound]:
    """Find every PDF and clinical document (CDA) of a study, in all archives that hold it, whatever their modality.

    Each comes with its UIDs, title and date. Next: get-encapsulated-pdf-report-text to read one.
    """
    from federator.server.answers import report_lists

    return await report_lists.encapsulated_documents(ctx, study_instance_uid, cursor=cursor)


async def get_structured_report_text(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    sop_instance_uid: InstanceUID,
    cursor: Cursor = "",
    *,
    ctx: Context[App],
) -> CallToolResult:
    """Read a structured report or key object selection: its whole content in order, indented as it is nested.

    Headings, findings, numbers with units, their methods and modifiers, who observed and verified, and the images it
    refers to, as [ref n] with a list at the end. Says first if it is unverified, partial or replaced by a later one.
    A long report ends early with a cursor.
    """
    from federator.server.answers import report_text as report_reading

    return await report_reading.structured_report(
        ctx, study_instance_uid, series_instance_uid, sop_instance_uid, cursor=cursor
    )


async def get_structured_report_measurements(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    sop_instance_uid: InstanceUID,
    cursor: Cursor = "",
    *,
    ctx: Context[App],
) -> Annotated[CallToolResult, MeasurementsRead]:
    """Get the numbers of a structured report as a table, grouped as they belong: lesion, irradiation event, section.

    Per number: what was measured, value and unit as in the report, finding, site, laterality, method, derivation,
    tracking identifier, source image. For lesion measurements, radiation dose, echocardiography, CAD, any other SR.
    Dose reports: sums first, then one line per irradiation event.
    """
    from federator.server.answers import measurements as report_numbers

    return await report_numbers.measurements_of(
        ctx, study_instance_uid, series_instance_uid, sop_instance_uid, cursor=cursor
    )


async def get_encapsulated_pdf_report_text(
    study_instance_uid: StudyUID,
    series_instance_uid: SeriesUID,
    sop_instance_uid: InstanceUID,
    pages: Annotated[str, Field(max_length=200, description="Which pages: 1-3,5. Empty: all")] = "",
    *,
    ctx: Context[App],
) -> CallToolResult:
    """Read a PDF report page by page, or a clinical document (CDA).

    A page without a text layer (a scan) comes as an image, and the text says so. Long documents end early and say
    which pages to ask for.
    """
    from federator.server.answers import documents

    return await documents.document(ctx, study_instance_uid, series_instance_uid, sop_instance_uid, pages=pages)


def register(endpoint: Endpoint) -> None:
    """Offer the report tools."""
    endpoint.add(
        find_structured_reports, title="Find structured reports", needs="federator.server.answers.report_lists"
    )
    endpoint.add(
        find_encapsulated_pdf_reports,
        title="Find PDF reports and documents",
        needs="federator.server.answers.report_lists",
    )
    endpoint.add(
        get_structured_report_text,
        title="Read a structured report",
        needs="federator.server.answers.report_text",
        is_silent=True,
    )
    endpoint.add(
        get_structured_report_measurements,
        title="Get the measurements of a report",
        needs="federator.server.answers.measurements",
        is_silent=True,
    )
    endpoint.add(
        get_encapsulated_pdf_report_text,
        title="Read a PDF report or document",
        needs="federator.server.answers.documents",
        is_silent=True,
    )
