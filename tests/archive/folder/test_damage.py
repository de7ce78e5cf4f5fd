"""A damaged file costs the archive that file and nothing else."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.archive.folder.header import Header, Refusal, read_header
from federator.archive.folder.objects import header_row, metadata
from federator.archive.folder.pixels import DamagedFile, open_stored
from tests.support.folder_archive import PYDICOM_DATA, first, opened, write_tiny

pytestmark = pytest.mark.anyio

SOURCES = [
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
]
CONTENTS = [(PYDICOM_DATA / "test_files" / name).read_bytes() for name in SOURCES]


@settings(deadline=None, max_examples=150)
@given(
    content=st.sampled_from(CONTENTS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=5)), min_size=1, max_size=6),
)
def test_whatever_a_file_holds_it_is_read_or_refused(content, edits):
    """contract.md section 3.1: no file can take the archive down."""
    for place, cut, inserted in edits:
        at = int(place * min(len(content), 4000))
        content = content[:at] + inserted + content[at + cut :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(content)
        header = read_header(path)
        assert isinstance(header, Header | Refusal)
        if isinstance(header, Header):
            json.dumps(header.row, allow_nan=False)
        header_row(path)
        try:
            json.dumps(metadata(path, "http://folder.invalid"), allow_nan=False)
            open_stored(path).frame(1)
        except DamagedFile:
            return


async def test_a_stream_that_does_not_inflate_is_named(tmp_path):
    """PS3.5 section A.5: the deflated transfer syntax."""
    write_tiny(tmp_path / "files" / "good.dcm", study="2.25.1", series="2.25.2", instance="2.25.3")
    content = bytearray((PYDICOM_DATA / "test_files" / "image_dfl.dcm").read_bytes())
    content[600:620] = bytes(range(20))
    (tmp_path / "files" / "deflated.dcm").write_bytes(content)
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        assert len((await client.get("/studies")).json()) == 1
        told = (await client.get("/federator/index")).json()
        assert [entry["path"] for entry in told["unreadable"]] == ["deflated.dcm"]


async def test_pixels_that_are_damaged_are_told_as_damaged(tmp_path):
    """Not as frames that are not there; the rest of the object can still be had."""
    content = (PYDICOM_DATA / "test_files" / "MR_small_RLE.dcm").read_bytes()
    start = content.rindex(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one.dcm").write_bytes(content[:start] + b"\x01" * 40 + content[start + 40 :])
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        (row,) = (await client.get("/instances")).json()
        address = first(row, "00081190")
        assert (await client.get(f"{address}/metadata")).status_code == 200
        assert (await client.get(f"{address}/frames/1")).status_code == 500


async def test_values_that_mean_nothing_are_shown_as_they_stand(tmp_path):
    """One bad element must not lose a row."""
    path = tmp_path / "files" / "one.dcm"
    write_tiny(path, study="2.25.1", series="2.25.2", instance="2.25.3", SeriesNumber="12", PatientID="A1")
    path.write_bytes(path.read_bytes().replace(b"IS\x02\x0012", b"IS\x02\x00x?"))
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        (row,) = (await client.get("/series?PatientID=A1")).json()
        assert row["00200011"] == {"vr": "IS", "Value": ["x?"]}
        assert (await client.get("/series?SeriesNumber=12")).json() == []
