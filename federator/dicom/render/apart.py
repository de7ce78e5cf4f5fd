"""JPEG lossless, decoded in a process of its own: GDCM, its only decoder that is not GPL, crashes on damaged streams.

A few flipped bits in a thousand files end in SIGSEGV or abort(), which would take the whole server along. So GDCM gets
the lossless JPEGs only, the other codecs have decoders that survive, and a crash here is one damaged frame.

The parent writes one line of JSON that describes the frames, then their bytes; it gets for each frame a length in
8 bytes and that many bytes of stored values, nothing for a frame that cannot be decoded.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

SYNTAXES = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})

_LENGTH_BYTES = 8
_TIMEOUT_S = 60.0


def decode_apart(requests: Sequence[tuple[str, dict[str, Any], bytes]]) -> list[bytes]:
    """The stored values of each frame, given as transfer syntax, pydicom's options and encapsulated bytes.

    Empty for those that could not be decoded. One process serves all of them.
    """
    described = [[syntax, options, len(content)] for syntax, options, content in requests]
    sent = b"".join([json.dumps(described).encode(), b"\n", *(content for _, _, content in requests)])
    try:
        ended = subprocess.run(  # noqa: S603 - this interpreter and this module; frames go in as bytes
            [sys.executable, "-m", __spec__.name],
            input=sent,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return [b""] * len(requests)
    return _divided(ended.stdout, len(requests))


def _divided(answer: bytes, count: int) -> list[bytes]:
    found, position = [], 0
    for _ in range(count):
        start = position + _LENGTH_BYTES
        length = int.from_bytes(answer[position:start], "little")
        position = start + length
        # A crash leaves the rest unsaid, which reads as lengths of 0.
        found.append(answer[start:position] if position <= len(answer) else b"")
    return found


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    from federator.dicom.quiet import READ_FAULTS, quiet_pydicom

    quiet_pydicom()
    for syntax, options, length in json.loads(source.readline()):
        content, values = source.read(length), b""
        try:
            decoded, _ = get_decoder(syntax).as_array(content, index=0, decoding_plugin="gdcm", **options)
            values = decoded.tobytes()
        except (*READ_FAULTS, RuntimeError, MemoryError):
            values = b""
        target.write(len(values).to_bytes(_LENGTH_BYTES, "little") + values)
        target.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
