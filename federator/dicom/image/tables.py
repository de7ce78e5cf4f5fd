"""Lookup tables of DICOM images: modality, VOI and palette (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5)."""

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from federator.dicom import json
from federator.model import DicomJson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_ENTRIES = 65_536
_COLORS = ("Red", "Green", "Blue")
_PALETTE_DESCRIPTORS = ("00281101", "00281102", "00281103")
_PALETTE_DATA = ("00281201", "00281202", "00281203")
_SEGMENTED_DATA = ("00281221", "00281222", "00281223")
_EXPLANATION = "00283003"
_DESCRIPTOR, _DATA = "00283002", "00283006"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupTable:
    """Entries for the values from `first` on; values outside take the first or the last entry.

    `bits` is the declared depth of an entry: the table's output range is 0 to 2**bits - 1.
    """

    first: int
    bits: int
    entries: tuple[int, ...]
    explanation: str = ""

    def apply(self, values: "NDArray[Any]") -> "NDArray[np.int64]":
        """The entry of each value."""
        import numpy as np

        index = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.entries) - 1)
        entry: NDArray[np.int64] = np.asarray(self.entries, dtype=np.int64)[index]
        return entry


Palette = tuple[LookupTable, LookupTable, LookupTable]
"""The red, the green and the blue table."""


class TableElsewhere(ValueError):  # noqa: N818 - reads as a sentence at the place where it is raised
    """The metadata has the table as bulk data only: the pixels cannot be shown from metadata and frame alone."""


def table_of(item: DicomJson, *, descriptor: str = _DESCRIPTOR, data: str = _DATA) -> LookupTable | None:
    """The lookup table of a sequence item; None where there is none that makes sense.

    Raises TableElsewhere where the entries are not in the metadata.
    """
    described = _descriptor(item, descriptor)
    if described is None:
        return None
    count, first, bits = described
    entries = _entries(item, data, count=count, bits=bits)
    if not entries:
        return None
    return LookupTable(
        first=first, bits=_true_bits(bits, entries), entries=entries, explanation=json.text(item, _EXPLANATION)
    )


def item_table(item: DicomJson) -> LookupTable | None:
    """The table of a Modality or VOI LUT Sequence item.

    Raises TableElsewhere also where the data are left out: some archives leave all binary values out of metadata.
    """
    table = table_of(item)
    if table is None and json.has_value(item, _DESCRIPTOR) and not json.is_present(item, _DATA):
        raise TableElsewhere
    return table


def plain_palette(row: DicomJson) -> Palette | None:
    """The palette whose entries are all written out."""
    tables = [
        # All three are to have the red one's descriptor; some files leave the others out.
        table_of(row, descriptor=own if json.has_value(row, own) else _PALETTE_DESCRIPTORS[0], data=data)
        for own, data in zip(_PALETTE_DESCRIPTORS, _PALETTE_DATA, strict=True)
    ]
    return _all_three(tables)


def segmented_palette(row: DicomJson) -> Palette | None:
    """The palette that is written as line segments, expanded by pydicom.

    Standard: PS3.3 C.7.9.2
    """
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.uid import ExplicitVRLittleEndian

    described = _descriptor(row, _PALETTE_DESCRIPTORS[0])
    segments = [inline_binary(row, tag) for tag in _SEGMENTED_DATA]
    if described is None or not all(segments):
        return None
    count, first, bits = described
    palette = Dataset()
    palette.file_meta = FileMetaDataset()
    palette.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    palette.RedPaletteColorLookupTableDescriptor = [count % _MOST_ENTRIES, 0, bits]
    for color, packed in zip(_COLORS, segments, strict=True):
        setattr(palette, f"Segmented{color}PaletteColorLookupTableData", packed)
    try:
        # Each value is mapped once, which gives the whole table.
        table = apply_color_lut(np.arange(count, dtype=np.int32), palette)
    except (ValueError, IndexError, TypeError, RecursionError, OverflowError):
        return None
    return _all_three(
        [
            LookupTable(first=first, bits=bits, entries=tuple(table[:, channel].tolist()))
            for channel in range(len(_COLORS))
        ]
    )


def _all_three(tables: Sequence[LookupTable | None]) -> Palette | None:
    red, green, blue = tables
    if red is None or green is None or blue is None:
        return None
    # The three share one depth: a blue that never exceeds 255 is not of 8 bits beside a red of 16.
    bits = max(red.bits, green.bits, blue.bits)
    return replace(red, bits=bits), replace(green, bits=bits), replace(blue, bits=bits)


def _descriptor(item: DicomJson, tag: str) -> tuple[int, int, int] | None:
    """Number of entries, first value mapped, bits per entry; None where it is no descriptor."""
    described = [json.as_integer(text) for text in json.texts(item, tag)]
    if len(described) != 3:  # noqa: PLR2004 - the three of the line above
        return None
    count, first, bits = described
    if count is None or first is None or bits is None or not 1 <= bits <= 16:  # noqa: PLR2004 - bits
        return None
    return count % _MOST_ENTRIES or _MOST_ENTRIES, first, bits


def _entries(item: DicomJson, tag: str, *, count: int, bits: int) -> tuple[int, ...]:
    values = json.values(item, tag)
    if values:
        return tuple(int(value) & 0xFFFF for value in values[:count] if isinstance(value, int | float))
    packed = inline_binary(item, tag)
    if len(packed) >= 2 * count:
        return _words(packed)[:count]
    # Tables of 8 bits lie in 16-bit words, two entries to a word, whatever the VR (PS3.3 C.7.6.3.1.6).
    return tuple(packed[:count]) if bits <= 8 else _words(packed)  # noqa: PLR2004 - bits


def inline_binary(item: DicomJson, tag: str) -> bytes:
    """The bytes of an element, little endian; empty where there are none. Raises TableElsewhere for bulk data."""
    element = item.get(tag)
    if not isinstance(element, dict):
        return b""
    if "BulkDataURI" in element:
        raise TableElsewhere
    encoded = element.get("InlineBinary")
    if isinstance(encoded, list):
        encoded = encoded[0] if encoded else None
    if not isinstance(encoded, str):
        return b""
    try:
        return base64.b64decode(encoded)
    except binascii.Error:
        return b""


def _words(packed: bytes) -> tuple[int, ...]:
    count = len(packed) // 2
    return struct.unpack_from(f"<{count}H", packed)


def _true_bits(bits: int, entries: Sequence[int]) -> int:
    """The declared depth, unless the entries contradict it.

    Devices declare 16 bits and write entries of 8 or 12, or the reverse: too large a depth shows a black image.
    """
    needed = max(max(entries).bit_length(), 1)
    if needed > bits:
        return needed
    return 8 if bits == 16 and needed <= 8 else bits  # noqa: PLR2004 - bits
