"""The reference server's listing of the same rows, by the description of its formatter, to compare sizes with.

One block per study: every attribute that the archive returned and a dictionary knows, in tag order, as `Label  value`
with labels padded to the longest; names by their alphabetic group; dates and times with separators; several values
joined by a slash; blank values as blank lines' ends.
"""

import re
from collections.abc import Mapping, Sequence

from federator.dicom import json

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def listing(rows: Sequence[Mapping[str, object]]) -> str:
    """The text for these rows."""
    blocks = ["\n".join([f"Study {number} of {len(rows)}", *_lines(row)]) for number, row in enumerate(rows, start=1)]
    return "\n\n".join(blocks)


def _lines(row: Mapping[str, object]) -> list[str]:
    fields = [(_label(tag), _value(row, tag)) for tag in sorted(row) if json.keyword_of(tag)]
    width = max(len(label) for label, _ in fields)
    return [f"  {label:<{width}}  {value}" for label, value in fields]


def _label(tag: str) -> str:
    return " ".join(word.capitalize() for word in _WORD.findall(json.keyword_of(tag)))


def _value(row: Mapping[str, object], tag: str) -> str:
    match json.vr_of(tag):
        case "PN":
            return next((name.alphabetic for name in json.names(row, tag)), "")
        case "DA":
            date = json.date(row, tag)
            return f"{date[:4]}-{date[4:6]}-{date[6:]}" if date else ""
        case "TM":
            time = json.time(row, tag)
            return f"{time[:2]}:{time[2:4]}:{time[4:6]}" if time else ""
        case _:
            return "/".join(json.texts(row, tag))
