"""Trying a filter on a row that the archive is known to hold, before an empty answer is believed.

An archive that does not know wild cards answers `Doe*` with nothing, one that matches case by case answers `DOE*`
with nothing, and both look like "no such patient". So the first time a kind of filter is to be sent, it is tried on
a known row: if that row is not found, this archive is asked without the filter from then on, and the rows are
checked here.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.search import wire
from federator.archive.search.request import REFUSALS, Request, ask
from federator.archive.search.wire import ACCENTS, DATES, PERSON_NAMES, STUDY_DATE, STUDY_UID, UID_LISTS, Term
from federator.dicom import json
from federator.dicom.query.filters import Filter, FilterKind
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

Trial = tuple[tuple[str, str], ...]

_PATIENT_NAME = "00100010"
_TRIAL_LIMIT = 100
_IMPOSSIBLE = {
    FilterKind.DATE: "17010101",
    FilterKind.UID: "2.25.1",
    FilterKind.CODE: "QZXQ",
    FilterKind.INTEGER: "987654321",
    FilterKind.NUMBER: "987654321",
    FilterKind.TIME: "235959.999998",
    FilterKind.DATETIME: "17010101000000",
}
_NO_SUCH_TEXT = "QZXQNOSUCHVALUE"
_OFTEN_ASKED = ("00081030", "00080050", wire.MODALITIES_IN_STUDY, "00100020", "00100021", "00080090", "00200010")


def keep_sample(client: ArchiveClient, found: Sequence[DicomJson], tags: Sequence[str] = ()) -> None:
    """Keep a few telling rows of an answer to try filters on: dated, with small letters, with marks.

    And for each attribute that is often asked for, or stands in `tags`, one that has it.
    """
    wanted: tuple[Callable[[DicomJson], bool], ...] = (
        _oddly_dated,
        lambda row: bool(json.date(row, STUDY_DATE)),
        lambda row: bool(_small_letters(row)),
        lambda row: bool(_marked(row)),
        *(partial(json.has_value, tag=tag) for tag in (*_OFTEN_ASKED, *tags)),
        lambda _row: True,
    )
    held = [row for row in found if json.uid(row, STUDY_UID)]
    chosen = (next((row for row in held if wants(row)), None) for wants in wanted)
    sample = {json.uid(row, STUDY_UID): row for row in (*chosen, *held[-1:]) if row is not None}
    client.habits.sample = tuple(sample.values())


async def establish(client: ArchiveClient, asked: Iterable[Term], *, dates: bool, uid_list: bool) -> None:
    """Try every kind of filter in `asked` that this archive was not tried with yet. Raises ArchiveError."""
    habits = client.habits
    if habits.trusted:
        habits.sound.setdefault(UID_LISTS, True)
        return
    trials: dict[str, Trial | None] = {}
    for term in asked:
        if term.kind and term.kind not in habits.sound:
            trials[term.kind] = _trial(client, term.sent)
        if term.kind == PERSON_NAMES and ACCENTS not in habits.sound:
            trials[ACCENTS] = _accents(client)
    if dates and DATES not in habits.sound:
        trials[DATES] = _dates(client)
    if uid_list and UID_LISTS not in habits.sound:
        trials[UID_LISTS] = _uid_list(client)
    await concurrently([partial(_try, client, kind, trial) for kind, trial in trials.items() if trial is not None])


async def honours(client: ArchiveClient, filter_: Filter) -> bool:
    """Whether the archive answers an impossible value of this attribute with nothing, so that it knows the filter."""
    habits = client.habits
    key = (Level.STUDY, filter_.tag)
    if habits.trusted:
        return True
    if key not in habits.honoured_filters:
        value = _IMPOSSIBLE.get(filter_.kind, _NO_SUCH_TEXT)
        answer = await ask(
            client,
            Request(level=Level.STUDY, path="/studies", terms=((filter_.tag, value),), limit=_TRIAL_LIMIT),
        )
        habits.honoured_filters[key] = not answer.rows and key not in habits.refused_filters
    return habits.honoured_filters[key]


async def _try(client: ArchiveClient, kind: str, trial: Trial) -> None:
    """Ask for known studies with a filter that they match; what is refused is not sound either."""
    request = Request(level=Level.STUDY, path="/studies", terms=trial, limit=_TRIAL_LIMIT, whole=True)
    try:
        answer = await ask(client, request)
    except ArchiveError as refusal:
        if refusal.http_status not in REFUSALS:
            raise
        client.habits.sound[kind] = False
        return
    found = {json.uid(row, STUDY_UID) for row in answer.rows}
    known = {json.uid(row, STUDY_UID) for row in _sample(client)}
    expected = known.intersection(*(value.split(",") for tag, value in trial if tag == STUDY_UID))
    client.habits.sound[kind] = expected <= found


def _sample(client: ArchiveClient) -> tuple[DicomJson, ...]:
    return client.habits.sample or ()


def _on(row: DicomJson, tag: str, value: str) -> Trial:
    known = (STUDY_UID, json.uid(row, STUDY_UID))
    # A key that is given twice is an error to some archives.
    return (known,) if tag == STUDY_UID else (known, (tag, value))


def _trial(client: ArchiveClient, sent: Filter) -> Trial | None:
    """A value of the same form as `sent` that a known row matches."""
    rows = _sample(client)
    if sent.tag == _PATIENT_NAME:
        # Small letters tell about case as well; where no name has any, one in capitals still tells about wild cards.
        rows = tuple(sorted(rows, key=lambda row: not _small_letters(row)))
    for row in rows:
        value = _own_value(row, sent)
        if value:
            return _on(row, sent.tag, value)
    return None


def _own_value(row: DicomJson, sent: Filter) -> str:
    if sent.kind is FilterKind.NAME:
        return _own_pattern((_small_letters(row) if sent.tag == _PATIENT_NAME else "") or _first_name(row, sent.tag))
    value = json.texts(row, sent.tag)[0] if json.texts(row, sent.tag) else ""
    if not value or not value.isascii():
        return ""
    if sent.kind is FilterKind.TEXT:
        return _text_pattern(value) if sent.has_wildcard else (value if not wire.needs_pattern(value) else "")
    return value


def _first_name(row: DicomJson, tag: str) -> str:
    return next((name.alphabetic for name in json.names(row, tag) if name.alphabetic), "")


def _own_pattern(name: str) -> str:
    pattern = wire.name_pattern(name[: max(2, len(name) // 2)]) if name else ""
    return pattern if pattern.strip("*") else ""


def _text_pattern(value: str) -> str:
    head = value[: max(1, len(value) // 2)]
    return "" if wire.needs_pattern(head) else f"{head}*"


def _small_letters(row: DicomJson) -> str:
    """A patient's name in plain letters, some of them small: it tells whether case matters."""
    return next(
        (
            name.alphabetic
            for name in json.names(row, _PATIENT_NAME)
            if name.alphabetic.isascii() and name.alphabetic != name.alphabetic.upper() and len(name.alphabetic) > 1
        ),
        "",
    )


def _marked(row: DicomJson) -> str:
    """A patient's name with marks on Latin letters, without its marks: `Muller` for `Müller`."""
    for name in json.names(row, _PATIENT_NAME):
        plain = "".join(c for c in unicodedata.normalize("NFKD", name.alphabetic) if not unicodedata.combining(c))
        if plain != name.alphabetic and plain.isascii():
            return plain
    return ""


def _accents(client: ArchiveClient) -> Trial | None:
    for row in _sample(client):
        plain = _marked(row)
        if plain:
            return _on(row, _PATIENT_NAME, wire.name_pattern(plain))
    return None


def _oddly_dated(row: DicomJson) -> bool:
    """Whether a study date came as it stands in old files (2019.01.02): ranges of dates may not find it."""
    return json.date(row, STUDY_DATE) not in {"", json.text(row, STUDY_DATE)}


def _dates(client: ArchiveClient) -> Trial | None:
    for row in sorted(_sample(client), key=_oddly_dated, reverse=True):
        date = json.date(row, STUDY_DATE)
        if date:
            return _on(row, STUDY_DATE, f"{date}-{date}")
    return None


def _uid_list(client: ArchiveClient) -> Trial | None:
    uids = [json.uid(row, STUDY_UID) for row in _sample(client)]
    # One known UID and one that nobody has tell a list from a literal just as well as two known ones.
    return ((STUDY_UID, ",".join((*uids[:2], "2.25.1"))),) if uids else None
