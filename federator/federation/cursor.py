"""An opaque, checked place to resume at: the last place emitted, and the question and the archives it belongs to.

It holds no state of the server: any replica can go on from it, and what was inserted meanwhile moves nothing.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence

from federator.errors import RequestError
from federator.federation.order import Rank

_VERSION = 2
_CHECK_LENGTH = 8
_DAMAGED = "The cursor is damaged. Pass nextCursor exactly as it was given, or leave it out to start from the top."


def digest_of(parts: Sequence[str]) -> str:
    """A short name for a question: cursors of other questions are refused by it."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def encode(digest: str, place: Rank, archives: Iterable[str]) -> str:
    """The cursor behind a place in the list of these archives together."""
    body = json.dumps([_VERSION, digest, _set_of(archives), *place], separators=(",", ":")).encode()
    return _written(body)


def decode(cursor: str, digest: str, archives: Collection[str]) -> Rank:
    """The place that a cursor stands for; a RequestError where it is damaged, of another question or other archives.

    A place in the list of some archives is none in the list of others: what one of them had not given yet would be
    missing in silence, or what a new one has before that place.
    """
    try:
        raw = base64.b64decode(cursor.strip() + "=" * (-len(cursor.strip()) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise RequestError(_DAMAGED) from error
    body = raw[_CHECK_LENGTH:]
    # The last letter has bits to spare, and there are two ways to write two of the others.
    if _check(body) != raw[:_CHECK_LENGTH] or _written(body) != cursor.strip():
        raise RequestError(_DAMAGED)
    match json.loads(body):
        case [version, asked, str(of), int(first), int(second), str(uid)] if (version, asked) == (_VERSION, digest):
            if of != _set_of(archives):
                raise RequestError(
                    "The archives of this configuration are no longer those that the cursor was given for: one was "
                    f"added, removed, renamed or switched off. Now there are: {', '.join(archives)}. Leave the cursor "
                    "out to start from the top."
                )
            return first, second, uid
    raise RequestError(
        "The cursor belongs to another question. Repeat the query that gave it word for word, or leave the cursor "
        "out to start from the top."
    )


def _set_of(archives: Iterable[str]) -> str:
    return digest_of(sorted(archives))[:8]


def _written(body: bytes) -> str:
    return base64.urlsafe_b64encode(_check(body) + body).decode("ascii").rstrip("=")


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_LENGTH]
