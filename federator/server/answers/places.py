"""Where in a report an answer ended: a stateless cursor, checked against the report that it is used on."""

import hashlib
from dataclasses import dataclass

from federator.errors import RequestError

_AGAIN = "Call the tool without cursor to start again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The `count` places of one content, from 0; `digest` tells it from others and from what it was before."""

    digest: str
    count: int

    @classmethod
    def of(cls, *content: object, count: int) -> "Places":
        """The places of what `content` names."""
        named = "\n".join(map(str, (*content, count)))
        return cls(digest=hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:12], count=count)

    def cursor(self, place: int) -> str:
        """The cursor that goes on at a place."""
        return f"{place}-{self.digest}"

    def start(self, cursor: str) -> int:
        """The place that a cursor names, 0 without one; a RequestError where it is of another content."""
        if not cursor:
            return 0
        place, _, digest = cursor.partition("-")
        if not place.isascii() or not place.isdigit() or len(place) > len(str(self.count)) or int(place) >= self.count:
            raise RequestError(f"cursor: this report has no such place. {_AGAIN}")
        if digest != self.digest:
            raise RequestError(f"cursor: it is of another report, or the report has changed since. {_AGAIN}")
        return int(place)
