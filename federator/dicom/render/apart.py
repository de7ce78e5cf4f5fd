"""JPEG lossless, decoded in a process of its own: GDCM, its only decoder that is not GPL, crashes on damaged streams.

A few flipped bits in a thousand files end in SIGSEGV or abort(), which would take the whole server along. So GDCM gets
the lossless JPEGs only, the other codecs have decoders that survive, and a crash here is one damaged frame.
"""

from collections.abc import Mapping
from typing import Any

from federator.errors import ContentError
from federator.workers.limits import MIB, Limits
from federator.workers.worker import run_once

SYNTAXES = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})

# The largest picture that is decoded takes a quarter of it (see header.MAX_PIXELS).
_LIMITS = Limits(subject="The frame", memory_bytes=2048 * MIB, seconds=60)


def decode_apart(transfer_syntax: str, options: Mapping[str, Any], value: bytes) -> bytes:
    """The stored values of one frame, given as its encapsulated bytes and pydicom's options; empty if damaged."""
    try:
        return run_once(_decoded, transfer_syntax, dict(options), value, limits=_LIMITS)
    except ContentError:
        return b""


def _decoded(transfer_syntax: str, options: dict[str, Any], value: bytes) -> bytes:
    from pydicom.pixels.decoders.base import get_decoder

    from federator.dicom.quiet import READ_FAULTS, quiet_pydicom

    quiet_pydicom()
    try:
        decoder = get_decoder(transfer_syntax)
        decoded, _ = decoder.as_array(value, index=0, decoding_plugin="gdcm", **options)
    except (*READ_FAULTS, RuntimeError):
        return b""
    return decoded.tobytes()
