"""A folder's own words about what it cannot do, carried beside the HTTP status that its client goes by.

Bodies and headers of archives never become messages. A folder is no archive of strangers: what it says was written
here, and it is known by an address that no host on a network can have (RFC 6761 §6.4).
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote

HOST = "folder.invalid"
HEADER = "Federator-Told"
_PLAIN = " ,;:.'()[]/\\-_"


def header_of(words: str) -> dict[str, str]:
    """The header that carries `words`; they may quote a path, so anything but plain letters is escaped."""
    return {HEADER: quote(words, safe=_PLAIN, errors="replace")}


def words_in(headers: Mapping[str, str], host: str) -> str:
    """The words in an answer from `host`; empty where it is no folder, or says nothing."""
    return unquote(headers.get(HEADER, "")) if host == HOST else ""
