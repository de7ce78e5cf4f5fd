"""Lists as the model gets them: text and structure, each sufficient alone (contract.md section 5)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.config import Archive
from federator.model import Entry, Level, Outcome, OutcomeState, Page, Row
from federator.server.answers.search import INSTANCES, SERIES, STUDIES, told
from federator.server.wording import listing
from federator.server.wording.models import Study
from federator.server.wording.present import Asked, found_fields, instance_of, series_of, study_of
from federator.server.wording.results import MAX_CHARACTERS, fitting
from tests.support.hostile.fences import unmarked
from tests.support.snapshot import assert_snapshot

ANSWERED = Outcome(archive="mercy", state=OutcomeState.ANSWERED, rows=2, attempts=1, milliseconds=41)
IGNORED = Outcome(
    archive="north",
    state=OutcomeState.ANSWERED,
    rows=1,
    attempts=2,
    milliseconds=77,
    message="It did not apply the filter PatientName; its rows were checked here.",
)
SILENT = Outcome(
    archive="south", state=OutcomeState.TIMED_OUT, attempts=1, milliseconds=10_000, message="No answer within 10 s."
)
VIEWER = {"mercy": Archive(name="mercy", url="https://m.example", viewer_url="https://v.example/?s={study}")}


def element(vr, *values):
    return {"vr": vr, "Value": list(values)}


def study_row(number: int = 1, **extra):
    return {
        "0020000D": element("UI", f"1.2.840.113619.2.55.3.604688119.971.1700000000.{number}"),
        "00080020": element("DA", "20240302"),
        "00080030": element("TM", "101500.25"),
        "00080061": element("CS", "CT", "SR"),
        "00081030": element("LO", "CT Thorax mit KM"),
        "00100010": element("PN", {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}),
        "00100020": element("LO", "P0042"),
        "00100030": element("DA", "19600101"),
        "00100040": element("CS", "M"),
        "00080050": element("SH", "A2024-17"),
        "00080090": element("PN", {"Alphabetic": "Smith^Jane"}),
        "00201206": element("IS", 5),
        "00201208": element("IS", 512),
        **extra,
    }


def study_entry(number: int = 1, **extra) -> Entry:
    row = study_row(number, **extra)
    return Entry(
        level=Level.STUDY, uid=row["0020000D"]["Value"][0], rows=(Row(archive="mercy", data=row),), conflicts={}
    )


def shared_entry() -> Entry:
    other = {**study_row(), "00201206": element("IS", 3), "00201208": element("IS", 200)}
    return Entry(
        level=Level.STUDY,
        uid=study_row()["0020000D"]["Value"][0],
        rows=(Row(archive="mercy", data=study_row()), Row(archive="north", data=other)),
        conflicts={"PatientName": {"mercy": "Yamada^Tarou", "north": "Yamada^Taro"}},
    )


def undated_entry() -> Entry:
    row = {"0020000D": element("UI", "1.2.3"), "00100020": {"vr": "LO"}, "00080061": element("CS", None, "MR")}
    return Entry(level=Level.STUDY, uid="1.2.3", rows=(Row(archive="north", data=row),), conflicts={})


def shown(kind, page: Page, asked: Asked | None = None) -> str:
    items = [kind.make(entry, asked or Asked()) for entry in page.entries]
    result = told(kind, page, items, config_note="")
    structure = json.dumps(result.structured_content, indent=1, ensure_ascii=False)
    return f"{unmarked(result.content[0].text)}\n\n{structure}\n"


def test_a_list_of_studies_reads_as_it_was_agreed():
    """contract.md section 5: tagged UIDs, holders with counts, conflicts side by side, undated said plainly."""
    page = Page(
        level=Level.STUDY,
        entries=(shared_entry(), undated_entry()),
        outcomes=(ANSWERED, IGNORED),
        next_cursor="abc",
        known_more=7,
    )
    assert_snapshot("studies.txt", shown(STUDIES, page, Asked(archives=VIEWER)))


def test_a_partial_list_says_so_first_and_names_the_archive_and_why():
    """contract.md section 5: a partial answer says so in its first line."""
    page = Page(level=Level.STUDY, entries=(study_entry(),), outcomes=(ANSWERED, SILENT))
    text = shown(STUDIES, page)
    assert text.splitlines()[0] == (
        "PARTIAL ANSWER: south did not answer in time (No answer within 10 s). Studies may be missing here."
    )
    assert '"complete": false' in text
    assert '"outcome": "timed_out"' in text


def test_an_empty_list_says_where_it_was_looked():
    """contract.md section 3: nothing found is true only of the archives that answered."""
    page = Page(level=Level.STUDY, entries=(), outcomes=(ANSWERED, IGNORED))
    assert shown(STUDIES, page).startswith("No study matches in mercy and north.\n")
    partial = Page(level=Level.STUDY, entries=(), outcomes=(ANSWERED, SILENT))
    assert shown(STUDIES, partial).splitlines()[:2] == [
        "PARTIAL ANSWER: south did not answer in time (No answer within 10 s). Studies may be missing here.",
        "No study matches in mercy.",
    ]


def test_series_and_instances_read_as_they_were_agreed():
    """contract.md sections 3.2 and 5: procedure step date as fallback, counts, frames, SOP class in words."""
    series = Entry(
        level=Level.SERIES,
        uid="1.2.3.4",
        rows=(
            Row(
                archive="mercy",
                data={
                    "0020000E": element("UI", "1.2.3.4"),
                    "00080060": element("CS", "CT"),
                    "00200011": element("IS", "3"),
                    "00400244": element("DA", "20240302"),
                    "0008103E": element("LO", "Lung\r\n 1.0"),
                    "00180015": element("CS", "CHEST"),
                    "00201209": element("IS", 120),
                },
            ),
        ),
        conflicts={},
    )
    instance = Entry(
        level=Level.INSTANCE,
        uid="1.2.3.4.5",
        rows=(
            Row(
                archive="mercy",
                data={
                    "00080018": element("UI", "1.2.3.4.5"),
                    "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2.1"),
                    "00200013": element("IS", 12),
                    "00280010": element("US", 512),
                    "00280011": element("US", 256),
                    "00280008": element("IS", 40),
                },
            ),
        ),
        conflicts={},
    )
    listed = shown(SERIES, Page(level=Level.SERIES, entries=(series,), outcomes=(ANSWERED,)))
    listed += shown(INSTANCES, Page(level=Level.INSTANCE, entries=(instance,), outcomes=(ANSWERED,)))
    assert_snapshot("series-and-instances.txt", listed)


def test_attributes_asked_for_stand_by_keyword_and_no_others():
    """contract.md section 5: no attribute that nobody asked for; includefield's under `attributes`."""
    extra = {
        "00104000": element("LT", "needs\x00 contrast\n\nask him"),
        "00081032": {
            "vr": "SQ",
            "Value": [{"00080100": element("SH", "CTCH"), "00080104": element("LO", "CT chest")}],
        },
        "00091010": element("LO", "private"),
        "00081190": element("UR", "http://internal/studies/1"),
    }
    entry = study_entry(**extra)
    assert study_of(entry, Asked()).attributes == {}
    assert study_of(entry, Asked(include=("00104000",))).attributes == {"PatientComments": "needs contrast ask him"}
    everything = study_of(entry, Asked(include_all=True)).attributes
    assert everything == {
        "PatientComments": "needs contrast ask him",
        "ProcedureCodeSequence": [{"CodeValue": "CTCH", "CodeMeaning": "CT chest"}],
        "00091010": "private",
    }


def test_huge_attributes_do_not_fill_the_answer():
    """contract.md section 5: a result stays under 25,000 tokens."""
    extra = {f"0040A1{number:02X}": element("UT", "x" * 5000) for number in range(200)}
    study = study_of(study_entry(**extra), Asked(include_all=True))
    assert len(json.dumps(study.structured())) < MAX_CHARACTERS


def test_nothing_is_null_or_empty():
    """contract.md section 5: no null, no empty field."""
    page = Page(level=Level.STUDY, entries=(undated_entry(), study_entry()), outcomes=(ANSWERED,))
    items = [STUDIES.make(entry, Asked()) for entry in page.entries]

    def holes(value):
        if isinstance(value, dict):
            return any(holes(inner) for inner in value.values())
        if isinstance(value, list):
            return any(holes(inner) for inner in value)
        return value is None or value == ""

    assert not holes(told(STUDIES, page, items, config_note="").structured_content)


def reference_listing(rows) -> str:
    """The reference server's listing of studies: every attribute, labels padded to the longest."""
    attributes = [
        ("Specific Character Set", "ISO_IR 192"),
        ("Instance Availability", "ONLINE"),
        ("Retrieve Url", "https://pacs.mercy.example/dicom-web/studies/{uid}"),
        ("Study Id", "S1"),
        ("Study Date", "2024-03-02"),
        ("Study Time", "10:15:00"),
        ("Accession Number", "A2024-17"),
        ("Modalities In Study", "CT/SR"),
        ("Study Description", "CT Thorax mit KM"),
        ("Referring Physician Name", "Smith^Jane"),
        ("Patient Name", "Yamada^Tarou"),
        ("Patient Id", "P0042"),
        ("Patient Birth Date", "1960-01-01"),
        ("Patient Sex", "M"),
        ("Study Instance Uid", "{uid}"),
        ("Number Of Study Related Series", "5"),
        ("Number Of Study Related Instances", "512"),
    ]
    width = max(len(label) for label, _ in attributes)
    blocks = []
    for number, row in enumerate(rows, start=1):
        uid = row["0020000D"]["Value"][0]
        lines = [f"Study {number} of {len(rows)}"]
        lines += [f"  {label.ljust(width)}  {value.replace('{uid}', uid)}" for label, value in attributes]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def test_fifty_studies_take_less_than_four_tenths_of_the_reference_listing():
    """The goal for compact text: 50 studies in at most 0.4 times the bytes of the reference server's listing."""
    entries = tuple(study_entry(number) for number in range(50))
    page = Page(level=Level.STUDY, entries=entries, outcomes=(ANSWERED,))
    items = [STUDIES.make(entry, Asked()) for entry in entries]
    text = told(STUDIES, page, items, config_note="").content[0].text
    reference = reference_listing([entry.rows[0].data for entry in entries])
    assert len(text.encode()) <= 0.4 * len(reference.encode())


def test_a_page_of_two_hundred_is_cut_where_it_would_not_fit():
    """contract.md section 5: a result stays under 25,000 tokens and 1 MB."""
    items = [study_of(study_entry(number), Asked(archives=VIEWER)) for number in range(200)]
    room = fitting(items)
    assert 50 <= room < 200
    page = Page(
        level=Level.STUDY,
        entries=tuple(study_entry(number) for number in range(room)),
        outcomes=(ANSWERED, IGNORED, SILENT),
        next_cursor="c" * 200,
    )
    result = told(STUDIES, page, items[:room], config_note="")
    assert len(json.dumps(result.structured_content)) < MAX_CHARACTERS * 1.1
    assert len(result.content[0].text) < MAX_CHARACTERS


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(["00080020", "00080030", "00100010", "00100020", "00081030", "00201206", "00080061"]),
        st.one_of(
            st.none(),
            st.text(max_size=20),
            st.fixed_dictionaries(
                {
                    "Value": st.lists(
                        st.one_of(st.none(), st.text(max_size=20), st.integers(), st.booleans()), max_size=3
                    )
                }
            ),
        ),
    )
)
def test_whatever_an_archive_sends_becomes_lines_of_ours(row):
    """house.md: DICOM JSON is read as it came; one bad element must not lose a row, or break the list's lines."""
    entry = Entry(level=Level.STUDY, uid="1.2", rows=(Row(archive="mercy", data=row),), conflicts={})
    study = study_of(entry, Asked(include_all=True))
    assert Study.model_validate(study.structured()) == study
    for line in listing.numbered([study], listing.study_line, STUDIES.uid):
        assert "\n" not in line
        assert "\r" not in line
    assert series_of(entry, Asked()).series_instance_uid == "1.2@mercy"
    assert instance_of(entry, Asked()).sop_instance_uid == "1.2@mercy"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_fields_of_every_list_carry_all_outcomes(count):
    """contract.md section 3.1: entries never travel without outcomes."""
    page = Page(level=Level.STUDY, entries=(), outcomes=(ANSWERED, IGNORED, SILENT)[:count])
    assert [outcome.archive for outcome in found_fields(page)["archives"]] == ["mercy", "north", "south"][:count]
