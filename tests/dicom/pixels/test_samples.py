"""Compressed samples are what the codestream says they are, whatever the header around it says."""

import shutil
import sys
from io import BytesIO

import jpeg_ls
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from federator.dicom.pixels.apart import Samples, decode_apart
from federator.dicom.pixels.codestream import inspect
from federator.dicom.pixels.decode import stored_values
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.frame import display
from federator.errors import ContentError
from tests.support.dicom_files import file
from tests.support.synthetic.images import compressed_file, image_dataset, written
from tests.support.synthetic.pictures import (
    COLUMN,
    RAMP,
    SIZE,
    by_dcmcjpeg,
    codestream,
    color_ramp,
    signed_jpeg_2000,
    twelve_bits,
)

needs_dcmtk = pytest.mark.skipif(shutil.which("dcmcjpeg") is None, reason="needs Debian's dcmtk")
J2K, JPEG, JPEG_LS, RLE = (f"1.2.840.10008.1.2.{end}" for end in ("4.90", "4.50", "4.80", "5"))


def stored(content: bytes) -> np.ndarray:
    return stored_values(DicomFile(content).frame(1)).astype(int)


def with_header(dataset: Dataset, **attributes: object) -> bytes:
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return written(dataset)


@needs_dcmtk
@pytest.mark.parametrize("planar", [0, 1])
def test_lossless_jpeg_is_interleaved_as_its_scan_says(planar: int) -> None:
    """PS3.5 §8.2.1: the stream decides, whatever Planar Configuration the header has."""
    packed = by_dcmcjpeg(image_dataset(color_ramp(), is_color=True), "--encode-lossless-sv1")
    assert np.array_equal(stored(with_header(packed, PlanarConfiguration=planar)), color_ramp())


@pytest.mark.parametrize("photometric", ["RGB", "MONOCHROME2", "YBR_RCT", "PALETTE COLOR", ""])
@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("syntax", [J2K, JPEG_LS, RLE])
def test_colours_come_out_whatever_the_header_says_of_planes_and_colours(
    syntax: str, planar: int, photometric: str
) -> None:
    """PS3.5 §8.2.3, §8.2.4, §8.2.2: neither planes nor grey can be meant by a stream of three components."""
    colors = color_ramp()
    dataset = image_dataset(colors, is_color=True)
    if syntax == RLE:
        dataset.compress(RLE, generate_instance_uid=False)
        content = with_header(dataset, PlanarConfiguration=planar, PhotometricInterpretation=photometric)
    else:
        buffer = BytesIO()
        if syntax == J2K:
            Image.fromarray(colors).save(buffer, "JPEG2000", irreversible=False, no_jp2=True, mct=1)
        stream = buffer.getvalue() or bytes(jpeg_ls.encode_array(colors))
        content = compressed_file(
            stream, syntax, colors, is_color=True, PlanarConfiguration=planar, PhotometricInterpretation=photometric
        )
    assert np.array_equal(stored(content), colors)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("syntax", [J2K, JPEG, JPEG_LS])
def test_the_number_of_samples_is_the_streams(syntax: str, samples: int) -> None:
    """ISO 15444-1 A.5.1, T.81 B.2.2: a header that says grey of colours, or colours of grey."""
    pixels = color_ramp() if samples == 1 else color_ramp()[..., 0]
    buffer = BytesIO()
    if syntax != JPEG_LS:
        kind = {J2K: ("JPEG2000", {"irreversible": False, "no_jp2": True}), JPEG: ("JPEG", {"quality": 95})}[syntax]
        Image.fromarray(pixels).save(buffer, kind[0], **kind[1])
    stream = buffer.getvalue() or bytes(jpeg_ls.encode_array(pixels))
    content = compressed_file(stream, syntax, pixels, is_color=pixels.ndim == 3, SamplesPerPixel=samples)
    found = stored(content)
    assert found.shape == pixels.shape
    assert np.abs(found - pixels).mean() < (3 if syntax == JPEG else 1)


def test_a_signed_codestream_is_signed_in_a_header_that_says_unsigned() -> None:
    """ISO 15444-1 §A.5.1; OpenJPEG hands out int16, pydicom and GDCM wrap it by the header."""
    values = (COLUMN * 20 - 960).astype(np.int16)
    content = compressed_file(
        signed_jpeg_2000(values), J2K, values, PixelRepresentation=0, WindowCenter="40", WindowWidth="1200"
    )
    assert np.array_equal(stored(content), values)
    pixels = display(DicomFile(content).frame(1)).pixels.astype(int)
    assert np.abs(pixels - np.clip((values - 39.5) / 1199 + 0.5, 0, 1) * 255).max() <= 1


@pytest.mark.parametrize(("written_bits", "true_bits"), [(8, 16), (12, 16), (16, 12), (16, 8)])
@pytest.mark.parametrize("syntax", [J2K, JPEG_LS])
def test_the_depth_is_the_streams(syntax: str, written_bits: int, true_bits: int) -> None:
    """ISO 15444-1 §A.5.1, T.87 C.2.2: too few Bits Stored would cut values off."""
    values = (COLUMN * ((1 << true_bits) // SIZE)).astype(np.uint8 if true_bits == 8 else np.uint16)
    if syntax == J2K:
        buffer = BytesIO()
        Image.fromarray(values).save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
        stream = buffer.getvalue()
    else:
        stream = bytes(jpeg_ls.encode_array(values))
    allocated = 8 if written_bits == 8 else 16
    content = compressed_file(
        stream, syntax, values, BitsAllocated=allocated, BitsStored=written_bits, HighBit=written_bits - 1
    )
    assert np.array_equal(stored(content), values)


@needs_dcmtk
@pytest.mark.parametrize("option", ["--encode-extended", "--encode-spectral", "--encode-progressive"])
def test_jpeg_of_twelve_bits_is_shown(option: str) -> None:
    """PS3.5 §A.4.1: processes 4, 8 and 12 (.51, .53, .55), by GDCM in a process of its own."""
    assert np.abs(stored(written(twelve_bits(option))) - RAMP).max() <= 4


def test_a_public_jpeg_of_twelve_bits_is_shown() -> None:
    """Pydicom's JPEG-lossy.dcm: a bone scan, process 4; there is a body on it."""
    pixels = display(DicomFile(file("JPEG-lossy.dcm")).frame(1)).pixels
    assert pixels.shape == (1024, 256)
    assert 5 < pixels.mean() < 120
    assert pixels[:, 128].std() > 20


@needs_dcmtk
def test_where_its_decoder_is_missing_jpeg_of_twelve_bits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """contract.md section 6: what a person can do; not "damaged"."""
    monkeypatch.setitem(sys.modules, "gdcm", None)
    with pytest.raises(ContentError, match="no decoder here for JPEG of 12 bits"):
        stored(written(twelve_bits("--encode-extended")))


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "JPEGLSNearLossless_08.dcm",
        "JPEGLSNearLossless_16.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "emri_small_jpeg_ls_lossless.dcm",
    ],
)
def test_jpeg_ls_is_decoded_alike_where_its_own_decoder_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14, for which pyjpegls has no wheel: GDCM decodes it, another implementation of T.87."""
    expected = stored(file(name))
    monkeypatch.setitem(sys.modules, "jpeg_ls", None)
    assert np.array_equal(stored(file(name)), expected)


@pytest.mark.parametrize(
    ("name", "missing", "installed_by"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", ("jpeg_ls", "gdcm"), r"federator\[jpeg-ls\]"),
        ("MR_small_jp2klossless.dcm", ("openjpeg",), "pylibjpeg-openjpeg"),
    ],
)
def test_a_decoder_that_is_missing_is_named_with_what_installs_it(
    name: str, missing: tuple[str, ...], installed_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """contract.md section 6: who can act is told what to do; the image is not called damaged."""
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ContentError, match=rf"no decoder here for JPEG.*pip install '{installed_by}'"):
        stored(file(name))


def test_a_transfer_syntax_without_a_decoder_is_named() -> None:
    """contract.md section 6: what is not installed is not called damaged."""
    content = compressed_file(bytes(100), "1.2.840.10008.1.2.4.92", RAMP)
    with pytest.raises(ContentError, match="no decoder here for JPEG 2000 Part 2"):
        stored(content)


@needs_dcmtk
@pytest.mark.parametrize("label", [JPEG, "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", JPEG_LS])
@pytest.mark.parametrize("option", ["--encode-lossless-sv1", "--encode-baseline", "--encode-progressive"])
def test_a_mislabelled_jpeg_is_decoded_as_what_it_is(option: str, label: str) -> None:
    """T.81 B.1.1.3: the start-of-frame marker tells the process, whatever transfer syntax is written."""
    values = (COLUMN * 2).astype(np.uint8)
    stream = codestream(by_dcmcjpeg(image_dataset(values), option))
    assert np.abs(stored(compressed_file(stream, label, values)) - values).mean() < 1


def _rgb_jpeg(**options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(color_ramp()).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422", "YBR_FULL"])
@pytest.mark.parametrize("options", [{"keep_rgb": True}, {"subsampling": 0}, {"subsampling": 2}])
def test_jpeg_has_the_colours_that_its_markers_tell(options: dict[str, object], photometric: str) -> None:
    """JFIF is YCbCr, Adobe tells, and so do component identifiers: what every other reader of JPEG goes by."""
    content = compressed_file(
        _rgb_jpeg(**options), JPEG, color_ramp(), is_color=True, PhotometricInterpretation=photometric
    )
    assert np.abs(stored(content) - color_ramp()).mean() < 3


def test_jpeg_without_any_marker_has_the_colours_of_the_header() -> None:
    """PS3.5 §8.2.1: then nothing else is known."""
    stream = bytearray(_rgb_jpeg(keep_rgb=True))
    start = stream.index(b"\xff\xee")
    del stream[start : start + 16]
    frame = stream.index(b"\xff\xc0")
    scan = stream.index(b"\xff\xda")
    for place in range(3):
        stream[frame + 10 + 3 * place] = stream[scan + 5 + 2 * place] = place + 1
    told = inspect(bytes(stream))
    assert told is not None
    assert not told.colors
    content = compressed_file(bytes(stream), JPEG, color_ramp(), is_color=True)
    assert np.abs(stored(content) - color_ramp()).mean() < 3


@needs_dcmtk
def test_a_damaged_jpeg_of_twelve_bits_is_a_damaged_frame() -> None:
    """House, errors: whatever GDCM does with it, it does it elsewhere."""
    stream = codestream(twelve_bits("--encode-progressive"))
    samples = Samples(
        rows=SIZE, columns=SIZE, samples_per_pixel=1, bits_allocated=16, bits_stored=12, pixel_representation=0
    )
    assert len(decode_apart("1.2.840.10008.1.2.4.51", samples, stream)) == SIZE * SIZE * 2
    assert decode_apart("1.2.840.10008.1.2.4.51", samples, stream[:30]) == b""
