"""An opaque, checked place to resume at: the last place emitted and the question it belongs to.

It holds no state of the server: any replica can go on from it, and what was inserted meanwhile moves nothing.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from federator.errors import RequestError
from federator.federation.order import Rank

_VERSION = 1
_CHECK_LENGTH = 8
_DAMAGED = "The cursor is damaged. Pass nextCursor exactly as it was given, or leave it out to start from the top."


def digest_of(parts: Sequence[str]) -> str:
    """A short name for a question: cursors of other questions are refused by it."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def encode(digest: str, place: Rank) -> str:
    """The cursor behind a place."""
    body = json.dumps([_VERSION, digest, *place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(body) + body).decode("ascii").rstrip("=")


def decode(cursor: str, digest: str) -> Rank:
    """The place that a cursor stands for; a RequestError where it is damaged or of another question."""
    try:
        raw = base64.b64decode(cursor.strip() + "=" * (-len(cursor.strip()) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise RequestError(_DAMAGED) from error
    if _check(raw[_CHECK_LENGTH:]) != raw[:_CHECK_LENGTH]:
        raise RequestError(_DAMAGED)
    version, asked, first, second, uid = json.loads(raw[_CHECK_LENGTH:])
    if version != _VERSION or asked != digest:
        raise RequestError(
            "The cursor belongs to another question. Repeat the query that gave it word for word, or leave the cursor "
            "out to start from the top."
        )
    return first, second, uid


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_LENGTH]
