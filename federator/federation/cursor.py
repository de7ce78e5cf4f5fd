"""An opaque, checked place to resume at: the last place emitted and the question it belongs to.

It holds no state of the server: any replica can go on from it, and what was inserted meanwhile moves nothing.
"""

import base64
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
    return _written(body)


def decode(cursor: str, digest: str) -> Rank:
    """The place that a cursor stands for; a RequestError where it is damaged or of another question."""
    try:
        raw = base64.b64decode(cursor.strip() + "=" * (-len(cursor.strip()) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise RequestError(_DAMAGED) from error
    body = raw[_CHECK_LENGTH:]
    # The last letter has bits to spare, and there are two ways to write two of the others.
    if _check(body) != raw[:_CHECK_LENGTH] or _written(body) != cursor.strip():
        raise RequestError(_DAMAGED)
    match json.loads(body):
        case [version, asked, int(first), int(second), str(uid)] if (version, asked) == (_VERSION, digest):
            return first, second, uid
    raise RequestError(
        "The cursor belongs to another question. Repeat the query that gave it word for word, or leave the cursor "
        "out to start from the top."
    )


def _written(body: bytes) -> str:
    return base64.urlsafe_b64encode(_check(body) + body).decode("ascii").rstrip("=")


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_LENGTH]
