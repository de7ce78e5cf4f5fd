"""The same patient's other studies in every archive, and how certain it is that the patient is the same.

A patient is an issuer and a Patient ID (PS3.3 C.2.2). Without an issuer the ID belongs to its archive, so an equal ID
elsewhere is only a suggestion: hospitals number their patients alike. Names and birth dates never join patients, but
they part them: an equal ID is certain only where nothing that is known speaks against it (contract.md section 3.8).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from federator.config import Archive
from federator.dicom import json
from federator.dicom.query.code_words import body_part_for, modalities_named
from federator.federation.identity.patient_ids import is_no_id, is_placeholder
from federator.federation.identity.person import Person, alike, are_two_people, contradiction, person_of
from federator.model import Entry, Outcome, Row

PATIENT_ID = "00100020"
_ISSUER = "00100021"
_MODALITIES = "00080061"
_BODY_PART = "00180015"
_SERIES_DESCRIPTION = "0008103E"
_STUDY_DESCRIPTION = "00081030"
_REPORTS = frozenset({"SR", "DOC", "KO"})
# Each further person compares with all before; by then the ID is long known to have several.
_MAX_COMPARED = 60

PatientKey = tuple[str, str, str]
"""Archive (empty: the issuer's in all of them), issuer and Patient ID."""


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
    """Who the patient of the reference study is: by issuer and ID, by archive and ID, and what else is known."""

    issued: frozenset[tuple[str, str]]
    local: frozenset[tuple[str, str]]
    person: Person

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
        person=person_of(row.data for row in entry.rows),
    )


def shared_keys(entries: Iterable[Entry], archives: Mapping[str, Archive]) -> frozenset[PatientKey]:
    """The IDs that an archive, or an issuer, gives to several people, as the rows themselves show."""
    people: defaultdict[PatientKey, set[Person]] = defaultdict(set)
    for row in (row for entry in entries for row in entry.rows):
        for key in _keys(row, archives):
            if len(people[key]) < _MAX_COMPARED:
                people[key].add(person_of([row.data]))
    return frozenset(key for key, known in people.items() if _several(known))


def _several(people: Iterable[Person]) -> bool:
    """Whether these are more than one person."""
    return any(are_two_people(one, other) for one, other in combinations(people, 2))


def _keys(row: Row, archives: Mapping[str, Archive]) -> list[PatientKey]:
    patient_id, issuer = json.text(row.data, PATIENT_ID), _issuer(row, archives)
    keys = [(row.archive, issuer, patient_id)]
    return [*keys, ("", issuer, patient_id)] if issuer else keys


def judged(
    entry: Entry, identity: Identity, archives: Mapping[str, Archive], shared: frozenset[PatientKey] = frozenset()
) -> Prior | None:
    """Whether a study with one of the Patient IDs is the same patient's; None where it is another patient's.

    `shared` are the IDs that several people have. Of several copies, one that speaks against it outweighs the others.
    """
    verdicts = [_verdict(row, identity, archives, shared) for row in entry.rows]
    found = [verdict for verdict in verdicts if verdict is not None]
    if not found:
        return None
    against = [verdict for verdict in found if not verdict.certain and verdict.linked]
    chosen = next(iter(against), None) or max(found, key=lambda verdict: verdict.certain)
    return Prior(entry=entry, certain=chosen.certain, reason=chosen.reason, has_report=has_report(entry))


def has_report(entry: Entry) -> bool:
    """Whether the study has a series that may be a report, as far as its modalities tell."""
    return any(modality in _REPORTS for row in entry.rows for modality in json.texts(row.data, _MODALITIES))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What one row says; `linked`: its ID is the patient's own, whoever the person is."""

    certain: bool
    linked: bool
    reason: str


def _verdict(
    row: Row, identity: Identity, archives: Mapping[str, Archive], shared: frozenset[PatientKey]
) -> _Verdict | None:
    patient_id = json.text(row.data, PATIENT_ID)
    link = _link(row, identity, archives) if patient_id in identity.patient_ids else None
    if link is None:
        return None
    person = person_of([row.data])
    told, against = alike(person, identity.person), contradiction(person, identity.person)
    if is_no_id(patient_id):
        # Whoever shares nothing else with the patient has only the absence of an ID in common.
        doubt = "" if against or not told else f"the Patient ID is a placeholder, not an ID; {told}"
        return _Verdict(certain=False, linked=True, reason=f"uncertain: {doubt}") if doubt else None
    told = told or "nothing else to compare"
    if not link:
        doubt = f"the same Patient ID in another archive, and no issuer in common is known; {told}"
    elif shared.intersection(_keys(row, archives)):
        doubt = f"this Patient ID is given to several people; {told}"
    else:
        doubt = f"{link}, but {against}" if against else ""
    return _Verdict(
        certain=not doubt, linked=bool(link), reason=f"uncertain: {doubt}" if doubt else f"same patient: {link}"
    )


def _link(row: Row, identity: Identity, archives: Mapping[str, Archive]) -> str | None:
    """What makes the row's Patient ID the patient's own, in words; empty where nothing does, None where it is not."""
    patient_id, issuer = json.text(row.data, PATIENT_ID), _issuer(row, archives)
    if (issuer, patient_id) in identity.issued:
        return "same issuer and Patient ID"
    known = {issuer for issuer, known_id in identity.issued if known_id == patient_id}
    if issuer and known and issuer not in known:
        return None
    return "same Patient ID in the same archive" if (row.archive, patient_id) in identity.local else ""


def _issuer(row: Row, archives: Mapping[str, Archive]) -> str:
    """Issuer of Patient ID as the row tells it, else the archive's configured assigning authority."""
    told = json.text(row.data, _ISSUER)
    return told if told and not is_placeholder(told) else archives[row.archive].patient_id_issuer


def of_modality(priors: Sequence[Prior], modality: str) -> list[Prior]:
    """The priors that have one of the modalities (`CT`, `CT,MR`, `MRI`); those that tell none are kept: they may."""
    wanted = modalities_named(modality)
    return [prior for prior in priors if not wanted or wanted & (told := _modalities(prior)) or not told]


def of_body_part(prior: Prior, series: Sequence[Entry], body_part: str) -> Prior | None:
    """The prior with its body parts, None where it shows other ones; one that tells none is kept, because it may."""
    rows = [row.data for entry in series for row in entry.rows]
    parts = tuple(sorted({part for row in rows for part in json.texts(row, _BODY_PART)}))
    described = [json.text(row, _SERIES_DESCRIPTION) for row in rows]
    described += [json.text(row.data, _STUDY_DESCRIPTION) for row in prior.entry.rows]
    wanted = {body_part.strip().casefold(), body_part_for(body_part).casefold()} - {""}
    if parts and not any(word in text.casefold() for text in (*parts, *described) for word in wanted):
        return None
    return replace(prior, body_parts=parts)


def _modalities(prior: Prior) -> set[str]:
    return {modality.upper() for row in prior.entry.rows for modality in json.texts(row.data, _MODALITIES)}
