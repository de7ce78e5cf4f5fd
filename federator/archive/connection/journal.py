"""What was asked of an archive, so that a PACS team can find it in its own log: never a secret, a body or a patient."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl

import httpx

_PLAIN_KEYS = frozenset({"limit", "offset", "includefield", "orderby", "fuzzymatching"})
_UID = re.compile(r"/[0-9][0-9.]+")


@dataclass(slots=True, kw_only=True)
class Sent:
    """One request: `status` is 0 where no answer came, and `fault` says why then."""

    method: str
    address: str
    status: int = 0
    fault: str = ""
    milliseconds: int = 0


current_journal: ContextVar[Callable[[Sent], None] | None] = ContextVar("current_journal", default=None)
"""Who wants to hear of each request when it is over; nobody by default."""


@contextmanager
def noted(method: str, url: httpx.URL) -> Iterator[Sent]:
    """Tell whoever wants to hear it of one request when it is over; who sends it says what came of it."""
    sent = Sent(method=method, address="")
    journal = current_journal.get()
    if journal is None:
        yield sent
        return
    started = time.monotonic()
    try:
        yield sent
    finally:
        sent.address = _shown(url)
        sent.milliseconds = round((time.monotonic() - started) * 1000)
        sent.fault = sent.fault or ("" if sent.status else "given up: no answer in time")
        journal(sent)


def _shown(url: httpx.URL) -> str:
    """An address without a sign-in, without UIDs, and of what is searched for only the names."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = f":{url.port}" if url.port is not None else ""
    path = _UID.sub("/UID", url.path)
    asked = parse_qsl(url.query.decode("ascii", "replace"), keep_blank_values=True)
    query = "&".join(f"{key}={value if key in _PLAIN_KEYS else '…'}" for key, value in asked)
    return f"{url.scheme}://{host}{port}{path}" + (f"?{query}" if query else "")
