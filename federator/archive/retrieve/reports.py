"""The reports of one study in one archive: every series is looked into, because Modality does not tell.

Searching by SOPClassUID below a study is answered too unlike by archives (ignored, refused, always empty), so the
instances of each series are listed and judged here. Series that usually hold reports come first: if time runs out, what
is missing is the least likely.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.report_probe import surely_holds_none
from federator.archive.retrieve.retrieve import retrieve_attributes
from federator.archive.search.children import Children
from federator.archive.search.fetched import Wholeness
from federator.archive.search.request import Request, ask
from federator.dicom import json
from federator.dicom.query.language import Query
from federator.dicom.report.sop_classes import MAYBE_REPORTS, is_key_object_selection, is_structured_report
from federator.dicom.report.summary import is_summary_known
from federator.errors import ArchiveError, ContentError
from federator.model import DicomJson, Level

MAX_OPENED = 60
"""How many reports of one study are opened to see title, state and predecessors; a search row rarely tells them."""

_AT_ONCE = 4
_MOST_OF_ONE_UID = 10
_CLASSES_IN_STUDY = "00080062"
_ABOUT_REPORTS = (
    "00080012",
    "00080013",
    "00080023",
    "00080033",
    "00420010",
    "0040A491",
    "0040A493",
    "0040A496",
    "0040A043",
)
_OF_THE_SERIES = ("00080060", "0008103E", "00200011", "0020000E")
_KEPT = (*_ABOUT_REPORTS, "00080016", "00080018", "00080021", "00080031", "00200013", "0040A360", "0040A525")


@dataclass(slots=True, kw_only=True)
class Gathering:
    """What was found so far, by SOP Instance UID; `seen` tells whether the archive has the study at all.

    `unopened` counts the reports of which only the search row is known.
    """

    rows: dict[str, DicomJson] = field(default_factory=dict)
    seen: bool = False
    unopened: int = 0
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many reports there are so far."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reports: by SOP Class. For a quick look, `modalities` narrows the series that are looked into.

    `known` is the report that the caller reads anyway: it need not be opened for its title, state and predecessors.
    """

    study_instance_uid: str
    is_wanted: Callable[[str], bool]
    modalities: frozenset[str] = frozenset()
    max_opened: int = MAX_OPENED
    known: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What an object tells of itself that a list of reports shows."""

    row: DicomJson


async def gather_reports(client: ArchiveClient, wanted: Wanted, into: Gathering) -> None:
    """Find the reports of a study in one archive and open them as far as the search rows do not tell enough.

    `into` is filled on the way, so that what was found before a deadline is kept. Raises ArchiveError where the
    archive cannot list the series; a series or report that fails is a gap or a remark.
    """
    if await _has_none(client, wanted):
        into.seen = True
        return
    listed = _children(client, Level.SERIES, wanted.study_instance_uid)
    series = await listed.read()
    into.seen = bool(series.seen)
    into.gaps += [said for said in listed.unjudged() if said not in into.gaps]
    if series.wholeness is not Wholeness.WHOLE:
        into.gaps.append(f"It gave {len(series.seen)} series, but may have more.")
    looked_into = [row for row in series.rows.values() if _may_hold(row, wanted)]
    slots = anyio.Semaphore(_AT_ONCE)

    async def look_into(row: DicomJson) -> None:
        async with slots:
            await _look_into(client, wanted, row, into)

    await concurrently([partial(look_into, row) for row in sorted(looked_into, key=_likely_first)])
    await _open(client, wanted, into)


def _children(
    client: ArchiveClient, level: Level, study: str, series: str = "", include: tuple[str, ...] = ()
) -> Children:
    query = Query(level=level, filters=(), include=include)
    return Children(client=client, query=query, study_instance_uid=study, series_instance_uid=series)


async def _has_none(client: ArchiveClient, wanted: Wanted) -> bool:
    """Whether the archive lists the SOP Classes of the study, all of them by what it says, and none is wanted."""
    uid = wanted.study_instance_uid
    request = Request(level=Level.STUDY, path="/studies", terms=(("0020000D", uid),), limit=_MOST_OF_ONE_UID)
    answer = await ask(client, request)
    if answer.more or answer.nameless or answer.doubts.sentences() or answer.count >= _MOST_OF_ONE_UID:
        return False
    classes = [json.texts(row, _CLASSES_IN_STUDY) for row in answer.rows if json.uid(row, "0020000D") == uid]
    # Under one UID there may be a row for each of two patients, in any order (Orthanc).
    return bool(classes) and all(classes) and not any(wanted.is_wanted(one) for told in classes for one in told)


def _may_hold(series: DicomJson, wanted: Wanted) -> bool:
    modality = json.text(series, "00080060")
    return not wanted.modalities or not modality or modality in wanted.modalities


def _likely_first(series: DicomJson) -> tuple[bool, int]:
    return json.text(series, "00080060") not in MAYBE_REPORTS, json.integer(series, "00201209") or 0


async def _look_into(client: ArchiveClient, wanted: Wanted, series: DicomJson, into: Gathering) -> None:
    series_instance_uid = json.uid(series, "0020000E")
    listed = _children(client, Level.INSTANCE, wanted.study_instance_uid, series_instance_uid, _ABOUT_REPORTS)
    try:
        if await surely_holds_none(client, wanted.study_instance_uid, series, wanted.is_wanted):
            return
        found = await listed.read()
    except ArchiveError as error:
        into.gaps.append(f"One series could not be looked into: {error}")
        return
    if found.wholeness is not Wholeness.WHOLE:
        into.gaps.append(f"Of one series it gave {len(found.seen)} instances, but may have more.")
    into.gaps += [said for said in listed.unjudged() if said not in into.gaps]
    about_series = {tag: series[tag] for tag in _OF_THE_SERIES if tag in series}
    for uid, row in found.rows.items():
        if wanted.is_wanted(json.uid(row, "00080016")):
            # The series is the one that was asked for, whatever the row says of it.
            into.rows[uid] = {**about_series, **row, "0020000E": series["0020000E"]}


async def _open(client: ArchiveClient, wanted: Wanted, into: Gathering) -> None:
    """Complete the rows from the objects themselves: archives rarely return titles, states and predecessors."""
    short = [uid for uid, row in into.rows.items() if uid != wanted.known and _is_to_be_opened(row)]
    slots = anyio.Semaphore(_AT_ONCE)
    failed: list[str] = []

    async def complete(uid: str) -> None:
        row = into.rows[uid]
        try:
            async with slots:
                about = await _about(client, wanted.study_instance_uid, json.uid(row, "0020000E"), uid)
        except (ArchiveError, ContentError):
            failed.append(uid)
            return
        into.rows[uid] = {**row, **about.row}

    await concurrently([partial(complete, uid) for uid in short[: wanted.max_opened]])
    into.unopened = len(failed) + max(0, len(short) - wanted.max_opened)
    if into.unopened:
        into.remarks.append(f"Title and state of {into.unopened} reports are not known: they were not opened.")


async def _about(client: ArchiveClient, study: str, series: str, instance: str) -> _About:
    found = await retrieve_attributes(client, study, series, instance, kind=_About)
    if isinstance(found, _About):
        return found
    about = _About(row={tag: found.row[tag] for tag in _KEPT if tag in found.row})
    found.keep(about, weight=len(str(about.row)))
    return about


def _is_to_be_opened(row: DicomJson) -> bool:
    sop_class = json.uid(row, "00080016")
    names_predecessors = is_structured_report(sop_class) and not is_key_object_selection(sop_class)
    return names_predecessors or not is_summary_known(row)
