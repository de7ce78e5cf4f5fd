"""DICOM JSON (PS3.18 F.2) as archives really write it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.hostile.records import (
    ATTRIBUTES,
    INSTANCE_UID,
    INSTANCES_IN_SERIES,
    INSTANCES_IN_STUDY,
    MODALITIES,
    SERIES_IN_STUDY,
    SERIES_UID,
    STUDY_DESCRIPTION,
    STUDY_UID,
    Record,
)
from tests.support.hostile.switches import Switches

COUNTS = frozenset({SERIES_IN_STUDY, INSTANCES_IN_STUDY, INSTANCES_IN_SERIES})


def encode(rows: Sequence[Record], switches: Switches) -> bytes:
    """The body of an answer; no rows may be no body at all."""
    objects = [_object(row, switches) for row in rows]
    if not objects and switches.empty_body:
        return b""
    if not objects and switches.null_for_none:
        return b"null"
    if switches.nameless_row and objects:
        objects.append({**objects[0], _uid_of(objects[0]): {"vr": "UI", "Value": ["../1.2.3@a0"]}})
    if switches.empty_row:
        objects.append({})
    texts = [_text(row, switches) for row in objects]
    if switches.broken_row and texts:
        texts.insert(1, '{"00080020": {"vr": oops}}')
    if len(texts) == 1 and switches.single_object:
        return _bytes(texts[0], switches)
    if switches.json_lines and texts:
        return _bytes("\n".join(texts), switches)
    if switches.wrapped_list and texts:
        return _bytes(f'{{"results": [{", ".join(texts)}]}}', switches)
    comma = "," if switches.trailing_comma and texts else ""
    return _bytes(f"[{', '.join(texts)}{comma}]", switches)


def _uid_of(row: Mapping[str, Any]) -> str:
    """The tag of the most special UID that a row has."""
    return next(tag for tag in (INSTANCE_UID, SERIES_UID, STUDY_UID) if tag in row or tag.lower() in row)


def _text(row: Mapping[str, Any], switches: Switches) -> str:
    text = json.dumps(row, ensure_ascii=False)
    if switches.not_a_number and row:
        text = text[:-1] + ', "00101020": {"vr": "DS", "Value": [NaN]}}'
    return text.replace("\\n", "\n") if switches.control_characters else text


def _bytes(text: str, switches: Switches) -> bytes:
    if switches.byte_order_mark:
        text = "\ufeff" + text
    if switches.declared_charset:
        return text.encode(switches.declared_charset)
    return text.encode("latin-1", "replace") if switches.latin1_bytes else text.encode("utf-8", "surrogateescape")


def _object(row: Record, switches: Switches) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for tag, values in row.items():
        if tag in COUNTS and switches.no_counts:
            continue
        if tag == MODALITIES and switches.untold_modalities:
            continue
        if tag == STUDY_DESCRIPTION and switches.no_study_description:
            continue
        if not values and switches.absent_if_empty:
            continue
        written[tag.lower() if switches.lower_case_hex else tag] = _element(tag, values, switches)
    return written


def _element(tag: str, values: tuple, switches: Switches) -> Mapping[str, Any] | None:
    vr = ATTRIBUTES[tag][1]
    element: dict[str, Any] = {} if switches.missing_vr else {"vr": vr}
    if vr == "PN" and values and switches.bulk_names:
        return {**element, "BulkDataURI": "bulkdata/1"}
    if not values:
        if switches.null_elements:
            return None
        if switches.null_values:
            element["Value"] = [None]
        return element
    told = [_value(tag, vr, value, switches) for value in values]
    element["Value"] = told[0] if switches.scalar_values and len(told) == 1 else told
    return element


def _value(tag: str, vr: str, value: Any, switches: Switches) -> Any:
    if vr == "PN":
        return _name(value, switches)
    if vr == "DA" and switches.dotted_dates:
        return f"{value[:4]}.{value[4:6]}.{value[6:]}"
    if vr == "UI" and switches.padded_uids and len(value) % 2:
        return value + "\0"
    if vr == "UI" and switches.blank_padded_uids:
        return value + "  \0"
    if tag in COUNTS and switches.wrong_counts:
        value = 0
    return str(value) if vr == "IS" and switches.numbers_as_strings else value


def _name(groups: tuple[str, str, str], switches: Switches) -> Any:
    if switches.joined_names:
        return {"Alphabetic": "=".join(groups).rstrip("=")}
    if switches.names_as_strings:
        return "=".join(groups).rstrip("=")
    if switches.lost_ideographs:
        groups = (groups[0], "^" if groups[1] else "", "^" if groups[2] else "")
    named = zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=True)
    return {key: group for key, group in named if group}
