"""Structured reports as text: what must be said, what must survive, what must be bounded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from federator.dicom.measures.table import measurements
from federator.dicom.report import tree as report_tree
from federator.dicom.report.as_text import report_text
from federator.dicom.report.header import header_lines
from federator.dicom.report.summary import is_summary_known, summarize
from federator.dicom.report.text import readable_date_time, readable_time
from federator.errors import ContentError
from tests.support.synthetic.report_catalogue import CATALOGUE, table
from tests.support.synthetic.reports import FAMILY, as_json, document, evidence

FINDING = {
    "vr": "SQ",
    "Value": [
        {"00080100": {"Value": ["121071"]}, "00080102": {"Value": ["DCM"]}, "00080104": {"Value": ["Finding"]}},
    ],
}


def body(dataset: dict) -> list[str]:
    """The lines of the content tree, without head and list of references."""
    return report_text(dataset).text.partition("\n\n")[2].partition("\n\nObjects that the report")[0].split("\n")


def tree(*children: object, **attributes: object) -> dict:
    """A report as DICOM JSON with a title and the children as they are given."""
    title = {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Title"]}}]}
    return {
        "00080016": {"vr": "UI", "Value": [FAMILY + "33"]},
        "0040A040": {"vr": "CS", "Value": ["CONTAINER"]},
        "0040A043": title,
        "0040A730": {"vr": "SQ", "Value": list(children)},
        **attributes,
    }


def test_a_report_that_is_not_final_says_why_before_anything_else():
    """Issue 3 part 3: unverified, partial and preliminary reports say so on top."""
    said = report_text(as_json(CATALOGUE["unmeasured"]())).summary.warnings
    assert [sentence.split(":")[0] for sentence in said] == ["UNVERIFIED", "PARTIAL", "PRELIMINARY"]
    assert report_text(as_json(CATALOGUE["basic_text"]())).summary.warnings == ()


def test_the_head_names_patient_study_verifier_and_the_documents_replaced():
    """contract.md §4: observer, completion and verification state."""
    dataset = CATALOGUE["basic_text"]()
    dataset.PredecessorDocumentsSequence = evidence((FAMILY + "11", "1.2.3.99"))
    assert header_lines(as_json(dataset)) == [
        "Document: Basic Text SR",
        "Patient: Müller^Anna, sex F, born 1961-02-03, ID P-77",
        "Study: CT chest, 2024-01-31 08:30:00, accession A-1001",
        "Series: number 900",
        "Equipment: Federator tests",
        "Referring physician: Roe^Jane",
        "Content date: 2024-01-31 09:15:00",
        "Completion: COMPLETE",
        "Verification: VERIFIED",
        "Verified by: Obs^Erver, Mercy General, 2024-01-31 12:00:00",
        "Replaces or amends: 1.2.3.99",
    ]


def test_the_head_names_authors_devices_requests_and_copies():
    """PS3.3 C.17.2: Author Observer and Participant may be a person or a device; Identical Documents."""
    person, device, request = Dataset(), Dataset(), Dataset()
    person.PersonName, person.InstitutionName = "Roe^Jane", "Mercy General"
    device.Manufacturer, device.ManufacturerModelName = "ACME", "Reporter 3"
    device.ParticipationDateTime = "20240131091000"
    request.RequestedProcedureDescription, request.AccessionNumber = "CT chest", "A-1001"
    dataset = CATALOGUE["basic_text"]()
    dataset.AuthorObserverSequence, dataset.ParticipantSequence = Sequence([person]), Sequence([device])
    dataset.ReferencedRequestSequence = Sequence([request])
    dataset.IdenticalDocumentsSequence = evidence((FAMILY + "11", "1.2.3.98"))
    lines = header_lines(as_json(dataset))
    assert "Requested: CT chest, accession A-1001" in lines
    assert "Author: Roe^Jane, Mercy General" in lines
    assert "Participant: ACME, Reporter 3, 2024-01-31 09:10:00" in lines
    assert lines[-1] == "Same document as: 1.2.3.98"


def test_references_name_segments_states_mappings_and_purpose():
    """PS3.3 C.18.4: what an image reference may say besides its UID."""
    entry = {
        "00081150": {"Value": ["1.2.840.10008.5.1.4.1.1.66.4"]},
        "00081155": {"Value": ["1.2.3"]},
        "0062000B": {"Value": [2, 3]},
        "00081199": {"Value": [{"00081155": {"Value": ["1.2.4"]}}]},
        "0008114B": {"Value": [{"00081155": {"Value": ["1.2.5"]}}]},
        "0040A170": {"Value": [{"00080104": {"Value": ["Source"]}}]},
    }
    assert body(tree(broken("IMAGE", _00081199=[entry])))[1] == (
        "  Finding: Segmentation [ref 1], segments 2, 3, shown with object [ref 2], "
        "values mapped by object [ref 3], purpose: Source"
    )


def test_a_report_that_refers_to_very_many_images_lists_some_and_says_how_many_more():
    """contract.md §5: lists end early and say how many more there are."""
    images = [broken("IMAGE", _00081199=[{"00081155": {"Value": [f"1.2.{number}"]}}]) for number in range(250)]
    assert report_text(tree(*images)).text.endswith("\n… and 50 more")


def test_a_table_without_headings_keeps_its_cells_and_a_huge_one_is_cut():
    """PS3.3 C.18.10: the definitions of rows and columns may be absent."""
    cells = [
        {"0040A804": {"Value": [1]}, "0040A805": {"Value": [1]}, "0072006A": {"Value": [{"Alphabetic": "Roe^Jane"}]}},
        {"0040A804": {"Value": [1]}, "0040A805": {"Value": [2]}, "00720070": {"Value": ["two\nlines"]}},
        {"0040A804": {"Value": [2]}, "0040A805": {"Value": [2]}, "junk": None},
    ]
    table_ = {"0040A808": {"Value": cells}}
    assert body(tree(broken("TABLE", _0040A801=[table_])))[2:] == ["  \tRoe^Jane | two lines", "  \t |"]
    many = {"0040A808": {"Value": [{"0040A804": {"Value": [row]}} for row in range(2_005)]}}
    assert body(tree(broken("TABLE", _0040A801=[many])))[-1] == "  \t… and 5 more cells"


def test_a_summary_holds_what_tells_one_report_from_another():
    """contract.md §4: each report with title, date, completion and verification."""
    summary = summarize(as_json(CATALOGUE["basic_text"]()))
    assert (summary.kind, summary.title, summary.date) == (
        "Basic Text SR",
        "Diagnostic Imaging Report",
        "2024-01-31 09:15:00",
    )
    assert (summary.completion, summary.verification, summary.predecessors) == ("COMPLETE", "VERIFIED", ())


def test_a_search_row_is_enough_only_if_it_tells_title_and_verification():
    """facts: Orthanc returns no concept name at instance level; then the object itself must be asked for."""
    whole = as_json(CATALOGUE["basic_text"]())
    assert is_summary_known(whole)
    assert not is_summary_known({tag: whole[tag] for tag in ("00080016", "00080018")})
    key_objects = as_json(CATALOGUE["key_objects"]())
    assert is_summary_known(key_objects)


def test_a_table_is_written_row_by_row_with_headings_and_units():
    """PS3.3 C.18.10: value type TABLE, which highdicom and DCMTK 3.6.7 do not read."""
    assert body(as_json(table()))[2:] == [
        "    Findings",
        "    \t | Length (mm) | Laterality",
        "    \tFirst (R1, 99T) | 12.5 | Left",
        "    \tSecond (R2, 99T) | 3 | not told",
    ]


def broken(value_type: str, **elements: object) -> dict:
    """An item named Finding, with values by tag (`_0040A160=...`) that need not be lists."""
    values = {tag[1:]: {"Value": value} for tag, value in elements.items()}
    return {"0040A040": {"Value": value_type}, "0040A043": FINDING, **values}


LONG_CODE = [{"00080119": {"Value": ["a-long-code"]}, "00080102": {"Value": ["X"]}}]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ({"0040A160": {"Value": ["no concept"]}, "0040A040": {"Value": ["TEXT"]}}, "no concept"),
        (broken("", _0040A160="a bare string"), "Finding: a bare string"),
        (broken("TEXT", _0040A160=None), "Finding: (no value)"),
        (broken("TEXT", _0040A160=["C:", "scans", None]), "Finding: C:\\scans"),
        (broken("NUM", _0040A300=[]), "Finding: (no value)"),
        (broken("NUM", _0040A300=[{"0040A30A": {"Value": [3]}}]), "Finding: 3"),
        (broken("NUM", _0040A300=[{"0040A30A": 3.50}]), "Finding: 3.5"),
        (broken("NUM", _0040A300=[{"0040A30A": {"Value": ["3.50"]}}]), "Finding: 3.50"),
        (broken("NUM", _0040A300=[{"0040A161": {"Value": [0.5]}}]), "Finding: 0.5"),
        (broken("NUM", _0040A300=[{"0040A162": {"Value": 1}, "0040A163": {"Value": 3}}]), "Finding: 1/3"),
        (broken("NUM", _0040A30A=["7"]), "Finding: 7"),
        (broken("CODE", _0040A168=LONG_CODE), "Finding: (a-long-code, X)"),
        (broken("HOLOGRAM", _0040A160="seen"), "Finding: seen (an item of the type HOLOGRAM, which is not known)"),
        (broken("PNAME", _0040A123=["Doe^Jane=山田^花子"]), "Finding: Doe^Jane (山田^花子)"),
        (broken("", _0040DB73=[1, 9, "9"]), "Finding: see item 1.9.9, which the report does not have"),
        (broken("IMAGE"), "Finding: (no object is named)"),
        (
            broken("SCOORD", _00700023=["POLYLINE"], _00700022=list(range(20))),
            "Finding: POLYLINE (0, 1) (2, 3) (4, 5) (6, 7) (8, 9) (10, 11) (12, 13) (14, 15) … and 2 more points",
        ),
        ({}, "(no value)"),
    ],
)
def test_a_broken_item_costs_no_more_than_itself(item, line):
    """Issue 3: a tolerant walker; facts/dicomweb.md 1.7 and 5 name what archives send."""
    sound = {"0040A040": {"vr": "CS", "Value": ["TEXT"]}, "0040A160": {"vr": "UT", "Value": ["sound"]}}
    assert body(tree(item, None, "junk", sound)) == ["Title", f"  {line}", "  sound"]


def test_an_object_without_a_content_tree_is_a_clear_error():
    """contract.md §6: found, but not of a kind that can be read."""
    with pytest.raises(ContentError, match="no structured report content"):
        report_text({"00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]}})


def test_text_of_several_lines_stays_below_its_item_so_that_it_cannot_pass_for_another():
    """contract.md §5: text from an archive is data; its line breaks must not forge structure."""
    forged = {
        "0040A040": {"Value": ["TEXT"]},
        "0040A043": FINDING,
        "0040A160": {"Value": ["a\r\nImpression: healthy\x1b[2J\rend"]},
    }
    assert body(tree(forged)) == ["Title", "  Finding: a", "  \tImpression: healthy[2J", "  \tend"]


def test_a_long_text_goes_on_in_further_lines_and_loses_nothing():
    """contract.md §5: report texts end early with a cursor, which can stand behind every line."""
    long = {"0040A040": {"Value": ["TEXT"]}, "0040A160": {"Value": ["word " * 30_000]}}
    image = {"0040A040": {"Value": ["IMAGE"]}, "00081199": {"Value": [{"00081155": {"Value": ["1.2.3"]}}]}}
    read = report_text(tree(image, long, long))
    assert max(map(len, read.lines)) < 10_000
    assert "".join(read.lines).count("word") == 60_000
    assert read.text.endswith("  [ref 1] object 1.2.3")


def test_a_report_nested_too_deep_or_too_large_is_cut_with_a_notice():
    """Issue 3 part 3: depth and node limits with a notice."""
    item: dict = {"0040A040": {"Value": ["CONTAINER"]}, "0040A043": FINDING}
    for _ in range(report_tree.MAX_DEPTH + 20):
        item = {"0040A040": {"Value": ["CONTAINER"]}, "0040A043": FINDING, "0040A730": {"Value": [item]}}
    read = report_text(tree(item))
    assert read.notices == ("The report is nested deeper than 64 levels; what lies deeper is left out.",)
    assert len(body(tree(item))) == report_tree.MAX_DEPTH
    leaf = {"0040A040": {"Value": ["CONTAINER"]}}
    wide = report_tree.read_tree(tree(*[leaf] * (report_tree.MAX_ITEMS + 5)))
    assert wide.notices == ("The report has more than 50,000 content items; the rest is left out.",)
    assert sum(1 for _ in wide.root.walk()) == report_tree.MAX_ITEMS


def test_an_item_that_refers_to_itself_or_in_a_circle_ends():
    """Issue 3 part 3: by-reference items."""
    circle = {"0040A010": {"Value": ["CONTAINS"]}, "0040DB73": {"Value": [1, 1]}}
    assert body(tree(circle)) == ["Title", "  see item 1.1 [item 1.1]"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("20240131", "2024-01-31"),
        ("20240131143005.120000+0100", "2024-01-31 14:30:05.12 +01:00"),
        ("202401311430-0500", "2024-01-31 14:30 -05:00"),
        ("2024", "2024"),
        ("not a date", "not a date"),
        ("20241350", "20241350"),
    ],
)
def test_times_are_readable_and_what_is_no_time_is_shown_as_it_stands(written, read):
    """PS3.5 §6.2, DT: nothing is invented, nothing is dropped."""
    assert readable_date_time(written) == read


def test_a_time_keeps_its_precision():
    """PS3.5 §6.2, TM."""
    assert [readable_time(written) for written in ("09", "0915", "091500.5", "25")] == [
        "09",
        "09:15",
        "09:15:00.5",
        "25",
    ]


WORD = st.text("abcdefghijklmnopqrstuvwxyzäß山", min_size=1, max_size=8)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["vr", "Value", "Alphabetic", "00080100"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TAGS = st.sampled_from(
    [
        "0040A040",
        "0040A043",
        "0040A010",
        "0040A160",
        "0040A300",
        "0040A730",
        "0040DB73",
        "00081199",
        "00700022",
        "0040A801",
        "0040A123",
        "0040A032",
    ]
)


@st.composite
def containers(draw, depth=4):
    """A content tree whose texts are numbered, so that each is known again; the numbers are given by the test."""
    children = draw(
        st.lists(st.just("text") if depth == 0 else st.just("text") | containers(depth=depth - 1), max_size=4)
    )
    return [draw(st.sampled_from(["CONTAINS", "HAS PROPERTIES", "INFERRED FROM", "", "odd"])), children]


def built(shape, names: list[str]) -> dict:
    """The DICOM JSON of a shape; every text gets the next number."""
    relationship, children = shape
    made: dict = {"0040A040": {"Value": ["CONTAINER"]}, "0040A043": FINDING, "0040A010": {"Value": [relationship]}}
    entries = []
    for child in children:
        if child == "text":
            names.append(f"text number {len(names)} ends")
            entries.append({"0040A040": {"Value": ["TEXT"]}, "0040A160": {"Value": [names[-1]]}})
        else:
            entries.append(built(child, names))
    return {**made, "0040A730": {"Value": entries}}


@settings(deadline=None, max_examples=150)
@given(containers())
def test_every_text_comes_out_once_and_in_order_whatever_the_tree(shape):
    """Issue 3: random content trees; nothing is lost, doubled or moved."""
    names: list[str] = []
    read = report_text(built(shape, names)).text
    assert [line.strip() for line in read.split("\n") if "text number" in line] == names


@settings(deadline=None, max_examples=300)
@given(
    st.recursive(
        st.dictionaries(TAGS, JUNK, max_size=4),
        lambda inner: st.fixed_dictionaries(
            {"0040A730": st.fixed_dictionaries({"Value": st.lists(inner, max_size=3)})},
            optional={"0040A040": JUNK, "0040A300": JUNK},
        ),
        max_leaves=6,
    )
)
def test_no_junk_in_any_element_makes_the_reading_fail(dataset):
    """facts/dicomweb.md 1.7: any element may be missing, scalar, null, a list."""
    title = {"0040A043": {"Value": [{"00080104": {"Value": ["Title"]}}]}}
    assert report_text({**dataset, **title}).text.strip() != ""
    assert measurements({**dataset, **title}).notices == ()


def test_a_report_of_twenty_kinds_is_never_empty():
    """Issue 3: every SR at hand can be read."""
    for build in CATALOGUE.values():
        assert len(body(as_json(build()))) > 2


def test_a_document_without_a_title_still_shows_its_content():
    """PS3.3 C.17.3: the title is required, and missing in practice."""
    untitled = as_json(document(99, FAMILY + "11", ("1", "99X", "gone")))
    del untitled["0040A043"]
    untitled["0040A730"] = {"vr": "SQ", "Value": [{"0040A160": {"vr": "UT", "Value": ["still there"]}}]}
    assert body(untitled) == ["(no title)", "  still there"]
