"""A QIDO-RS archive in memory with every quirk that was seen in a real one, as a plain ASGI application."""

import asyncio
import bisect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.hostile.json_body import encode
from tests.support.hostile.matching import BadValue, date_window, matches, matches_instants
from tests.support.hostile.query_string import Asked, Refused, bad_parameter, read
from tests.support.hostile.records import (
    INSTANCE_TAGS,
    MODALITIES,
    PATIENT_ID,
    PATIENT_NAME,
    SERIES_TAGS,
    SERIES_UID,
    STUDY_DATE,
    STUDY_DESCRIPTION,
    STUDY_TAGS,
    STUDY_TIME,
    STUDY_UID,
    UID_OF,
    Holdings,
    Record,
    first,
    with_images,
)
from tests.support.hostile.switches import Fuzzy, Order, OrderBy, Switches

_ROUTE = re.compile(
    r"/studies(?:/(?P<study>[^/]+)/(?:series(?:/(?P<series>[^/]+)/instances)?|instances))?|/series|/instances"
)
_LEVEL_OF = {"studies": "study", "series": "series", "instances": "instance"}
_TAGS = {"study": STUDY_TAGS, "series": SERIES_TAGS, "instance": INSTANCE_TAGS}
_NOT_FUZZY = '299 archive "The fuzzymatching parameter is not supported. Only literal matching has been performed."'
_IN_GENERAL = '299 archive "One storage node did not answer; results may be incomplete"'
_FEW = frozenset({STUDY_UID, STUDY_DATE, PATIENT_ID, PATIENT_NAME, *UID_OF.values()})


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the query string as it came over the wire, undecoded."""

    path: str
    query: str


@dataclass(slots=True)
class Ledger:
    """What the archive saw: the proof of how much it was asked, and how much at once."""

    requests: list[Request] = field(default_factory=list)
    rows: int = 0
    under_way: int = 0
    most_under_way: int = 0

    def clear(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.rows = self.most_under_way = 0


class HostileArchive:
    """One archive: what it holds may change between requests through `add`; `ledger` counts what came."""

    def __init__(self, holdings: Holdings, switches: Switches | None = None, *, latency_s: float = 0.0) -> None:
        self.holdings = holdings
        self.switches = switches or Switches()
        self.accept = "application/dicom+json"
        self.latency_s = latency_s or self.switches.delay_s
        self.ledger = Ledger()
        self._dates = sorted((first(row, STUDY_DATE), place) for place, row in enumerate(holdings.studies))

    def add(self, study: Record) -> None:
        """Store one more study, with series and images where others have them."""
        bisect.insort(self._dates, (first(study, STUDY_DATE), len(self.holdings.studies)))
        self.holdings.studies.append(study)
        if self.holdings.series:
            below = with_images([study], instances_per_series=1)
            self.holdings.series += below.series
            self.holdings.instances += below.instances

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one HTTP request (ASGI 3)."""
        while (await receive()).get("more_body"):
            pass
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        self.ledger.under_way += 1
        self.ledger.most_under_way = max(self.ledger.most_under_way, self.ledger.under_way)
        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            self.accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
            status, warnings, body = self.answer(path, scope["query_string"])
        finally:
            self.ledger.under_way -= 1
        charset = f"; charset={self.switches.declared_charset}" if self.switches.declared_charset else ""
        headers = [
            (b"content-type", f"application/dicom+json{charset}".encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        headers += [(b"warning", warning.encode()) for warning in warnings]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if status == 204 else body})

    def answer(self, path: str, query: bytes) -> tuple[int, list[str], bytes]:
        """Status, Warning headers and body for one GET."""
        self.ledger.requests.append(Request(path, query.decode("latin-1")))
        if self.switches.plain_json_only and "application/json" not in self.accept:
            return 406, [], b""
        try:
            rows, warnings = self._search(path, query)
        except Refused as refusal:
            return refusal.status, [], b'{"error": "refused"}'
        except BadValue:
            return bad_parameter(self.switches), [], b'{"error": "refused"}'
        self.ledger.rows += len(rows)
        status = 206 if self.switches.always_206 else 200
        if not rows:
            status = 404 if self.switches.none_404 else 204 if self.switches.empty_204 else status
        if self.switches.warned_in_general:
            warnings.append(_IN_GENERAL)
        return status, warnings, encode(rows, self.switches)

    def _search(self, path: str, query: bytes) -> tuple[list[Record], list[str]]:
        route = _ROUTE.fullmatch(path)
        if route is None:
            raise Refused(404)
        level = _LEVEL_OF[path.rpartition("/")[2]]
        parents = {STUDY_UID: route["study"], SERIES_UID: route["series"]}
        relational = (level != "study" and not route["study"]) or (level == "instance" and not route["series"])
        if relational and self.switches.no_relational_routes:
            raise Refused(404)
        asked = read(query, level, self.switches)
        if self.switches.key_required and not (asked.filters or route["study"]):
            raise Refused(400)
        found = self._found(level, asked, {tag: uid for tag, uid in parents.items() if uid})
        if self.switches.too_broad and len(found) > self.switches.too_broad:
            raise Refused(413)
        rows, warnings = self._page(found, asked)
        if asked.fuzzy and self.switches.fuzzy is Fuzzy.WARNED:
            warnings.append(_NOT_FUZZY)
        tags = self._tags(level, asked, relational=relational)
        return [{tag: values for tag, values in row.items() if tag in tags} for row in rows], warnings

    def _found(self, level: str, asked: Asked, parents: dict[str, str]) -> list[Record]:
        if asked.nothing:
            return []
        filters = dict(asked.filters)
        instants = None
        if self.switches.date_and_time_combined and {STUDY_DATE, STUDY_TIME} <= set(filters):
            instants = filters.pop(STUDY_DATE)[0], filters.pop(STUDY_TIME)[0]
        candidates = self.holdings.level(level) if instants else self._candidates(level, filters)
        if not (filters or parents or instants):
            return self._ordered(list(candidates), asked, UID_OF[level])
        uids = set(filters.get(UID_OF[level], ()))
        found = [
            row
            for row in candidates
            if (not uids or first(row, UID_OF[level]) in uids)
            and all(first(row, tag) == uid for tag, uid in parents.items())
            and (instants is None or matches_instants(row, *instants))
            and all(matches(row, tag, value, self.switches, fuzzy=asked.fuzzy) for tag, value in filters.items())
        ]
        return self._ordered(found, asked, UID_OF[level])

    def _candidates(self, level: str, filters: dict[str, list[str]]) -> Sequence[Record]:
        """All records, or those of the asked dates by an index, which settles that filter and takes it out."""
        wanted = filters.get(STUDY_DATE, [])
        window = date_window(wanted[0]) if level == "study" and len(wanted) == 1 else None
        if window is None or self.switches.undated_match_open_ranges:
            return self.holdings.level(level)
        del filters[STUDY_DATE]
        low = bisect.bisect_left(self._dates, (window[0] or "0", -1))
        high = bisect.bisect_right(self._dates, (window[1], len(self._dates)))
        return [self.holdings.studies[place] for place in sorted(place for _, place in self._dates[low:high])]

    def _ordered(self, found: list[Record], asked: Asked, uid_tag: str) -> list[Record]:
        if asked.orderby and self.switches.orderby in {OrderBy.SUPPORTED, OrderBy.ASCENDING, OrderBy.UNDATED_FIRST}:
            return _sorted_by(found, asked.orderby, self.switches.orderby, uid_tag)
        match self.switches.order:
            case Order.NEWEST_STORED:
                return found[::-1]
            case Order.UID:
                return sorted(found, key=lambda row: first(row, uid_tag))
            case Order.NAME:
                return sorted(found, key=lambda row: (first(row, PATIENT_NAME), first(row, uid_tag)))
            case Order.OLDEST:
                return sorted(found, key=lambda row: (first(row, STUDY_DATE), first(row, uid_tag)))
            case Order.BY_FILTER if MODALITIES in asked.filters:
                return found[::-1]
        return found

    def _page(self, found: list[Record], asked: Asked) -> tuple[list[Record], list[str]]:
        switches = self.switches
        if switches.silent_cap:
            found = found[: switches.silent_cap + switches.cap_plus_one]
        offset = 0 if switches.offset_ignored else asked.offset
        if offset and asked.filters and switches.offset_broken_with_filters:
            return [], []
        rest = found[offset:]
        limit = switches.default_limit if asked.limit is None else asked.limit
        page = rest[:limit] if limit else rest
        warnings = []
        if switches.warned_cap and len(page) > switches.warned_cap:
            page = page[: switches.warned_cap]
            more = len(rest) - len(page)
            warnings.append(f'299 archive "There are {more} additional results that can be requested"')
        if switches.short_pages and len(page) < len(rest):
            page = page[: max(1, len(page) - switches.short_pages)]
        if switches.repeated_rows and page:
            page = [page[0], *page]
        return page, warnings

    def _tags(self, level: str, asked: Asked, *, relational: bool) -> set[str]:
        """The attributes of a row: those of its level, of its parents where the path does not name them."""
        tags = set(_TAGS[level]) - {STUDY_DESCRIPTION}
        if self.switches.few_attributes:
            tags &= _FEW
        if level != "study":
            tags |= {STUDY_UID} | ({SERIES_UID} if level == "instance" else set())
        if relational:
            tags |= {PATIENT_NAME, PATIENT_ID, STUDY_DATE}
        return tags | asked.include | set(asked.filters)


def _sorted_by(found: list[Record], orderby: str, how: OrderBy, uid_tag: str) -> list[Record]:
    """The last key counts least, so it sorts first; the sort is stable and starts from the UID."""
    rows = sorted(found, key=lambda row: first(row, uid_tag))
    for part in reversed(orderby.split(",")):
        name = part.lstrip("+- ")
        tag = {"StudyDate": STUDY_DATE, "StudyTime": STUDY_TIME}.get(name, name)
        descending = part.startswith("-") and how is not OrderBy.ASCENDING
        greatest = how is OrderBy.UNDATED_FIRST

        def key(row: Record, tag: str = tag, *, greatest: bool = greatest) -> tuple[bool, str]:
            value = first(row, tag)
            return (not value) if greatest else bool(value), value

        rows.sort(key=key, reverse=descending)
    return rows
