"""What a QIDO-RS answer holds: rows, or the proof that it is not DICOMweb at all.

An answer that is not a list of DICOM JSON objects is refused: "no results" and "no archive" must never be mixed up.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from federator.archive.collector import collector_at_rest
from federator.archive.connection.client import Answer
from federator.errors import ArchiveError
from federator.model import DicomJson, OutcomeState

_TAG = re.compile(r"[0-9A-F]{8}")
_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_NO_CONTENT = 204
_PARTIAL_CONTENT = 206


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one answer; `more` where the archive itself says that it cut the list."""

    rows: list[DicomJson]
    more: bool


def parse(answer: Answer) -> Rows:
    """Read a QIDO-RS answer leniently in its elements and strictly in its kind.

    204 and an empty list are no rows; one object instead of a list is one row; keys in lower case are taken.
    Raises ArchiveError (not_dicomweb) for anything else.

    Standard: PS3.18 §8.3.4.4, §10.6.4, §F.2
    """
    more = answer.status == _PARTIAL_CONTENT or any("additional" in warning.lower() for warning in answer.warnings)
    if answer.status == _NO_CONTENT:
        return Rows(rows=[], more=more)
    content = _decoded(answer)
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise _not_dicomweb("its answer is not a list of DICOM objects.")
    keys: set[str] = set()
    return Rows(rows=[_row(item, keys) for item in content], more=more)


def _decoded(answer: Answer) -> Any:  # noqa: ANN401 - what JSON holds is told apart by the caller
    body = answer.body
    if "html" in answer.media_type or body[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise _not_dicomweb("a web page came back instead of image data. Is this the viewer's address?")
    try:
        with collector_at_rest():
            return _loaded(body)
    except (ValueError, RecursionError) as error:
        raise _not_dicomweb("its answer is not JSON." if body.strip() else "its answer is empty.") from error


def _loaded(body: bytes) -> Any:  # noqa: ANN401 - as above
    try:
        content = json.loads(body)
    except UnicodeDecodeError:
        # Orthanc before 1.18 can answer in Latin-1 whatever it declares; PS3.18 F.2 wants UTF-8.
        content = json.loads(body.decode("latin-1"))
    if _HALF_A_CHARACTER.search(body):
        # One half without the other is no text that could be passed on: the whole page would be lost.
        content = json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))
    return content


def _row(item: Any, keys: set[str]) -> DicomJson:  # noqa: ANN401 - what JSON holds is told apart here
    """The row with upper-case tags; `keys` are those that were found to be such, since rows are much alike."""
    if not isinstance(item, dict) or not item:
        raise _not_dicomweb("its answer holds something other than DICOM objects.")
    if item.keys() <= keys:
        return item
    if all(map(_TAG.fullmatch, item)):
        keys.update(item)
        return item
    lifted = {key.upper(): element for key, element in item.items() if _TAG.fullmatch(key.upper())}
    if not lifted:
        raise _not_dicomweb("its answer is JSON, but not DICOM JSON.")
    return lifted


def _not_dicomweb(message: str) -> ArchiveError:
    return ArchiveError(message, state=OutcomeState.NOT_DICOMWEB, permanent=True)
