"""Attributes as text, against pydicom's reading of the same files."""

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from federator.archive.retrieve.metadata import row_of_file
from federator.dicom.metadata import listing, parse_selection
from federator.errors import RequestError
from tests.support.dicom_files import all_files, file

# Files that lie about themselves make pydicom say so; the listing must show what it reads all the same.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

LINE = re.compile(r"^(?P<indent> *)\((?P<group>[0-9A-F]{4}),(?P<element>[0-9A-F]{4})\) (?P<rest>.*)$")
BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}


def _paths() -> list[Path]:
    return [path for path in all_files() if path.suffix == ".dcm" and _is_readable(path)]


def _is_readable(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            # What it only remarks on it can read; whether a remark is an error here depends on who is collected before.
            warnings.simplefilter("ignore")
            return bool(list(pydicom.dcmread(path).iterall()))
    except Exception:  # noqa: BLE001 - whatever pydicom cannot read is no yardstick
        return False


def _elements(dataset: Dataset, depth: int = 0) -> Iterator[tuple[int, DataElement]]:
    for element in dataset:
        yield depth, element
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item, depth + 2)


def _values(element: DataElement) -> list[object]:
    if element.value is None or element.value == "":
        return []
    return list(element.value) if isinstance(element.value, (MultiValue, list)) else [element.value]


def _same(ours: str, theirs: object) -> bool:
    if isinstance(theirs, pydicom.tag.BaseTag):
        return int(ours, 16) == int(theirs)
    if isinstance(theirs, (int, float)):
        return float(ours) == pytest.approx(float(theirs), rel=1e-14, abs=0)
    return ours == str(theirs).replace("\r\n", "\n").replace("\r", "\n").strip(" \0")


@pytest.mark.parametrize("path", _paths(), ids=lambda path: path.name)
def test_the_listing_has_pydicoms_attributes_in_its_order_with_its_values(path: Path) -> None:
    """Issue 3: the same attributes and the same values for every test file, all its character sets included."""
    content = path.read_bytes()
    dataset = pydicom.dcmread(BytesIO(content))
    row = row_of_file(content)
    # Everything: selecting all groups lifts the limits on items and on the length of values.
    # Not compared: group lengths, which describe bytes, and the character set, which is UTF-8 in DICOM JSON.
    groups = ",".join(sorted({f"{element.tag.group:04X}" for element in dataset}))
    text = listing(row, parse_selection(groups), max_chars=10**8).text
    blocks = _blocks(text)
    expected = [(depth, element) for depth, element in _elements(dataset) if _is_compared(int(element.tag))]
    shown = [block for block in blocks if _is_compared(int(block[1], 16))]
    assert [(depth, f"{int(element.tag):08X}") for depth, element in expected] == [block[:2] for block in shown]
    for (_, element), (_, tag, rest) in zip(expected, shown, strict=True):
        if element.keyword:
            assert rest.startswith(f"{element.keyword} "), tag
        if element.VR == "SQ" or element.VR in BINARY:
            continue
        value = re.fullmatch(r"(?:\[.*?\]|\w+) [A-Z]{2}: (.*)", rest, re.DOTALL)[1]
        value = value.replace("↵", "\n")
        if "[bulk data" in value:
            assert len(element.value) > 1024
            continue
        theirs = _values(element)
        if cut := re.search(r"… \([0-9,]+ characters\)$", value):
            # Only a value that is longer than any reader wants; what is shown of it is the beginning.
            value = value[: cut.start()].rpartition(" \\ ")[0] if len(theirs) > 1 else value[: cut.start()]
            shown_values = value.split(" \\ ") if len(theirs) > 1 else []
            assert len(value) > 7000
            assert all(_same(one, other) for one, other in zip(shown_values, theirs, strict=False)), tag
            assert shown_values or str(theirs[0]).replace("\r\n", "\n").startswith(value), tag
            continue
        ours = [] if value == "(empty)" else value.split(" \\ ") if len(theirs) > 1 else [value]
        assert len(ours) == len(theirs), tag
        assert all(_same(one, other) for one, other in zip(ours, theirs, strict=True)), (tag, value)


def _is_compared(tag: int) -> bool:
    return tag & 0xFFFF != 0 and tag != 0x00080005


def _blocks(text: str) -> list[tuple[int, str, str]]:
    """Depth, tag and the rest of each attribute's line with the lines that continue it."""
    blocks: list[tuple[int, str, str]] = []
    for line in text.split("\n"):
        matched = LINE.match(line)
        if matched:
            blocks.append((len(matched["indent"]) // 2, matched["group"] + matched["element"], matched["rest"]))
        elif not re.fullmatch(r" *item [0-9]+", line):
            depth, tag, rest = blocks[-1]
            blocks[-1] = (depth, tag, f"{rest}\n{line}")
    return blocks


def test_private_attributes_name_their_creator_and_what_it_means_by_them() -> None:
    """contract.md section 4: private ones too."""
    row = row_of_file(file("CT_small.dcm"))
    lines = listing(row).text.splitlines()
    assert "(0009,0010) [private creator] LO: GEMS_IDEN_01" in lines
    assert "(0009,1004) [private of GEMS_IDEN_01: Product id] SH: HiSpeed CT/i" in lines


def test_bulk_data_is_told_by_its_size() -> None:
    """contract.md section 4: bulk data by size."""
    row = row_of_file(file("CT_small.dcm"))
    assert "(7FE0,0010) PixelData OW: [bulk data, 32,768 bytes]" in listing(row).text
    inline = {"00091001": {"vr": "OB", "InlineBinary": "AAECAwQ="}}
    assert listing(inline).text == "(0009,1001) [private, creator not told] OB: [binary, 5 bytes]"
    elsewhere = {"00091001": {"vr": "UN", "BulkDataURI": "http://archive.invalid/bulk/00091001"}}
    assert listing(elsewhere).text.endswith("UN: [bulk data, its size is not told]")


@pytest.mark.parametrize("asked", ["PixelSpacing", "pixelspacing", "00280030", "(0028,0030)", "( 0028, 0030 )"])
def test_an_attribute_is_selected_by_keyword_or_tag_at_every_depth(asked: str) -> None:
    """contract.md section 4: attributes (keywords, tags or groups)."""
    row = row_of_file(file("eCT_Supplemental.dcm"))
    assert listing(row, parse_selection(asked)).text.splitlines() == [
        "(5200,9229) SharedFunctionalGroupsSequence SQ:",
        "  item 1",
        "    (0028,9110) PixelMeasuresSequence SQ:",
        "      item 1",
        "        (0028,0030) PixelSpacing DS: 0.388672 \\ 0.388672",
    ]


def test_a_selected_sequence_comes_with_all_that_is_in_it() -> None:
    """contract.md section 4."""
    row = row_of_file(file("CT_small.dcm"))
    assert listing(row, parse_selection("OtherPatientIDsSequence")).text.splitlines() == [
        "(0010,1002) OtherPatientIDsSequence SQ: 2 items",
        "  item 1",
        "    (0010,0020) PatientID LO: ABCD1234",
        "    (0010,0022) TypeOfPatientID CS: TEXT",
        "  item 2",
        "    (0010,0020) PatientID LO: 1234ABCD",
        "    (0010,0022) TypeOfPatientID CS: TEXT",
    ]


def test_groups_are_selected_with_their_private_attributes_and_several_at_once() -> None:
    """contract.md section 4."""
    row = row_of_file(file("CT_small.dcm"))
    tags = {line[1:5] for line in listing(row, parse_selection("0018; 0009, PatientName")).text.splitlines()}
    assert tags == {"0018", "0009", "0010"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [("PixelSpacin", "Did you mean PixelSpacing?"), ("12", "'12'"), ("(0028,003)", "'(0028'"), ("zzz zzz", "'zzz'")],
)
def test_what_is_no_attribute_is_refused_with_a_remedy(asked: str, said: str) -> None:
    """contract.md section 6: the model can act."""
    with pytest.raises(RequestError) as refused:
        parse_selection(asked)
    assert said in str(refused.value)
    assert "(0028,0030)" in str(refused.value)


def test_a_list_that_ends_early_says_how_much_is_missing() -> None:
    """contract.md section 5: lists end early and say how many more are known."""
    row = {f"0040{number:04X}": {"vr": "LO", "Value": ["x" * 60]} for number in range(1000)}
    shown = listing(row, max_chars=5000)
    assert len(shown.text) <= 5000
    lines = len(shown.text.splitlines())
    assert shown.left_out.startswith(f"{1000 - lines} of 1,000 lines were left out")


def test_long_values_and_long_sequences_are_cut_until_they_are_asked_for() -> None:
    """peers.md 2, defect 25: a 600-frame object must not exceed every client's limit."""
    frames = [{"00280030": {"vr": "DS", "Value": [1, number]}} for number in range(600)]
    row = {"52009230": {"vr": "SQ", "Value": frames}, "00204000": {"vr": "LT", "Value": ["y" * 5000]}}
    text = listing(row).text
    assert "… 590 more items: attributes=52009230 shows them" in text
    assert "… (5,000 characters: attributes=00204000 shows more)" in text
    assert len(text) < 3000
    assert "y" * 5000 in listing(row, parse_selection("ImageComments")).text
    assert "item 600" in listing(row, parse_selection("52009230")).text


def test_nothing_that_an_archive_sends_breaks_the_listing() -> None:
    """facts/dicomweb.md 1.7: JSON defects to survive."""
    row = {
        "00100010": None,
        "00100020": "bare",
        "00100030": {"vr": "DA"},
        "00100040": {"Value": None},
        "00101000": {"vr": "LO", "Value": ["a", None, "c"]},
        "00101001": {"vr": "PN", "Value": [None, {"Alphabetic": None, "Ideographic": "山田^太郎"}]},
        "00104000": {"vr": "LT", "Value": ["one\r\ntwo\x07\u202ethree"]},
        "0010,21B": {"vr": "XX", "Value": [{"odd": []}]},
        "00400275": {"vr": "SQ", "Value": [None, "x", {"00400009": {"vr": "SH", "Value": ["s"]}}]},
    }
    text = listing(row).text
    assert "PatientName PN: (empty)" in text
    assert "PatientID LO: bare" in text
    assert "a \\  \\ c" in text
    assert "=山田^太郎" in text
    assert "one↵twothree" in text
    assert "ScheduledProcedureStepID SH: s" in text
