"""Lists as compact text: one or two lines an entry, everything that a next call needs."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from federator.dicom.visible import cell
from federator.model import Outcome
from federator.server.wording.models import Found, Holder, Instance, Item, PriorStudy, Series, Study
from federator.server.wording.wording import columns, counted, first_line, listed, one_line

_Item = TypeVar("_Item", bound=Item)

STUDY_LEGEND = (
    "Lines: date, time, modalities | description | patient (ID, born, sex) | accession | for referrer | "
    "holders with series/images; then studyInstanceUid."
)
SERIES_LEGEND = (
    "Lines: number, modality | description | body part | date | holders with images; then seriesInstanceUid."
)
INSTANCE_LEGEND = "Lines: number | SOP class | columns × rows, frames; then sopInstanceUid."


def head(found: Found, outcomes: Sequence[Outcome], *, count: int, noun: str, plural: str, order: str) -> list[str]:
    """The first lines of a list: partial or not, how many, from whom."""
    partial = first_line(outcomes, missing=plural.capitalize())
    answered = [outcome.archive for outcome in outcomes if outcome.complete]
    if count:
        more = f"; {found.known_more:,} more are known" if found.known_more else ""
        more += "; more follow" if found.next_cursor and not found.known_more else ""
        what = f"{counted(count, noun, plural)}, {order}{more}. Answered in full: {listed(answered) or 'none'}."
    elif answered:
        what = f"No {noun} matches in {listed(answered)}."
    else:
        what = f"No {noun} came back, and no archive answered in full: this does not mean that there is none."
    return [line for line in (partial, what) if line]


def tail(found: Found, outcomes: Sequence[Outcome], *, tool: str) -> list[str]:
    """The last lines of a list: what archives did with the question, notes, and how to go on."""
    lines = [
        f"Note: {outcome.archive}: {one_line(outcome.message)}"
        for outcome in outcomes
        if outcome.complete and outcome.message
    ]
    lines += [f"Note: {note}" for note in found.notes]
    if found.next_cursor:
        lines.append(f"More: call {tool} again with the same arguments and cursor={found.next_cursor}")
    return lines


def numbered(items: Sequence[_Item], line: Callable[[_Item], str], uid: Callable[[_Item], str]) -> list[str]:
    """Each item as its line, its UID and, where there are any, its conflicts and asked attributes: archive text."""
    lines: list[str] = []
    for number, item in enumerate(items, start=1):
        lines += [f"{number}. {line(item)}", f"   {uid(item)}"]
        lines += [
            "   " + cell(f"differs: {keyword}: " + ", ".join(f"{archive} '{value}'" for archive, value in said.items()))
            for keyword, said in item.conflicts.items()
        ]
        lines += ["   " + cell(f"{keyword}: {_shown(value)}") for keyword, value in item.attributes.items()]
    return lines


def study_line(study: Study) -> str:
    """A study in one line, without its UID."""
    return columns(*_study_cells(study))


def prior_line(prior: PriorStudy) -> str:
    """A prior study in one line: flagged for reports and for uncertain identity."""
    doubt = "" if prior.same_patient else f"MAY BE ANOTHER PATIENT: {one_line(prior.reason)}"
    report = "HAS A REPORT" if prior.has_report else ""
    return columns(*_study_cells(prior), ", ".join(prior.body_parts), report, doubt)


def _study_cells(study: Study) -> tuple[str, ...]:
    when = " ".join(part for part in (study.study_date or "undated", study.study_time[:5]) if part)
    return (
        f"{when} {','.join(study.modalities)}".strip(),
        study.study_description,
        _patient(study),
        f"acc {study.accession_number}" if study.accession_number else "",
        f"for {study.referring_physician_name}" if study.referring_physician_name else "",
        _holders(study.held_by),
    )


def series_line(series: Series) -> str:
    """A series in one line, without its UID."""
    number = f"#{series.series_number}" if series.series_number is not None else "unnumbered"
    return columns(
        f"{number} {series.modality}".strip(),
        series.series_description,
        series.body_part_examined,
        f"{series.series_date} {series.series_time[:5]}".strip(),
        _holders(series.held_by),
    )


def instance_line(instance: Instance) -> str:
    """An instance in one line, without its UID."""
    number = f"#{instance.instance_number}" if instance.instance_number is not None else "unnumbered"
    size = f"{instance.columns}×{instance.rows}" if instance.columns and instance.rows else ""
    frames = f"{instance.number_of_frames} frames" if (instance.number_of_frames or 1) > 1 else ""
    return columns(number, instance.sop_class or instance.sop_class_uid, " ".join(p for p in (size, frames) if p))


def viewer_lines(studies: Sequence[Study]) -> list[str]:
    """How to open a study in the viewer of an archive: a line for each viewer, not one for each study."""
    viewers: dict[str, list[str]] = {}
    for study in studies:
        if study.viewer_url:
            uid = study.study_instance_uid.partition("@")[0]
            viewers.setdefault(study.viewer_url.replace(uid, "{UID}"), []).append(study.held_by[0].archive)
    return [
        f"Viewer for {listed(dict.fromkeys(archives))}: {url} with the UID without its @tag"
        for url, archives in viewers.items()
    ]


def _patient(study: Study) -> str:
    about = [
        f"{study.patient_id}, issuer {study.issuer_of_patient_id}" if study.issuer_of_patient_id else study.patient_id,
        study.patient_birth_date,
        study.patient_sex,
    ]
    known = ", ".join(part for part in about if part)
    return f"{study.patient_name or 'no name'} ({known})" if known else study.patient_name or "patient unknown"


def _holders(holders: Sequence[Holder]) -> str:
    return ", ".join(" ".join(part for part in (holder.archive, _counts(holder)) if part) for holder in holders)


def _counts(holder: Holder) -> str:
    known = [str(number) for number in (holder.series, holder.instances) if number is not None]
    return "/".join(known)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items()) + "}"
    return str(value)
