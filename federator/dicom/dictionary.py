"""pydicom's dictionaries without pydicom: tags, keywords and value representations, names of UIDs (PS3.6).

Importing any part of pydicom brings NumPy and every pixel decoder along: 40 MB and half a second that a search has no
use for. Its dictionary is a file of plain data, so that file alone is read. Of it stays what is asked for, as one text:
0.3 MB instead of the 1.8 MB that its five thousand tuples take with an index by keyword.
"""

import importlib.util
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

_TAG = re.compile(r"[0-9A-F]{8}")
_ELEMENTS, _UIDS = "_dicom_dict", "_uid_dict"

Entry = tuple[str, str]
"""Value representation and keyword."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Rows of tag, keyword and value representation; where they begin, in two orders; the groups that repeat."""

    text: str
    by_tag: "array[int]"
    by_keyword: "array[int]"
    repeating: dict[str, Entry]

    def row(self, start: int) -> list[str]:
        """The row that begins there."""
        return self.text[start : self.text.index("\n", start)].split("\t")

    def lower_keyword(self, start: int) -> str:
        """What `by_keyword` is ordered by."""
        return self.row(start)[1].lower()


def prepare() -> None:
    """Read the dictionaries, so that nobody waits for them later."""
    _table()
    _uids()


def keywords() -> Iterator[str]:
    """Every keyword of the dictionary; those of repeating groups are not among them."""
    table = _table()
    return (keyword for keyword in (table.row(start)[1] for start in table.by_tag) if keyword)


@lru_cache(maxsize=4096)
def entry_of(tag: str) -> Entry | None:
    """What the dictionary says of an 8-digit tag; None where it does not know it."""
    if not _TAG.fullmatch(tag):
        return None
    table = _table()
    found = bisect_left(table.by_tag, tag, key=lambda start: table.text[start : start + len(tag)])
    if found < len(table.by_tag):
        known, keyword, vr = table.row(table.by_tag[found])
        if known == tag:
            return vr, keyword
    return next((table.repeating[mask] for mask in _masks_of(tag) if mask in table.repeating), None)


@lru_cache(maxsize=4096)
def tag_of_any_case(keyword: str) -> str:
    """The tag of a keyword in whatever case as 8 upper-case digits; empty where the dictionary does not know it."""
    table, lower = _table(), keyword.lower()
    found = bisect_left(table.by_keyword, lower, key=table.lower_keyword)
    if not lower or found == len(table.by_keyword):
        return ""
    tag, known, _ = table.row(table.by_keyword[found])
    return tag if known.lower() == lower else ""


def name_of(uid: str) -> str:
    """What the standard calls a UID (PS3.6 Annex A); empty where its list lacks it."""
    name, _ = _uids().get(uid, ("", ""))
    return name


def sop_classes() -> Iterator[tuple[str, str]]:
    """The UID and the name of every SOP Class."""
    return ((uid, name) for uid, (name, kind) in _uids().items() if kind == "SOP Class")


def _masks_of(tag: str) -> Iterator[str]:
    for shape in _shapes():
        yield "".join("x" if place == "x" else digit for digit, place in zip(tag, shape, strict=True))


@cache
def _shapes() -> tuple[str, ...]:
    """Which digits vary in groups that repeat: `--xx----` for 60xx3000 of overlays (PS3.5 §7.6)."""
    return tuple(dict.fromkeys(re.sub("[^x]", "-", mask) for mask in _table().repeating))


@cache
def _table() -> _Table:
    text, repeating = _read()
    starts = array("L", [0, *(found.end() for found in re.finditer("\n", text))][:-1])
    table = _Table(text=text, by_tag=starts, by_keyword=starts, repeating=repeating)
    return replace(table, by_keyword=array("L", sorted(starts, key=table.lower_keyword)))


def _read() -> tuple[str, dict[str, Entry]]:
    data = _data(_ELEMENTS)
    text = "".join(f"{tag:08X}\t{entry[4]}\t{entry[0]}\n" for tag, entry in sorted(data.DicomDictionary.items()))
    return text, {mask: (entry[0], entry[4]) for mask, entry in data.RepeatersDictionary.items()}


@cache
def _uids() -> dict[str, tuple[str, str]]:
    """The name of each UID, and what kind of thing it stands for."""
    return {uid: entry[:2] for uid, entry in _data(_UIDS).UID_dictionary.items()}


def _data(name: str) -> ModuleType:
    module_name = f"pydicom.{name}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    package = importlib.util.find_spec("pydicom")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pydicom is not installed", name="pydicom")
    module = ModuleType(module_name)
    SourceFileLoader(module_name, str(Path(package.origin).with_name(f"{name}.py"))).exec_module(module)
    return module
