"""One frame as it was stored: encoded bytes, and what the attributes say about them."""

from dataclasses import dataclass

from federator.dicom.image.gray import GrayTransformation, transformation_of
from federator.dicom.image.header import PixelLayout, layout_of
from federator.dicom.image.overlays import holds_embedded
from federator.dicom.pixels.codestream import inspect
from federator.dicom.pixels.samples import as_encoded
from federator.errors import ContentError
from federator.model import DicomJson

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"

_NATIVE = frozenset({IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, DEFLATED, EXPLICIT_BIG_ENDIAN})

ATTRIBUTES = """
00080008 00080016 00080018 00080060 0008103E 00089205 00180015 00180050 00180060 00180081 00180082 00181060 00181164
00181314 00181600 00182010 00185101 00186011 00189075 00189087 0019100C 00200011 00200012 00200013 00200020 00200032
00200037 00200060 00200062 00200100 00201041 00209241 00209245 00280002 00280004 00280006 00280008 00280010 00280011
00280030 00280034 00280100 00280101 00280102 00280103 00280120 00280121 00280301 00281040 00281050 00281051 00281052
00281053 00281054 00281055 00281056 00281090 00281101 00281102 00281103 00281201 00281202 00281203 00281221 00281222
00281223 00282000 00282110 00282112 00283000 00283010 00286100 00431039 00480006 00480007 00540010 00540020 00540030
00540070 00540100 00541300 20011003 20500020
""".split()  # noqa: SIM905 - so many tags are read more easily than quoted strings
"""Everything outside functional groups that showing a frame and describing it can need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFrame:
    """One frame: its attributes as DICOM JSON, its encoded bytes and the transfer syntax of these bytes.

    `frame_number` counts from 1. Make it with `of`, which reads the attributes.
    """

    row: DicomJson
    frame_number: int
    content: bytes
    transfer_syntax: str
    layout: PixelLayout
    gray: GrayTransformation

    @classmethod
    def of(cls, row: DicomJson, frame_number: int, *, content: bytes, transfer_syntax: str) -> "EncodedFrame":
        """The frame with what its attributes say; a ContentError where they describe no image.

        Raises TableElsewhere where a lookup table is not in `row`: then only the whole file can be shown.
        """
        layout = layout_of(row)
        info = inspect(content) if is_encapsulated(transfer_syntax) else None
        if info is not None:
            layout = as_encoded(layout, info, holds_overlays=holds_embedded(row))
        return cls(
            row=row,
            frame_number=frame_number,
            content=content,
            transfer_syntax=transfer_syntax,
            layout=layout,
            gray=transformation_of(row, frame_number),
        )


def native_frame(value: bytes, layout: PixelLayout, frame_number: int) -> bytes:
    """The bytes of one frame of native pixel data; frames of single bits need not begin at a byte (PS3.5 §8.1.1)."""
    start, bits = layout.frame_bits * (frame_number - 1), layout.frame_bits
    if (start + bits + 7) // 8 > len(value):
        raise ContentError(f"Frame {frame_number} is cut off: the pixel data ends before it does.")
    packed = value[start // 8 : (start + bits + 7) // 8]
    if start % 8 == 0:
        return packed
    import numpy as np

    single = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[start % 8 : start % 8 + bits]
    return np.packbits(single, bitorder="little").tobytes()


def is_encapsulated(transfer_syntax: str) -> bool:
    """Whether pixel data of this transfer syntax is compressed; unknown ones are taken to be."""
    return transfer_syntax not in _NATIVE
