"""Reading elements straight from their bytes tells what pydicom tells, or leaves it to pydicom."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.charset import convert_encodings
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from benchmarks.folders import slice_model
from federator.archive.folder.files import elements
from federator.archive.folder.files.elements import MoreNeeded, Syntax, Unusual, Walk
from federator.archive.folder.files.json import number_of, to_json
from federator.archive.folder.files.pixels import PIXEL_TAGS, DamagedFile, open_stored
from federator.archive.folder.files.source import DEFLATED, head_of
from tests.support.dicom_files import all_files
from tests.support.synthetic import report_catalogue

EXPLICIT = Syntax(implicit=False, little_endian=True)
PIXELS = frozenset(int(tag, 16) for tag in PIXEL_TAGS)
TEXT_VRS = ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
BINARY_VRS = ["AT", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV", "OB", "OW", "UN"]
LONG = {"OB", "OW", "UC", "UN", "UR", "UT", "SV", "UV"}
CHARACTER_SETS = [b"", b"ISO_IR 100", b"ISO_IR 192", b"GB18030 ", rb"\ISO 2022 IR 87 ", b"ISO_IR 13 ", b"NONE SUCH "]


def walked(content: bytes, start: int, syntax: Syntax) -> dict:
    walk = Walk(content, syntax, bulk_address=lambda path, _: f"at/{path}", stops=PIXELS)
    walk.top(start)
    return json.loads(walk.text())


def by_pydicom(dataset: Dataset) -> dict:
    return json.loads(json.dumps(to_json(dataset, lambda path: f"at/{'/'.join(path)}")))


def test_public_files_are_read_as_pydicom_reads_them():
    """PS3.5 §7, PS3.18 §F.2: 300 files of as many makers; what is unusual is left to pydicom."""
    same = left = 0
    for path in all_files():
        content = path.read_bytes()
        try:
            head, stored = head_of(content), open_stored(path)
            if head.transfer_syntax == DEFLATED:
                continue
            found = walked(content, head.start, head.syntax)
        except (Unusual, MoreNeeded, DamagedFile):
            left += 1
            continue
        assert found == by_pydicom(stored.dataset), path
        same += 1
    assert same > 100
    assert left < same / 5


REPORTS = ["basic_text", "every_value_type", "ct_dose", "projection_dose", "chest_cad", "deep", "by_reference"]


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("implicit", [True, False])
def test_reports_are_read_as_pydicom_reads_them(tmp_path: Path, name, implicit):
    """PS3.5 §7.5: sequences within sequences, in both ways of writing."""
    dataset: Dataset = getattr(report_catalogue, name)()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    path = tmp_path / "report.dcm"
    dcmwrite(path, dataset, enforce_file_format=True)
    head = head_of(path.read_bytes())
    assert walked(path.read_bytes(), head.start, head.syntax) == by_pydicom(dcmread(path))


def element(tag: int, vr: str, value: bytes) -> bytes:
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode()
    return (
        head + (b"\0\0" + len(value).to_bytes(4, "little") if vr in LONG else len(value).to_bytes(2, "little")) + value
    )


texts = st.lists(
    st.sampled_from(
        [b"1", b"-2.50", b"A", b"\\", b" ", b"\0", b"^", b"=", b"\xe9", b"\x1b$B", b"e5", b"+", b"\xff", b"."]
    ),
    max_size=8,
).map(b"".join)


@given(
    vr=st.sampled_from(TEXT_VRS),
    value=texts,
    characters=st.sampled_from(CHARACTER_SETS),
    again=texts,
    number=st.just(2),
)
def test_any_text_is_read_as_pydicom_reads_it(vr, value, characters, again, number):
    """PS3.5 §6.2: padding, several values, character sets, and what is no value of its representation."""
    content = element(0x00080005, "CS", characters) + element(0x00091001, vr, value) + element(0x00091002, vr, again)
    check(content)


@given(vr=st.sampled_from(BINARY_VRS), value=st.binary(max_size=33))
def test_any_number_is_read_as_pydicom_reads_it(vr, value):
    """PS3.5 §6.2, PS3.18 §F.2.3.1: also NaN, infinity and lengths that fit no number."""
    check(element(0x00091001, vr, value))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_the_walk_ends(content):
    """contract.md §3.9."""
    for syntax in (EXPLICIT, Syntax(implicit=True, little_endian=True), Syntax(implicit=False, little_endian=False)):
        try:
            walked(content, 0, syntax)
        except (Unusual, MoreNeeded):
            continue


def check(content: bytes) -> None:
    try:
        found = walked(content, 0, EXPLICIT)
    except Unusual:
        return
    dataset = read_dataset(BytesIO(content), is_implicit_VR=False, is_little_endian=True)
    assert found == by_pydicom(dataset)


@pytest.mark.parametrize(
    ("written", "shown"),
    [("25.40", "25.40"), ("560.0", 560.0), ("12", 12), ("1e3", "1e3"), ("0.00", "0.00"), ("-0.5 ", -0.5)],
)
def test_a_decimal_string_stands_as_it_was_written(written, shown):
    """contract.md §5: 25.40 says more of how it was measured than 25.4."""
    assert number_of(written) == shown
    assert type(number_of(written)) is type(shown)


@pytest.mark.parametrize(("value", "encoding"), elements._PLAIN_SETS.items())
def test_plain_character_sets_are_those_of_pydicom(value, encoding):
    """PS3.3 §C.12.1.1.2: what is known without pydicom is what it says."""
    assert convert_encodings(value.decode()) == [encoding]


def test_the_headers_of_plain_files_are_read_without_pydicom(tmp_path):
    """Issue 11, speed: processes that read headers load in a fifth of the time; nothing else shows whether they do."""
    (tmp_path / "one.dcm").write_bytes(slice_model())
    program = (
        "import sys; from federator.archive.folder.files.header import Header, read_headers\n"
        "(header,) = read_headers(sys.argv[1:]); assert isinstance(header, Header)\n"
        "assert header.study_instance_uid == '2.25.1000000' and 'pydicom' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "one.dcm")], check=True)
