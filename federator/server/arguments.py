"""The parameters that several tools share, and what to say about arguments that do not fit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema

from federator.dicom.uid import TaggedUID

_MAX_TAGGED_UID = 4096
"""Characters of a UID with the names of a hundred archives behind it."""

_FAULTS = {
    "missing": "{name} is required.",
    "string_type": "{name} must be text.",
    "string_too_long": "{name} may have at most {max_length} characters.",
    "literal_error": "{name} must be {expected}.",
    "enum": "{name} must be {expected}.",
    "int_type": "{name} must be a whole number.",
    "int_parsing": "{name} must be a whole number.",
    "int_parsing_size": "{name} must be a whole number.",
    "int_from_float": "{name} must be a whole number.",
    "bool_type": "{name} must be true or false.",
    "bool_parsing": "{name} must be true or false.",
    "greater_than_equal": "{name} must be at least {ge}.",
    "greater_than": "{name} must be more than {gt}.",
    "less_than_equal": "{name} may be at most {le}.",
    "less_than": "{name} must be less than {lt}.",
    "value_error": "{name}: {error}.",
}
"""Pydantic's types of fault in plain words: its own text quotes the rejected value and links to its manual."""


def _tagged_uid(name: str) -> Callable[[object], TaggedUID]:
    def parse(value: object) -> TaggedUID:
        if not isinstance(value, str) or len(value) > _MAX_TAGGED_UID:
            raise ValueError("write the UID as text, as an earlier answer gave it")
        return TaggedUID.parse(value, name=name)

    return parse


StudyUID = Annotated[
    TaggedUID,
    PlainValidator(_tagged_uid("studyInstanceUid")),
    WithJsonSchema({"type": "string"}),
    Field(validation_alias="studyInstanceUid", description="Study UID from find-studies, with its @archive tag."),
]
"""A study's UID with its archives; the model knows the parameter as `studyInstanceUid`."""

SeriesUID = Annotated[
    TaggedUID,
    PlainValidator(_tagged_uid("seriesInstanceUid")),
    WithJsonSchema({"type": "string"}),
    Field(validation_alias="seriesInstanceUid", description="Series UID from find-series, with its @archive tag."),
]
"""A series' UID with its archives; the model knows the parameter as `seriesInstanceUid`."""

InstanceUID = Annotated[
    TaggedUID,
    PlainValidator(_tagged_uid("sopInstanceUid")),
    WithJsonSchema({"type": "string"}),
    Field(validation_alias="sopInstanceUid", description="Instance UID from find-instances or a find-*-reports tool."),
]
"""An instance's UID with its archives; the model knows the parameter as `sopInstanceUid`."""


def unknown_arguments(given: Iterable[str], known: Iterable[str]) -> str:
    """What to say about arguments that the tool does not have; empty where it has them all.

    The SDK ignores them silently, which would widen a search whose filter was misspelt.
    """
    known = list(known)
    unknown = [name for name in given if name not in known]
    if not unknown:
        return ""
    names = ", ".join(f"'{name[:60]}'" for name in unknown)
    takes = f"It takes: {', '.join(known)}." if known else "It takes no parameters."
    return f"This tool has no parameter {names}. {takes}"


def invalid_arguments(error: ValidationError) -> str:
    """Say in plain words what is wrong with the arguments, without their values."""
    said = [_fault(fault) for fault in error.errors(include_url=False, include_input=False)]
    return " ".join(dict.fromkeys(said))


def _fault(fault: Mapping[str, Any]) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else "The arguments"
    said = _FAULTS.get(fault["type"], "{name} does not fit its description.")
    return said.format(name=name, **fault.get("ctx", {}))
