"""Images of the kinds on which renderers go wrong, each made up for its one question."""

import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from tests.support.synthetic.images import image_dataset, written

SIZE = 96
ROW, COLUMN = np.mgrid[0:SIZE, 0:SIZE]
DISC = (COLUMN - 48) ** 2 + (ROW - 48) ** 2 < 26**2
RAMP = (COLUMN * 42).astype(np.uint16)
"""0 … 3990 from left to right."""

XA, SC, MR = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("12.1", "7", "4"))


def lookup_table(entries: np.ndarray, *, first: int = 0) -> Dataset:
    """An item of Modality LUT Sequence with these 16-bit entries (PS3.3 §C.11.1)."""
    item = Dataset()
    item.ModalityLUTType = "US"
    item.add_new(0x00283002, "US", [len(entries), first, 16])
    item.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return item


def with_overlay(
    dataset: Dataset,
    *planes: np.ndarray,
    group: int = 0x6000,
    origin: tuple[int, int] = (1, 1),
    kind: str = "G",
    first_frame: int = 0,
) -> Dataset:
    """The image with an overlay of its own data; several planes lie on the frames from `first_frame` on.

    Standard: PS3.3 §C.9.2
    """
    _describe_overlay(dataset, group, planes[0].shape, kind)
    dataset.add_new((group, 0x0050), "SS", list(origin))
    if first_frame:
        dataset.add_new((group, 0x0015), "IS", len(planes))
        dataset.add_new((group, 0x0051), "US", first_frame)
    packed = np.packbits(np.stack(planes).astype(np.uint8).ravel(), bitorder="little").tobytes()
    dataset.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    return dataset


def with_embedded_overlay(pixels: np.ndarray, mask: np.ndarray, *, bit: int = 12, **attributes: object) -> Dataset:
    """12-bit values whose words hold an overlay in a bit above them, as it was done before 2004."""
    dataset = image_dataset((pixels | mask.astype(np.uint16) << bit).astype(np.uint16), **attributes)
    dataset.BitsStored, dataset.HighBit = 12, 11
    _describe_overlay(dataset, 0x6000, mask.shape, "G")
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", bit)
    return dataset


def _describe_overlay(dataset: Dataset, group: int, shape: tuple[int, ...], kind: str) -> None:
    dataset.add_new((group, 0x0010), "US", shape[0])
    dataset.add_new((group, 0x0011), "US", shape[1])
    dataset.add_new((group, 0x0022), "LO", "outline")
    dataset.add_new((group, 0x0040), "CS", kind)
    dataset.add_new((group, 0x0050), "SS", [1, 1])
    dataset.add_new((group, 0x0100), "US", 1)
    dataset.add_new((group, 0x0102), "US", 0)


def angiography(**attributes: object) -> Dataset:
    """XA whose Modality LUT leads back to intensity and is not for display."""
    table = np.minimum(65535, np.exp(np.arange(256) / 23.1))
    told: dict[str, object] = {"PixelIntensityRelationship": "LOG", "ModalityLUTSequence": [lookup_table(table)]}
    told |= {"SOPClassUID": XA, "Modality": "XA", "WindowCenter": "127.5", "WindowWidth": "256"}
    return image_dataset((COLUMN * 2.6).astype(np.uint8), **(told | attributes))


def by_dcmcjpeg(dataset: Dataset, *options: str) -> Dataset:
    """The image compressed by DCMTK's dcmcjpeg, with its own UIDs kept."""
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder, "plain.dcm"), Path(folder, "packed.dcm")
        plain.write_bytes(written(dataset))
        subprocess.run(["dcmcjpeg", "--uid-never", *options, str(plain), str(packed)], check=True, capture_output=True)
        return dcmread(BytesIO(packed.read_bytes()))


def twelve_bits(option: str) -> Dataset:
    """JPEG of 12 bits: `--encode-extended`, `--encode-spectral`, `--encode-progressive` are processes 4, 8, 12."""
    dataset = image_dataset(RAMP, BitsStored=12, HighBit=11, WindowCenter="2000", WindowWidth="4000")
    return by_dcmcjpeg(dataset, option, "+q", "95")


def color_ramp() -> np.ndarray:
    """Red grows to the right, green downwards, blue is 60."""
    return np.dstack([COLUMN * 2, ROW * 2, np.full((SIZE, SIZE), 60)]).astype(np.uint8)


def codestream(dataset: Dataset) -> bytes:
    """The one encoded frame of a compressed image."""
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


def signed_jpeg_2000(values: np.ndarray) -> bytes:
    """A lossless JPEG 2000 codestream of signed 16-bit samples.

    An encoder shifts unsigned samples down by half their range before it transforms them, and signed ones not at all:
    so the codestream of the samples raised by that half becomes theirs when its sign bit is set (ISO 15444-1 §A.5.1).
    """
    buffer = BytesIO()
    raised = (values.astype(np.int32) + 0x8000).astype(np.uint16)
    Image.fromarray(raised).save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
    stream = bytearray(buffer.getvalue())
    stream[stream.index(b"\xff\x51") + 40] |= 0x80
    return bytes(stream)
