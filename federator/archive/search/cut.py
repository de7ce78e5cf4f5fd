"""No more of a search row than an answer can use: values far longer than their VR allows are cut (PS3.5 §6.2).

Only rows whose text is long come here. Each of their elements keeps its beginning, so that whatever looks at a row
later takes little time, on the event loop too.
"""

from collections.abc import Iterable, Iterator
from typing import Any

_ROOM = 32_768
"""Letters and values of one element together. The longest text that is no document has 10,240 (LT)."""
_DEPTH = 16


class _Room:
    """How much is left for an element."""

    def __init__(self) -> None:
        self.left = _ROOM

    def within(self, values: Iterable[Any]) -> Iterator[Any]:
        """The values, as long as there is room for another one."""
        for value in values:
            if self.left <= 0:
                return
            self.left -= 1
            yield value


def cut(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the beginning of each of its elements."""
    return {tag: _cut(element, _Room(), _DEPTH) for tag, element in row.items()}


def _cut(value: Any, room: _Room, depth: int) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, str):
        kept = value[: max(room.left, 0)]
        room.left -= len(kept)
        return kept
    if isinstance(value, dict):
        return {key: _cut(inner, room, depth - 1) for key, inner in room.within(value.items())} if depth else {}
    if isinstance(value, list):
        return [_cut(inner, room, depth - 1) for inner in room.within(value)] if depth else []
    return value
