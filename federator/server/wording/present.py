"""Domain to result models: what the rows of an entry say, once, with the archives that say it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from federator.config import Archive
from federator.dicom import json
from federator.dicom.query.language import Query
from federator.dicom.report.sop_classes import class_name
from federator.dicom.uid import TaggedUID
from federator.model import DicomJson, Entry, Outcome, Page
from federator.server.wording.models import ArchiveOutcome, Holder, Instance, Series, Study
from federator.server.wording.wording import one_line

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_RETRIEVE_URL = "00081190"
_MAX_DEPTH = 4
_MAX_VALUES = 50
_MAX_ATTRIBUTE_CHARACTERS = 20_000

_DATE_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What shapes an answer besides its entries: the archives by name, and the attributes asked for."""

    archives: Mapping[str, Archive] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    include_all: bool = False

    @classmethod
    def of(cls, archives: Iterable[Archive], query: Query | None = None) -> "Asked":
        """The archives of a federation and what `includefield` asked for."""
        return cls(
            archives={archive.name: archive for archive in archives},
            include=query.include if query else (),
            include_all=query.include_all if query else False,
        )


def found_fields(page: Page) -> dict[str, Any]:
    """The fields that every `Found` has: whole or not, outcomes, notes, and how to go on."""
    return {
        "complete": page.complete,
        "archives": [outcome_of(outcome) for outcome in page.outcomes],
        "notes": list(page.notes),
        "known_more": page.known_more,
        "next_cursor": page.next_cursor,
    }


def outcome_of(outcome: Outcome) -> ArchiveOutcome:
    """An outcome as the model gets it."""
    return ArchiveOutcome(
        archive=outcome.archive,
        outcome=outcome.state.value,
        rows=outcome.rows,
        attempts=outcome.attempts,
        milliseconds=outcome.milliseconds,
        message=one_line(outcome.message),
    )


def study_of(entry: Entry, asked: Asked) -> Study:
    """A study as the model gets it."""
    return Study(**study_fields(entry, asked))


def study_fields(entry: Entry, asked: Asked) -> dict[str, Any]:
    """The fields of `Study`, for the models that have more."""
    return {
        **_item_fields(entry, asked, shown=_STUDY_KEYWORDS),
        "study_instance_uid": _tagged(entry),
        "study_date": _date(entry, "00080020"),
        "study_time": _time(entry, "00080030"),
        "modalities": _union(entry, "00080061"),
        "study_description": _text(entry, "00081030"),
        "patient_name": _name(entry, "00100010"),
        "patient_id": _text(entry, "00100020"),
        "issuer_of_patient_id": _text(entry, "00100021"),
        "patient_birth_date": _date(entry, "00100030"),
        "patient_sex": _text(entry, "00100040"),
        "accession_number": _text(entry, "00080050"),
        "referring_physician_name": _name(entry, "00080090"),
        "viewer_url": _viewer_url(entry, asked.archives),
    }


def series_of(entry: Entry, asked: Asked) -> Series:
    """A series as the model gets it; its date is the procedure step's where the series has none."""
    return Series(
        **_item_fields(entry, asked, shown=_SERIES_KEYWORDS),
        series_instance_uid=_tagged(entry),
        modality=_text(entry, "00080060"),
        series_number=_integer(entry, "00200011"),
        series_date=_date(entry, "00080021") or _date(entry, "00400244"),
        series_time=_time(entry, "00080031") or _time(entry, "00400245"),
        series_description=_text(entry, "0008103E"),
        body_part_examined=_text(entry, "00180015"),
    )


def instance_of(entry: Entry, asked: Asked) -> Instance:
    """An instance as the model gets it."""
    return Instance(**instance_fields(entry, asked))


def instance_fields(entry: Entry, asked: Asked) -> dict[str, Any]:
    """The fields of `Instance`, for the models that have more."""
    sop_class_uid = _first(entry, lambda row: json.uid(row, "00080016"))
    return {
        **_item_fields(entry, asked, shown=_INSTANCE_KEYWORDS),
        "sop_instance_uid": _tagged(entry),
        "instance_number": _integer(entry, "00200013"),
        "sop_class": _class_name(sop_class_uid),
        "sop_class_uid": one_line(sop_class_uid),
        "rows": _integer(entry, "00280010"),
        "columns": _integer(entry, "00280011"),
        "number_of_frames": _integer(entry, "00280008"),
    }


_STUDY_KEYWORDS = (
    "StudyInstanceUID StudyDate StudyTime ModalitiesInStudy StudyDescription PatientName PatientID IssuerOfPatientID "
    "PatientBirthDate PatientSex AccessionNumber ReferringPhysicianName NumberOfStudyRelatedSeries "
    "NumberOfStudyRelatedInstances"
)
_SERIES_KEYWORDS = (
    "StudyInstanceUID SeriesInstanceUID Modality SeriesNumber SeriesDate SeriesTime SeriesDescription "
    "BodyPartExamined NumberOfSeriesRelatedInstances"
)
_INSTANCE_KEYWORDS = (
    "StudyInstanceUID SeriesInstanceUID SOPInstanceUID SOPClassUID InstanceNumber Rows Columns NumberOfFrames"
)


def _item_fields(entry: Entry, asked: Asked, *, shown: str) -> dict[str, Any]:
    """The fields of `Item`."""
    return {
        "held_by": [_holder(row.archive, row.data) for row in entry.rows],
        "conflicts": {
            keyword: {archive: one_line(value) for archive, value in said.items()}
            for keyword, said in entry.conflicts.items()
        },
        "attributes": _attributes(entry, asked, shown) if asked.include or asked.include_all else {},
    }


def _holder(archive: str, row: DicomJson) -> Holder:
    instances = json.integer(row, "00201208")
    return Holder(
        archive=archive,
        series=json.integer(row, "00201206"),
        instances=instances if instances is not None else json.integer(row, "00201209"),
    )


def _attributes(entry: Entry, asked: Asked, shown: str) -> dict[str, Any]:
    tags = set(asked.include)
    if asked.include_all:
        tags.update(tag for row in entry.rows for tag in row.data if _TAG.fullmatch(tag))
    told: dict[str, Any] = {}
    room = _MAX_ATTRIBUTE_CHARACTERS
    for tag in sorted(tags - {json.tag_of(keyword) for keyword in shown.split()} - {_RETRIEVE_URL}):
        holder = next((row.data for row in entry.rows if json.has_value(row.data, tag)), None)
        value = None if holder is None else _plain_value(holder, tag, depth=0)
        if value in (None, "", [], {}):
            continue
        room -= len(str(value))
        told[json.keyword_of(tag) or tag] = value if room > 0 else "(left out: too long; ask for it alone)"
    return told


def _plain_value(row: DicomJson, tag: str, *, depth: int) -> object:
    """A value as JSON that a person can read: text, a list of texts, or the items of a sequence by keyword."""
    element = row.get(tag)
    vr = json.vr_of(tag) or (element.get("vr", "") if isinstance(element, dict) else "")
    if vr == "SQ":
        if depth == _MAX_DEPTH:
            return "(deeper items left out)"
        return [
            {
                json.keyword_of(inner) or inner: _plain_value(item, inner, depth=depth + 1)
                for inner in sorted(item)
                if _TAG.fullmatch(inner)
            }
            for item in json.items(row, tag)[:_MAX_VALUES]
        ]
    texts = [str(name) for name in json.names(row, tag)] if vr == "PN" else json.texts(row, tag)
    texts = [one_line(text, max_characters=400) for text in texts[:_MAX_VALUES]]
    return texts[0] if len(texts) == 1 else texts


def _tagged(entry: Entry) -> str:
    return str(TaggedUID.of(entry.uid, entry.holders))


def _viewer_url(entry: Entry, archives: Mapping[str, Archive]) -> str:
    for name in entry.holders:
        archive = archives.get(name)
        if archive is not None and archive.viewer_url:
            return archive.viewer_url.replace("{study}", quote(entry.uid, safe=""))
    return ""


def _first(entry: Entry, read: Callable[[DicomJson], str]) -> str:
    return next((value for row in entry.rows if (value := read(row.data))), "")


def _text(entry: Entry, tag: str) -> str:
    return one_line(_first(entry, lambda row: json.text(row, tag)))


def _name(entry: Entry, tag: str) -> str:
    return one_line(_first(entry, lambda row: next((str(name) for name in json.names(row, tag)), "")))


def _date(entry: Entry, tag: str) -> str:
    return dashed(_first(entry, lambda row: json.date(row, tag)))


def _time(entry: Entry, tag: str) -> str:
    time = _first(entry, lambda row: json.time(row, tag))
    return f"{time[:2]}:{time[2:4]}:{time[4:6]}" if time else ""


def _integer(entry: Entry, tag: str) -> int | None:
    return next((value for row in entry.rows if (value := json.integer(row.data, tag)) is not None), None)


def _class_name(sop_class_uid: str) -> str:
    name = class_name(sop_class_uid) if sop_class_uid else ""
    return name if name != sop_class_uid else ""


def _union(entry: Entry, tag: str) -> list[str]:
    return list(dict.fromkeys(one_line(value) for row in entry.rows for value in json.texts(row.data, tag)))


def dashed(date: str) -> str:
    """`YYYYMMDD` as `YYYY-MM-DD`."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == _DATE_LENGTH else date
