"""How heavy decoding can become, told before it begins: what is light for sure may be decoded where the server runs.

Light is what cannot blow up: pixels that lie there as they are, and JPEG of the plainest kind whose own header agrees
with the attributes around it. In all other codecs a few bytes can stand for many passes, tiles or layers.
"""

from federator.dicom.pixels.codestream import StreamInfo, inspect
from federator.dicom.pixels.encoded import EncodedFrame, is_encapsulated
from federator.workers.limits import MIB, Limits

_NEEDS = ("numpy", "PIL.Image", "PIL.ImageCms", "PIL.ImageOps", "pydicom.pixels")
_SECONDS = 20
_LEAST_MEMORY, _MOST_MEMORY = 64 * MIB, 320 * MIB
_BYTES_A_SAMPLE = 10
"""What the hungriest decoder (JPEG 2000) and toning take together for each sample of a large frame: 7 and a margin."""

_MOST_SAMPLES = 1 << 20
"""A CT, MR or ultrasound image: shown in about the time that it would take on the way to a worker and back."""
_MOST_BYTES = 2 * MIB
_SEQUENTIAL_DCT = frozenset({0xC0, 0xC1})
_SCAN, _MOST_SCANS = b"\xff\xda", 3
_BYTE_BITS, _COLORS = 8, 3


def limits_of(frame: EncodedFrame) -> Limits:
    """What decoding and showing a frame of its declared size may take; what promises less than it takes is refused."""
    layout = frame.layout
    return _limits(layout.rows * layout.columns * layout.samples_per_pixel)


def picture_limits(content: bytes) -> Limits:
    """The same for a picture that an archive made."""
    info = inspect(content)
    return _limits(info.width * info.height * _COLORS if info is not None else 0)


def _limits(samples: int) -> Limits:
    memory_bytes = min(_LEAST_MEMORY + _BYTES_A_SAMPLE * samples, _MOST_MEMORY)
    return Limits(subject="The image", memory_bytes=memory_bytes, seconds=_SECONDS, needs=_NEEDS)


def is_light(frame: EncodedFrame) -> bool:
    """Whether decoding and showing the frame is sure to take little memory and time."""
    layout = frame.layout
    if layout.rows * layout.columns * layout.samples_per_pixel > _MOST_SAMPLES:
        return False
    if not is_encapsulated(frame.transfer_syntax):
        return True
    info = inspect(frame.content)
    is_as_described = info is not None and (info.width, info.height) == (layout.columns, layout.rows)
    return is_as_described and _is_plain_jpeg(info, frame.content)


def is_light_picture(content: bytes) -> bool:
    """The same of a picture that an archive made. What is no picture is not decoded."""
    info = inspect(content)
    if info is None:
        return True
    is_small = len(content) <= _MOST_BYTES and info.width * info.height <= _MOST_SAMPLES
    return is_small and (info.media_type == "image/png" or _is_plain_jpeg(info, content))


def _is_plain_jpeg(info: StreamInfo | None, content: bytes) -> bool:
    """One pass over the picture for each colour at most: progressive streams can ask for thousands in a few kB."""
    return (
        info is not None
        and info.media_type == "image/jpeg"
        and info.process in _SEQUENTIAL_DCT
        and info.precision == _BYTE_BITS
        and info.components in {1, _COLORS}
        and len(content) <= _MOST_BYTES
        and content.count(_SCAN) <= _MOST_SCANS
    )
