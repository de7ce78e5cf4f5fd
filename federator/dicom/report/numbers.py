"""Numeric content items: the number as it was sent, with its unit (PS3.3 C.18.1)."""

from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.codes import Code, first_code
from federator.dicom.report.text import decimals
from federator.model import DicomJson

_NO_UNIT = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The measured value of a NUM item; `written` is empty where the report gives a qualifier instead of a value."""

    written: str
    unit: Code | None
    qualifier: Code | None

    @property
    def value(self) -> float | None:
        """The first number as a float, None where there is none or it is not finite."""
        return json.as_number(self.written)

    @property
    def unit_text(self) -> str:
        """The unit to stand behind the number: its code; its meaning too where the code alone does not say it."""
        unit = self.unit
        if unit is None:
            return ""
        if unit.value == _NO_UNIT:
            return f"({unit.meaning})" if unit.meaning else ""
        plain = unit.scheme == "UCUM" and unit.value.isascii() and not any(sign in unit.value for sign in "[]{}'")
        if plain or not unit.meaning:
            return unit.value or unit.meaning
        scheme = f", {unit.scheme}" if unit.is_private and unit.scheme else ""
        if unit.meaning == unit.value or not unit.value:
            return unit.meaning + (f" ({unit.scheme})" if scheme else "")
        return f"{unit.value} ({unit.meaning}{scheme})"

    def __str__(self) -> str:
        said = " ".join(part for part in (self.written, self.unit_text) if part) if self.written else "(no value)"
        return f"{said} [{self.qualifier}]" if self.qualifier else said


def read_number(data: DicomJson) -> Number:
    """The number of a NUM item, from whichever attribute holds it: decimal, floating point or rational."""
    measured = json.items(data, "0040A300")
    # Values belong into the sequence; some writers leave them beside it.
    holder = measured[0] if measured else data
    return Number(
        written=_written(holder),
        unit=first_code(holder, "004008EA"),
        qualifier=first_code(data, "0040A301"),
    )


def _written(holder: DicomJson) -> str:
    plain = decimals(holder, "0040A30A") or decimals(holder, "0040A161")
    if plain:
        return plain[0] if len(plain) == 1 else ", ".join(plain)
    above, below = decimals(holder, "0040A162"), decimals(holder, "0040A163")
    return f"{above[0]}/{below[0]}" if above and below else ""
