"""What a nonXMLBody holds: the bytes of another document, and what kind it is (HL7 CDA R2 §4.3.1.1)."""

import binascii
import re
import zlib
from dataclasses import dataclass

from federator.errors import ContentError

_MAX_UNPACKED = 50_000_000
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,60}")
_BLANKS = re.compile(r"\s+")
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "text/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0", "application/msword"),
)
_HEAD = 1024
_WINDOW_BITS = {"DF": -15, "GZ": 31, "ZL": 15}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The document within: its bytes and its media type, by its first bytes where they tell."""

    content: bytes
    media_type: str


def body_of(text: str, attributes: dict[str, str]) -> Body:
    """The body from the text of its element; a ContentError says what is wrong with it."""
    content = _decoded(text) if attributes.get("representation") == "B64" else text.strip().encode()
    packed = attributes.get("compression", "")
    if packed:
        content = _unpacked(content, packed)
    stated = attributes.get("mediaType", "text/plain").strip().lower()
    return Body(content=content, media_type=_kind(content) or (stated if _MEDIA_TYPE.fullmatch(stated) else "unknown"))


def _kind(content: bytes) -> str:
    head = content[:_HEAD].lstrip()
    if b"%PDF-" in head:
        return "application/pdf"
    found = next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), "")
    return found or ("text/html" if re.match(rb"<(!doctype html|html|body)\b", head[:40].lower()) else "")


def _decoded(text: str) -> bytes:
    squeezed = _BLANKS.sub("", text).rstrip("=")
    try:
        return binascii.a2b_base64(squeezed + "=" * (-len(squeezed) % 4), strict_mode=True)
    except (binascii.Error, ValueError) as fault:
        raise ContentError("The body of the clinical document is damaged: it is no base64.") from fault


def _unpacked(content: bytes, packed: str) -> bytes:
    if packed not in _WINDOW_BITS:
        raise ContentError("The body of the clinical document is compressed in a way that is not read.")
    unpacker = zlib.decompressobj(_WINDOW_BITS[packed])
    try:
        unpacked = unpacker.decompress(content, _MAX_UNPACKED)
    except zlib.error as fault:
        raise ContentError("The body of the clinical document is damaged: it cannot be unpacked.") from fault
    if unpacker.unconsumed_tail:
        raise ContentError(f"The body of the clinical document unpacks to more than {_MAX_UNPACKED:,} bytes.")
    return unpacked
