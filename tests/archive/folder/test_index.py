"""The index of a folder archive keeps up with the folder."""

import contextlib
import os
import shutil
import sqlite3
import stat

import anyio
import pytest
from pydicom.data import get_testdata_file

from federator.archive.folder.files.header import Refusal, read_header
from federator.archive.folder.index.index import FolderIndex
from federator.archive.folder.index.stamps import Stamp, listings
from federator.archive.folder.query import MAX_ROWS
from tests.support.folder_archive import first, opened, write_tiny

pytestmark = pytest.mark.anyio


async def names(client):
    response = await client.get("/studies?includefield=PatientName")
    assert response.status_code == 200
    return sorted(row["00100010"]["Value"][0]["Alphabetic"] for row in response.json())


def put(folder, name, number, **attributes):
    uid = f"2.25.{number}"
    write_tiny(
        folder / name, study=uid, series=f"{uid}.1", instance=f"{uid}.1.1", PatientName=f"P{number}", **attributes
    )


async def test_new_changed_and_removed_files_are_seen(tmp_path):
    """Issue 2, part 4: refreshed by time stamp."""
    folder = tmp_path / "files"
    put(folder, "sub/one.dcm", 1)
    async with opened(folder, tmp_path / "cache") as client:
        assert await names(client) == ["P1"]
        put(folder, "two.dcm", 2)
        assert await names(client) == ["P1", "P2"]
        put(folder, "sub/one.dcm", 11)
        assert await names(client) == ["P11", "P2"]
        (folder / "two.dcm").unlink()
        assert await names(client) == ["P11"]
        assert (await client.get("/studies/2.25.2/metadata")).status_code == 404
        shutil.rmtree(folder / "sub")
        assert await names(client) == []


async def test_a_study_follows_its_instances(tmp_path):
    """The rows of studies and series are made anew when an instance comes or goes."""
    folder = tmp_path / "files"
    write_tiny(folder / "a.dcm", study="2.25.1", series="2.25.2", instance="2.25.3", StudyDate="20240101")
    async with opened(folder, tmp_path / "cache") as client:
        write_tiny(folder / "b.dcm", study="2.25.1", series="2.25.4", instance="2.25.5", Modality="SR", StudyID="7")
        ((study,), series) = [(await client.get(path)).json() for path in ("/studies", "/studies/2.25.1/series")]
        assert (first(study, "00201206"), first(study, "00201208")) == (2, 2)
        assert study["00080061"]["Value"] == ["CT", "SR"]
        assert (first(study, "00080020"), first(study, "00200010")) == ("20240101", "7")
        assert [first(row, "00201209") for row in series] == [1, 1]
        (folder / "a.dcm").unlink()
        (study,) = (await client.get("/studies")).json()
        assert (first(study, "00201206"), study["00080061"]["Value"], first(study, "00080020")) == (1, ["SR"], None)


async def test_instances_that_disagree_on_their_study_are_taken_in_the_order_of_their_paths(tmp_path):
    """The first that has a value tells it, so that the answer does not depend on what was read when."""
    folder = tmp_path / "files"
    for name, number, described in (("c.dcm", 1, "third"), ("a.dcm", 2, ""), ("b.dcm", 3, "second")):
        write_tiny(
            folder / name, study="2.25.1", series="2.25.2", instance=f"2.25.3{number}", StudyDescription=described
        )
    async with opened(folder, tmp_path / "cache") as client:
        (row,) = (await client.get("/studies")).json()
        assert first(row, "00081030") == "second"


async def test_files_are_read_once(tmp_path):
    """Issue 2, part 4: indexed once. What a file holds counts only when its time stamp or size changes."""
    folder = tmp_path / "files"
    put(folder, "one.dcm", 1)
    os.utime(folder / "one.dcm", (1_700_000_000, 1_700_000_000))
    async with opened(folder, tmp_path / "cache") as client:
        assert await names(client) == ["P1"]
    told = (folder / "one.dcm").stat()
    (folder / "one.dcm").write_bytes(b"\0" * told.st_size)
    os.utime(folder / "one.dcm", ns=(told.st_atime_ns, told.st_mtime_ns))
    async with opened(folder, tmp_path / "cache") as client:
        assert await names(client) == ["P1"]


async def test_what_cannot_be_read_is_named_and_what_is_not_dicom_is_counted(tmp_path):
    """Issue 2, part 4: unreadable files counted and named."""
    folder = tmp_path / "files"
    put(folder, "good.dcm", 1)
    (folder / "damaged").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff" + b"\xfe" * 40)
    (folder / "empty.DCM").write_bytes(b"")
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden").write_text("not looked at")
    shutil.copy(get_testdata_file("DICOMDIR", download=False), folder / "DICOMDIR")
    async with opened(folder, tmp_path / "cache") as client:
        assert await names(client) == ["P1"]
        told = (await client.get("/federator/index")).json()
    assert [told[key] for key in ("files", "instances", "duplicates", "not_dicom")] == [5, 1, 0, 2]
    assert [entry["path"] for entry in told["unreadable"]] == ["damaged", "empty.DCM"]
    assert all(entry["reason"] for entry in told["unreadable"])


def test_a_subfolder_that_cannot_be_read_stands_for_what_it_holds(tmp_path):
    """Issue 2, part 4: it must not take the rest with it, nor be passed over in silence."""
    put(tmp_path, "one.dcm", 1)
    put(tmp_path, "sub/two.dcm", 2)
    found = listings(tmp_path)
    assert [stamp.path for stamp in next(found).stamps] == [b"one.dcm"]
    shutil.rmtree(tmp_path / "sub")
    assert [[*listing.stamps] for listing in found] == [[Stamp(b"sub", 0, 0)]]
    (tmp_path / "sub").mkdir()
    assert read_header(tmp_path / "sub") == Refusal(reason="it is a folder that this account may not read")


async def test_the_first_of_several_files_with_one_uid_counts(tmp_path):
    """The same instance in two files is one instance; which one it is depends on nothing but the names."""
    folder = tmp_path / "files"
    for name, description in (("b.dcm", "second"), ("a.dcm", "first"), ("c.dcm", "third")):
        put(folder, name, 1, StudyDescription=description)
    async with opened(folder, tmp_path / "cache") as client:
        (row,) = (await client.get("/studies")).json()
        assert (first(row, "00081030"), first(row, "00201208")) == ("first", 1)
        assert (await client.get("/federator/index")).json()["duplicates"] == 2
        (folder / "a.dcm").unlink()
        (row,) = (await client.get("/studies")).json()
        assert first(row, "00081030") == "second"


async def test_links_lead_nowhere_outside_the_folder(tmp_path):
    """A link is followed only to what lies inside."""
    folder, outside = tmp_path / "files", tmp_path / "outside"
    put(folder, "one.dcm", 1)
    put(outside, "two.dcm", 2)
    put(outside, "more/three.dcm", 3)
    (folder / "link.dcm").symlink_to(outside / "two.dcm")
    (folder / "linked").symlink_to(outside / "more")
    (folder / "inside.dcm").symlink_to(folder / "one.dcm")
    (folder / "broken.dcm").symlink_to(folder / "nothing.dcm")
    (folder / "around").symlink_to(folder)
    async with opened(folder, tmp_path / "cache") as client:
        assert await names(client) == ["P1"]


async def test_the_index_is_for_its_owner_only(tmp_path):
    """It holds names of patients."""
    put(tmp_path / "files", "one.dcm", 1)
    async with opened(tmp_path / "files", tmp_path / "new" / "cache") as client:
        await names(client)
    (database,) = (tmp_path / "new" / "cache").glob("*.sqlite3")
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700


async def test_an_answer_that_is_too_long_says_how_much_is_left(tmp_path):
    """PS3.18 section 8.3.4.4: what the archive's own limit cuts off is told by a Warning."""
    put(tmp_path / "files", "one.dcm", 1)
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        assert await names(client) == ["P1"]
        (database,) = (tmp_path / "cache").glob("*.sqlite3")
        with contextlib.closing(sqlite3.connect(database)) as index, index:
            ((row,),) = index.execute("SELECT row FROM studies").fetchall()
            made = [(f"2.25.1{n:05}", "", row.replace("2.25.1", f"2.25.1{n:05}")) for n in range(MAX_ROWS + 4)]
            index.executemany("INSERT INTO studies VALUES (?,?,?)", made)
        response = await client.get("/studies")
        assert len(response.json()) == MAX_ROWS
        assert "There are 5 additional results that can be requested" in response.headers["warning"]
        rest = await client.get(f"/studies?offset={MAX_ROWS}")
        assert (len(rest.json()), "warning" in rest.headers) == (5, False)
        assert "warning" not in (await client.get("/studies?limit=10")).headers


async def test_a_folder_that_is_gone_is_not_an_empty_archive(tmp_path):
    """contract.md section 3.1: never an empty list for what could not be asked."""
    put(tmp_path / "files", "one.dcm", 1)
    async with opened(tmp_path / "files", tmp_path / "cache") as client:
        assert await names(client) == ["P1"]
        shutil.rmtree(tmp_path / "files")
        assert (await client.get("/studies")).status_code == 503
        put(tmp_path / "files", "one.dcm", 1)
        assert await names(client) == ["P1"]


async def test_two_programs_share_one_index(tmp_path):
    """Two assistants may run on one computer."""
    for number in range(1, 30):
        put(tmp_path / "files", f"{number}.dcm", number)
    found = []

    async def ask():
        async with opened(tmp_path / "files", tmp_path / "cache") as client:
            found.append(await names(client))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(ask)
    assert [len(each) for each in found] == [29, 29]


@pytest.fixture(scope="module")
def thousands(tmp_path_factory):
    """Three thousand tiny files: one written, the others made from it by changing UIDs of the same length."""
    folder = tmp_path_factory.mktemp("thousands")
    write_tiny(folder / "model.dcm", study="2.25.100001", series="2.25.200001", instance="2.25.300001", PatientID="1")
    model = (folder / "model.dcm").read_bytes()
    (folder / "model.dcm").unlink()
    for number in range(3000):
        group = folder / f"{number % 50:02}"
        group.mkdir(exist_ok=True)
        content = model.replace(b"2.25.300001", b"2.25.3%05d" % (number + 2))
        content = content.replace(b"2.25.200001", b"2.25.2%05d" % (number // 10 + 2))
        (group / f"{number}.dcm").write_bytes(content.replace(b"2.25.100001", b"2.25.1%05d" % (number // 30 + 2)))
    return folder


async def test_thousands_of_files_are_indexed_and_a_cut_short_refresh_goes_on(thousands, tmp_path):
    """Issue 2, part 4: thousands of files; a question that runs into its deadline does not lose what was read."""
    index = FolderIndex(thousands, tmp_path)
    changes = index.changes()
    assert len(changes.changed) == 3000
    index.take([(stamp, read_header(index.place(stamp.path))) for stamp in changes.changed[:1000]])
    assert FolderIndex(thousands, tmp_path).changes().changed == changes.changed[1000:]
    async with opened(thousands, tmp_path) as client:
        assert len((await client.get("/studies")).json()) == 100
        assert len((await client.get("/series")).json()) == 300
        told = (await client.get("/federator/index")).json()
        assert (told["instances"], told["unreadable_count"]) == (3000, 0)
        assert len((await client.get("/studies/2.25.100002/instances")).json()) == 30


async def test_a_question_that_is_given_up_leaves_the_archive_working(thousands, tmp_path):
    """contract.md section 3.1: the next question gets a whole answer."""
    async with opened(thousands, tmp_path) as client:
        with anyio.move_on_after(0):
            await client.get("/studies")
        assert len((await client.get("/studies")).json()) == 100
