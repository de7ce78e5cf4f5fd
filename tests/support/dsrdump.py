"""What DCMTK's `dsrdump` reads in a structured report: an independent reading to hold ours against."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_ITEM = re.compile(
    r'^( *)<(?:([a-z ]+) )?([A-Z]+[0-9]?[A-Z]*):(?:\(([^"]*?),"((?:[^"]|"(?!\)=))*)"\))?=(.*?)>(?: \{(.*)\})?$'
)
_REFERENCE = re.compile(r"^( *)<([a-z ]+) ([0-9.]+)>$")
_QUOTED = re.compile(r'^"(.*)"( \(.*\))?$')


@dataclass(frozen=True, kw_only=True)
class Dumped:
    """One line of the dump: how deep it stands, what it is called, and what it says, all in DCMTK's words."""

    depth: int
    relationship: str
    value_type: str
    concept: str
    value: str
    unit: str = ""
    observed: str = ""


def dump(path: Path, *, lenient: bool = False) -> list[Dumped]:
    """The content tree of a file; `lenient` reads what the standard forbids."""
    options = ["-Er", "-Ev", "-Ec", "-Ee"] if lenient else []
    run = subprocess.run(
        ["dsrdump", "-q", "+Pl", "+Pu", "+U8", *options, str(path)], capture_output=True, check=True, timeout=60
    )
    lines = [line for line in run.stdout.decode().split("\n") if line.lstrip().startswith("<")]
    return [_parsed(line) for line in lines]


def _parsed(line: str) -> Dumped:
    reference = _REFERENCE.match(line)
    if reference:
        indent, relationship, position = reference.groups()
        return Dumped(depth=len(indent) // 2, relationship=relationship, value_type="", concept="", value=position)
    item = _ITEM.match(line)
    assert item, line
    indent, relationship, value_type, _, concept, value, observed = item.groups()
    quoted = _QUOTED.match(value)
    said, unit = (quoted[1], (quoted[2] or "").strip()) if quoted else (value, "")
    return Dumped(
        depth=len(indent) // 2,
        relationship=relationship or "",
        value_type=value_type,
        concept=concept or "",
        value=_unescaped(said),
        unit=unit,
        observed=observed or "",
    )


def _unescaped(text: str) -> str:
    # dsrdump escapes line ends; a backslash of the text stays single, and none of the texts here has one before n or r.
    return text.replace("\\r", "\r").replace("\\n", "\n")
