"""JPEG lossless, decoded in a process of its own: GDCM, its only decoder that is not GPL, crashes on damaged streams.

A few flipped bits in a thousand files end in SIGSEGV or abort(), which would take the whole server along. So GDCM gets
the lossless JPEGs only, the other codecs have decoders that survive, and a crash here is one damaged frame.

The parent writes one line of JSON that describes the frame, then its bytes, and reads the stored values: nothing where
the frame cannot be decoded.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

SYNTAXES = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})

_MODULE = "federator.dicom.render.apart"
_TIMEOUT_S = 60.0


def decode_apart(transfer_syntax: str, options: Mapping[str, Any], value: bytes) -> bytes:
    """The stored values of one frame, given as its encapsulated bytes and pydicom's options; empty if damaged."""
    described = json.dumps([transfer_syntax, dict(options)]).encode()
    try:
        ended = subprocess.run(  # noqa: S603 - this interpreter and this module; the frame goes in as bytes
            [sys.executable, "-m", _MODULE],
            input=described + b"\n" + value,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return ended.stdout if ended.returncode == 0 else b""


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    from federator.dicom.quiet import READ_FAULTS, quiet_pydicom

    quiet_pydicom()
    transfer_syntax, options = json.loads(source.readline())
    try:
        decoder = get_decoder(transfer_syntax)
        decoded, _ = decoder.as_array(source.read(), index=0, decoding_plugin="gdcm", **options)
    except (*READ_FAULTS, RuntimeError, MemoryError):
        return
    target.write(decoded.tobytes())


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
