"""Content items of the type TABLE: tabulated values as rows of text (PS3.3 C.18.10)."""

from federator.dicom import json
from federator.dicom.codes import codes_in, first_code
from federator.dicom.report.text import decimals, free_text, line, person
from federator.dicom.visible import cell as one_cell
from federator.model import DicomJson

MAX_CELLS = 2_000
_FIRST_SELECTOR_VALUE = 0x0072005F
_LAST_SELECTOR_VALUE = 0x00720083


def table_text(data: DicomJson) -> str:
    """The table below an empty line, one line a row and ` | ` between cells; headings with their units come first."""
    entries = json.items(data, "0040A801")
    return "\n".join(["", *(_one_table(entry) for entry in entries)]) if entries else ""


def _one_table(table: DicomJson) -> str:
    columns = _headings(table, "0040A807", "0040A805")
    rows = _headings(table, "0040A806", "0040A804")
    cells = json.items(table, "0040A808")
    values: dict[int, dict[int, str]] = {}
    for cell in cells[:MAX_CELLS]:
        row, column = json.integer(cell, "0040A804") or 0, json.integer(cell, "0040A805") or 0
        values.setdefault(row, {})[column] = _cell(cell)
    numbers = sorted({*columns, *(column for held in values.values() for column in held)})
    lines = [" | ".join([*([""] if rows else []), *(columns.get(number, "") for number in numbers)])] if columns else []
    for row in sorted({*rows, *values}):
        held = values.get(row, {})
        lines.append(
            " | ".join([*([rows.get(row, "")] if rows else []), *(held.get(number, "") for number in numbers)])
        )
    if len(cells) > MAX_CELLS:
        lines.append(f"… and {len(cells) - MAX_CELLS:,} more cells")
    return "\n".join(lines)


def _headings(table: DicomJson, sequence: str, number_tag: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for at, entry in enumerate(json.items(table, sequence), start=1):
        name, unit = first_code(entry, "0040A043"), first_code(entry, "004008EA")
        number = json.integer(entry, number_tag)
        found[at if number is None else number] = one_cell(f"{name or ''}" + (f" ({unit.value})" if unit else ""))
    return found


def _cell(cell: DicomJson) -> str:
    """The cell's value, which stands in the selector attribute of its value representation."""
    return one_cell(_value(cell))


def _value(cell: DicomJson) -> str:
    for tag in cell:
        if not _is_selector_value(tag):
            continue
        codes = codes_in(cell, tag)
        if codes:
            return "; ".join(str(code) for code in codes)
        read = {"PN": person, "UT": free_text, "LT": free_text, "ST": free_text}.get(json.vr_of(tag), _plain)
        return read(cell, tag)
    return ""


def _is_selector_value(tag: str) -> bool:
    try:
        return _FIRST_SELECTOR_VALUE <= int(tag, 16) <= _LAST_SELECTOR_VALUE
    except ValueError:
        return False


def _plain(cell: DicomJson, tag: str) -> str:
    return "; ".join(decimals(cell, tag)) if json.vr_of(tag) in {"DS", "FD", "FL", "IS"} else line(cell, tag)
