"""A complete "none" is proven: what an archive may have kept back is asked for another way, or it is said."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from federator.config import Archive, Config
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.language import Query
from federator.federation.federation import Federation
from federator.model import Level, OutcomeState, Page
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.query_string import Asked
from tests.support.hostile.records import STUDY_UID, Record, first, study, with_images
from tests.support.hostile.switches import Switches

pytestmark = pytest.mark.anyio

DESCRIPTION = ("00081030", "StudyDescription", "LO", FilterKind.TEXT)
PATIENT = ("00100020", "PatientID", "LO", FilterKind.TEXT)
MODALITIES = ("00080061", "ModalitiesInStudy", "CS", FilterKind.CODE)
NAME = ("00100010", "PatientName", "PN", FilterKind.NAME)
DATE = ("00080020", "StudyDate", "DA", FilterKind.DATE)


def asked(attribute: tuple[str, str, str, FilterKind], value: str) -> Query:
    tag, keyword, vr, kind = attribute
    wanted = Filter(tag=tag, keyword=keyword, vr=vr, kind=kind, values=(value,))
    return Query(level=Level.STUDY, filters=(wanted,), limit=50, limit_asked=50)


async def found(
    loopback: Loopback, studies: Sequence[Record], query: Query, **switches: object
) -> tuple[Page, HostileArchive]:
    archive = HostileArchive(with_images(studies), Switches(**switches))  # type: ignore[arg-type]
    with loopback.serve(archive) as (url,):
        config = Config(archives=(Archive(name="a", url=url, deadline_s=60),))
        async with Federation(config) as federation:
            return await federation.search(query), archive


STUDIES = [
    study("1.2.1", date="20240105", description="CT CHEST W/O", patient_id="AB12", modalities=("CT",)),
    study("1.2.2", date="20240104", description="Chest two views", patient_id="ab13", modalities=("DX",)),
    study("1.2.3", date="20240103", description="MR KNEE", patient_id="C7", modalities=("MR",)),
]


@pytest.mark.parametrize("switches", [{}, {"text_case_folded": True}, {"keywords_only": True}])
@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        (DESCRIPTION, "*chest*", ["1.2.1", "1.2.2"]),
        (DESCRIPTION, "ct chest w/o", ["1.2.1"]),
        (DESCRIPTION, "*spine*", []),
        (PATIENT, "ab12", ["1.2.1"]),
        (PATIENT, "AB13", ["1.2.2"]),
        (PATIENT, "AB14", []),
    ],
)
async def test_text_in_other_capitals_is_found_where_the_archive_compares_it_by_case(
    loopback, switches, attribute, value, expected
):
    """PS3.4 §C.2.2.2.4: by case; contract.md §2: text folds case, §3.7: none is proven."""
    page, _ = await found(loopback, STUDIES, asked(attribute, value), **switches)
    assert [entry.uid for entry in page.entries] == expected
    assert page.complete, page.outcomes


@pytest.mark.parametrize("value", ["knee*", "*knee*", "knee left"])
async def test_where_lists_are_refused_text_in_other_capitals_is_found_or_it_is_said_that_it_may_be_missing(
    loopback, value
):
    """PS3.4 §C.2.2.2.4; contract.md §3.7: what could not be tried is no proof of a none."""
    studies = [study("1.2.3", date="20240229", description="CHEST, ABDOMEN"), study("1.2.4", description="KNEE LEFT")]
    page, _ = await found(loopback, studies, asked(DESCRIPTION, value), key_required=True)
    (outcome,) = page.outcomes
    assert [entry.uid for entry in page.entries] == ["1.2.4"] or "could not be tried" in outcome.message


async def test_where_no_row_tells_the_text_other_capitals_are_no_none_and_what_is_longer_or_other_is_not_shown(
    loopback,
):
    """PS3.4 §C.2.2.2.4; contract.md §3.7: what went out without its letters does not show that they match."""
    page, _ = await found(loopback, STUDIES, asked(DESCRIPTION, "mr k*"), no_study_description=True)
    (outcome,) = page.outcomes
    assert (page.entries, outcome.state) == ((), OutcomeState.PARTIAL)


async def test_an_archive_that_takes_no_question_mark_for_a_letter_is_not_believed_to_have_none(loopback):
    """PS3.4 §C.2.2.2.4; contract.md §3.7: text without its letters is tried before it proves a none."""
    page, _ = await found(loopback, STUDIES, asked(PATIENT, "AB13"), wildcards_literal=True)
    assert [entry.uid for entry in page.entries] == ["1.2.2"]
    assert page.complete, page.outcomes


async def test_rows_to_try_filters_on_tell_the_attribute_where_only_the_length_of_a_list_is_refused(loopback):
    """contract.md §3.7: asked without includefield, they told no description, and none was believed."""
    page, _ = await found(
        loopback, STUDIES, asked(DESCRIPTION, "mr k*"), wildcards_literal=True, over_limit_refused=100
    )
    assert [entry.uid for entry in page.entries] == ["1.2.3"]
    assert page.complete, page.outcomes


async def test_a_row_of_somebody_else_is_not_missed_for_what_it_does_not_tell(loopback):
    """contract.md §2: what surely does not match is left out without a word, whatever else of it is not told."""
    named = asked(NAME, "roe*")
    query = replace(named, filters=(*asked(MODALITIES, "CT").filters, *named.filters))
    page, _ = await found(loopback, STUDIES, query, untold_modalities=True, all_filters_ignored=True)
    assert (page.entries, page.complete) == ((), True), page.outcomes


@pytest.mark.parametrize("switches", [{}, {"keywords_only": True}, {"few_attributes": True}])
async def test_modalities_that_no_row_tells_are_told_by_the_series(loopback, switches):
    """PS3.18 Table 10.6.3-3; contract.md §3.7: by series."""
    page, _ = await found(loopback, STUDIES, asked(MODALITIES, "MR"), untold_modalities=True, **switches)
    assert [entry.uid for entry in page.entries] == ["1.2.3"]
    assert page.complete, page.outcomes


async def test_looking_below_for_modalities_is_bounded_and_what_is_left_is_said(loopback):
    """contract.md §3.7: bounded, or partial with the reason."""
    many = [study(f"1.2.{number}", date="20240105", modalities=("CT",)) for number in range(90)]
    page, archive = await found(loopback, many, asked(MODALITIES, "MR"), untold_modalities=True)
    (outcome,) = page.outcomes
    assert outcome.state is OutcomeState.PARTIAL
    assert "without ModalitiesInStudy" in outcome.message
    assert len(archive.ledger.requests) < 400


async def test_names_that_are_given_as_bulk_data_are_no_proof_that_nobody_has_them(loopback):
    """PS3.18 §F.2.6; contract.md §3.7."""
    page, _ = await found(loopback, STUDIES, asked(NAME, "Nobody*"), bulk_names=True, all_filters_ignored=True)
    (outcome,) = page.outcomes
    assert (page.entries, outcome.state) == ((), OutcomeState.PARTIAL)
    assert "PatientName" in outcome.message


@pytest.mark.parametrize(("value", "expected"), [("Doe^Jane", []), ("Doe^Jane*", ["1.2.1"])])
async def test_what_was_asked_with_an_open_end_shows_no_row_that_does_not_tell_its_name(loopback, value, expected):
    """contract.md §2, §3.7: DOE^JANE* finds Doe^Jane^Q, who was not asked for, and whom no row of bulk data tells."""
    studies = [study("1.2.1", date="20240105", name="Doe^Jane^Q")]
    page, _ = await found(loopback, studies, asked(NAME, value), bulk_names=True, key_required=True)
    (outcome,) = page.outcomes
    assert ([entry.uid for entry in page.entries], outcome.state) == (expected, OutcomeState.PARTIAL)


async def test_a_date_that_is_no_day_is_no_proof_that_it_lies_elsewhere(loopback):
    """PS3.5 §6.2 (DA); contract.md §3.7."""
    odd = [*STUDIES, study("1.2.9", date="20240230", description="ODD")]
    page, _ = await found(loopback, odd, asked(DATE, "20240201-20240331"))
    (outcome,) = page.outcomes
    assert outcome.state is OutcomeState.PARTIAL
    assert "readable StudyDate" in outcome.message


async def test_a_part_on_every_answer_costs_few_requests(loopback):
    """PS3.18 2019e Table 10.6.3-1 (206); contract.md §3.6: rows in hand are an answer."""
    page, archive = await found(loopback, STUDIES, asked(PATIENT, "AB12"), always_206=True)
    assert [entry.uid for entry in page.entries] == ["1.2.1"]
    assert not page.complete
    assert len(archive.ledger.requests) <= 20


@pytest.mark.parametrize("switch", ["empty_row", "broken_row", "nameless_row", "warned_in_general", "latin1_bytes"])
async def test_what_was_left_out_is_said_and_the_other_rows_are_kept(loopback, switch):
    """contract.md §3.9: one bad row costs itself."""
    named = [*STUDIES[:2], study("1.2.3", date="20240103", name="Müller^Jörg")]
    page, _ = await found(loopback, named, Query(level=Level.STUDY, limit=50, limit_asked=50), **{switch: True})
    assert [entry.uid for entry in page.entries] == ["1.2.1", "1.2.2", "1.2.3"]
    (outcome,) = page.outcomes
    assert outcome.state is OutcomeState.PARTIAL
    assert outcome.message.count("1 row") == (switch in {"empty_row", "broken_row", "nameless_row"})


class Forgetful(HostileArchive):
    """Lists a study that it does not find by any filter but its UID."""

    def _found(self, level: str, asked: Asked, parents: dict[str, str]) -> list[Record]:
        found = super()._found(level, asked, parents)
        return (
            found if set(asked.filters) <= {STUDY_UID} else [row for row in found if first(row, STUDY_UID) != "1.2.9"]
        )


@pytest.mark.parametrize("count", [5, 60])
@pytest.mark.parametrize(("attribute", "value"), [(NAME, "doe*"), (PATIENT, "P1"), (DATE, "20240101-20240131")])
async def test_a_row_in_hand_that_a_filter_did_not_find_is_shown_and_others_may_be_missing(
    loopback, attribute, value, count
):
    """contract.md §3.6, §3.7: what shows that a filter finds most does not show that it finds all."""
    studies = [
        study(f"1.2.{n + 4}", date=f"202401{n % 28 + 1:02}", name="Doe^Jane", patient_id="P1") for n in range(count)
    ]
    studies += [study("1.2.9", date="20240115", name="Doe^June", patient_id="P1")]
    studies = list({first(row, STUDY_UID): row for row in studies}.values())
    archive = Forgetful(with_images(studies))
    with loopback.serve(archive) as (url,):
        async with Federation(Config(archives=(Archive(name="a", url=url, deadline_s=60),))) as federation:
            page = await federation.search(replace(asked(attribute, value), limit=200))
    (outcome,) = page.outcomes
    assert "1.2.9" in {entry.uid for entry in page.entries}
    assert outcome.state is OutcomeState.PARTIAL


@pytest.mark.parametrize(
    ("switches", "most"),
    [({}, 12), ({"names_case_sensitive": True}, 40), ({"names_folded_in_upper_case_only": True}, 40)],
    ids=["folded", "by case", "folded in capitals"],
)
@pytest.mark.parametrize("names", [("ROE^RICHARD",), ("ROE^RICHARD", "Doe^Jim")])
async def test_where_all_known_names_are_in_capitals_one_in_small_letters_is_not_missed(
    loopback, switches, most, names
):
    """PS3.4 §C.2.2.2.1.4: case may count in names; contract.md §2: it does not here, §3.7: none is proven."""
    studies = [study(f"1.2.{n}", date=f"2024{n % 12 + 1:02}11", name="ROE^RICHARD") for n in range(230)]
    studies += [study(f"1.3.{n}", date="20230101", name=name) for n, name in enumerate(names)]
    page, archive = await found(loopback, studies, asked(NAME, "doe*"), **switches)
    assert [entry.uid for entry in page.entries] == [f"1.3.{n}" for n, name in enumerate(names) if name == "Doe^Jim"]
    assert page.complete, page.outcomes
    assert len(archive.ledger.requests) < most
