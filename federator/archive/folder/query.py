"""A QIDO-RS request read strictly: what it does not understand it refuses (PS3.18 §8.3.4)."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from federator.dicom import json
from federator.dicom.query import attributes
from federator.dicom.query.filters import Filter, is_searchable, read_filter, shortened
from federator.dicom.uid import is_uid
from federator.errors import RequestError
from federator.model import Level

MAX_ROWS = 10_000
_NUMBER = re.compile(r"[0-9]{1,9}")
# In these a comma divides values; in text it is a letter, as clients send one value per request there.
_LISTED = frozenset({"UI", "CS", "IS", "DS", "US", "UL"})
_LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderQuery:
    """What a search asks for. `order` are tags with whether they go down; `shown` are tags asked for in any way."""

    level: Level
    filters: tuple[Filter, ...]
    study: str = ""
    series: str = ""
    limit: int = MAX_ROWS
    offset: int = 0
    fuzzy: bool = False
    shown: frozenset[str] = frozenset()
    shows_all: bool = False
    order: tuple[tuple[str, bool], ...] = ()


@dataclass(slots=True, kw_only=True)
class _Draft:
    level: Level
    filters: dict[str, Filter] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    options: dict[str, str] = field(default_factory=dict)
    shows_all: bool = False


def read_query(
    level: Level, parameters: Sequence[tuple[str, str]], *, study: str = "", series: str = ""
) -> FolderQuery:
    """Read the decoded parameters of a search; a RequestError says what was not understood."""
    draft = _Draft(level=level)
    for name, value in parameters:
        _take(draft, name, value)
    options = draft.options
    return FolderQuery(
        level=level,
        filters=tuple(draft.filters.values()),
        study=checked_uid(study) if study else "",
        series=checked_uid(series) if series else "",
        limit=min(_number(options, "limit", MAX_ROWS), MAX_ROWS),
        offset=_number(options, "offset", 0),
        fuzzy=_flag(options, "fuzzymatching"),
        shown=frozenset(draft.shown),
        shows_all=draft.shows_all,
        order=tuple(_order(part) for part in options.get("orderby", "").split(",") if part),
    )


def checked_uid(written: str) -> str:
    """The UID of a path; a RequestError for anything else."""
    if not is_uid(written):
        raise RequestError(f"'{shortened(written)}' is not a UID.")
    return written


def _take(draft: _Draft, name: str, value: str) -> None:
    if name == "includefield":
        for key in value.split(","):
            if key == "all":
                draft.shows_all = True
            else:
                draft.shown.add(_tag(key))
        return
    if name in {"limit", "offset", "fuzzymatching", "orderby", "multiplevaluematching"}:
        if name in draft.options:
            raise RequestError(f"'{name}' is given twice.")
        draft.options[name] = value
        return
    tag = _tag(name)
    if tag in draft.shown:
        raise RequestError(f"'{shortened(name)}' is given twice.")
    own = attributes.level_of(tag)
    if _LEVELS.index(own) > _LEVELS.index(draft.level) or not is_searchable(tag):
        raise RequestError(f"'{shortened(name)}' cannot be searched for at this level.")
    draft.shown.add(tag)
    if not value.strip(" *"):
        return  # universal matching (PS3.4 §C.2.2.2.3)
    quoted = json.vr_of(tag) not in _LISTED
    filter_ = read_filter(tag, value, key=name, quoted=quoted, today=dt.datetime.now(tz=dt.UTC).date())
    if filter_:
        draft.filters[tag] = filter_


def _tag(key: str) -> str:
    tag = key.upper() if re.fullmatch(r"[0-9A-Fa-f]{8}", key) else json.tag_of(key)
    if not json.keyword_of(tag):
        raise RequestError(f"'{shortened(key)}' is not an attribute or an option.")
    return tag


def _order(part: str) -> tuple[str, bool]:
    return _tag(part.lstrip("+-")), part.startswith("-")


def _number(options: dict[str, str], name: str, default: int) -> int:
    written = options.get(name, str(default))
    if not _NUMBER.fullmatch(written):
        raise RequestError(f"'{name}={shortened(written)}' is not a whole number.")
    return int(written)


def _flag(options: dict[str, str], name: str) -> bool:
    written = options.get(name, "false")
    if written not in {"true", "false"}:
        raise RequestError(f"'{name}={shortened(written)}' is neither true nor false.")
    return written == "true"
