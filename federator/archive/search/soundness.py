"""Trying a filter on a row that the archive is known to hold, before an empty answer is believed.

An archive that does not know wild cards answers `Doe*` with nothing, one that matches case by case answers `DOE*`
with nothing, and both look like "no such patient". So the first time a kind of filter is sent, it is tried on a known
row beside the question: if that row is not found, this archive is asked without the filter from then on, and the rows
are checked here.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.naming import Naming
from federator.archive.search import samples, wire
from federator.archive.search.request import REFUSALS, Request, ask_as_taken
from federator.archive.search.wire import (
    ACCENTS,
    CAPITALS,
    DATES,
    PATIENT_NAME,
    PERSON_NAMES,
    STUDY_DATE,
    STUDY_UID,
    UID_LISTS,
)
from federator.dicom import json
from federator.dicom.query.filters import Filter, FilterKind
from federator.dicom.query.matching import Verdict, judge
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

Sample = tuple[DicomJson, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A question whose answer is known: it has to find the `expected` studies. `sent` is the filter that it tries."""

    terms: tuple[tuple[str, str], ...]
    expected: frozenset[str]
    sent: Filter | None = None


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


def give_up(client: ArchiveClient, naming: Naming, needs: Mapping[str, Filter | None]) -> None:
    """Have no trust in kinds of filter for which rows with a value were found, but none that it could be tried on."""
    known = client.habits.known
    if known.trusted:
        return
    for kind, sent in needs.items():
        if sent is None or kind.startswith(CAPITALS) or (naming, kind) in known.sound:
            continue
        held = any(json.has_value(row, sent.tag) for row in known.sample)
        if held and sent.tag in known.looked_for and _trial(known.sample, sent) is None:
            client.habits.sound(naming, kind, yes=False)


def trials(client: ArchiveClient, naming: Naming, needs: Mapping[str, Filter | None]) -> dict[str, Trial]:
    """What can be tried now of the kinds of filter that were not tried yet."""
    known = client.habits.known
    if known.trusted:
        return {}
    untried = {kind: sent for kind, sent in needs.items() if (naming, kind) not in known.sound}
    found = {kind: _trial_of(known.sample, kind, sent) for kind, sent in untried.items()}
    return {kind: trial for kind, trial in found.items() if trial is not None}


def _trial_of(sample: Sample, kind: str, sent: Filter | None) -> Trial | None:
    if kind == ACCENTS:
        return _accents(sample)
    if kind == DATES:
        return _dates(sample)
    if kind == UID_LISTS:
        return _uid_list(sample)
    if sent is None:
        return None
    trial = _capitals(sample, sent) if kind.startswith(CAPITALS) else _trial(sample, sent)
    return replace(trial, sent=sent) if trial is not None else None


async def try_out(client: ArchiveClient, naming: Naming, tried: Mapping[str, Trial]) -> None:
    """Try these kinds of filter, each once however many ask. A trial that breaks down teaches nothing."""
    await concurrently(
        [partial(_tried_once, client, naming, kind, trial) for kind, trial in tried.items()],
    )


async def _tried_once(client: ArchiveClient, naming: Naming, kind: str, trial: Trial) -> None:
    with suppress(ArchiveError):
        await client.habits.once((naming, kind), partial(_try, client, naming, kind, trial))


def shown(kind: str, sent: Filter, rows: Iterable[DicomJson]) -> bool:
    """Whether the question's own answer shows what a trial would: a row like those that are tried was found."""
    if kind in {ACCENTS, DATES, UID_LISTS} or kind.startswith(CAPITALS):
        return False
    telling = samples.small_letters if sent.tag == PATIENT_NAME else bool
    return any(telling(row) and judge(row, sent) is Verdict.MATCH for row in rows)


def dates_shown(sample: Sample, rows: Iterable[DicomJson]) -> bool:
    """Whether rows that a range of dates found show that it finds all: no row is known to tell its date otherwise."""
    return (
        bool(sample) and not any(map(samples.oddly_dated, sample)) and any(json.date(row, STUDY_DATE) for row in rows)
    )


async def honours(client: ArchiveClient, naming: Naming, filter_: Filter) -> bool:
    """Whether the archive answers an impossible value of this attribute with nothing, so that it knows the filter."""
    place = (naming, Level.STUDY, filter_.tag)
    if client.habits.known.trusted:
        return True
    if place not in client.habits.known.honoured:
        await client.habits.once(place, partial(_look_whether_honoured, client, naming, filter_))
    return client.habits.known.honoured.get(place, False)


async def _look_whether_honoured(client: ArchiveClient, naming: Naming, filter_: Filter) -> None:
    value = _IMPOSSIBLE.get(filter_.kind, _NO_SUCH_TEXT)
    request = Request(
        level=Level.STUDY, path="/studies", terms=((filter_.tag, value),), limit=_TRIAL_LIMIT, naming=naming
    )
    reply = await ask_as_taken(client, request)
    client.habits.honoured(
        (naming, Level.STUDY, filter_.tag), yes=not reply.answer.rows and reply.sent.terms == request.terms
    )


async def _try(client: ArchiveClient, naming: Naming, kind: str, trial: Trial) -> None:
    """Ask for known studies with a filter that they match; what is refused is not sound either."""
    if (naming, kind) in client.habits.known.sound:
        return
    request = Request(
        level=Level.STUDY, path="/studies", terms=trial.terms, limit=_TRIAL_LIMIT, whole=True, naming=naming
    )
    try:
        reply = await ask_as_taken(client, request)
    except ArchiveError as refusal:
        if refusal.http_status not in {*REFUSALS, samples.TOO_BROAD}:
            raise
        client.habits.sound(naming, kind, yes=False)
        return
    found = {json.uid(row, STUDY_UID) for row in reply.answer.rows}
    # Where a term had to be left out, the filter was not tried.
    yes = trial.expected <= found and reply.sent.terms == request.terms
    if yes and kind == PERSON_NAMES and await samples.take_small_letters(client, naming):
        # Only a name in small letters tells about case, and there is one: it is tried as well.
        another = _trial_of(client.habits.known.sample, kind, trial.sent)
        if another is not None:
            await _try(client, naming, kind, another)
            return
    client.habits.sound(naming, kind, yes=yes)


def _on(row: DicomJson, tag: str, value: str) -> Trial:
    uid = json.uid(row, STUDY_UID)
    # A key that is given twice is an error to some archives.
    terms = ((STUDY_UID, uid),) if tag == STUDY_UID else ((STUDY_UID, uid), (tag, value))
    return Trial(terms=terms, expected=frozenset({uid}))


def _trial(sample: Sample, sent: Filter) -> Trial | None:
    """A value of the same form as `sent` that a known row matches."""
    if sent.tag == PATIENT_NAME:
        # Small letters tell about case as well; where no name has any, one in capitals still tells about wild cards.
        sample = tuple(sorted(sample, key=lambda row: not samples.small_letters(row)))
    for row in sample:
        value = _own_value(row, sent)
        if value:
            return _on(row, sent.tag, value)
    return None


def _own_value(row: DicomJson, sent: Filter) -> str:
    if sent.kind is FilterKind.NAME:
        return samples.own_pattern(
            (samples.small_letters(row) if sent.tag == PATIENT_NAME else "") or samples.first_name(row, sent.tag)
        )
    value = samples.first_value(row, sent.tag)
    if not samples.printable(value):
        return ""
    if sent.kind is FilterKind.TEXT:
        return _text_pattern(value, sent) if sent.has_wildcard else (value if not wire.needs_pattern(value) else "")
    return value


def _capitals(sample: Sample, sent: Filter) -> Trial | None:
    """A known row's own text in the other case: only an archive that folds case finds it."""
    # A text with blanks goes as a pattern: where that is not understood, case is taken to count, which loses nothing.
    for row in sorted(sample, key=lambda row: wire.needs_pattern(json.text(row, sent.tag))):
        value = json.text(row, sent.tag)
        told = value.isascii() and value.isprintable() and len(value) <= samples.LONGEST_VALUE
        if told and value.swapcase() != value and not set("*?") & set(value):
            return _on(row, sent.tag, wire.text_pattern(value.swapcase()))
    return None


def _text_pattern(value: str, sent: Filter) -> str:
    if set("*?") & set(value):
        return ""
    if wire.single_wildcard(sent):
        pattern = wire.text_pattern(value, opened=True)
        return pattern if "?" in pattern else f"?{wire.text_pattern(value[1:])}"
    pattern = wire.text_pattern(f"{value[: max(1, len(value) // 2)]}*")
    return pattern if pattern.strip("*") else ""


def _accents(sample: Sample) -> Trial | None:
    for row in sample:
        plain = samples.marked(row)[: samples.LONGEST_VALUE]
        if plain:
            return _on(row, PATIENT_NAME, wire.name_pattern(plain))
    return None


def _dates(sample: Sample) -> Trial | None:
    for row in sorted(sample, key=samples.oddly_dated, reverse=True):
        date = json.date(row, STUDY_DATE)
        if date:
            return _on(row, STUDY_DATE, f"{date}-{date}")
    return None


def _uid_list(sample: Sample) -> Trial | None:
    uids = [json.uid(row, STUDY_UID) for row in sample][:2]
    # One known UID and one that nobody has tell a list from a literal just as well as two known ones.
    return Trial(terms=((STUDY_UID, ",".join((*uids, "2.25.1"))),), expected=frozenset(uids)) if uids else None
