"""The same patient's other studies: who is the same patient, and what a filter may leave out."""

import anyio
import pytest

from federator.config import Archive, Config
from federator.dicom.uid import TaggedUID
from federator.errors import NotFound, RequestError
from federator.federation.federation import Federation
from federator.federation.identity.priors import PriorStudies
from federator.model import OutcomeState
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import App, Loopback
from tests.support.hostile.records import (
    BODY_PART,
    MODALITIES,
    SERIES_DESCRIPTION,
    SEX,
    Holdings,
    Record,
    study,
    with_images,
)

pytestmark = pytest.mark.anyio


def held(*studies: Record) -> HostileArchive:
    return HostileArchive(with_images(studies))


async def priors_of(
    loopback: Loopback,
    uid: str,
    *apps: App,
    issuers: dict[str, str] | None = None,
    deadline_s: float = 30.0,
    **filters: str,
) -> PriorStudies:
    """The priors in archives `a`, `b`, `c` …, within the deadline and a moment."""
    with loopback.serve(*apps) as urls, anyio.fail_after(deadline_s + 5):
        archives = tuple(
            Archive(name=name, url=url, deadline_s=deadline_s, patient_id_issuer=(issuers or {}).get(name, ""))
            for name, url in zip("abcdef", urls, strict=False)
        )
        async with Federation(Config(archives=archives)) as federation:
            return await federation.prior_studies(TaggedUID.parse(uid), **filters)


def told(found: PriorStudies) -> dict[str, bool]:
    """UID to whether the patient is certainly the same."""
    return {prior.entry.uid: prior.certain for prior in found.priors}


async def test_the_same_id_in_the_same_archive_is_the_same_patient(loopback):
    """contract.md §3.3: without an issuer the ID belongs to its archive."""
    archive = held(
        study("1.1", date="20240301"),
        study("1.2", date="20230301"),
        study("1.3", date="20240401"),
        study("1.4", date="20240401", patient_id="P2", name="Doe^Jane"),
    )
    found = await priors_of(loopback, "1.1", archive)
    assert [prior.entry.uid for prior in found.priors] == ["1.3", "1.2"]
    assert all(prior.certain for prior in found.priors)
    assert found.reference.uid == "1.1"


async def test_the_same_id_in_another_archive_is_only_a_suggestion(loopback):
    """contract.md §3.3: patients are never merged by name; the reason says what else agrees."""
    found = await priors_of(
        loopback,
        "1.1@a",
        held(study("1.1", date="20240301", birth_date="19700101")),
        held(
            study("2.1", date="20230301", birth_date="19700101"),
            study("2.2", date="20220301", birth_date="19810203", name="Roe^Richard"),
        ),
    )
    assert told(found) == {"2.1": False, "2.2": False}
    assert [prior.reason.partition("; ")[2] for prior in found.priors] == [
        "same birth date and same name",
        "another birth date and another name",
    ]


@pytest.mark.parametrize(
    ("reference", "other", "issuers", "certain"),
    [
        ("HOSP", "HOSP", {}, True),
        ("HOSP", "", {}, False),
        ("", "HOSP", {}, False),
        ("HOSP", "CLINIC", {}, None),
        ("", "", {"a": "HOSP", "b": "HOSP"}, True),
        ("", "", {"a": "HOSP", "b": "CLINIC"}, None),
        ("HOSP", "", {"b": "HOSP"}, True),
        ("HOSP", "HOSP", {"a": "X", "b": "Y"}, True),
        ("HOSP", "CLINIC", {"a": "X", "b": "HOSP"}, None),
        ("", "", {"a": "HOSP"}, False),
    ],
)
async def test_an_issuer_decides_across_archives(loopback, reference, other, issuers, certain):
    """PS3.3 C.2.2: issuer and ID together are the patient; the row's own issuer outweighs the configured one."""
    found = await priors_of(
        loopback,
        "1.1@a",
        held(study("1.1", date="20240301", issuer=reference)),
        held(study("2.1", date="20230301", issuer=other)),
        issuers=issuers,
    )
    assert told(found).get("2.1") is certain


async def test_another_issuer_in_the_same_archive_is_another_patient(loopback):
    """Archives of several hospitals hold equal IDs of different people."""
    found = await priors_of(
        loopback,
        "1.1",
        held(
            study("1.1", date="20240301", issuer="HOSP"),
            study("1.2", date="20230301", issuer="CLINIC"),
            study("1.3", date="20230302", issuer="HOSP"),
        ),
    )
    assert told(found) == {"1.3": True}


async def test_copies_in_two_archives_link_their_two_numberings(loopback):
    """Copies of one study are of one patient, whatever number each archive gives."""
    found = await priors_of(
        loopback,
        "1.1",
        held(study("1.1", date="20240301", patient_id="A-7"), study("1.2", date="20230301", patient_id="A-7")),
        held(
            study("1.1", date="20240301", patient_id="B-9"),
            study("2.2", date="20220301", patient_id="B-9"),
            study("2.3", date="20210301", patient_id="A-7"),
        ),
    )
    assert told(found) == {"1.2": True, "2.2": True, "2.3": False}


async def test_ids_that_look_like_patterns_find_nobody_else(loopback):
    """An ID with a star must not find every patient."""
    found = await priors_of(
        loopback,
        "1.1",
        held(
            study("1.1", date="20240301", patient_id="4*2"),
            study("1.2", date="20230301", patient_id="4*2"),
            study("1.3", date="20230301", patient_id="4711-2"),
        ),
    )
    assert told(found) == {"1.2": True}


WEBER = {"name": "Weber^Anna", "birth_date": "19500101"}
KAYA = {"name": "Kaya^Mehmet", "birth_date": "19880707"}


def sexed(record: Record, sex: str) -> Record:
    return {**record, SEX: (sex,) if sex else ()}


@pytest.mark.parametrize(
    ("other", "sex", "certain", "reason"),
    [
        ({}, "F", True, ""),
        ({"birth_date": ""}, "", True, ""),
        ({"name": ""}, "F", True, ""),
        ({"name": "WEBER^ANNA^MARIA"}, "F", True, ""),
        ({"name": "Weber-^Änna"}, "F", True, ""),
        ({"name": "Huber^Anna"}, "F", True, ""),
        ({"name": "Unknown"}, "F", True, ""),
        ({"birth_date": "19510101"}, "F", False, "another birth date"),
        ({}, "M", False, "another sex"),
        ({"name": "Huber^Anna", "birth_date": ""}, "F", False, "another name, and no birth date that agrees"),
        (KAYA, "F", False, "another birth date and another name"),
    ],
)
async def test_an_equal_id_is_certain_only_where_nothing_speaks_against_it(loopback, other, sex, certain, reason):
    """contract.md §3.8: birth date and sex part people; another name alone does not where the birth date agrees."""
    archive = held(
        sexed(study("1.1", date="20240301", patient_id="P7", **WEBER), "F"),
        sexed(study("1.2", date="20230301", patient_id="P7", **(WEBER | other)), sex),
    )
    found = await priors_of(loopback, "1.1", archive)
    assert told(found) == {"1.2": certain}
    if other is not KAYA:
        assert found.priors[0].reason.endswith(reason)


async def test_an_issuer_in_common_does_not_outweigh_another_birth_date(loopback):
    """contract.md §3.8: the same ID of the same issuer, and no contradiction."""
    found = await priors_of(
        loopback,
        "1.1@a",
        held(study("1.1", date="20240301", issuer="HOSP", **WEBER)),
        held(
            study("2.1", date="20230301", issuer="HOSP", **WEBER),
            study("2.2", date="20220301", issuer="HOSP", **(WEBER | {"birth_date": "19510202"})),
        ),
    )
    assert told(found) == {"2.1": True, "2.2": False}


async def test_an_id_that_an_archive_gives_to_several_people_is_never_certain(loopback):
    """contract.md §3.8: as the rows themselves show, whatever the ID looks like; one slip shows nothing."""
    rows = [
        study("1.1", date="20240301", patient_id="KH-4", **WEBER),
        study("1.2", date="20230301", patient_id="KH-4", **WEBER),
        study("1.3", date="20220301", patient_id="KH-4", **(WEBER | {"birth_date": "19500110"})),
    ]
    assert told(await priors_of(loopback, "1.1", held(*rows))) == {"1.2": True, "1.3": False}
    several = held(*rows, study("1.4", date="20210301", patient_id="KH-4", **KAYA))
    found = await priors_of(loopback, "1.1", several)
    assert told(found) == {"1.2": False, "1.3": False, "1.4": False}
    assert "given to several people" in found.priors[0].reason


async def test_copies_that_contradict_each_other_are_not_certain(loopback):
    """contract.md §3.8: of two copies, the one that speaks against it counts."""
    found = await priors_of(
        loopback,
        "1.1",
        held(
            study("1.1", date="20240301", issuer="HOSP", **WEBER), study("1.2", date="20230301", issuer="HOSP", **WEBER)
        ),
        held(study("1.2", date="20230301", issuer="HOSP", **(WEBER | {"birth_date": "19770101"}))),
    )
    assert told(found) == {"1.2": False}


@pytest.mark.parametrize("patient_id", ["UNKNOWN", "0", "unbekannt", "999999", "12345"])
async def test_a_placeholder_for_an_id_makes_nobody_certain(loopback, patient_id):
    """contract.md §3.8: only what shares more than the placeholder is listed, the others are counted."""
    archive = held(
        study("1.1", date="20240301", patient_id=patient_id, **WEBER),
        study("1.2", date="20230301", patient_id=patient_id, **WEBER),
        study("1.3", date="20220301", patient_id=patient_id, **KAYA),
        study("1.4", date="20210301", patient_id=patient_id, name="", birth_date=""),
    )
    found = await priors_of(loopback, "1.1", archive)
    assert told(found) == {"1.2": False}
    assert "placeholder" in found.priors[0].reason
    assert "left out here: 2." in found.notes[0]


@pytest.mark.parametrize("patient_id", ["-", "?????", "*"])
async def test_an_id_of_signs_alone_is_not_looked_up(loopback, patient_id):
    """Wild cards and dashes would ask for every patient of the archive."""
    with pytest.raises(NotFound, match="no Patient ID"):
        await priors_of(loopback, "1.1", held(study("1.1", patient_id=patient_id), study("1.2", patient_id=patient_id)))


async def test_an_issuer_that_is_none_joins_nobody(loopback):
    """Two hospitals that both write UNKNOWN for their issuer have no issuer in common."""
    found = await priors_of(
        loopback,
        "1.1@a",
        held(study("1.1", date="20240301", issuer="UNKNOWN")),
        held(study("2.1", date="20230301", issuer="UNKNOWN")),
    )
    assert told(found) == {"2.1": False}


async def test_a_study_without_a_patient_id_has_no_priors_that_could_be_safe(loopback):
    """contract.md §3.3: never by name."""
    with pytest.raises(NotFound, match="no Patient ID"):
        await priors_of(loopback, "1.1", held(study("1.1", patient_id=""), study("1.2", patient_id="")))


async def test_an_unknown_archive_in_the_tag_is_an_error(loopback):
    """contract.md §1: never "ask everyone"."""
    with pytest.raises(RequestError, match=r"Unknown archive 'mian'\. Configured: a"):
        await priors_of(loopback, "1.1@mian", held(study("1.1")))


async def test_a_modality_leaves_out_what_has_others_and_keeps_what_tells_none(loopback):
    """Unknown is not no."""
    silent = {**study("1.4", date="20200101"), MODALITIES: ()}
    archive = held(
        study("1.1", date="20240301"),
        study("1.2", date="20230301", modalities=("CT", "SR")),
        study("1.3", date="20220301", modalities=("MR",)),
        silent,
    )
    found = await priors_of(loopback, "1.1", archive, modality=" ct ")
    assert [(prior.entry.uid, prior.has_report) for prior in found.priors] == [("1.2", True), ("1.4", False)]


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("CT,MR", {"1.2", "1.3"}),
        ("ct, mr", {"1.2", "1.3"}),
        ("MRI", {"1.3"}),
        ("CT scan", {"1.2"}),
        ("X-Ray", {"1.5"}),
        ("QQ", set()),
    ],
)
async def test_modalities_may_be_a_list_or_words(loopback, modality, expected):
    """The tool's own text: CT or CT,MR. A modality that no other study has is said."""
    archive = held(
        study("1.1", date="20240301"),
        study("1.2", date="20230301", modalities=("CT", "SR")),
        study("1.3", date="20220301", modalities=("MR",)),
        study("1.5", date="20200301", modalities=("DX",)),
    )
    found = await priors_of(loopback, "1.1", archive, modality=modality)
    assert {prior.entry.uid for prior in found.priors} == expected
    assert found.notes == (() if expected else ("The patient's other studies have none of QQ.",))


def with_body_parts(parts: dict[str, tuple[str, str]]) -> Holdings:
    """One reference, 1.1, and priors whose series tell a body part and a description."""
    holdings = with_images([study("1.1", date="20240301"), *(study(uid, date="20230301") for uid in parts)])
    holdings.series = [
        {**row, BODY_PART: (parts[uid][0],) if parts[uid][0] else (), SERIES_DESCRIPTION: (parts[uid][1],)}
        for row in holdings.series
        if (uid := str(row["0020000D"][0])) in parts
    ]
    return holdings


async def test_a_body_part_leaves_out_what_shows_others_and_keeps_what_tells_none(loopback):
    """Body Part Examined is often empty or too coarse: descriptions count too."""
    holdings = with_body_parts(
        {"1.2": ("CHEST", "x"), "1.3": ("KNEE", "x"), "1.4": ("", "x"), "1.5": ("BODY", "Thorax and CHEST")}
    )
    for written in ("chest", "Thorax", "lung"):
        found = await priors_of(loopback, "1.1", HostileArchive(holdings), body_part=written)
        assert {prior.entry.uid: prior.body_parts for prior in found.priors} == {
            "1.2": ("CHEST",),
            "1.4": (),
            "1.5": ("BODY",),
        }


class Hanging:
    """Answers what `archive` answers, but keeps silent where `hangs` says so."""

    def __init__(self, archive: HostileArchive, hangs: str) -> None:
        self._archive = archive
        self._hangs = hangs
        self.hung = 0

    async def __call__(self, scope, receive, send) -> None:
        asked = scope["path"].removeprefix(scope["root_path"]) + "?" + scope["query_string"].decode()
        if self._hangs not in asked:
            await self._archive(scope, receive, send)
            return
        self.hung += 1
        while (await receive())["type"] != "http.disconnect":
            pass


async def test_series_lists_that_do_not_come_keep_their_priors_and_the_deadline(loopback):
    """contract.md §3.1: one deadline; forty lists of which none comes wait together, not one after another."""
    holdings = with_body_parts({f"2.{number}": ("KNEE", "x") for number in range(40)})
    hanging = Hanging(HostileArchive(holdings), "/series")
    with anyio.move_on_after(5) as late:
        found = await priors_of(loopback, "1.1", hanging, body_part="chest", deadline_s=3.0)
    assert not late.cancelled_caught
    assert len(found.priors) == 40
    assert all("could not be read" in prior.reason for prior in found.priors)
    assert hanging.hung


async def test_the_steps_share_the_deadline_when_an_archive_hangs(loopback):
    """contract.md §3.1: the look-up of the study and that of the patient together."""
    hanging = Hanging(held(study("9.9")), "/studies")
    with anyio.move_on_after(5) as late:
        found = await priors_of(
            loopback, "1.1", held(study("1.1", date="20240301"), study("1.2", date="20230301")), hanging, deadline_s=3.0
        )
    assert not late.cancelled_caught
    assert told(found) == {"1.2": True}
    assert [outcome.state for outcome in found.outcomes] == [OutcomeState.ANSWERED, OutcomeState.TIMED_OUT]
    assert found.notes == ("Whether b also holds the study, and how it numbers the patient, could not be asked.",)
