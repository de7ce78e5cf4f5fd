"""Pictures that fit: edge, bytes, a true label, square pixels, and no work where none is needed."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from federator.dicom.pixels.codestream import inspect
from federator.dicom.render.picture import JPEG, MAX_BYTES, PNG, encode, fit, looks_empty, square_size
from federator.errors import ContentError

NOISE = np.random.default_rng(0).integers(0, 256, (1500, 1300), dtype=np.uint8)
SMOOTH = np.tile(np.arange(256, dtype=np.uint8), (200, 2))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("media_type", [JPEG, PNG])
@pytest.mark.parametrize("max_edge", [64, 1024, 2048])
@pytest.mark.parametrize("is_color", [False, True])
def test_every_picture_stays_within_its_edge_and_its_bytes_and_is_what_its_label_says(
    media_type: str, max_edge: int, is_color: bool
) -> None:
    """contract.md section 4: one image, under 700 kB; noise is the worst that can come."""
    pixels = np.stack([NOISE, NOISE[::-1], NOISE[:, ::-1]], axis=-1)
    picture = encode(pixels if is_color else NOISE, media_type=media_type, max_edge=max_edge)
    assert len(picture.content) <= MAX_BYTES
    assert max(picture.width, picture.height) <= max_edge
    info = inspect(picture.content)
    assert info is not None
    assert (info.media_type, info.width, info.height) == (media_type, picture.width, picture.height)
    assert abs(picture.width / picture.height - 1300 / 1500) < 0.02
    if max_edge == 2048:
        assert "700 kB" in picture.note


def test_png_keeps_every_value_and_jpeg_almost() -> None:
    """contract.md section 4: outputFormat."""
    png = encode(SMOOTH, media_type=PNG, max_edge=1024)
    assert np.array_equal(np.asarray(Image.open(BytesIO(png.content))), SMOOTH)
    jpeg = encode(SMOOTH, media_type=JPEG, max_edge=1024)
    assert np.abs(np.asarray(Image.open(BytesIO(jpeg.content))).astype(int) - SMOOTH).mean() < 2
    assert png.note == jpeg.note == ""


def test_small_images_are_not_enlarged() -> None:
    """contract.md section 4: at most maxEdge."""
    assert (encode(SMOOTH, media_type=PNG, max_edge=2048).width) == SMOOTH.shape[1]


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (2.0, (100, 200)),
        (0.5, (200, 100)),
        (1.001, (100, 100)),
        (0.0, (100, 100)),
        (1e9, (100, 100)),
        (-1.0, (100, 100)),
        (float("nan"), (100, 100)),
    ],
)
def test_pixels_that_are_not_square_are_made_square(aspect: float, size: tuple[int, int]) -> None:
    """PS3.3 C.7.6.3.1.7: height by width; absurd values change nothing."""
    assert square_size(100, 100, aspect) == size
    picture = encode(np.zeros((100, 100), np.uint8), media_type=PNG, max_edge=1024, pixel_aspect=aspect)
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", JPEG), ("PNG", PNG)])
def test_an_archives_image_that_fits_is_passed_through_byte_for_byte(kind: str, media_type: str) -> None:
    """contract.md section 4: no decoding where the image fits."""
    content = _saved(Image.fromarray(SMOOTH), kind)
    assert fit(content, media_type=media_type, max_edge=1024).content is content


def test_an_image_that_fits_is_not_even_decoded() -> None:
    """Brief of contract.md section 4: only its size is read, so damage behind the header goes unseen here."""
    content = _saved(Image.fromarray(SMOOTH), "PNG")
    cut = content[:40]
    assert fit(cut, media_type=PNG, max_edge=1024).content is cut
    with pytest.raises(ContentError, match="damaged"):
        fit(cut, media_type=JPEG, max_edge=1024)


@pytest.mark.parametrize(("kind", "asked"), [("JPEG", PNG), ("PNG", JPEG), ("GIF", JPEG), ("GIF", PNG)])
def test_another_kind_than_asked_for_is_converted_so_that_the_label_is_true(kind: str, asked: str) -> None:
    """peers.md section 2, defect 12: the label never says PNG over a JPEG."""
    picture = fit(_saved(Image.fromarray(SMOOTH), kind), media_type=asked, max_edge=1024)
    info = inspect(picture.content)
    assert info is not None
    assert info.media_type == picture.media_type == asked
    assert np.abs(np.asarray(Image.open(BytesIO(picture.content))).astype(int) - SMOOTH).mean() < 4


def test_an_archives_image_that_is_too_large_is_made_to_fit() -> None:
    """contract.md section 4: re-encoded if the archive sent more."""
    picture = fit(_saved(Image.fromarray(NOISE), "PNG"), media_type=PNG, max_edge=1024)
    assert len(picture.content) <= MAX_BYTES
    assert max(picture.width, picture.height) <= 1024


def test_an_image_of_the_stored_size_is_made_square_and_another_was_made_so_by_the_archive() -> None:
    """PS3.3 C.7.6.3.1.7; archives differ in whether they do it."""
    content = _saved(Image.fromarray(SMOOTH), "PNG")
    stored = SMOOTH.shape[1], SMOOTH.shape[0]
    same = fit(content, media_type=PNG, max_edge=1024, stored_size=stored, pixel_aspect=2.0)
    assert (same.width, same.height) == (stored[0], 2 * stored[1])
    done = fit(content, media_type=PNG, max_edge=1024, stored_size=(stored[0], stored[1] // 2), pixel_aspect=2.0)
    assert done.content is content


def test_orientation_and_colour_profile_are_applied_when_an_image_is_encoded_anew() -> None:
    """Brief of contract.md section 4: what a viewer would do is done before the tags are lost."""
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = fit(_saved(Image.fromarray(SMOOTH), "JPEG", exif=turned), media_type=PNG, max_edge=1024)
    assert (picture.width, picture.height) == (SMOOTH.shape[0], SMOOTH.shape[1])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    color = Image.new("RGB", (20, 10), (200, 30, 60))
    for icc in (profile, b"not a profile"):
        picture = fit(_saved(color, "PNG", icc_profile=icc), media_type=JPEG, max_edge=1024)
        assert np.abs(np.asarray(Image.open(BytesIO(picture.content)))[5, 5].astype(int) - [200, 30, 60]).max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_becomes_eight_bits_of_grey_or_colour(mode: str) -> None:
    """contract.md section 4: an archive may send any of them."""
    image = Image.new(mode, (32, 16))
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 32), 0x8000, np.uint16))
    picture = fit(_saved(image, "PNG"), media_type=JPEG, max_edge=1024)
    shown = Image.open(BytesIO(picture.content))
    assert shown.mode in {"L", "RGB"}
    if mode == "I;16":
        assert abs(int(np.asarray(shown)[8, 8]) - 128) <= 2


def test_a_bomb_from_an_archive_is_refused_before_it_is_decoded() -> None:
    """Issue 3, hostile retrieval: a tiny file, 60,000 × 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )
    with pytest.raises(ContentError, match=r"60000 × 60000"):
        fit(b"\x89PNG\r\n\x1a\n" + chunks, media_type=PNG, max_edge=1024)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"%PDF-1.7", b"\xff\xd8\xff", b"\x00" * 1000])
def test_what_is_no_image_is_said_to_be_none(content: bytes) -> None:
    """peers.md section 2, defect 12: 200 with an HTML page is no image."""
    with pytest.raises(ContentError, match="not an image"):
        fit(content, media_type=JPEG, max_edge=1024)


@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    max_edge=st.integers(16, 500),
    aspect=st.floats(0.01, 30),
    media_type=st.sampled_from([JPEG, PNG]),
)
@settings(max_examples=60, deadline=None)
def test_no_size_of_image_and_pixel_escapes_the_limits(
    height: int, width: int, max_edge: int, aspect: float, media_type: str
) -> None:
    """contract.md section 4: at most maxEdge and 700 kB."""
    pixels = np.zeros((height, width), np.uint8)
    picture = encode(pixels, media_type=media_type, max_edge=max_edge, pixel_aspect=aspect)
    assert min(picture.width, picture.height) >= 1
    assert max(picture.width, picture.height) <= max_edge


def _jpeg_of(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_a_picture_on_which_next_to_nothing_can_be_seen_is_noticed_whoever_made_it() -> None:
    """Issue 11: the same truths for the pictures of archives; what took many bytes is not decoded for it."""
    columns = np.mgrid[0:512, 0:512][1]
    spot = np.zeros((512, 512))
    spot[200:220, 200:220] = 250
    for empty in (np.zeros((512, 512)), np.full((512, 512), 255), columns // 32, spot):
        assert looks_empty(_jpeg_of(empty))
    for full in (columns // 2, np.random.default_rng(0).integers(0, 256, (512, 512)), np.zeros((16, 17))):
        assert not looks_empty(_jpeg_of(full))
    assert not looks_empty(b"no picture at all, whatever it is")
