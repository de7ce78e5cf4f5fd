"""Measurement reports (TID 1500): highdicom reads each measurement group that follows the template.

highdicom is strict: one missing code in a group makes it refuse. So it is asked group by group, its answer is taken
only where it sees the same numbers, and the tolerant reading stands for every group that it refuses, and for all of
them where it is not installed (see pyproject.toml).
"""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from pydicom.dataset import Dataset

from federator.dicom.codes import Code
from federator.dicom.faults import read_faults
from federator.dicom.measures.generic import MEASUREMENT_GROUP, GenericReader, Line
from federator.dicom.measures.row import Group, Measurement, Source
from federator.dicom.quiet import quiet_pydicom
from federator.dicom.report.numbers import read_number
from federator.dicom.report.tree import Item, Position, Tree

MAX_READ_STRICTLY = 1_000
"""Numbers that highdicom is asked about in one report: each costs it more than a millisecond."""

# What pydicom and highdicom raise over an item that is not as they expect it.
_REFUSALS = read_faults(RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    value: float
    unit: str
    method: str
    derivation: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What highdicom makes of one measurement group; `numbers` are in the order of the document."""

    finding: str
    tracking_identifier: str
    tracking_uid: str
    method: str
    numbers: tuple[_Number, ...]


class MeasurementGroupReader(GenericReader):
    """Groups as the generic reader does, with the facts as highdicom reads them."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._numbers: dict[Position, _Number] = {}
        self._is_strict = find_spec("highdicom") is not None

    def read_group(self, item: Item, line: Line) -> Group:
        """A measurement group: the lesion, its tracking identifiers, its image region."""
        group = super().read_group(item, line)
        is_affordable = self._is_strict and len(self._numbers) < MAX_READ_STRICTLY
        reading = _read(item) if is_affordable and item.has_concept(MEASUREMENT_GROUP) else None
        if reading is None:
            return group
        own = (child for child in item.children if child.value_type == "NUM")
        self._numbers.update({child.position: seen for child, seen in zip(own, reading.numbers, strict=True)})
        return replace(
            group,
            finding=reading.finding or group.finding,
            tracking_identifier=reading.tracking_identifier or group.tracking_identifier,
            tracking_uid=reading.tracking_uid or group.tracking_uid,
            method=reading.method or group.method,
        )

    def refine(self, row: Measurement, item: Item) -> Measurement:
        """The row with method, derivation and images as highdicom reads them."""
        seen = self._numbers.get(item.position)
        if seen is None:
            return row
        return replace(
            row,
            method=seen.method or row.method,
            derivation=seen.derivation or row.derivation,
            sources=seen.sources or row.sources,
        )


def _read(item: Item) -> _Reading | None:
    """The group as highdicom reads it; None where it refuses, or does not see the numbers that stand there."""
    from highdicom.sr import MeasurementsAndQualitativeEvaluations

    quiet_pydicom()
    try:
        template = MeasurementsAndQualitativeEvaluations.from_sequence([Dataset.from_json(dict(item.data))])
        reading = _Reading(
            finding=_code(template.finding_type),
            tracking_identifier=template.tracking_identifier or "",
            tracking_uid=str(template.tracking_uid or ""),
            method=_code(template.method),
            numbers=tuple(_number(measured) for measured in template.get_measurements()),
        )
    except _REFUSALS:
        return None
    own = [read_number(child.data) for child in item.children if child.value_type == "NUM"]
    expected = [(number.value, number.unit.value if number.unit else "") for number in own]
    return reading if expected == [(number.value, number.unit) for number in reading.numbers] else None


def _number(measured: Any) -> _Number:  # noqa: ANN401 - highdicom ships no types
    return _Number(
        value=float(measured.value),
        unit=measured.unit.value,
        method=_code(measured.method),
        derivation=_code(measured.derivation),
        sources=tuple(
            Source(
                sop_instance_uid=str(image.referenced_sop_instance_uid),
                sop_class_uid=str(image.referenced_sop_class_uid),
                frames=tuple(int(frame) for frame in image.referenced_frame_numbers or ()),
            )
            for image in measured.referenced_images
        ),
    )


def _code(concept: Any) -> str:  # noqa: ANN401 - highdicom ships no types
    if concept is None:
        return ""
    return str(Code(value=concept.value, scheme=concept.scheme_designator, meaning=concept.meaning))
