"""The structured answers, as the model gets them: camelCase, no null, no empty field (contract.md section 5)."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)
from pydantic.alias_generators import to_camel


def _brief(schema: dict[str, Any]) -> None:
    """Say in the schema that an empty field is absent, never null, and say little more: schemas cost tokens."""
    schema.pop("description", None)
    schema.pop("additionalProperties", None)
    for field in schema.get("properties", {}).values():
        field.pop("default", None)
        options = field.pop("anyOf", None)
        if options is not None:
            field.update(next(option for option in options if option != {"type": "null"}))


class Answer(BaseModel):
    """What every part of a structured answer shares: fields with a default are left out when empty."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, json_schema_extra=_brief, extra="forbid")

    def structured(self) -> dict[str, Any]:
        """The JSON object for `structuredContent`."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class ArchiveOutcome(Answer):
    """What became of asking one archive."""

    archive: str
    outcome: str
    rows: int
    attempts: int
    milliseconds: int
    message: str = ""


class Holder(Answer):
    """An archive that holds the object, and how much of it, by its own count."""

    archive: str
    series: int | None = None
    instances: int | None = None


class Item(Answer):
    """What studies, series, instances and reports share."""

    held_by: list[Holder]
    conflicts: Annotated[dict[str, dict[str, str]], WithJsonSchema({"type": "object"})] = {}
    attributes: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})] = {}

    @model_serializer(mode="wrap")
    def _identity_first(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What the object is comes before who holds it."""
        fields: dict[str, Any] = serialize(self)
        for name in ("heldBy", "conflicts", "attributes"):
            if name in fields:
                fields[name] = fields.pop(name)
        return fields


class Study(Item):
    """One study over all its holders."""

    study_instance_uid: str
    study_date: str = ""
    study_time: str = ""
    modalities: list[str] = []
    study_description: str = ""
    patient_name: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    accession_number: str = ""
    referring_physician_name: str = ""
    viewer_url: str = ""


class PriorStudy(Study):
    """Another study of the same patient, or of somebody who may be."""

    same_patient: bool = Field(description="false: uncertain, see reason")
    reason: str = ""
    has_report: bool
    body_parts: list[str] = []


class Series(Item):
    """One series over all its holders."""

    series_instance_uid: str
    modality: str = ""
    series_number: int | None = None
    series_date: str = ""
    series_time: str = ""
    series_description: str = ""
    body_part_examined: str = ""


class Instance(Item):
    """One instance over all its holders."""

    sop_instance_uid: str
    instance_number: int | None = None
    sop_class: str = ""
    sop_class_uid: str = Field("", alias="sopClassUid")
    rows: int | None = None
    columns: int | None = None
    number_of_frames: int | None = None


class Found(Answer):
    """What every search tells besides its entries: they never travel without it."""

    complete: bool
    archives: list[ArchiveOutcome]
    notes: list[str] = []
    known_more: int = 0
    next_cursor: str = ""


class StudiesFound(Found):
    """The answer of find-studies."""

    studies: list[Study]


class PriorStudiesFound(Found):
    """The answer of find-prior-studies."""

    reference: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
    studies: list[PriorStudy]


class SeriesFound(Found):
    """The answer of find-series."""

    series: list[Series]


class InstancesFound(Found):
    """The answer of find-instances."""

    instances: list[Instance]


class ArchiveListed(Answer):
    """One configured archive and how it is."""

    archive: str
    title: str = ""
    outcome: str
    milliseconds: int
    message: str = ""
    supports: list[str] = []


class ArchivesListed(Answer):
    """The answer of list-archives."""

    complete: bool
    archives: list[ArchiveListed]
    notes: list[str] = []
