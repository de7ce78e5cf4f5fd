"""DICOM files that an archive sent: what could unfold is read in a worker, within bounds."""

import os
import zlib
from functools import partial

import anyio
import numpy as np
import pytest

from federator.archive.retrieve.bulk_data import elements_of
from federator.archive.retrieve.files import read_file
from federator.archive.retrieve.metadata import row_of_file
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.pixels.weight import limits_of
from federator.dicom.render.frame import render_frame
from federator.dicom.render.overview import Cell, contact_sheet
from federator.errors import ContentError
from federator.workers.limits import Limits
from federator.workers.pool import Workers, current_workers, run_apart
from tests.support.dicom_files import file
from tests.support.synthetic.images import image_file

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool():
    workers = Workers()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(workers.keep)
        yield workers
        tasks.cancel_scope.cancel()


def where(content: bytes) -> int:
    return os.getpid()


def deflated_bomb() -> bytes:
    """A file of a megabyte whose data set unfolds to one."""
    head = file("image_dfl.dcm")
    start = 144 + int.from_bytes(head[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    element = b"\x09\x00\x02\x10OB\0\0" + (400_000_000).to_bytes(4, "little")
    packed = packer.compress(element) + b"".join(packer.compress(bytes(1_000_000)) for _ in range(400))
    return head[:start] + packed + packer.flush()


async def test_small_files_stay_here_and_what_could_unfold_does_not(pool) -> None:
    """Issue 12 part 4; PS3.5 §A.5: a deflated file is heavy whatever its size."""
    current_workers.set(pool)
    assert await read_file(where, file("CT_small.dcm")) == os.getpid()
    assert await read_file(len, file("image_dfl.dcm")) == len(file("image_dfl.dcm"))
    limits = Limits(subject="The trial", memory_bytes=1 << 27, seconds=60)
    assert await run_apart(os.getpid, limits=limits) != os.getpid()
    current_workers.set(None)
    assert await run_apart(os.getpid, limits=limits) == os.getpid()


async def test_what_is_read_apart_is_the_same(pool) -> None:
    """PS3.18 §F.2: numbers and texts that pydicom has classes for come back as the numbers and texts that they are."""
    current_workers.set(pool)
    large = image_file(np.zeros((600, 600), np.uint16), PixelSpacing=[0.5, 0.25], InstanceNumber=7)
    assert await read_file(row_of_file, large) == row_of_file(large)
    assert await read_file(elements_of, large, ("7FE00010",)) == elements_of(large, ("7FE00010",))
    current_workers.set(None)


async def test_a_deflate_bomb_is_refused_in_words(pool) -> None:
    """CWE-409: where the bounds of a process are Linux's."""
    current_workers.set(pool)
    bomb = deflated_bomb()
    assert len(bomb) < 1_000_000
    with pytest.raises(ContentError, match="needs more memory than the"):
        await read_file(row_of_file, bomb)
    current_workers.set(None)


def test_a_cell_is_the_same_after_it_was_packed() -> None:
    """Issue 12 part 4: what a worker gives back is plain data."""
    rng = np.random.default_rng(1)
    for shape in ((40, 30), (40, 30, 3)):
        cell = Cell(pixels=rng.integers(0, 255, shape).astype(np.uint8), pixel_aspect=1.5, remarks=("x",)).prepared(4)
        for one in (cell, Cell(pixels=cell.pixels)):
            assert contact_sheet([one.packed().unpacked()] * 4) == contact_sheet([one] * 4)
            assert one.packed().unpacked().remarks == one.remarks


@pytest.mark.parametrize("name", ["JPEG-LL.dcm", "JPEG-lossy.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_rle.dcm"])
async def test_a_frame_decoded_apart_is_the_same(pool, name: str) -> None:
    """PS3.5 §8.2: whichever process decodes it; GDCM needs no further one within a worker."""
    frame = DicomFile(file(name)).frame(1)
    draw = partial(render_frame, request=None, media_type="image/png", max_edge=512)
    assert await pool.run(draw, frame, limits=limits_of(frame)) == draw(frame)
