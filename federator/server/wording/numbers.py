"""The numbers of a report as compact text: groups with a line a number, and tables with a line an event."""

from federator.dicom.visible import cell
from federator.server.wording.report_models import MeasurementsRead, Number, NumberGroup
from federator.server.wording.wording import columns, counted


def count_line(answer: MeasurementsRead, total: int, shown: int) -> str:
    """How many numbers there are and in what; `total` in the report, `shown` in this answer."""
    if not total:
        return f"{answer.kind}: no numbers in this report. get-structured-report-text shows what it says."
    of = f" of {total:,}" if shown != total else ""
    numbers = f"{shown:,}{of} {'number' if total == 1 else 'numbers'}"
    lines = max((len(table.rows) for table in answer.events), default=0)
    parts = [counted(len(answer.groups), "group") if answer.groups else "", counted(lines, "event") if lines else ""]
    return f"{answer.kind}: {numbers} in {' and '.join(part for part in parts if part)}."


def title_lines(answer: MeasurementsRead) -> list[str]:
    """The report's own title and date."""
    return [cell(", ".join(part for part in (answer.title, answer.date) if part))]


def table_lines(answer: MeasurementsRead) -> list[str]:
    """The groups, then the tables of events with their headings."""
    lines = [line for group in answer.groups for line in _group_lines(group)]
    if answer.events and answer.shared_by_events:
        lines.append("All events: " + columns(*(f"{name}: {said}" for name, said in answer.shared_by_events.items())))
    for table in answer.events:
        lines += [" | ".join(cell(said) or "-" for said in row) for row in (table.columns, *table.rows)]
    return lines


def _group_lines(group: NumberGroup) -> list[str]:
    head = [
        group.heading,
        group.subject,
        group.finding,
        ", ".join(part for part in (group.site, group.laterality) if part),
        f"tracking: {' '.join(part for part in (group.tracking_identifier, group.tracking_uid) if part)}"
        if group.tracking_identifier or group.tracking_uid
        else "",
        f"method: {group.method}" if group.method else "",
        *(f"{name}: {value}" for name, value in group.facts.items()),
        *(f"on {image}" for image in group.source_images),
    ]
    return [columns(*head), *(f"  {_number_line(number)}" for number in group.measurements)]


def _number_line(number: Number) -> str:
    missing = f"no value: {number.qualifier or 'not told'}"
    value = f"{number.value} {_unit(number)}".strip() if number.value else missing
    return columns(
        f"{number.name}: {value}",
        number.qualifier if number.value else "",
        number.subject,
        number.finding,
        ", ".join(part for part in (number.site, number.laterality) if part),
        f"method: {number.method}" if number.method else "",
        number.derivation,
        number.section,
        *(f"{name}: {value}" for name, value in number.facts.items()),
        *(f"on {image}" for image in number.source_images),
    )


def _unit(number: Number) -> str:
    """The unit's code; with its meaning where the code is cryptic or not of UCUM; said where there is none."""
    if not number.unit and not number.unit_meaning:
        return "(no unit given)"
    if not number.unit_meaning or not (number.unit_scheme or set(number.unit) & set("[]{}'1")):
        return number.unit
    of = f", {number.unit_scheme}" if number.unit_scheme else ""
    return f"({number.unit_meaning})" if number.unit == "1" else f"{number.unit} ({number.unit_meaning}{of})"
