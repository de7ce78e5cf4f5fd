"""A DICOM file as an archive sends it: its attributes as DICOM JSON, and the encoded bytes of one frame (PS3.10)."""

import base64
import zlib
from array import array
from io import BytesIO
from typing import TYPE_CHECKING, Any

from federator.dicom.faults import read_faults
from federator.dicom.image.header import FRAME_GROUPS, PIXEL_KEYWORDS, SHARED_GROUPS, PixelLayout, check_frame, no_image
from federator.dicom.image.overlays import ELEMENTS, GROUPS
from federator.dicom.image.tables import TableElsewhere
from federator.dicom.pixels.encoded import (
    ATTRIBUTES,
    DEFLATED,
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
    EncodedFrame,
    is_encapsulated,
    native_frame,
)
from federator.dicom.quiet import quiet_pydicom
from federator.errors import ContentError
from federator.model import DicomJson

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

_TAGS = tuple(int(tag, 16) for tag in ATTRIBUTES)
_OVERLAY_TAGS = frozenset(int(group + element, 16) for group in GROUPS for element in ELEMENTS)
_BYTE_BITS, _WORD_BYTES = 8, 2
_PLAIN_TEXT = frozenset({"CS", "DS", "IS", "UI"})
"""Value representations in ASCII, whatever the character set (PS3.5 §6.1.2)."""
_NEVER_BULK = 1 << 40
_MAX_INFLATED_BYTES = 1 << 29
_INFLATED_AT_ONCE = 1 << 20


class DicomFile:
    """A DICOM file in memory, from which frames are taken.

    A file without preamble and file meta information is read as well: pydicom guesses its transfer syntax.
    """

    def __init__(self, content: bytes) -> None:
        from pydicom import dcmread

        quiet_pydicom()
        _check_inflated_size(content)
        try:
            self._dataset = dcmread(BytesIO(content), force=True)
            self._transfer_syntax = self._declared_transfer_syntax()
        except read_faults() as error:
            raise ContentError("What the archive sent is not a readable DICOM file.") from error
        if not len(self._dataset):
            raise ContentError("What the archive sent is not a DICOM file.")

    def frame(self, frame_number: int) -> EncodedFrame:
        """One frame, counted from 1. Raises RequestError for a number too large and ContentError without pixels."""
        row = self._row(frame_number)
        check_frame(row, frame_number)
        if not any(name in row for name in PIXEL_KEYWORDS):
            raise no_image(row)
        try:
            empty = EncodedFrame.of(row, frame_number, content=b"", transfer_syntax=self._transfer_syntax)
        except TableElsewhere as error:
            raise ContentError("The image is damaged: a lookup table that it needs is not there.") from error
        content = self._content(row, empty.layout, frame_number)
        return EncodedFrame.of(row, frame_number, content=content, transfer_syntax=self._transfer_syntax)

    def _declared_transfer_syntax(self) -> str:
        declared = str(self._dataset.file_meta.get("TransferSyntaxUID", "")).strip(" \0")
        if declared:
            return declared
        is_implicit, is_little_endian = self._dataset.original_encoding
        if not is_little_endian:
            return EXPLICIT_BIG_ENDIAN
        return IMPLICIT_LITTLE_ENDIAN if is_implicit else EXPLICIT_LITTLE_ENDIAN

    def _row(self, frame_number: int) -> DicomJson:
        """The attributes that showing a frame needs; of the functional groups only this frame's own."""
        row: dict[str, Any] = {}
        for tag in _TAGS:
            if tag in self._dataset:
                self._add(row, tag)
        for tag in self._dataset.keys() & _OVERLAY_TAGS:
            self._add(row, tag)
        for name in PIXEL_KEYWORDS:
            if int(name, 16) in self._dataset:
                row[name] = {"vr": "OW"}
        return row | self._functional_groups(frame_number)

    def _add(self, row: dict[str, Any], tag: int) -> None:
        try:
            row[f"{tag:08X}"] = _plain(self._dataset.get_item(tag)) or self._as_json(self._dataset[tag])
        except read_faults():
            # One attribute that cannot be read must not hide the image.
            return

    def _as_json(self, element: "DataElement") -> dict[str, Any]:
        if element.VR == "SQ":
            items = [{f"{int(part.tag):08X}": self._as_json(part) for part in item} for item in element.value]
            return {"vr": "SQ", "Value": items}
        if element.VR == "OW" and self._transfer_syntax == EXPLICIT_BIG_ENDIAN:
            # DICOM JSON is little endian; pydicom hands the words out as they lie in the file.
            return {"vr": "OW", "InlineBinary": base64.b64encode(_swapped(element.value)).decode("ascii")}
        described: dict[str, Any] = element.to_json_dict(None, _NEVER_BULK)
        return described

    def _functional_groups(self, frame_number: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in (SHARED_GROUPS, FRAME_GROUPS):
            try:
                items = self._dataset[int(name, 16)].value if int(name, 16) in self._dataset else []
                wanted = frame_number - 1 if name == FRAME_GROUPS else 0
                # The other frames' items stay empty: their number counts, and a thousand of them take seconds.
                found[name] = {
                    "vr": "SQ",
                    "Value": [
                        {f"{int(part.tag):08X}": self._as_json(part) for part in item} if index == wanted else {}
                        for index, item in enumerate(items)
                    ],
                }
            except read_faults():
                continue
        return found

    def _content(self, row: DicomJson, layout: PixelLayout, frame_number: int) -> bytes:
        name = next(name for name in PIXEL_KEYWORDS if name in row)
        try:
            element = self._dataset.get_item(int(name, 16))
        except read_faults() as error:
            raise ContentError("The image is damaged: its pixel data cannot be read.") from error
        if element is None or not isinstance(value := element.value, bytes) or not value:
            raise ContentError("The image has no pixels: its pixel data is empty.")
        if is_encapsulated(self._transfer_syntax):
            return self._codestream(value, layout.number_of_frames, frame_number)
        if self._transfer_syntax == EXPLICIT_BIG_ENDIAN and layout.bits_allocated == _BYTE_BITS and element.VR != "OB":
            # Bytes written as words: each pair lies the other way round (PS3.5 §8.1.1, §A.3).
            value = _swapped(value)
        return native_frame(value, layout, frame_number)

    def _codestream(self, value: bytes, count: int, frame_number: int) -> bytes:
        from pydicom.encaps import get_frame

        try:
            offsets = self._dataset.get("ExtendedOffsetTable"), self._dataset.get("ExtendedOffsetTableLengths")
            extended = offsets if all(offsets) else None
            return get_frame(value, frame_number - 1, number_of_frames=count, extended_offsets=extended)
        except read_faults() as error:
            raise ContentError(f"Frame {frame_number} is damaged: its fragments cannot be told apart.") from error


def _plain(element: object) -> dict[str, Any] | None:
    """An element that pydicom has not converted yet, as DICOM JSON with numbers as text; None for any but plain ones.

    Converting them takes pydicom three times as long as reading the file, and the accessors take text for numbers.
    """
    from pydicom.dataelem import RawDataElement

    if not isinstance(element, RawDataElement) or not isinstance(value := element.value, bytes):
        return None
    if element.VR in _PLAIN_TEXT and value.isascii():
        texts = [part.strip(" \0") for part in value.decode("ascii").split("\\")]
        return {"vr": element.VR, "Value": texts} if any(texts) else {"vr": element.VR}
    if element.VR == "US" and len(value) == _WORD_BYTES:
        return {"vr": "US", "Value": [int.from_bytes(value, "little" if element.is_little_endian else "big")]}
    return None


def _check_inflated_size(content: bytes) -> None:
    """A ContentError for a deflated file that would take more memory than any image here does."""
    declared = content.find(DEFLATED.encode("ascii"), 0, 2048)
    if declared < 0 or len(content) < 144:  # noqa: PLR2004 - preamble, DICM, group length
        return
    # (0002,0000) comes first and says where the file meta information ends (PS3.10 §7.1).
    start = 144 + int.from_bytes(content[140:144], "little")
    inflater, inflated, chunk = zlib.decompressobj(-zlib.MAX_WBITS), 0, content[start:]
    try:
        while chunk and inflated <= _MAX_INFLATED_BYTES:
            inflated += len(inflater.decompress(chunk, _INFLATED_AT_ONCE))
            chunk = inflater.unconsumed_tail
    except zlib.error as error:
        raise ContentError("What the archive sent is a deflated DICOM file that cannot be inflated.") from error
    if inflated > _MAX_INFLATED_BYTES:
        raise ContentError("What the archive sent is a deflated DICOM file that grows beyond all bounds.")


def _swapped(words: bytes) -> bytes:
    swapped = array("H", words[: len(words) // 2 * 2])
    swapped.byteswap()
    return swapped.tobytes()
