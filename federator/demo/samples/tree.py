"""The items of a structured report's content tree (PS3.3 §C.17.3.2)."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pydicom import Dataset


class Code(NamedTuple):
    """A coded concept: value, coding scheme and meaning (PS3.3 §8)."""

    value: str
    scheme: str
    meaning: str


def container(name: Code, *items: "Dataset", template: str = "") -> "Dataset":
    """A heading with items below it; `template` is the number of the PS3.16 template that it follows."""
    from pydicom import Dataset

    heading = _item("CONTAINS", "CONTAINER", name, items)
    heading.ContinuityOfContent = "SEPARATE"
    if template:
        followed = Dataset()
        followed.MappingResource = "DCMR"
        followed.TemplateIdentifier = template
        heading.ContentTemplateSequence = [followed]
    return heading


def text(relationship: str, name: Code, value: str) -> "Dataset":
    """A paragraph."""
    item = _item(relationship, "TEXT", name)
    item.TextValue = value
    return item


def code(relationship: str, name: Code, value: Code, *items: "Dataset") -> "Dataset":
    """A coded answer."""
    item = _item(relationship, "CODE", name, items)
    item.ConceptCodeSequence = [_coded(value)]
    return item


def number(name: Code, value: float, unit: Code, *items: "Dataset") -> "Dataset":
    """A measurement with its unit."""
    from pydicom import Dataset

    measured = Dataset()
    measured.NumericValue = f"{value:g}"
    measured.MeasurementUnitsCodeSequence = [_coded(unit)]
    item = _item("CONTAINS", "NUM", name, items)
    item.MeasuredValueSequence = [measured]
    return item


def person(relationship: str, name: Code, value: str) -> "Dataset":
    """A person by name."""
    item = _item(relationship, "PNAME", name)
    item.PersonName = value
    return item


def reference(relationship: str, name: Code, value: str) -> "Dataset":
    """A UID."""
    item = _item(relationship, "UIDREF", name)
    item.UID = value
    return item


def image(relationship: str, sop_class_uid: str, sop_instance_uid: str) -> "Dataset":
    """A reference to an image."""
    from pydicom import Dataset

    referenced = Dataset()
    referenced.ReferencedSOPClassUID = sop_class_uid
    referenced.ReferencedSOPInstanceUID = sop_instance_uid
    item = _item(relationship, "IMAGE", None)
    item.ReferencedSOPSequence = [referenced]
    return item


def _item(relationship: str, value_type: str, name: Code | None, items: tuple["Dataset", ...] = ()) -> "Dataset":
    from pydicom import Dataset

    item = Dataset()
    item.RelationshipType = relationship
    item.ValueType = value_type
    if name is not None:
        item.ConceptNameCodeSequence = [_coded(name)]
    if items:
        item.ContentSequence = list(items)
    return item


def _coded(concept: Code) -> "Dataset":
    from pydicom import Dataset

    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = concept
    return coded
