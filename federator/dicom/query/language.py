"""The query language of the `find-*` tools: text in, a checked `Query` out; it fails closed (contract.md section 2).

A misspelt key or a value that means nothing must never widen a search: an archive that ignores it would answer with
every patient. So whatever is not understood is a RequestError that quotes the token and says what to write instead.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field, replace
from json import dumps

from federator.dicom import json
from federator.dicom.query.filters import Filter, FilterKind, list_of, read_filter, shortened
from federator.dicom.query.keys import included_tags, searchable_tag
from federator.dicom.query.readings import read
from federator.dicom.query.tokens import Token, tokens
from federator.dicom.uid import is_archive_name
from federator.errors import RequestError
from federator.model import Level

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "MAX_QUERY_LENGTH", "Filter", "FilterKind", "Query", "parse"]

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_QUERY_LENGTH = 1000

_OPTIONS = ("limit", "offset", "fuzzymatching", "includefield", "archive", "archives")

_COUNT = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to search for, checked: every filter can be sent to an archive and judged on its rows.

    `limit` is what one page may hold, `limit_asked` what was written. `include` are tags of additional attributes,
    `include_all` says that all were asked for. `archives` are names as written, not yet known to be configured;
    none means all. `readings` are sentences that tell what was read in place of what was written.
    """

    level: Level
    filters: tuple[Filter, ...] = ()
    limit: int = DEFAULT_LIMIT
    limit_asked: int = DEFAULT_LIMIT
    offset: int = 0
    fuzzy: bool = False
    readings: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    include_all: bool = False
    archives: tuple[str, ...] = ()

    def filter(self, tag: str) -> Filter | None:
        """The filter on an attribute, if there is one."""
        return next((filter_ for filter_ in self.filters if filter_.tag == tag), None)

    def without(self, tag: str) -> "Query":
        """The same query without its filter on one attribute."""
        return replace(self, filters=tuple(filter_ for filter_ in self.filters if filter_.tag != tag))

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits, the same for whatever finds the same rows in whatever page size."""
        filters = sorted((filter_.tag, sorted(filter_.values)) for filter_ in self.filters)
        told = dumps([self.level.value, filters, self.fuzzy, sorted(self.archives)], ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The parts of a query that were read so far."""

    level: Level
    filters: dict[str, Filter | None] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    readings: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    uid_archives: tuple[str, ...] = ()


def parse(text: str, level: Level, *, today: dt.date) -> Query:
    """Read a query for one level; a RequestError quotes what cannot be understood. `today` is what `today` means."""
    if len(text) > MAX_QUERY_LENGTH:
        raise RequestError(
            f"The query has {len(text)} characters; {MAX_QUERY_LENGTH} are read at most. "
            "Ask with fewer values, or search several times."
        )
    control = _CONTROL.search(text)
    if control:
        raise RequestError(
            f"The query holds the control character {control[0]!a} after '{shortened(text[: control.start()])}'. "
            "Leave it out."
        )
    draft = _Draft(level=level)
    # All of them first: what a value lacks stands in the words behind it.
    for token in list(tokens(text, options=_OPTIONS)):
        _take(draft, token, today)
    return _query(draft)


def _query(draft: _Draft) -> Query:
    options = draft.options
    limit_asked = _count(options.get("limit", str(DEFAULT_LIMIT)), "limit", least=1)
    include, include_all = included_tags(options.get("includefield"), draft.level)
    return Query(
        level=draft.level,
        filters=tuple(filter_ for filter_ in draft.filters.values() if filter_),
        limit=min(limit_asked, MAX_LIMIT),
        limit_asked=limit_asked,
        offset=_count(options.get("offset", "0"), "offset", least=0),
        fuzzy=_flag(options.get("fuzzymatching", "false"), "fuzzymatching"),
        readings=tuple(draft.readings),
        include=include,
        include_all=include_all,
        archives=_archives(options["archive"]) if "archive" in options else draft.uid_archives,
    )


def _take(draft: _Draft, token: Token, today: dt.date) -> None:
    option = token.key.lower()
    if option in _OPTIONS:
        option = "archive" if option == "archives" else option
        if option in draft.options:
            raise RequestError(f"'{token.text}': {option} is given twice. Write it once.")
        draft.options[option] = token.value
        return
    tag = searchable_tag(token.key, token.value, draft.level, options=_OPTIONS)
    if tag in draft.filters:
        raise _twice(token, tag, draft.written[tag])
    draft.written[tag] = token.value
    reading = read(tag, token)
    draft.readings += [reading.note] if reading.note else []
    written = reading.value
    if json.vr_of(tag) == "UI":
        written, draft.uid_archives = _without_archives(written)
    draft.filters[tag] = read_filter(tag, written, key=token.key, quoted=token.quoted, today=today)


def _twice(token: Token, tag: str, earlier: str) -> RequestError:
    """The error for a second filter on one attribute, which is a range of dates or a list of values."""
    keyword = json.keyword_of(tag)
    if json.vr_of(tag) in {"DA", "DT", "TM"}:
        first, last = sorted(re.sub(r"[<>=]|^-|-$", "", value) for value in (earlier, token.value))
        remedy = f"from one to the other: {keyword}={first}-{last}."
    else:
        remedy = f"several values go into one filter: {keyword}={list_of(tag, [earlier, token.value])}."
    return RequestError(f"'{token.text}': {keyword} is asked for twice. Write it once; {shortened(remedy)}")


def _without_archives(written: str) -> tuple[str, tuple[str, ...]]:
    """UIDs without their `@archive` tags, and the archives to ask: those of the tags if every UID has one."""
    uids: list[str] = []
    archives: list[str] = []
    tagged: set[str] = set()
    for part in re.split(r"[\\,]", written):
        uid, at, name = part.partition("@")
        if not at and uids and uids[-1] in tagged and is_archive_name(part):
            archives.append(part)  # the second holder of 1.2.3@mercy,north
            continue
        uids.append(uid)
        if at and is_archive_name(name):
            tagged.add(uid)
            archives.append(name)
        elif at:
            raise RequestError(f"'{shortened(part)}': '{shortened(name)}' is not an archive's name. Write UID@name.")
    return ",".join(uids), tuple(dict.fromkeys(archives)) if tagged.issuperset(uids) else ()


def _count(written: str, option: str, *, least: int) -> int:
    if not _COUNT.fullmatch(written) or int(written) < least:
        raise RequestError(
            f"'{option}={shortened(written)}': write a whole number from {least}, for example {option}=20."
        )
    return int(written)


def _flag(written: str, option: str) -> bool:
    if written.lower() not in {"true", "false"}:
        raise RequestError(f"'{option}={shortened(written)}': write {option}=true or {option}=false.")
    return written.lower() == "true"


def _archives(written: str) -> tuple[str, ...]:
    names = [name.strip() for name in written.split(",")]
    for name in names:
        if not is_archive_name(name):
            raise RequestError(
                f"'archive={shortened(written)}': '{shortened(name)}' is not an archive's name. "
                "Write names as list-archives gives them: archive=mercy,north."
            )
    return tuple(dict.fromkeys(names))
