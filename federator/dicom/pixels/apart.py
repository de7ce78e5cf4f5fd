"""JPEG lossless and JPEG of 12 bits, decoded in a process of its own: GDCM crashes on damaged streams.

A few flipped bits in a thousand files end in SIGSEGV or abort(), which would take the whole server along. So GDCM gets
just these, whose only decoder it is that is not under the GPL; the other codecs have decoders that survive, and a crash
here is one damaged frame.
"""

from dataclasses import dataclass
from importlib.util import find_spec

from federator.errors import ContentError
from federator.workers.limits import MIB, Limits, is_bound
from federator.workers.worker import run_once

# The largest picture that is decoded takes a quarter of it (see header.MAX_PIXELS).
_LIMITS = Limits(subject="The frame", memory_bytes=2048 * MIB, seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """How the samples of a stream are to be handed out; they lie colour by pixel."""

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int


def is_installed() -> bool:
    """Whether the decoder is there."""
    return find_spec("gdcm") is not None


def decode_apart(transfer_syntax: str, samples: Samples, codestream: bytes) -> bytes:
    """The samples of one frame as little endian words, given its codestream; empty if damaged.

    Within a worker it is apart already: a crash costs that call.
    """
    if is_bound():
        return _decoded(transfer_syntax, samples, codestream)
    try:
        return run_once(_decoded, transfer_syntax, samples, codestream, limits=_LIMITS)
    except ContentError:
        return b""


def _decoded(transfer_syntax: str, samples: Samples, codestream: bytes) -> bytes:
    import gdcm

    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(codestream + b"\0" * (len(codestream) % 2))
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((samples.columns, samples.rows, 1))
    image.SetDataElement(element)
    # Colours are left as they are: what they mean is the caller's matter.
    kinds = gdcm.PhotometricInterpretation
    kind = kinds.RGB if samples.samples_per_pixel > 1 else kinds.MONOCHROME2
    image.SetPhotometricInterpretation(kinds(kind))
    if samples.samples_per_pixel > 1:
        image.SetPlanarConfiguration(0)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(transfer_syntax)))
    bits = samples.bits_stored
    words = samples.samples_per_pixel, samples.bits_allocated, bits, bits - 1, samples.pixel_representation
    image.SetPixelFormat(gdcm.PixelFormat(*words))
    # GDCM hands its char* out as str, and nothing where it fails.
    decoded = image.GetBuffer()
    content = decoded.encode("utf-8", "surrogateescape") if isinstance(decoded, str) else b""
    size = samples.rows * samples.columns * samples.samples_per_pixel * samples.bits_allocated // 8
    return content if len(content) == size else b""
