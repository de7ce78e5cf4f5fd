"""Reading a QIDO-RS query string as one archive reads it."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.support.hostile.matching import separates
from tests.support.hostile.records import (
    ATTRIBUTES,
    INSTANCE_TAGS,
    MODALITIES,
    SERIES_TAGS,
    STUDY_DATE,
    STUDY_TAGS,
    STUDY_UID,
)
from tests.support.hostile.switches import IncludeField, OrderBy, RepeatedKey, Switches, UnknownKey

TAG_OF = {keyword: tag for tag, (keyword, _) in ATTRIBUTES.items()}
SEARCHABLE = {
    "study": frozenset(STUDY_TAGS),
    "series": frozenset(STUDY_TAGS + SERIES_TAGS),
    "instance": frozenset(STUDY_TAGS + SERIES_TAGS + INSTANCE_TAGS),
}


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the test
    """The archive answers with this status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


@dataclass(slots=True)
class Asked:
    """A query string, read as this archive reads it; `nothing` says that it will match nothing at all."""

    filters: dict[str, list[str]] = field(default_factory=dict)
    include: set[str] = field(default_factory=set)
    limit: int | None = None
    offset: int = 0
    fuzzy: bool = False
    orderby: str = ""
    nothing: bool = False


def read(raw: bytes, level: str, switches: Switches) -> Asked:
    """What the archive takes a query string for; Refused where it answers with an error."""
    if switches.no_percent_decoding and any(byte > 0x7F for byte in raw):
        raise Refused(400)
    asked = Asked()
    for name, values in _pairs(raw.decode("utf-8", "surrogateescape"), switches).items():
        if name in {"limit", "offset"}:
            setattr(asked, name, _count(values[-1], name, switches))
        elif name == "includefield":
            _include(asked, values, switches)
        elif name == "fuzzymatching":
            if values[-1] not in {"true", "false"}:
                raise Refused(bad_parameter(switches))
            asked.fuzzy = values[-1] == "true"
        elif name == "orderby":
            if switches.orderby is OrderBy.REFUSED:
                raise Refused(bad_parameter(switches))
            asked.orderby = ",".join(_decoded(value, switches) for value in values)
        else:
            _filter(asked, name, values, level, switches)
    return asked


def bad_parameter(switches: Switches) -> int:
    """The status for a parameter that cannot be right."""
    return 500 if switches.server_error_for_bad_parameters else 400


def _pairs(query: str, switches: Switches) -> dict[str, list[str]]:
    pairs = defaultdict(list)
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs[_decoded(name, switches)].append(value)
    return pairs


def _decoded(text: str, switches: Switches) -> str:
    if switches.no_percent_decoding:
        return re.sub("%2c", ",", text, flags=re.IGNORECASE)
    return unquote(text, errors="surrogateescape")


def _count(value: str, name: str, switches: Switches) -> int:
    if not value.isdecimal():
        raise Refused(bad_parameter(switches))
    number = int(value)
    if name == "offset":
        return min(number, switches.offset_clamp) if switches.offset_clamp else number
    if number == 0 and switches.limit_zero_refused:
        raise Refused(bad_parameter(switches))
    if switches.over_limit_refused and number > switches.over_limit_refused:
        raise Refused(bad_parameter(switches))
    return min(number, switches.clamp_limit) if switches.clamp_limit else number


def _include(asked: Asked, values: list[str], switches: Switches) -> None:
    if switches.include_field is IncludeField.REFUSED:
        raise Refused(bad_parameter(switches))
    if switches.include_field is IncludeField.HONOURED:
        names = [name for value in values for name in _decoded(value, switches).split(",")]
        asked.include |= {TAG_OF.get(name, name) for name in names}


def _filter(asked: Asked, name: str, values: list[str], level: str, switches: Switches) -> None:
    tag = _tag(name, switches)
    if tag is None or _does_not_filter_by(tag, switches):
        if switches.unknown_key is UnknownKey.REFUSED:
            raise Refused(bad_parameter(switches))
        return
    if tag == MODALITIES and switches.untold_modalities:
        asked.nothing = True
        return
    if tag not in SEARCHABLE[level]:
        if switches.lower_level_keys_empty:
            asked.nothing = True
        elif switches.unknown_key is UnknownKey.REFUSED:
            raise Refused(bad_parameter(switches))
        return
    if len(values) > 1 and switches.repeated_key is RepeatedKey.REFUSED:
        raise Refused(bad_parameter(switches))
    value = values[0] if switches.repeated_key is RepeatedKey.FIRST else values[-1]
    asked.filters[tag] = _values(tag, value, switches)


def _tag(name: str, switches: Switches) -> str | None:
    if re.fullmatch(r"[0-9A-Fa-f]{8}", name):
        return name.upper() if name.upper() in ATTRIBUTES and not switches.keywords_only else None
    return TAG_OF.get(name)


def _does_not_filter_by(tag: str, switches: Switches) -> bool:
    if tag == STUDY_UID:
        return False
    ignored = switches.all_filters_ignored or tag in switches.ignored_keys
    return ignored or (tag == STUDY_DATE and switches.study_date_ignored)


def _values(tag: str, value: str, switches: Switches) -> list[str]:
    if switches.backslash_stripped:
        value = re.sub(r"\\|%5c", "", value, flags=re.IGNORECASE)
    if not separates(tag, switches):
        return [_decoded(value, switches)]
    if switches.escaped_comma_literal:
        return [_decoded(part, switches) for part in value.split(",")]
    return _decoded(value, switches).split(",")
