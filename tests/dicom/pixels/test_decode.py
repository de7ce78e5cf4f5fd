"""Stored pixel values: every codec and layout at hand, both forms in which a frame arrives, and hostile ones."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from federator.archive.retrieve.metadata import row_of_file
from federator.dicom import json
from federator.dicom.image.header import MAX_PIXELS, PIXEL_KEYWORDS, number_of_frames
from federator.dicom.image.tables import TableElsewhere
from federator.dicom.pixels.apart import Samples, decode_apart
from federator.dicom.pixels.codestream import inspect
from federator.dicom.pixels.decode import stored_values
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.frame import display_pixels
from federator.errors import ContentError, FederatorError, RequestError
from tests.support.dicom_files import all_files, file
from tests.support.synthetic.images import compressed_file, image_dataset, image_file, written

JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


def _pixels(name: str, frame_number: int = 1) -> np.ndarray:
    return display_pixels(DicomFile(file(name)).frame(frame_number))[0]


@pytest.mark.parametrize(
    ("compressed", "plain", "tolerance"),
    [
        ("693_J2KR.dcm", "693_UNCR.dcm", 0),
        ("MR2_J2KR.dcm", "MR2_UNCR.dcm", 0),
        ("RG1_J2KR.dcm", "RG1_UNCR.dcm", 0),
        ("RG3_J2KR.dcm", "RG3_UNCR.dcm", 0),
        ("US1_J2KR.dcm", "US1_UNCR.dcm", 0),
        ("693_J2KI.dcm", "693_UNCI.dcm", 0),
        ("MR2_J2KI.dcm", "MR2_UNCI.dcm", 0),
        ("US1_J2KI.dcm", "US1_UNCI.dcm", 0),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm", 0),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm", 0),
        ("MR_small_RLE.dcm", "MR_small.dcm", 0),
        ("emri_small_jpeg_ls_lossless.dcm", "emri_small.dcm", 0),
        ("emri_small_jpeg_2k_lossless.dcm", "emri_small.dcm", 0),
        ("emri_small_RLE.dcm", "emri_small.dcm", 0),
        ("OBXXXX1A_rle.dcm", "OBXXXX1A.dcm", 0),
        ("SC_rgb_rle.dcm", "SC_rgb.dcm", 0),
        ("SC_rgb_rle_16bit.dcm", "SC_rgb_16bit.dcm", 0),
        ("rtdose_rle.dcm", "rtdose.dcm", 0),
        ("image_dfl.dcm", "image_dfl.dcm", 0),
        # UNCI is the lossy image decompressed, by an older decoder that rounded otherwise.
        ("RG1_J2KI.dcm", "RG1_UNCI.dcm", 1),
        ("RG3_J2KI.dcm", "RG3_UNCI.dcm", 1),
    ],
)
def test_a_compressed_image_looks_like_its_uncompressed_twin(compressed: str, plain: str, tolerance: float) -> None:
    """Issue 3 part 7: JPEG 2000, JPEG-LS, RLE and deflate; the twins were made by others."""
    assert np.abs(_pixels(compressed).astype(int) - _pixels(plain)).max() <= tolerance


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_attributes_that_are_read_without_pydicom_say_what_pydicom_says() -> None:
    """Issue 5: plain text and words are taken as they lie; every public file tells the same either way."""
    compared = 0
    for path in all_files():
        try:
            ours, theirs = DicomFile(path.read_bytes()).frame(1).row, row_of_file(path.read_bytes())
        except FederatorError:
            continue
        for tag in sorted(set(ours) - {"52009229", "52009230", *PIXEL_KEYWORDS}):
            for text, told in zip_longest(json.texts(ours, tag), json.texts(theirs, tag)):
                assert text == told or json.as_number(text) == json.as_number(told) is not None, (path.name, tag)
                compared += 1
    assert compared > 3000


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_words_that_are_read_where_they_lie_are_what_pydicom_reads(kind: str, photometric: str, syntax: str) -> None:
    """PS3.5 §8.1.1; issue 5: pydicom takes longer to decide how to read plain words than to read them."""
    pixels = np.frombuffer(bytes(range(252)) * 4, kind).reshape(6, -1)
    dataset = image_dataset(pixels, PhotometricInterpretation=photometric)
    dataset.file_meta.TransferSyntaxUID = syntax
    stored = stored_values(DicomFile(written(dataset)).frame(1))
    theirs = pixel_array(dataset)
    assert (stored.dtype, stored.shape, stored.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


@pytest.mark.parametrize(
    ("big", "little"),
    [
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("emri_small_big_endian.dcm", "emri_small.dcm"),
        ("rtdose_expb.dcm", "rtdose.dcm"),
        ("SC_rgb_expb.dcm", "SC_rgb.dcm"),
        ("SC_rgb_expb_16bit.dcm", "SC_rgb_16bit.dcm"),
        ("SC_rgb_expb_32bit.dcm", "SC_rgb_32bit.dcm"),
        ("OBXXXX1A_expb.dcm", "OBXXXX1A.dcm"),
        ("liver_expb.dcm", "liver.dcm"),
        ("gdcm-US-ALOKA-16_big.dcm", "gdcm-US-ALOKA-16.dcm"),
        ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm"),
    ],
)
def test_big_endian_and_little_endian_twins_look_the_same(big: str, little: str) -> None:
    """PS3.5 §7.3: 1, 8, 16 and 32 bits, grey, colours and palettes."""
    assert np.array_equal(_pixels(big), _pixels(little))


def _frames_of_all_files() -> Iterator[tuple[str, bytes, EncodedFrame]]:
    for path in all_files():
        content = path.read_bytes()
        try:
            opened = DicomFile(content)
            yield path.name, content, opened.frame(number_of_frames(opened.frame(1).row))
        except ContentError:
            continue


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_frame_by_itself_with_its_metadata_looks_as_it_does_in_the_whole_file() -> None:
    """Issue 3 part 1: a frame of a multi-frame object never pulls the whole object."""
    compared = palettes = 0
    for name, content, frame in _frames_of_all_files():
        alone = None
        try:
            whole, toning = display_pixels(frame)
        except ContentError:
            continue
        row = row_of_file(content)
        try:
            alone = EncodedFrame.of(
                row, frame.frame_number, content=frame.content, transfer_syntax=frame.transfer_syntax
            )
            pixels, words = display_pixels(alone)
        except TableElsewhere:
            palettes += 1
            continue
        assert np.array_equal(pixels, whole), name
        assert words.words == toning.words, name
        compared += 1
    assert compared > 140
    assert palettes > 0


def test_a_table_that_metadata_leave_out_is_not_taken_for_none() -> None:
    """facts/dicomweb.md 1.5: some archives omit OB and OW from metadata; without its table an image is another one."""
    frame = DicomFile(file("mlut_18.dcm")).frame(1)
    (item,) = frame.row["00283000"]["Value"]
    bare = {**frame.row, "00283000": {"vr": "SQ", "Value": [{key: item[key] for key in item if key != "00283006"}]}}
    with pytest.raises(TableElsewhere):
        EncodedFrame.of(bare, 1, content=frame.content, transfer_syntax=frame.transfer_syntax)
    dataset = image_dataset(np.zeros((8, 8), np.uint16))
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    dataset.ModalityLUTSequence = [table]
    with pytest.raises(ContentError, match="lookup table"):
        DicomFile(written(dataset)).frame(1)


def test_bits_above_the_stored_ones_are_masked() -> None:
    """PS3.5 §8.1.1: they may hold an overlay, which is not burned in (facts/dicomweb.md section 4)."""
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16
    dirty = values | 0xF000
    stored = stored_values(DicomFile(image_file(dirty, BitsStored=12, HighBit=11)).frame(1))
    assert np.array_equal(stored, values)


def test_values_below_a_high_bit_that_is_not_the_last_stored_bit_are_shifted_down() -> None:
    """PS3.5 §8.1.1, retired but in archives: 12 bits in the upper part of 16."""
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16
    stored = stored_values(DicomFile(image_file(values << 4 | 0xA, BitsStored=12, HighBit=15)).frame(1))
    assert np.array_equal(stored, values)


def test_signed_values_of_fewer_bits_keep_their_sign() -> None:
    """PS3.5 §8.1.1: the sign bit is High Bit, whatever stands above it."""
    values = np.arange(-128, 128, dtype=np.int16).reshape(16, 16) * 16
    stored = stored_values(DicomFile(image_file(values & 0x0FFF, BitsStored=12, HighBit=11)).frame(1))
    assert np.array_equal(stored, values)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 13), st.integers(1, 13)),
    seed=st.integers(0, 2**16),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_frames_of_single_bits_are_told_apart_wherever_they_begin(
    shape: tuple[int, int, int], seed: int, data: st.DataObject
) -> None:
    """PS3.5 §8.1.1: frames of single bits are packed without a gap, so most begin within a byte."""
    bits = np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)
    dataset = image_dataset(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    frame_number = data.draw(st.integers(1, shape[0]))
    stored = stored_values(DicomFile(written(dataset)).frame(frame_number))
    assert np.array_equal(stored, bits[frame_number - 1])


def test_a_file_without_preamble_and_meta_information_is_read() -> None:
    """facts/dicomweb.md section 4: highdicom refuses it, archives send it."""
    whole = image_file(np.arange(64, dtype=np.uint16).reshape(8, 8))
    meta_length = struct.unpack_from("<I", whole, 140)[0]
    bare = DicomFile(whole[144 + meta_length :]).frame(1)
    assert np.array_equal(stored_values(bare), np.arange(64).reshape(8, 8))


def test_a_tiny_file_that_declares_a_huge_image_is_refused_before_anything_is_allocated() -> None:
    """Issue 3, hostile retrieval: 60,000 × 60,000 pixels."""
    bomb = image_file(np.zeros((2, 2), np.uint16), Rows=60_000, Columns=60_000)
    with pytest.raises(ContentError, match=r"60000 × 60000 pixels"):
        DicomFile(bomb).frame(1)


def test_a_codestream_that_declares_more_pixels_than_the_attributes_is_refused() -> None:
    """Issue 3, hostile retrieval: codecs allocate what the stream says."""
    codestream = DicomFile(file("MR_small_jp2klossless.dcm")).frame(1).content
    huge = codestream[:8] + struct.pack(">II", 60_000, 60_000) + codestream[16:]
    frame = DicomFile(compressed_file(huge, JPEG_2000_LOSSLESS, np.zeros((64, 64), np.int16))).frame(1)
    with pytest.raises(ContentError, match=r"60000 × 60000"):
        stored_values(frame)
    other = codestream[:8] + struct.pack(">II", 128, 64) + codestream[16:]
    frame = DicomFile(compressed_file(other, JPEG_2000_LOSSLESS, np.zeros((64, 64), np.int16))).frame(1)
    with pytest.raises(ContentError, match="damaged"):
        stored_values(frame)


def test_a_deflated_file_that_grows_without_end_is_refused() -> None:
    """Issue 3, hostile retrieval: a small file need not be a small image."""
    import zlib

    whole = image_file(np.zeros((8, 8), np.uint16))
    meta_length = struct.unpack_from("<I", whole, 140)[0]
    meta = whole[: 144 + meta_length].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta[:140] + struct.pack("<I", len(meta) - 144) + meta[144:]
    compressor = zlib.compressobj(9, wbits=-15)
    body = b"".join(compressor.compress(bytes(1 << 24)) for _ in range(40)) + compressor.flush()
    # The UID grew by two characters: its length field stands right before it.
    place = meta.index(b"1.2.840.10008.1.2.1.99")
    meta = meta[: place - 2] + struct.pack("<H", 22) + meta[place:]
    with pytest.raises(ContentError, match="grows beyond all bounds"):
        DicomFile(meta + body)


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("rtplan.dcm", "get-instance-metadata"),
        ("waveform_ecg.dcm", "get-instance-metadata"),
        ("DICOMDIR", "get-instance-metadata"),
        ("test-SR.dcm", "get-structured-report-text"),
        ("reportsi.dcm", "get-structured-report-text"),
    ],
)
def test_what_has_no_pixels_says_which_tool_reads_it(name: str, tool: str) -> None:
    """contract.md section 6: the model can act."""
    with pytest.raises(ContentError, match=tool):
        DicomFile(file(name)).frame(1)


def test_a_video_is_named_as_such() -> None:
    """facts/dicomweb.md section 4: video is not rendered."""
    frame = DicomFile(compressed_file(b"\0" * 64, "1.2.840.10008.1.2.4.102", np.zeros((8, 8), np.uint8))).frame(1)
    with pytest.raises(ContentError, match="video"):
        stored_values(frame)


@pytest.mark.parametrize("frame_number", [0, -1, 31, 10**9])
def test_a_frame_that_does_not_exist_is_refused_with_the_number_of_frames(frame_number: int) -> None:
    """contract.md section 6: the model can act."""
    with pytest.raises(RequestError, match="30 frames"):
        DicomFile(file("examples_ybr_color.dcm")).frame(frame_number)


def test_a_frame_that_is_cut_off_says_so() -> None:
    """facts/dicomweb.md section 7: never half an image without a word."""
    with pytest.raises(ContentError, match="cut off"):
        DicomFile(file("MR_truncated.dcm")).frame(1)
    frame = DicomFile(file("CT_small.dcm")).frame(1)
    with pytest.raises(ContentError, match="cut off"):
        stored_values(replace(frame, content=frame.content[:-1]))


@pytest.mark.parametrize("content", [b"", b"<html>no</html>", b"\0" * 200, b"\0" * 128 + b"DICM", b"%PDF-1.7 " * 40])
def test_what_is_no_dicom_file_is_a_content_error(content: bytes) -> None:
    """contract.md section 6: found, but not of a kind that can be shown."""
    with pytest.raises(ContentError):
        DicomFile(content).frame(1)


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "examples_palette.dcm", "vlut_04.dcm",
        "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_dcmtk.dcm", "JPEG-LL.dcm", "liver_1frame.dcm", "image_dfl.dcm",
    ],
)  # fmt: skip
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_damaged_files_are_refused_or_shown_and_never_crash(name: str, seed: int) -> None:
    """House, errors: foreign exceptions are translated at the library's door."""
    random = np.random.default_rng(seed)
    content = bytearray(file(name))
    for place in random.integers(132, len(content), random.integers(1, 12)):
        content[place] = random.integers(0, 256)
    if random.integers(0, 3) == 0:
        del content[int(random.integers(200, len(content))) :]
    try:
        pixels, _ = display_pixels(DicomFile(bytes(content)).frame(1))
    except FederatorError:
        return
    assert pixels.dtype == np.uint8


def test_lossless_jpeg_that_its_process_cannot_decode_is_damaged() -> None:
    """House, errors: GDCM may crash on it, and that is one damaged frame and not the end of the server."""
    frame = DicomFile(file("JPEG-LL.dcm")).frame(1)
    samples = Samples(rows=1, columns=1, samples_per_pixel=1, bits_allocated=8, bits_stored=8, pixel_representation=0)
    assert decode_apart(frame.transfer_syntax, samples, frame.content) == b""
    with pytest.raises(ContentError, match="damaged or of a kind"):
        stored_values(replace(frame, content=frame.content[:400]))


@given(
    content=st.binary(max_size=200), start=st.sampled_from([b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x89PNG\r\n\x1a\n"])
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_can_be_inspected(content: bytes, start: bytes) -> None:
    """House: validate at the edges."""
    info = inspect(start + content)
    assert info is None or (info.width >= 0 and info.height >= 0)


def test_sizes_are_read_from_the_first_bytes_of_every_codestream() -> None:
    """contract.md section 4: an image that fits is passed through without being decoded."""
    for _, _, frame in _frames_of_all_files():
        info = inspect(frame.content)
        if info is not None and info.width * info.height <= MAX_PIXELS:
            assert (info.width, info.height) == (frame.layout.columns, frame.layout.rows)
