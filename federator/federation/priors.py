"""The same patient's other studies in every archive, and how certain it is that the patient is the same.

A patient is an issuer and a Patient ID (PS3.3 C.2.2). Without an issuer the ID belongs to its archive, so an equal ID
elsewhere is only a suggestion: hospitals number their patients alike. Names and birth dates never join patients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from federator.config import Archive
from federator.dicom import json
from federator.model import Entry, Outcome, Row

PATIENT_ID = "00100020"
_ISSUER = "00100021"
_NAME = "00100010"
_BIRTH_DATE = "00100030"
_MODALITIES = "00080061"
_BODY_PART = "00180015"
_SERIES_DESCRIPTION = "0008103E"
_STUDY_DESCRIPTION = "00081030"
_REPORTS = frozenset({"SR", "DOC", "KO"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Another study of the patient. `reason` says why it is certain or not; `body_parts` where they were asked for."""

    entry: Entry
    certain: bool
    reason: str
    has_report: bool
    body_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorStudies:
    """The study to compare with, the patient's other studies newest first, and what became of every archive."""

    reference: Entry
    priors: tuple[Prior, ...]
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the patient of the reference study is: by issuer and ID, and by archive and ID."""

    issued: frozenset[tuple[str, str]]
    local: frozenset[tuple[str, str]]
    names: frozenset[str]
    birth_dates: frozenset[str]

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """The Patient IDs to search for."""
        return tuple(sorted({patient_id for _, patient_id in self.local}))


def identity_of(entry: Entry, archives: Mapping[str, Archive]) -> Identity:
    """The identity that all copies of a study tell together: copies of one study are of one patient."""
    rows = [row for row in entry.rows if json.text(row.data, PATIENT_ID)]
    return Identity(
        issued=frozenset(
            (issuer, json.text(row.data, PATIENT_ID)) for row in rows if (issuer := _issuer(row, archives))
        ),
        local=frozenset((row.archive, json.text(row.data, PATIENT_ID)) for row in rows),
        names=frozenset(_folded_name(row) for row in entry.rows) - {""},
        birth_dates=frozenset(json.date(row.data, _BIRTH_DATE) for row in entry.rows) - {""},
    )


def judged(entry: Entry, identity: Identity, archives: Mapping[str, Archive]) -> Prior | None:
    """Whether a study with one of the Patient IDs is the same patient's; None where it is another patient's."""
    verdicts = [_verdict(row, identity, archives) for row in entry.rows]
    found = [verdict for verdict in verdicts if verdict is not None]
    if not found:
        return None
    certain, reason = max(found)
    return Prior(entry=entry, certain=certain, reason=reason, has_report=has_report(entry))


def has_report(entry: Entry) -> bool:
    """Whether the study has a series that may be a report, as far as its modalities tell."""
    return any(modality in _REPORTS for row in entry.rows for modality in json.texts(row.data, _MODALITIES))


def _verdict(row: Row, identity: Identity, archives: Mapping[str, Archive]) -> tuple[bool, str] | None:
    patient_id = json.text(row.data, PATIENT_ID)
    issuer = _issuer(row, archives)
    if (issuer, patient_id) in identity.issued:
        return True, "same patient: same issuer and Patient ID"
    known = {issuer for issuer, known_id in identity.issued if known_id == patient_id}
    if issuer and known and issuer not in known:
        return None
    if (row.archive, patient_id) in identity.local:
        return True, "same patient: same Patient ID in the same archive"
    if patient_id not in identity.patient_ids:
        return None
    alike = _alike(row, identity)
    return False, f"uncertain: the same Patient ID in another archive, and no issuer in common is known; {alike}"


def _alike(row: Row, identity: Identity) -> str:
    birth_date = json.date(row.data, _BIRTH_DATE)
    told = []
    if birth_date and identity.birth_dates:
        told.append("same birth date" if birth_date in identity.birth_dates else "another birth date")
    name = _folded_name(row)
    if name and identity.names:
        told.append("same name" if name in identity.names else "another name")
    return " and ".join(told) or "nothing else to compare"


def _issuer(row: Row, archives: Mapping[str, Archive]) -> str:
    """Issuer of Patient ID as the row tells it, else the archive's configured assigning authority."""
    return json.text(row.data, _ISSUER) or archives[row.archive].patient_id_issuer


def _folded_name(row: Row) -> str:
    names = json.names(row.data, _NAME)
    return names[0].alphabetic.rstrip("^ ").casefold() if names else ""


def of_modality(priors: Sequence[Prior], modality: str) -> list[Prior]:
    """The priors that have a modality; those that tell none are kept, because they may."""
    wanted = modality.strip().upper()
    return [prior for prior in priors if not wanted or wanted in (told := _modalities(prior)) or not told]


def of_body_part(prior: Prior, series: Sequence[Entry], body_part: str) -> Prior | None:
    """The prior with its body parts, None where it shows other ones; one that tells none is kept, because it may."""
    rows = [row.data for entry in series for row in entry.rows]
    parts = tuple(sorted({part for row in rows for part in json.texts(row, _BODY_PART)}))
    described = [json.text(row, _SERIES_DESCRIPTION) for row in rows]
    described += [json.text(row.data, _STUDY_DESCRIPTION) for row in prior.entry.rows]
    wanted = body_part.strip().casefold()
    if parts and not any(wanted in text.casefold() for text in (*parts, *described)):
        return None
    return replace(prior, body_parts=parts)


def _modalities(prior: Prior) -> set[str]:
    return {modality for row in prior.entry.rows for modality in json.texts(row.data, _MODALITIES)}
