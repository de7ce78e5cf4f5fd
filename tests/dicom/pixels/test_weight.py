"""What may be decoded where the server runs, and what has to be decoded apart: told before anything is decoded."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.pixels.weight import is_light, is_light_picture, limits_of, picture_limits
from federator.dicom.render.frame import check_decodable
from federator.errors import ContentError
from federator.workers.limits import MIB
from tests.support.dicom_files import file
from tests.support.synthetic.images import compressed_file, image_file

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
SMALL = np.zeros((64, 64), np.uint8)


def picture(size: tuple[int, int] = (64, 64), kind: str = "JPEG", mode: str = "L", **options: object) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_frame(content: bytes):
    return DicomFile(compressed_file(content, JPEG_BASELINE, SMALL)).frame(1)


@pytest.mark.parametrize(
    ("name", "light"),
    [
        ("CT_small.dcm", True),
        ("emri_small.dcm", True),
        ("MR_small_RLE.dcm", False),
        ("MR_small_jp2klossless.dcm", False),
        ("MR_small_jpeg_ls_lossless.dcm", False),
        ("JPEG-LL.dcm", False),
        ("JPEG-lossy.dcm", False),
    ],
)
def test_only_pixels_that_lie_there_are_light_and_jpeg_of_the_plainest_kind(name: str, light: bool) -> None:
    """contract.md §3.9, CWE-409: a few bytes of the other codecs can stand for gigabytes or minutes."""
    assert is_light(DicomFile(file(name)).frame(1)) is light


def test_jpeg_is_light_where_its_header_agrees_and_its_passes_are_few() -> None:
    """ITU-T T.81 B.2.3, G.1: each scan of a progressive stream goes over the whole picture."""
    plain = picture()
    assert is_light(jpeg_frame(plain))
    assert is_light_picture(plain)
    scan = plain.index(b"\xff\xda")
    for heavy in (picture(progressive=True), plain[:scan] + plain[scan:-2] * 4 + plain[-2:], picture((64, 65))):
        assert not is_light(jpeg_frame(heavy))
    assert not is_light_picture(picture(progressive=True))


def test_a_picture_of_an_archive_is_light_up_to_a_megapixel() -> None:
    """CWE-409: sizes are read first."""
    assert is_light_picture(picture((1024, 1024), "PNG"))
    assert is_light_picture(b"no picture is decoded")
    assert not is_light_picture(picture((1025, 1024), "PNG"))
    assert not is_light_picture(picture(kind="GIF"))
    assert not is_light_picture(picture(kind="JPEG2000"))
    assert not is_light_picture(picture() + bytes(3 * MIB))


def test_a_frame_larger_than_a_megapixel_is_heavy_and_may_take_as_much_as_its_size_tells() -> None:
    """Issue 12 part 4: what decides is checked before decoding."""
    small = DicomFile(image_file(np.zeros((1024, 1024), np.uint16))).frame(1)
    large = DicomFile(image_file(np.zeros((1025, 1024), np.uint16))).frame(1)
    assert is_light(small)
    assert not is_light(large)
    assert limits_of(small).memory_bytes < limits_of(large).memory_bytes
    absurd = replace(small, layout=replace(small.layout, rows=8192, columns=8192))
    assert limits_of(absurd).memory_bytes == 320 * MIB
    assert picture_limits(b"none").memory_bytes == 64 * MIB < picture_limits(picture((2000, 2000))).memory_bytes


def test_a_frame_whose_table_is_not_there_cannot_be_decoded() -> None:
    """PS3.3 C.7.6.3.1.5: in one word for whoever asks from another process."""
    check_decodable(DicomFile(file("CT_small.dcm")).frame(1))
    cut = replace(DicomFile(file("CT_small.dcm")).frame(1), content=b"")
    with pytest.raises(ContentError):
        check_decodable(cut)
