"""Whole situations at random: archives with quirks, studies that overlap and disagree, and questions about them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from hypothesis import strategies as st

from tests.support.hostile.oracle import Wanted
from tests.support.hostile.records import (
    ACCESSION_NUMBER,
    MODALITIES,
    PATIENT_ID,
    PATIENT_NAME,
    STUDY_DATE,
    STUDY_DESCRIPTION,
    STUDY_TIME,
    STUDY_UID,
    Record,
    study,
)
from tests.support.hostile.switches import Fuzzy, IncludeField, Order, OrderBy, RepeatedKey, Switches, UnknownKey

SETTINGS: Mapping[str, Sequence[Any]] = {
    # Known gap: an archive that ignores dates, cuts its lists without a word at a number that no archive is known to be
    # shipped with, and honours offsets inside that cut. The list, the page behind it, the last row asked for by its
    # offset and any window of dates are then what an archive of just so many studies answers: who doubts them calls
    # every such archive `partial`. One that applies dates gives more for its windows than for the whole, and one whose
    # offsets do nothing gives more than the last row, at whatever number. A study that one question brought and another
    # one, which it matches, did not shows it as well (`Search._hold_against`), and so would a list of series below all
    # studies that is longer, but not where it is as long (one series each). So the caps here are well-known ones.
    "silent_cap": (50, 100),
    "warned_cap": (10, 25),
    "over_limit_refused": (100, 200),
    "clamp_limit": (20, 50, 100),
    "default_limit": (20, 100),
    "too_broad": (30, 60),
    "short_pages": (1, 2),
    "offset_clamp": (40,),
    "order": tuple(Order),
    "orderby": tuple(OrderBy),
    "ignored_keys": (
        frozenset({PATIENT_ID}),
        frozenset({PATIENT_NAME}),
        frozenset({MODALITIES, STUDY_DESCRIPTION}),
        frozenset({ACCESSION_NUMBER}),
    ),
    "unknown_key": tuple(UnknownKey),
    "include_field": tuple(IncludeField),
    "repeated_key": tuple(RepeatedKey),
    "fuzzy": tuple(Fuzzy),
    # Both can write every letter.
    "declared_charset": ("gb18030", "utf-16"),
}
"""What the switches that are not simply on or off are set to."""

NAMES = (
    "Doe^Jane",
    "doe^john",
    "DOE^JANE^Q",
    "Müller^Jörg",
    "Muller^Hans",
    "O'Brien^Siobhan",
    ("Yamada^Tarou", "山田^太郎", "やまだ^たろう"),
    "",
)
DATES = ("20240105", "20240105", "20240105", "20240106", "20231231", "20240229", "20190708", "19991231", "", "20991231")
TIMES = ("", "0930", "093000", "101530.25", "235959", "000000")
DESCRIPTIONS = ("", "KNEE LEFT", "Knee right", "KNEE\nBOTH", "CHEST, ABDOMEN", "Tête")

# A filter as it is written, and what the oracle takes it for.
FILTERS: tuple[tuple[str, Wanted], ...] = (
    ("PatientName=doe*", {PATIENT_NAME: ["doe*"]}),
    ("PatientName=Doe^Jane", {PATIENT_NAME: ["doe^jane"]}),
    ("PatientName=MÜLLER*", {PATIENT_NAME: ["müller*"]}),
    ("PatientName=*山田*", {PATIENT_NAME: ["*山田*"]}),
    ("PatientName=o'brien*", {PATIENT_NAME: ["o'brien*"]}),
    ("PatientID=P1", {PATIENT_ID: ["P1"]}),
    ("PatientID=P2,p3", {PATIENT_ID: ["P2", "p3"]}),
    ("PatientID=P?", {PATIENT_ID: ["P?"]}),
    ("StudyDate=2024", {STUDY_DATE: ["20240101-20241231"]}),
    ("StudyDate=-2023-12-31", {STUDY_DATE: ["-20231231"]}),
    ("StudyDate=20240105", {STUDY_DATE: ["20240105"]}),
    ("StudyDate=20240106-", {STUDY_DATE: ["20240106-"]}),
    ("StudyDate=20240105 StudyTime=0900-1100", {STUDY_DATE: ["20240105"], STUDY_TIME: ["0900-1100"]}),
    ("ModalitiesInStudy=CT", {MODALITIES: ["CT"]}),
    ("Modality=CT,US", {MODALITIES: ["CT", "US"]}),
    ("StudyDescription=knee*", {STUDY_DESCRIPTION: ["knee*"]}),
    ("AccessionNumber=A3", {ACCESSION_NUMBER: ["A3"]}),
    ("StudyInstanceUID=1.2.1,1.2.5,1.2.77", {STUDY_UID: ["1.2.1", "1.2.5", "1.2.77"]}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the archives hold, what they do wrong, and what is asked; `arriving` are studies stored between pages."""

    switches: tuple[Switches, ...]
    holdings: tuple[tuple[Record, ...], ...]
    query: str
    wanted: Wanted
    limit: int
    arriving: tuple[tuple[int, Record], ...] = field(default=())

    def __repr__(self) -> str:
        told = [
            f"{len(held)} studies, {_told(switches)}"
            for held, switches in zip(self.holdings, self.switches, strict=True)
        ]
        return f"Scene({self.query!r}, limit={self.limit}, arriving={len(self.arriving)}: {'; '.join(told)})"


def _told(switches: Switches) -> str:
    changed = {f.name: getattr(switches, f.name) for f in fields(Switches) if getattr(switches, f.name) != f.default}
    return str(changed or "as the standard says")


def _settings(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(SETTINGS[name]) if name in SETTINGS else st.just(value=True)


def quirks(names: Sequence[str], *, most: int = 5) -> st.SearchStrategy[Switches]:
    """An archive with up to `most` of these quirks."""
    chosen = st.lists(st.sampled_from(names), max_size=most, unique=True)
    return chosen.flatmap(lambda some: st.fixed_dictionaries({name: _settings(name) for name in some})).map(
        lambda settings: Switches(**settings)
    )


def _study(rng: random.Random, number: int) -> Record:
    return study(
        f"1.2.{number}",
        date=rng.choice(DATES)
        if rng.random() < 0.6
        else f"20{rng.randrange(10, 25)}0{rng.randrange(1, 10)}1{rng.randrange(10)}",
        time=rng.choice(TIMES),
        name=rng.choice(NAMES),
        patient_id=rng.choice(("P1", "P2", "p3", "P10", "")),
        description=rng.choice(DESCRIPTIONS),
        modalities=rng.sample(("CT", "MR", "US", "SR"), rng.randrange(1, 3)),
        accession_number=f"A{number % 9}" if number % 4 else "",
        instances=rng.randrange(1, 5),
    )


def _copy(rng: random.Random, record: Record) -> Record:
    """A copy in another archive; one in eight disagrees about something."""
    if rng.random() < 0.875:
        return record
    tag, value = rng.choice(
        [(STUDY_DATE, "20240107"), (STUDY_DATE, ""), (STUDY_DESCRIPTION, "Other"), (STUDY_TIME, "1200")]
    )
    return {**record, tag: (value,) if value else ()}


@st.composite
def scenes(
    draw: st.DrawFn, names: Sequence[str], *, most_studies: int = 70, arriving: bool = False, least_archives: int = 2
) -> Scene:
    """A scene with archives that have some of the named quirks."""
    switches = draw(st.lists(quirks(names), min_size=least_archives, max_size=6))
    rng = random.Random(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, most_studies))
    holdings: list[list[Record]] = [[] for _ in switches]
    for number in range(count):
        record = _study(rng, number)
        holders = {rng.randrange(len(switches))} | {n for n in range(len(switches)) if rng.random() < 0.15}
        for holder in sorted(holders):
            holdings[holder].append(_copy(rng, record) if len(holders) > 1 else record)
    for held in holdings:
        rng.shuffle(held)
    chosen = draw(st.lists(st.sampled_from(FILTERS), max_size=2, unique_by=lambda one: one[0].partition("=")[0]))
    wanted: dict[str, Sequence[str]] = {}
    for _, part in chosen:
        if set(part) & set(wanted):
            chosen = chosen[:1]
            break
        wanted |= part
    wanted = {tag: values for _, part in chosen for tag, values in part.items()}
    count = draw(st.integers(1, 6)) if arriving else 0
    new = [(rng.randrange(len(switches)), _study(rng, 1_000 + number)) for number in range(count)]
    return Scene(
        switches=tuple(replace(one) for one in switches),
        holdings=tuple(tuple(held) for held in holdings),
        query=" ".join(text for text, _ in chosen),
        wanted=wanted,
        limit=draw(st.sampled_from((10, 20) if arriving else (10, 25, 50, 200))),
        arriving=tuple(new),
    )
