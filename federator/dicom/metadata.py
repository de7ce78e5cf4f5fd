"""The attributes of an instance as text: tag, keyword, VR and value, sequences indented (PS3.18 Annex F → lines).

Every attribute is there, private ones with their creator, bulk data by its size; a list that ends early says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from federator.dicom import dictionary, json
from federator.dicom.query import attributes
from federator.dicom.visible import on_one_line, visible
from federator.errors import RequestError
from federator.model import DicomJson, Level

MAX_CHARS = 40_000
"""A tool's answer stays under 25,000 tokens (contract.md section 5); tags and numbers take one for two characters."""

_MAX_VALUE_CHARS = 400
_MAX_SELECTED_CHARS = 8_000
_MAX_ITEMS = 10
_MAX_DEPTH = 20

_BRACKETED = re.compile(r"\(\s*([0-9A-Fa-f]{4})\s*,\s*([0-9A-Fa-fxX]{4})\s*\)")
_VR = re.compile(r"[A-Z]{2}")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_GROUP = re.compile(r"([0-9A-Fa-f]{4})(?:[xX]{4})?")
_SIZE = re.compile(r"#bytes=([0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which attributes to show: by tag (8 digits) or by group (4 digits), at every depth of sequences."""

    tags: frozenset[str]
    groups: frozenset[str]

    def has(self, tag: str) -> bool:
        """Whether this attribute was asked for itself."""
        return tag in self.tags or tag[:4] in self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The lines in full, and in words what was left out (empty: nothing)."""

    text: str
    left_out: str = ""


def parse_selection(asked: str) -> Selection | None:
    """Read keywords, tags and groups, separated by commas or spaces; None where nothing was asked for.

    A RequestError quotes what is none of these and says what to write.
    """
    joined = _BRACKETED.sub(r"\1\2", asked)
    tokens = [token for token in re.split(r"[\s,;]+", joined) if token]
    selected = [_selected(token) for token in tokens]
    if not selected:
        return None
    return Selection(
        tags=frozenset(name for name in selected if len(name) > len("GGGG")),
        groups=frozenset(name for name in selected if len(name) == len("GGGG")),
    )


def listing(row: DicomJson, selection: Selection | None = None, *, max_chars: int = MAX_CHARS) -> Listing:
    """One line for each attribute, in the order of the tags; `selection` shows only some, with what is in them.

    Long values and long sequences are cut where nothing was selected; the text as a whole ends at `max_chars`.
    """
    lines = list(_Lines(selection).of(row))
    shown, room = [], max_chars
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    left_out = ""
    if len(shown) < len(lines):
        left_out = (
            f"{len(lines) - len(shown):,} of {len(lines):,} lines were left out because the list is too long. "
            "Choose with attributes, for example attributes=0018,PixelSpacing,(0028,1050)."
        )
    return Listing(text="\n".join(shown), left_out=left_out)


def _selected(token: str) -> str:
    if group := _GROUP.fullmatch(token):
        return group[1].upper()
    if _TAG.fullmatch(token):
        return token.upper()
    known = dictionary.tag_of_any_case(token)
    if known:
        return known
    meant = attributes.suggestion(token, Level.INSTANCE, ())
    hint = f" Did you mean {meant}?" if meant and json.tag_of(meant) else ""
    raise RequestError(
        f"attributes: '{token[:64]}' is not a DICOM keyword, a tag or a group.{hint} "
        "Write keywords (PixelSpacing), tags ((0028,0030) or 00280030) or groups (0028), separated by commas."
    )


class _Lines:
    """Walks a row; without a selection long things are cut."""

    def __init__(self, selection: Selection | None) -> None:
        self._selection = selection
        self._max_value_chars = _MAX_VALUE_CHARS if selection is None else _MAX_SELECTED_CHARS

    def of(self, row: DicomJson, *, depth: int = 0, is_selected: bool = False) -> Iterator[str]:
        """The lines of one data set; `is_selected` where something around it was asked for."""
        for name in sorted(str(key) for key in row):
            tag = name.upper()
            wanted = self._selection is None or is_selected or self._selection.has(tag)
            element = row[name]
            head = f"{'  ' * depth}({tag[:4]},{tag[4:]}) {_name_of(row, tag)} {_vr_of(tag, element)}".rstrip()
            if not _TAG.fullmatch(tag):
                continue
            if _vr_of(tag, element) == "SQ":
                yield from self._sequence(row, name, head, depth=depth, wanted=wanted)
            elif wanted:
                yield f"{head}: {self._value(name, element)}"

    def _sequence(self, row: DicomJson, name: str, head: str, *, depth: int, wanted: bool) -> Iterator[str]:
        items = json.items(row, name)
        if wanted:
            yield f"{head}: {len(items)} {'item' if len(items) == 1 else 'items'}"
        elif depth >= _MAX_DEPTH:
            return
        announced = wanted
        for number, item in enumerate(items, start=1):
            if self._selection is None and number > _MAX_ITEMS:
                left = len(items) - _MAX_ITEMS
                yield f"{'  ' * (depth + 1)}… {left:,} more items: attributes={name.upper()} shows them"
                return
            if depth >= _MAX_DEPTH:
                yield f"{'  ' * (depth + 1)}… nested too deep to show"
                return
            inner = list(self.of(item, depth=depth + 2, is_selected=wanted))
            if not inner and not wanted:
                continue
            if not announced:
                yield f"{head}:"
                announced = True
            yield f"{'  ' * (depth + 1)}item {number}"
            yield from inner

    def _value(self, name: str, element: object) -> str:
        if isinstance(element, dict) and (bulk := _bulk_words(element)):
            return bulk
        # Every line is an attribute: an archive's own line ends are shown as a sign.
        text = visible(_text_of(element)).replace("\n", "↵") or "(empty)"
        if len(text) > self._max_value_chars:
            where = "" if self._selection else f": attributes={name.upper()} shows more"
            text = f"{text[: self._max_value_chars]}… ({len(text):,} characters{where})"
        return text


def _text_of(element: object) -> str:
    """All values, as DICOM writes them: a backslash between values, an equals sign between a name's groups.

    An empty value among others keeps its place.
    """
    held = element.get("Value") if isinstance(element, dict) else element
    values = held if isinstance(held, list) else [held]
    return " \\ ".join(_written(value) for value in values)


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        groups = [str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    if isinstance(value, float) and not isinstance(value, json.WrittenNumber):
        return f"{value:.15g}"
    return str(value).strip(" \0")


def _bulk_words(element: dict[str, Any]) -> str:
    uri, inline = element.get("BulkDataURI"), element.get("InlineBinary")
    if isinstance(inline, list):
        inline = inline[0] if inline else None
    if isinstance(uri, str):
        size = _SIZE.search(uri)
        return f"[bulk data, {int(size[1]):,} bytes]" if size else "[bulk data, its size is not told]"
    if isinstance(inline, str):
        return f"[binary, {len(inline) * 3 // 4 - inline[-2:].count('='):,} bytes]"
    return ""


def _vr_of(tag: str, element: object) -> str:
    """The VR that the archive told; the dictionary's where it told none or only UN."""
    told = element.get("vr") if isinstance(element, dict) else ""
    known = json.vr_of(tag)
    if not isinstance(told, str) or not _VR.fullmatch(told):
        return known
    if told == "UN" and known and isinstance(element, dict) and "Value" in element:
        return known
    return told


def _name_of(row: DicomJson, tag: str) -> str:
    """The keyword; for private attributes whose they are, and their name where pydicom knows it."""
    if keyword := json.keyword_of(tag):
        return keyword
    if tag[4:] == "0000":
        return "[group length]"
    if not _is_private(tag):
        return "[not in the dictionary]"
    if tag[4:6] == "00":
        return "[private creator]"
    creator = on_one_line(json.text(row, f"{tag[:4]}00{tag[4:6]}"))
    if not creator:
        return "[private, creator not told]"
    described = _private_name(tag, creator)
    return f"[private of {creator}{f': {described}' if described else ''}]"


def _is_private(tag: str) -> bool:
    return tag[3:4] in set("13579BDF")


def _private_name(tag: str, creator: str) -> str:
    from pydicom.datadict import private_dictionary_description

    try:
        return private_dictionary_description(int(tag, 16), creator)
    except (KeyError, ValueError):
        return ""
