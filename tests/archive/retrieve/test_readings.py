"""What was made of large answers: found again by the same content only, and never more than there is room for."""

import pytest

from federator.archive.connection.client import ArchiveClient
from federator.archive.readings import Readings, digest_of
from federator.archive.retrieve.retrieve import Attributes, retrieve_attributes
from federator.config import Archive
from federator.dicom import json
from tests.support.synthetic.doses import fluoroscopy

pytestmark = pytest.mark.anyio


def test_a_reading_is_found_by_its_kind_and_by_all_that_it_was_made_of():
    """contract.md §4: what is told of an object is told of this one, as it is now."""
    readings, digest = Readings(), digest_of(b"content", "1.2.3")
    readings.keep(digest, "text", weight=1)
    assert readings.found(str, digest) == "text"
    assert readings.found(bytes, digest) is None
    assert readings.found(str, digest_of(b"content!", "1.2.3")) is None
    assert readings.found(str, digest_of(b"content", "1.2.4")) is None


def test_what_was_used_longest_ago_makes_room_and_what_is_too_large_is_not_kept():
    """Issue 11, part 9: what was converted is kept, within bounds."""
    readings = Readings(max_bytes=10)
    for number, name in enumerate("abc"):
        readings.keep(name.encode(), name, weight=4)
        assert readings.found(str, b"a") == ("a" if number < 3 else None)
    assert [name for name in "abc" if readings.found(str, name.encode())] == ["a", "c"]
    readings.keep(b"c", "again", weight=10)
    assert [readings.found(str, name.encode()) for name in "abc"] == [None, None, "again"]
    readings.keep(b"d", "larger", weight=11)
    assert readings.found(str, b"d") is None
    assert readings.found(str, b"c") == "again"


async def test_a_large_report_is_read_anew_only_when_it_has_changed(tmp_path, monkeypatch):
    """Issue 11, part 9: at once the second time; a file that changed in its place is seen at the next question."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    report = fluoroscopy(30)
    uids = str(report.StudyInstanceUID), str(report.SeriesInstanceUID), str(report.SOPInstanceUID)
    place = tmp_path / "files" / "report.dcm"
    place.parent.mkdir()
    report.save_as(place, enforce_file_format=True)
    async with ArchiveClient(Archive(name="dose", folder=place.parent)) as client:
        found = await retrieve_attributes(client, *uids, kind=str)
        assert isinstance(found, Attributes)
        found.keep("what was made of it")
        assert await retrieve_attributes(client, *uids, kind=str) == "what was made of it"
        assert isinstance(await retrieve_attributes(client, *uids, kind=bytes), Attributes)
        before = place.stat()
        for name in ("Changed^A", "Changed^B"):
            report.PatientName = name
            report.save_as(place, enforce_file_format=True)
            found = await retrieve_attributes(client, *uids, kind=str)
            assert isinstance(found, Attributes)
            assert json.text(found.row, "00100010") == name
            found.keep(name)
            assert await retrieve_attributes(client, *uids, kind=str) == name
        assert place.stat().st_mtime_ns != before.st_mtime_ns


async def test_what_is_small_is_read_each_time(tmp_path, monkeypatch):
    """A bound of bytes is for what is large: thousands of small rows would push it out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    report = fluoroscopy(1)
    place = tmp_path / "files" / "report.dcm"
    place.parent.mkdir()
    report.save_as(place, enforce_file_format=True)
    uids = str(report.StudyInstanceUID), str(report.SeriesInstanceUID), str(report.SOPInstanceUID)
    async with ArchiveClient(Archive(name="dose", folder=place.parent)) as client:
        for _ in range(2):
            found = await retrieve_attributes(client, *uids, kind=str)
            assert isinstance(found, Attributes)
            found.keep("small")
