"""Nine archives to stand a long time with, most of which are odd, and questions whose answers are known."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from tests.support.hostile.archive import HostileArchive, Ledger
from tests.support.hostile.loopback import App
from tests.support.hostile.oracle import Wanted, union
from tests.support.hostile.records import (
    MODALITIES,
    PATIENT_ID,
    PATIENT_NAME,
    STUDY_DATE,
    Holdings,
    Record,
    study,
    with_images,
)
from tests.support.hostile.switches import Order, Switches

NAMES = ("north", "south", "capped", "keywords", "untold", "foul", "busy", "dropping", "hung")
"""`capped` cuts its answers without a word, `keywords` knows no tags and compares by case, `untold` writes its answers
oddly and tells no modalities, `foul` warns and gives rows that are none, `busy` and `dropping` fail half of the time,
`hung` always."""

WHOLE = NAMES[:5]
"""Those of which a whole answer can be had at any time."""

STEADY = frozenset(NAMES[:2])
"""Those that always give everything."""

_COUNT = 240
_CAP = 51
_KEYWORDS = Switches(
    keywords_only=True, names_case_sensitive=True, one_uid_only=True, no_relational_routes=True, empty_204=True
)
_UNTOLD = Switches(
    untold_modalities=True,
    joined_names=True,
    control_characters=True,
    blank_padded_uids=True,
    numbers_as_strings=True,
    null_for_none=True,
    plain_json_only=True,
)
_FOUL = Switches(nameless_row=True, broken_row=True, empty_row=True, warned_in_general=True)
_FAMILIES = ("Doe^Jane", "Müller^Jörg", "O'Brien^Siobhan", "Yamada^Tarou")

QUESTIONS: tuple[tuple[str, Wanted], ...] = (
    ("", {}),
    ("StudyDate=2024", {STUDY_DATE: ["20240101-20241231"]}),
    ("StudyDate=20240301-20240601", {STUDY_DATE: ["20240301-20240601"]}),
    ("StudyDate=-2021-12-31", {STUDY_DATE: ["-20211231"]}),
    ("PatientName=doe*", {PATIENT_NAME: ["doe*"]}),
    ("PatientName=MULLER*", {PATIENT_NAME: ["muller*"]}),
    ("PatientID=P7", {PATIENT_ID: ["P7"]}),
    ("ModalitiesInStudy=MR", {MODALITIES: ["MR"]}),
    ("ModalitiesInStudy=CT,US StudyDate=2023", {MODALITIES: ["CT", "US"], STUDY_DATE: ["20230101-20231231"]}),
)
"""Queries, and what the oracle takes them for."""

MALFORMED = ("PatientNam=x", "StudyDate=20241341", 'PatientName="x', "limit=-1", "knee")


def few(archive: int) -> list[Record]:
    """Eight studies of one archive."""
    return [study(f"1.2.{archive}.{n}", date=f"202{n % 6}0{n % 9 + 1}11", time="101010") for n in range(8)]


def one_day(size: int) -> list[Record]:
    """So many studies of the same day without a time."""
    return [study(f"1.2.{number}", date="20240105", name=f"Name{number}^A") for number in range(size)]


def holdings(archive: int) -> Holdings:
    """What an archive has: a third of it is in the next archive as well."""
    numbers = range(archive * _COUNT, (archive + 1) * _COUNT + _COUNT // 3)
    return with_images([_study(number) for number in numbers])


def _study(number: int) -> Record:
    rng = random.Random(number)
    return study(
        f"1.2.{number}",
        date=f"{rng.randrange(2020, 2026)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}" if number % 40 else "",
        time=f"{rng.randrange(24):02}{rng.randrange(60):02}{rng.randrange(60):02}",
        name=rng.choice(_FAMILIES),
        patient_id=f"P{rng.randrange(60)}",
        modalities=rng.sample(("CT", "MR", "US"), rng.randrange(1, 3)),
    )


def expected(archives: Sequence[str], wanted: Wanted, held: Mapping[str, Holdings]) -> list[str]:
    """The UIDs of all studies that match in these archives, newest first."""
    return union([held[name].studies for name in archives], wanted)


class Flapping:
    """An archive that is well for half a period and then not: it is `busy` (503), or it drops the connection."""

    def __init__(self, archive: HostileArchive, *, period_s: float, drops: bool) -> None:
        self._archive, self._period_s, self._drops = archive, period_s, drops

    @property
    def ledger(self) -> Ledger:
        """What the archive behind saw."""
        return self._archive.ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one HTTP request (ASGI 3), or not."""
        if time.monotonic() % self._period_s < self._period_s / 2:
            await self._archive(scope, receive, send)
        elif self._drops:
            # An app that ends before its body does: uvicorn closes the connection.
            headers = [(b"content-type", b"application/dicom+json"), (b"content-length", b"100000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'[{"0020000D":', "more_body": True})
        else:
            headers = [(b"content-length", b"0"), (b"retry-after", b"1")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": b""})


class Hung:
    """An archive that takes every request and never answers."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    async def __call__(self, _scope: Any, receive: Any, _send: Any) -> None:  # noqa: ANN401 - ASGI
        """Take one HTTP request (ASGI 3), and wait until the client hangs up."""
        self.ledger.under_way += 1
        self.ledger.most_under_way = max(self.ledger.most_under_way, self.ledger.under_way)
        try:
            # The first is the request itself, which has no body.
            await receive()
            await receive()
        finally:
            self.ledger.under_way -= 1


class Patient:
    """An archive that takes its time for every request, unless the client hangs up meanwhile."""

    def __init__(self, archive: HostileArchive, *, latency_s: float) -> None:
        self._archive, self._latency_s = archive, latency_s
        self.ledger = archive.ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one HTTP request (ASGI 3); it counts as under way until then."""
        request = await receive()
        self.ledger.under_way += 1
        self.ledger.most_under_way = max(self.ledger.most_under_way, self.ledger.under_way)
        try:
            with anyio.move_on_after(self._latency_s):
                await receive()
                return
        finally:
            self.ledger.under_way -= 1

        async def again() -> Any:  # noqa: ANN401 - ASGI
            return request

        await self._archive(scope, again, send)


def apps(*, period_s: float) -> list[App]:
    """All of them, in the order of NAMES."""
    north, south, capped, keywords, untold, foul, busy, dropping = (holdings(number) for number in range(8))
    return [
        HostileArchive(north, latency_s=0.002),
        HostileArchive(south, Switches(order=Order.OLDEST), latency_s=0.004),
        HostileArchive(capped, Switches(silent_cap=_CAP)),
        HostileArchive(keywords, _KEYWORDS),
        HostileArchive(untold, _UNTOLD),
        HostileArchive(foul, _FOUL),
        Flapping(HostileArchive(busy), period_s=period_s, drops=False),
        Flapping(HostileArchive(dropping), period_s=period_s * 1.3, drops=True),
        Hung(),
    ]


def well_apps(*, latency_s: float) -> list[App]:
    """Four archives of the same kind that always answer, each after a while."""
    return [Patient(HostileArchive(holdings(number)), latency_s=latency_s) for number in range(4)]
