"""The structured answers about reports, as the model gets them (contract.md section 5)."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from federator.server.wording.models import Answer, Found, Item


class Report(Item):
    """One report over all its holders."""

    sop_instance_uid: str
    series_instance_uid: str
    kind: str
    title: str = ""
    date: str = ""
    completion: str = ""
    verification: str = ""
    preliminary: str = ""
    superseded_by: list[str] = Field([])
    replaces: list[str] = Field([])
    modality: str = ""
    series_description: str = ""
    instance_number: int | None = None


class ReportsFound(Found):
    """The answer of the tools that find reports."""

    reports: list[Report]


Facts = Annotated[dict[str, str], WithJsonSchema({"type": "object"})]
"""Further facts by name, in the report's words."""


class Number(Answer):
    """One measurement; what it shares with its group stands there. Source images are `UID` or `UID frame n`."""

    name: str
    code: str = ""
    value: str = ""
    unit: str = ""
    unit_meaning: str = ""
    unit_scheme: str = ""
    qualifier: str = ""
    subject: str = ""
    finding: str = ""
    site: str = ""
    laterality: str = ""
    method: str = ""
    derivation: str = ""
    section: str = ""
    facts: Facts = Field({})
    source_images: list[str] = Field([])
    path: str


class NumberGroup(Answer):
    """Measurements that belong together: a lesion, an irradiation event, a section of the report."""

    heading: str
    path: str
    subject: str = ""
    finding: str = ""
    site: str = ""
    laterality: str = ""
    tracking_identifier: str = ""
    tracking_uid: str = ""
    method: str = ""
    facts: Facts = Field({})
    source_images: list[str] = Field([])
    measurements: list[Number]


class EventsTable(Answer):
    """Irradiation events, one row each; the first column counts them."""

    columns: list[str]
    rows: list[list[str]]


class MeasurementsRead(Answer):
    """The answer of get-structured-report-measurements."""

    complete: bool
    served_by: str
    kind: str
    title: str = ""
    date: str = ""
    warnings: list[str] = Field([])
    groups: list[NumberGroup]
    shared_by_events: Facts = Field({})
    events: Annotated[list[EventsTable], WithJsonSchema({"type": "array", "items": {"type": "object"}})] = Field([])
    notes: list[str] = Field([])
    known_more: int = 0
    next_cursor: str = ""
