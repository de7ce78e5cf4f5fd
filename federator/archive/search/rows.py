"""What a QIDO-RS answer holds: rows, and what of it could not be read; or the proof that it is not DICOMweb at all.

An answer without anything that is DICOM JSON is refused: "no results" and "no archive" must never be mixed up.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from federator.archive.collector import collector_at_rest
from federator.archive.connection.client import Answer
from federator.archive.encoding.charset import decoded
from federator.archive.encoding.nearly_json import Values, read
from federator.archive.search import warnings
from federator.archive.search.doubts import Doubt, Doubts
from federator.errors import ArchiveError
from federator.model import DicomJson, OutcomeState

_TAG = re.compile(r"[0-9A-F]{8}")
_ANY_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
_MARKS = (b"\\ud", b"\\uD")
_NO_CONTENT = 204


class Silence(ArchiveError):  # noqa: N818 - reads as a sentence at the place where it is caught
    """An empty answer that does not say to be DICOM JSON: it may mean "none", or that no archive is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one answer; `more` where the archive itself says that it cut the list.

    `count` is how many came, with those that could not be used: lists are cut at that length. `nameless` are rows whose
    UID is none, which cannot be addressed.
    """

    rows: list[DicomJson]
    nameless: Sequence[DicomJson] = ()
    more: bool = False
    count: int = 0
    doubts: Doubts = field(default_factory=Doubts)


def parse(
    answer: Answer, *, shorten: Callable[[dict[str, Any]], DicomJson] | None = None, most: int | None = None
) -> Rows:
    """Read a QIDO-RS answer: every object that is DICOM JSON, whatever stands beside it.

    204, an empty list and an empty body that calls itself DICOM JSON are no rows; one object instead of a list is one
    row, and a list within an object is that list; keys in lower case are taken. Long rows are passed through `shorten`;
    of a large list not many more than `most` rows are read, which tell that it has too many.
    Raises ArchiveError (not_dicomweb) where nothing is DICOM JSON, `Silence` where nothing at all is said.

    Standard: PS3.18 §8.3.4.4, §10.6.4, §F.2
    """
    doubts = Doubts()
    more = warnings.judge(answer, doubts)
    if answer.status == _NO_CONTENT:
        return Rows(rows=[], more=more, doubts=doubts)
    values = _values(answer, doubts, most)
    rows = list(_rows(values, doubts, shorten))
    for piece in values.broken:
        doubts.leave_out(piece)
    if not rows and values.broken:
        raise _not_dicomweb("its answer is not JSON.")
    return Rows(rows=rows, more=more, count=len(rows) + doubts.unread.total(), doubts=doubts)


def _values(answer: Answer, doubts: Doubts, most: int | None) -> Values:
    body = answer.body
    if "html" in answer.media_type or body[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise _not_dicomweb("a web page came back instead of image data. Is this the viewer's address?")
    with collector_at_rest():
        text, guessed = decoded(body, answer.content_type)
        if guessed:
            doubts.said.add(Doubt.LETTERS)
        # Finding two letters is a hundred times as fast as finding a pattern.
        whole = not any(mark in body for mark in _MARKS) or _HALF_ESCAPED.search(body) is None
        values = read(text, most=most)
        if not whole:
            # One half without the other is no text that could be passed on: the whole page would be lost.
            values = replace(values, values=_without_halves(values.values))
    if values.values in ([], [None], [{}]) and not values.broken and not text.strip().startswith("["):
        # An empty body, null or {}: some archives say "none" so.
        if answer.media_type != "application/dicom+json":
            raise Silence("its answer is empty.", state=OutcomeState.NOT_DICOMWEB, permanent=True)
        return Values(values=[])
    return values


def _without_halves(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, str):
        return _HALF_A_CHARACTER.sub("?", value)
    if isinstance(value, list):
        return [_without_halves(inner) for inner in value]
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(inner) for key, inner in value.items()}
    return value


def _rows(values: Values, doubts: Doubts, shorten: Callable[[dict[str, Any]], DicomJson] | None) -> Iterator[DicomJson]:
    """The rows among the values; what is none is a doubt, and a refusal where nothing else came."""
    keys: set[str] = set()
    found = strange = False
    for value, is_large in _objects(values):
        row = _row(value, keys)
        if row is not None:
            found = True
            yield shorten(row) if is_large and shorten is not None else row
        else:
            doubts.leave_out(value)
            strange = strange or bool(value)
    if strange and not found:
        raise _not_dicomweb("its answer is JSON, but not DICOM JSON.")


def _objects(values: Values) -> Iterator[tuple[Any, bool]]:
    """The values, with those of lists within lists, and of an object around a list or around numbered rows.

    With each, whether its text is long.
    """
    for place, value in enumerate(values.values):
        is_large = values.large is None or place in values.large
        inner = value if isinstance(value, list) else _around(value)
        for one in [value] if inner is None else inner:
            yield one, is_large


def _around(value: Any) -> list[Any] | None:  # noqa: ANN401 - what JSON holds
    """What stands in an object that is no row itself but holds rows; None for any other value."""
    if not isinstance(value, dict) or any(map(_ANY_TAG.fullmatch, value)):
        return None
    lists = [inner for inner in value.values() if isinstance(inner, list)]
    found = [row for inner in lists for row in inner] or list(value.values())
    rows = [inner for inner in found if isinstance(inner, Mapping) and any(map(_ANY_TAG.fullmatch, inner))]
    return found if rows else None


def _row(item: Any, keys: set[str]) -> dict[str, Any] | None:  # noqa: ANN401 - what JSON holds is told apart here
    """The row with upper-case tags; `keys` are those that were found to be such, since rows are much alike."""
    if not isinstance(item, dict) or not item:
        return None
    if item.keys() <= keys:
        return item
    if all(map(_TAG.fullmatch, item)):
        keys.update(item)
        return item
    return {key.upper(): element for key, element in item.items() if _ANY_TAG.fullmatch(key)} or None


def _not_dicomweb(message: str) -> ArchiveError:
    return ArchiveError(message, state=OutcomeState.NOT_DICOMWEB, permanent=True)
