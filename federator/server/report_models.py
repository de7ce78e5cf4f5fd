"""The structured answers about reports, as the model gets them (contract.md section 5)."""

from pydantic import Field

from federator.server.models import Answer, Found, Item


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
    superseded_by: list[str] = Field([], description="Later reports that replace or amend it: read those")
    replaces: list[str] = Field([])
    modality: str = ""
    series_description: str = ""
    instance_number: int | None = None


class ReportsFound(Found):
    """The answer of the tools that find reports."""

    reports: list[Report]


class Fact(Answer):
    """A further fact, in the report's words."""

    name: str
    value: str


class SourceImage(Answer):
    """An image that was measured on; no frames: all, or the only one."""

    sop_instance_uid: str
    frames: list[int] = Field([])


class Number(Answer):
    """One measurement. Finding, site, laterality and method stand here where they are not the group's."""

    name: str
    code: str = ""
    value: str = ""
    unit: str = ""
    unit_meaning: str = ""
    unit_scheme: str = Field("", description="Absent: UCUM")
    qualifier: str = Field("", description="Why there is no value, or what it is worth")
    finding: str = ""
    site: str = ""
    laterality: str = ""
    method: str = ""
    derivation: str = ""
    section: str = ""
    facts: list[Fact] = Field([])
    source_images: list[SourceImage] = Field([])
    path: str


class NumberGroup(Answer):
    """Measurements that belong together: a lesion, an irradiation event, a section of the report."""

    heading: str
    path: str
    finding: str = ""
    site: str = ""
    laterality: str = ""
    tracking_identifier: str = ""
    tracking_uid: str = ""
    method: str = ""
    facts: list[Fact] = Field([])
    source_images: list[SourceImage] = Field([])
    measurements: list[Number]


class MeasurementsRead(Answer):
    """The answer of get-structured-report-measurements."""

    complete: bool
    served_by: str
    kind: str
    title: str = ""
    date: str = ""
    warnings: list[str] = Field([])
    groups: list[NumberGroup]
    notes: list[str] = Field([])
    known_more: int = 0
    next_cursor: str = ""
