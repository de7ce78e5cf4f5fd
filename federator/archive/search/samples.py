"""Rows that an archive is known to hold, chosen so that filters can be tried on them (see `soundness`)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.naming import Naming
from federator.archive.search import modalities, wire
from federator.archive.search.request import REFUSALS, Request, ask_once
from federator.archive.search.wire import PATIENT_NAME, STUDY_DATE, STUDY_UID
from federator.dicom import json
from federator.dicom.letters import without_marks
from federator.errors import ArchiveError
from federator.model import DicomJson, Level

LONGEST_VALUE = 64
TOO_BROAD = 413
_SAMPLE_LIMIT = 200
_SMALL_SAMPLE = 100
_MOST_OF_A_WHOLE = 190
_FEW = 3
_EVER = "18000101-"
_OFTEN_ASKED = ("00081030", "00080050", wire.MODALITIES_IN_STUDY, "00100020", "00100021", "00080090", "00200010")


def keep(client: ArchiveClient, found: Sequence[DicomJson], tags: Sequence[str] = ()) -> None:
    """Keep a few telling rows of an answer to try filters on: dated, with small letters, with marks.

    And for each attribute that is often asked for, or stands in `tags`, one that has it as it can be asked for.
    """
    wanted: tuple[Callable[[DicomJson], bool], ...] = (
        oddly_dated,
        lambda row: bool(json.date(row, STUDY_DATE)),
        lambda row: bool(small_letters(row)),
        lambda row: bool(marked(row)),
        *(partial(each, tag=tag) for tag in (*_OFTEN_ASKED, *tags) for each in (_plain, telling, json.has_value)),
        lambda _row: True,
    )
    rows = (*found, *client.habits.known.sample)
    chosen = [next((row for row in rows if wants(row) and _addressed(row)), None) for wants in wanted]
    chosen.append(next(filter(_addressed, reversed(rows)), None))
    sample = {json.uid(row, STUDY_UID): row for row in chosen if row is not None}
    client.habits.sampled(tuple(sample.values()))


def _addressed(row: DicomJson) -> bool:
    """Whether the row can be looked for: one that is told by no UID can be looked for by nobody."""
    return bool(json.uid(row, STUDY_UID))


async def take(client: ArchiveClient, tags: Sequence[str], show: Callable[[Sequence[DicomJson]], None]) -> None:
    """Ask for some rows to try filters on, with values of `tags`, and `show` them. Nothing is raised, whatever comes.

    An archive may refuse a list without a key (400), a list that is too long (413), a large limit or `includefield`.
    """
    broad = Request(level=Level.STUDY, path="/studies", limit=_SAMPLE_LIMIT, include=tuple(tags))
    fewer = replace(broad, limit=_SMALL_SAMPLE)
    bare = replace(fewer, with_include=False)
    dated = replace(bare, terms=((STUDY_DATE, _EVER),))
    refused = False
    for request in (broad, fewer, dated, replace(dated, naming=Naming.KEYWORD), bare):
        try:
            answer = await ask_once(client, request)
        except ArchiveError as refusal:
            refused = refusal.http_status in {*REFUSALS, TOO_BROAD}
            if refused:
                continue
            return
        client.habits.saw(Level.STUDY, len(answer.rows))
        show(answer.rows)
        keep(client, answer.rows, tags)
        if answer.rows and wire.MODALITIES_IN_STUDY in tags:
            await _know_modalities(client, show)
        client.habits.looked_for(tags if answer.rows else ())
        return
    if refused:
        client.habits.refuses_lists()


async def _know_modalities(client: ArchiveClient, show: Callable[[Sequence[DicomJson]], None]) -> None:
    """Where no row tells the modalities of its study, one is told them by its series, so that they can be tried."""
    sample = client.habits.known.sample
    if sample and not any(json.has_value(row, wire.MODALITIES_IN_STUDY) for row in sample):
        with suppress(ArchiveError):
            known = await modalities.told(client, sample[0])
            show([known])
            client.habits.sampled((known, *sample[1:]))


async def take_small_letters(client: ArchiveClient, naming: Naming) -> bool:
    """Look for a patient's name in small letters, where no known row has one; whether there is one now.

    An archive that compares names by case gives just those for a small vowel, and one that folds case gives others,
    which shows it. Where the whole list was seen, there is none; where so broad a question is refused, none is found.
    Raises ArchiveError.
    """
    known = client.habits.known
    longest = known.seen.get(Level.STUDY, 0)
    all_seen = longest < _MOST_OF_A_WHOLE and not known.at_a_cap(Level.STUDY, longest) and not known.lists_refused
    if all_seen or any(map(small_letters, known.sample)):
        return False
    asked = [
        Request(level=Level.STUDY, path="/studies", terms=((PATIENT_NAME, f"*{vowel}*"),), limit=_FEW, naming=naming)
        for vowel in "aeiou"
    ]
    rows: list[DicomJson] = []

    async def look(request: Request) -> None:
        try:
            rows.extend((await ask_once(client, request)).rows)
        except ArchiveError as refusal:
            if refusal.http_status not in {*REFUSALS, TOO_BROAD}:
                raise

    await concurrently([partial(look, request) for request in asked])
    keep(client, rows)
    return any(map(small_letters, client.habits.known.sample))


def telling(row: DicomJson, tag: str) -> bool:
    """Whether a filter of this attribute can be tried on the row: it has a value that surely arrives as it is."""
    value = first_value(row, tag)
    return printable(value) if value else bool(own_pattern(first_name(row, tag)))


def _plain(row: DicomJson, tag: str) -> bool:
    """The same, and the value can go out whole."""
    return printable(first_value(row, tag)) and not wire.needs_pattern(first_value(row, tag))


def first_value(row: DicomJson, tag: str) -> str:
    """The first value of an attribute that is text; empty where it has none."""
    return next(iter(json.texts(row, tag)), "")


def printable(value: str) -> bool:
    """Whether a filter can be tried on a value."""
    # What is longer than any value may be, or cannot be printed, says nothing of how others are found.
    return bool(value) and value.isascii() and value.isprintable() and len(value) <= LONGEST_VALUE


def first_name(row: DicomJson, tag: str) -> str:
    """The first name of an attribute in its alphabetic group; empty where it has none."""
    return next((name.alphabetic for name in json.names(row, tag) if name.alphabetic), "")


def own_pattern(name: str) -> str:
    """The first half of a name as a pattern that finds it; empty where no letter of it can go out."""
    pattern = wire.name_pattern(name[: min(LONGEST_VALUE, max(2, len(name) // 2))]) if name else ""
    return pattern if pattern.strip("*") else ""


def small_letters(row: DicomJson) -> str:
    """A patient's name in plain letters, some of them small: it tells whether case matters."""
    return next(
        (
            name.alphabetic
            for name in json.names(row, PATIENT_NAME)
            if name.alphabetic.isascii() and name.alphabetic != name.alphabetic.upper() and len(name.alphabetic) > 1
        ),
        "",
    )


def marked(row: DicomJson) -> str:
    """A patient's name with marks on Latin letters, without its marks: `Muller` for `Müller`."""
    for name in json.names(row, PATIENT_NAME):
        plain = without_marks(name.alphabetic)
        if plain != name.alphabetic and plain.isascii():
            return plain
    return ""


def oddly_dated(row: DicomJson) -> bool:
    """Whether a study date came as it stands in old files (2019.01.02): ranges of dates may not find it."""
    return json.date(row, STUDY_DATE) not in {"", json.text(row, STUDY_DATE)}
