"""Frames and renderings from archives that misbehave: the frame that was asked for, whole, under its own name."""

import io

import pydicom
import pytest

from federator.archive.retrieve.retrieve import (
    retrieve_frame,
    retrieve_instance,
    retrieve_rendered,
)
from federator.errors import ContentError
from tests.support.hostile_retrieval import Quirk, rendered_image
from tests.support.retrieval_objects import (
    IMAGES,
    JPEG,
    NATIVE,
    NATIVE_FRAMES,
    RLE,
    StoredObject,
)
from tests.support.retrieval_setting import archive_of, client_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("stored", IMAGES, ids=lambda stored: stored.name)
async def test_every_frame_comes_back_byte_for_byte_with_its_transfer_syntax(loopback, stored):
    """PS3.18 §10.4.1.1.6; the frames as pydicom splits them."""
    with archive_of(loopback, stored) as (_, url):
        async with client_of(url) as client:
            for number, expected in enumerate(stored.frames, 1):
                frame = await retrieve_frame(client, *stored.uids, number, native_bytes=stored.native_bytes)
                assert (frame.content, frame.transfer_syntax) == (expected, stored.transfer_syntax)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
async def test_a_rendered_frame_is_asked_for_by_its_number_whatever_the_whole_object_renders_to(loopback, media_type):
    """facts/dicomweb.md 7: multi-frame objects are rendered as a GIF or as the first frame only."""
    with archive_of(loopback, NATIVE_FRAMES, Quirk.INSTANCE_RENDERED_AS_GIF) as (simulated, url):
        async with client_of(url) as client:
            for number in (1, 7, 15):
                rendered = await retrieve_rendered(client, *NATIVE_FRAMES.uids, number, media_type=media_type)
                assert rendered.media_type == media_type
                assert rendered.content == rendered_image(number, media_type.removeprefix("image/").upper())
        assert [
            request.path.endswith(f"/frames/{n}/rendered")
            for n, request in zip((1, 7, 15), simulated.requests, strict=True)
        ]


async def test_the_window_and_the_size_are_passed_on_in_the_form_that_every_archive_reads(loopback):
    """PS3.18 §8.3.5.1.3 and §8.3.5.1.4: three values of window, commas unescaped."""
    with archive_of(loopback, NATIVE) as (simulated, url):
        async with client_of(url) as client:
            await retrieve_rendered(client, *NATIVE.uids, 1, window=(-600.5, 1500), viewport=(512, 512))
        assert simulated.requests[0].query == "window=-600.5,1500,linear&viewport=512,512"


async def test_a_jpeg_is_called_a_jpeg_whatever_the_label_says(loopback):
    """contract.md §4: the label never says PNG over a JPEG."""
    with archive_of(loopback, NATIVE, Quirk.PNG_LABEL_OVER_JPEG) as (_, url):
        async with client_of(url) as client:
            rendered = await retrieve_rendered(client, *NATIVE.uids, 1, media_type="image/png")
    assert (rendered.media_type, rendered.content) == ("image/jpeg", rendered_image(1, "JPEG"))


async def test_an_archive_that_does_not_render_a_kind_of_object_is_not_asked_for_it_again(loopback):
    """facts/dicomweb.md 4: remember per archive and SOP class."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE, Quirk.NO_RENDERED) as (simulated, url):
        async with client_of(url) as client:
            for _ in range(3):
                with pytest.raises(ContentError, match="mercy"):
                    await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            asked = len(simulated.requests)
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid="1.2.3")
    assert asked == 2
    assert len(simulated.requests) == 4


async def test_one_object_that_is_not_rendered_does_not_condemn_a_class_that_was(loopback):
    """Orthanc refuses undecodable images and unknown classes alike: what it rendered once, it is asked for again."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE) as (simulated, url):
        async with client_of(url) as client:
            await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            simulated.quirks = frozenset({Quirk.NO_RENDERED})
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)
            simulated.quirks = frozenset()
            assert (await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)).content


async def test_a_frame_that_does_not_exist_teaches_nothing_about_the_archive(loopback):
    """A wrong number and an unknown kind are refused alike (Orthanc: 400), so only frame 1 is evidence."""
    sop_class = str(NATIVE.dataset.SOPClassUID)
    with archive_of(loopback, NATIVE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError):
                await retrieve_rendered(client, *NATIVE.uids, 9, sop_class_uid=sop_class)
            with pytest.raises(ContentError, match="frame 9"):
                await retrieve_frame(client, *NATIVE.uids, 9)
            assert (await retrieve_rendered(client, *NATIVE.uids, 1, sop_class_uid=sop_class)).content


async def test_an_archive_without_frames_leaves_the_whole_instance_as_the_way(loopback):
    """facts/dicomweb.md 7: tiny-pacs has no /frames."""
    with archive_of(loopback, NATIVE, Quirk.NO_FRAMES) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="mercy does not serve frame 1 by itself"):
                await retrieve_frame(client, *NATIVE.uids, 1)
            assert await retrieve_instance(client, *NATIVE.uids) == NATIVE.file


async def test_several_frames_where_one_was_asked_for_are_not_guessed_from(loopback):
    """The wrong frame looks right; so the whole object is the way, where frames are counted here."""
    with archive_of(loopback, NATIVE_FRAMES, Quirk.ALL_FRAMES_AT_ONCE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="several frames"):
                await retrieve_frame(client, *NATIVE_FRAMES.uids, 2)


@pytest.mark.parametrize("stored", IMAGES, ids=lambda stored: stored.name)
@pytest.mark.parametrize("quirk", [Quirk.SYNTAX_UNTOLD, Quirk.SYNTAX_WRONG])
async def test_how_a_frame_is_to_be_decoded_is_told_from_its_bytes(loopback, stored, quirk):
    """facts/dicomweb.md 7, mislabelled parts: an untold or wrong transfer syntax never decides against the bytes."""
    native = not stored.dataset.file_meta.TransferSyntaxUID.is_encapsulated
    with archive_of(loopback, stored, quirk) as (_, url):
        async with client_of(url) as client:
            if native and quirk is Quirk.SYNTAX_WRONG:
                with pytest.raises(ContentError, match=r"1\.2\.840\.10008\.1\.2\.4\.50"):
                    await retrieve_frame(client, *stored.uids, 1)
                return
            frame = await retrieve_frame(client, *stored.uids, 1, native_bytes=stored.native_bytes)
    assert frame.content == stored.frames[0]
    assert decoder_of(frame.transfer_syntax) == decoder_of(stored.transfer_syntax)


def decoder_of(transfer_syntax: str) -> str:
    """What decodes it: lossy and lossless forms of one kind need the same decoder."""
    if transfer_syntax in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}:
        return "native"
    return {
        "1.2.840.10008.1.2.4.80": "JPEG-LS",
        "1.2.840.10008.1.2.4.81": "JPEG-LS",
        "1.2.840.10008.1.2.4.90": "JPEG 2000",
        "1.2.840.10008.1.2.4.91": "JPEG 2000",
    }.get(transfer_syntax, transfer_syntax)


async def test_native_pixels_that_look_like_rle_stay_native(loopback):
    """PS3.5 §G.5: the header of RLE may stand in any image by chance; the number of bytes tells."""
    dataset = pydicom.dcmread(io.BytesIO(NATIVE.file))
    dataset.PixelData = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + dataset.PixelData[8:]
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    stored = StoredObject(name="like RLE", file=buffer.getvalue())
    with archive_of(loopback, stored) as (_, url):
        async with client_of(url) as client:
            frame = await retrieve_frame(client, *stored.uids, 1, native_bytes=stored.native_bytes)
    assert (frame.content, frame.transfer_syntax) == (stored.frames[0], stored.transfer_syntax)


@pytest.mark.parametrize("stored", [NATIVE_FRAMES, RLE], ids=lambda stored: stored.name)
async def test_pixels_without_an_end_of_their_own_are_measured(loopback, stored):
    """A single part that was cut within sound HTTP: only the size of a frame can tell."""
    with archive_of(loopback, stored, Quirk.MULTIPART_REFUSED, Quirk.CUT_INSIDE) as (_, url):
        async with client_of(url) as client:
            with pytest.raises(ContentError, match="cut short"):
                await retrieve_frame(client, *stored.uids, 1, native_bytes=stored.native_bytes)


@pytest.mark.parametrize("quirk", [Quirk.EMPTY_BODY, Quirk.WEB_PAGE, Quirk.CUT_INSIDE])
async def test_what_is_not_an_image_is_never_returned_as_one(loopback, quirk):
    """issue: HTML instead of an image, an empty body; the caller then decodes the object itself."""
    with archive_of(loopback, JPEG, quirk) as (_, url):
        async with client_of(url) as client:
            for media_type in ("image/jpeg", "image/png"):
                with pytest.raises(ContentError):
                    await retrieve_rendered(client, *JPEG.uids, 1, media_type=media_type)
            with pytest.raises(ContentError):
                await retrieve_frame(client, *JPEG.uids, 1)
