"""The simulator is what the search is proved against, so it is itself checked: each switch changes what is seen."""

import json
from typing import Any
from urllib.request import urlopen

import pytest

from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.oracle import union
from tests.support.hostile.records import PATIENT_ID, PATIENT_NAME, STUDY_DATE, Holdings, study, with_images
from tests.support.hostile.switches import (
    QUIRKS,
    Fuzzy,
    IncludeField,
    Order,
    OrderBy,
    RepeatedKey,
    Switches,
    UnknownKey,
)

STUDIES = [
    study("1.2.1", date="20240105", time="0930", name="Doe^Jane", patient_id="p1", modalities=("CT", "SR")),
    study("1.2.20", date="20240103", time="1100", name=("Yamada^Tarou", "山田^太郎", "やまだ^たろう"), patient_id="P2"),
    study("1.2.3", date="20240104", name="Müller^Jörg", patient_id="P3", modalities=("MR",), description="KNEE\nLEFT"),
    study("1.2.5", date="20200101", time="0800", name="Zoë", patient_id="P5"),
    study("1.2.4", name="adams^undated", patient_id="P4", issuer="", description="ABDOMEN"),
]

# Every switch with a question whose answer it changes: the switch, its setting, the path with its query.
CHANGES: list[tuple[str, Any, str]] = [
    ("silent_cap", 2, "/studies"),
    ("cap_plus_one", True, "/studies"),
    ("warned_cap", 2, "/studies"),
    ("over_limit_refused", 200, "/studies?limit=201"),
    ("clamp_limit", 2, "/studies?limit=4"),
    ("default_limit", 2, "/studies"),
    ("limit_zero_refused", True, "/studies?limit=0"),
    ("too_broad", 2, "/studies"),
    ("key_required", True, "/studies"),
    ("plain_json_only", True, "/studies"),
    ("short_pages", 1, "/studies?limit=3"),
    ("repeated_rows", True, "/studies"),
    ("offset_ignored", True, "/studies?offset=2"),
    ("offset_broken_with_filters", True, "/studies?PatientSex=O&offset=2"),
    ("offset_clamp", 1, "/studies?offset=2"),
    ("order", Order.UID, "/studies"),
    ("order", Order.NAME, "/studies"),
    ("order", Order.OLDEST, "/studies"),
    ("order", Order.NEWEST_STORED, "/studies"),
    ("order", Order.BY_FILTER, "/studies?ModalitiesInStudy=CT"),
    ("orderby", OrderBy.SUPPORTED, "/studies?orderby=-StudyDate,-StudyTime"),
    ("orderby", OrderBy.ASCENDING, "/studies?orderby=-StudyDate,-StudyTime"),
    ("orderby", OrderBy.UNDATED_FIRST, "/studies?orderby=-StudyDate,-StudyTime"),
    ("orderby", OrderBy.REFUSED, "/studies?orderby=-StudyDate"),
    ("ignored_keys", frozenset({PATIENT_ID}), "/studies?00100020=P2"),
    ("all_filters_ignored", True, "/studies?PatientName=Doe*"),
    ("study_date_ignored", True, "/studies?StudyDate=20240101-"),
    ("unknown_key", UnknownKey.REFUSED, "/studies?NoSuchKey=1"),
    ("keywords_only", True, "/studies?00100020=P2"),
    ("lower_level_keys_empty", True, "/studies?Modality=CT"),
    ("include_field", IncludeField.IGNORED, "/studies?includefield=00081030"),
    ("include_field", IncludeField.REFUSED, "/studies?includefield=00081030"),
    ("server_error_for_bad_parameters", True, "/studies?limit=-1"),
    ("no_relational_routes", True, "/series"),
    ("commas_everywhere", True, "/studies?ModalitiesInStudy=MR,SR"),
    ("one_uid_only", True, "/studies?StudyInstanceUID=1.2.1,1.2.3"),
    ("escaped_comma_literal", True, "/studies?StudyInstanceUID=1.2.1%2C1.2.3"),
    ("backslash_stripped", True, "/studies?PatientID=P%5C2"),
    ("repeated_key", RepeatedKey.FIRST, "/studies?PatientID=P2&PatientID=P3"),
    ("repeated_key", RepeatedKey.REFUSED, "/studies?PatientID=P2&PatientID=P3"),
    ("no_percent_decoding", True, "/studies?PatientName=Doe%2A"),
    ("wildcards_literal", True, "/studies?PatientName=Doe*"),
    ("names_substring", True, "/studies?PatientName=Jane"),
    ("names_case_sensitive", True, "/studies?PatientName=doe*"),
    ("names_folded_in_upper_case_only", True, "/studies?PatientName=doe*"),
    ("names_whole_with_groups", True, "/studies?PatientName=Yamada%5ETarou"),
    ("non_ascii_not_indexed", True, "/studies?PatientName=M%C3%BCller*"),
    ("fuzzy", Fuzzy.SUPPORTED, "/studies?PatientName=Jan&fuzzymatching=true"),
    ("fuzzy", Fuzzy.SILENT, "/studies?PatientName=Jan&fuzzymatching=true"),
    ("text_case_folded", True, "/studies?PatientID=P1"),
    ("date_and_time_combined", True, "/studies?StudyDate=20240103-20240105&StudyTime=1000-1200"),
    ("bad_date_refused", True, "/studies?StudyDate=2024-01-05"),
    ("undated_match_open_ranges", True, "/studies?StudyDate=-20240103"),
    ("absent_if_empty", True, "/studies"),
    ("few_attributes", True, "/studies"),
    ("no_study_description", True, "/studies?includefield=00081030"),
    ("no_counts", True, "/studies"),
    ("wrong_counts", True, "/studies"),
    ("dotted_dates", True, "/studies"),
    ("padded_uids", True, "/studies"),
    ("missing_vr", True, "/studies"),
    ("scalar_values", True, "/studies"),
    ("null_elements", True, "/studies"),
    ("null_values", True, "/studies"),
    ("names_as_strings", True, "/studies"),
    ("numbers_as_strings", True, "/studies"),
    ("lower_case_hex", True, "/studies"),
    ("latin1_bytes", True, "/studies"),
    ("lost_ideographs", True, "/studies"),
    ("control_characters", True, "/studies?includefield=00081030"),
    ("not_a_number", True, "/studies"),
    ("byte_order_mark", True, "/studies"),
    ("trailing_comma", True, "/studies"),
    ("json_lines", True, "/studies"),
    ("wrapped_list", True, "/studies"),
    ("declared_charset", "gb18030", "/studies"),
    ("empty_row", True, "/studies"),
    ("broken_row", True, "/studies"),
    ("nameless_row", True, "/studies"),
    ("blank_padded_uids", True, "/studies"),
    ("joined_names", True, "/studies"),
    ("untold_modalities", True, "/studies"),
    ("bulk_names", True, "/studies"),
    ("always_206", True, "/studies"),
    ("warned_in_general", True, "/studies"),
    ("null_for_none", True, "/studies?PatientID=nobody"),
    ("none_404", True, "/studies?PatientID=nobody"),
    ("empty_204", True, "/studies?PatientID=nobody"),
    ("empty_body", True, "/studies?PatientID=nobody"),
    ("single_object", True, "/studies?PatientID=P2"),
]
# What some switches need beside them to show anything.
BESIDE = {
    "cap_plus_one": {"silent_cap": 2},
    "backslash_stripped": {},
    "no_percent_decoding": {},
}


def answered(switches: Switches, target: str) -> tuple[int, list[str], bytes]:
    path, _, query = target.partition("?")
    return HostileArchive(with_images(STUDIES), switches).answer(path, query.encode())


@pytest.mark.parametrize(("name", "setting", "target"), CHANGES, ids=[f"{c[0]}={c[1]} {c[2]}" for c in CHANGES])
def test_a_switch_changes_the_answer(name: str, setting: object, target: str) -> None:
    """Facts of the field: a switch that changes nothing would prove nothing."""
    beside = BESIDE.get(name, {})
    assert answered(Switches(**beside), target) != answered(Switches(**beside, **{name: setting}), target)


def test_every_switch_is_shown_and_there_are_enough_of_them() -> None:
    """Issue 2: at least 25 switches, one for each quirk of search."""
    assert {name for name, _, _ in CHANGES} == set(QUIRKS)
    assert len(QUIRKS) >= 25


def test_without_switches_the_archive_answers_as_the_standard_says() -> None:
    """PS3.18 §8.3.4, §10.6; PS3.4 C.2.2.2: ranges, wild cards, lists of UIDs, paging."""

    def uids(query: str) -> list[str]:
        status, _, body = answered(Switches(), f"/studies?{query}")
        assert status == 200
        return [row["0020000D"]["Value"][0] for row in json.loads(body)]

    assert uids("") == ["1.2.1", "1.2.20", "1.2.3", "1.2.5", "1.2.4"]
    assert uids("StudyDate=20240104-") == ["1.2.1", "1.2.3"]
    assert uids("StudyDate=-20240103") == ["1.2.20", "1.2.5"]
    assert uids("PatientName=%E5%B1%B1%E7%94%B0*") == ["1.2.20"]
    assert uids("PatientName=d?e%5E*") == ["1.2.1"]
    assert uids("StudyInstanceUID=1.2.5,1.2.3") == ["1.2.3", "1.2.5"]
    assert uids("ModalitiesInStudy=SR") == ["1.2.1"]
    assert uids("limit=2&offset=1") == ["1.2.20", "1.2.3"]


def test_series_and_instances_hang_below_their_studies() -> None:
    """PS3.18 Table 10.6.1-1: the hierarchical and the relational resources."""
    archive = HostileArchive(with_images(STUDIES))
    of_study = json.loads(archive.answer("/studies/1.2.1/series", b"")[2])
    assert [row["00080060"]["Value"] for row in of_study] == [["CT"], ["SR"]]
    of_series = json.loads(archive.answer("/studies/1.2.1/series/1.2.1.2/instances", b"")[2])
    assert [row["00080018"]["Value"] for row in of_series] == [["1.2.1.2.1"], ["1.2.1.2.2"]]
    assert len(json.loads(archive.answer("/instances", b"")[2])) == 12
    assert archive.answer("/patients", b"")[0] == 404


def test_the_ledger_counts_requests_and_rows() -> None:
    """Issue 2: requests and rows are counted where they arrive."""
    archive = HostileArchive(Holdings(studies=list(STUDIES)))
    archive.answer("/studies", b"limit=3")
    archive.answer("/studies", b"limit=2&offset=4")
    assert [request.query for request in archive.ledger.requests] == ["limit=3", "limit=2&offset=4"]
    assert archive.ledger.rows == 4


def test_a_stored_study_is_found_by_its_date_at_once() -> None:
    """Studies arrive while a list is being read: the index follows."""
    archive = HostileArchive(Holdings(studies=list(STUDIES)))
    archive.add(study("1.2.9", date="20240106"))
    assert b"1.2.9" in archive.answer("/studies", b"StudyDate=20240106-")[2]


def test_the_loopback_server_tells_its_archives_apart(loopback: Loopback) -> None:
    """One real socket, several archives, each with a base URL of its own."""
    first, second = HostileArchive(Holdings(studies=STUDIES[:1])), HostileArchive(Holdings(studies=STUDIES[1:]))
    with loopback.serve(first, second) as urls:
        lengths = [len(json.load(urlopen(f"{url}/studies"))) for url in urls]
    assert lengths == [1, 4]


def test_the_oracle_puts_the_newest_first_and_the_undated_last() -> None:
    """contract.md §3.2: date and time descending, no time after the times of the day, no date last, then UID."""
    more = [
        study("1.9", date="20240105", time="093000.5"),
        study("1.8", date="20240105"),
        study("1.7", date="20240105", time="0930"),
        study("1.10", date="", time="1000"),
    ]
    assert union([STUDIES, more, STUDIES[:2]], {}) == [
        *("1.9", "1.2.1", "1.7", "1.8"),
        *("1.2.3", "1.2.20", "1.2.5", "1.10", "1.2.4"),
    ]


def test_the_oracle_matches_names_without_case_and_diacritics() -> None:
    """contract.md §2: names fold case and diacritics; component groups are matched each and together."""
    assert union([STUDIES], {PATIENT_NAME: ["MULLER*"]}) == ["1.2.3"]
    assert union([STUDIES], {PATIENT_NAME: ["山田*"]}) == ["1.2.20"]
    assert union([STUDIES], {PATIENT_NAME: ["yamada^tarou=山田^太郎*"]}) == ["1.2.20"]
    assert union([STUDIES], {STUDY_DATE: ["-20240104"]}) == ["1.2.3", "1.2.20", "1.2.5"]
