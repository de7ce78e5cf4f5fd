"""Finding a patient's other studies: the study itself first, then its patient's IDs, in every archive."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import anyio

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.config import Archive
from federator.dicom.query.code_words import modalities_named
from federator.dicom.query.filters import FilterKind
from federator.dicom.query.language import Query
from federator.errors import NoArchiveAnswered, NotFound
from federator.federation.fanout import OnOutcome
from federator.federation.identity.patient_ids import is_no_id
from federator.federation.identity.priors import (
    PATIENT_ID,
    Prior,
    PriorStudies,
    identity_of,
    judged,
    of_body_part,
    of_modality,
    shared_keys,
)
from federator.federation.lists import find_all
from federator.federation.lookup import find_study, query_for
from federator.federation.newest.studies import StudyPage, find_page
from federator.model import Level

_MAX_PRIORS = 200
_SERIES_LISTS_AT_ONCE = 8
# The steps come one after another, and together they must end by the deadline.
_TWO_STEPS, _THREE_STEPS = (0.5, 0.5, 0.0), (0.3, 0.4, 0.3)


async def find_priors(
    clients: Sequence[ArchiveClient],
    study_instance_uid: str,
    *,
    modality: str,
    body_part: str,
    on_outcome: OnOutcome | None,
) -> PriorStudies:
    """The patient's other studies, newest first. Raises NotFound, NoArchiveAnswered."""
    for_study, for_patient, for_series = _THREE_STEPS if body_part else _TWO_STEPS
    archives: dict[str, Archive] = {client.name: client.archive for client in clients}
    looked = await find_study(clients, study_instance_uid, share=for_study)
    reference = looked.entries[0]
    patient = identity_of(reference, archives)
    searched = [patient_id for patient_id in patient.patient_ids if re.search(r"\w", patient_id)]
    if not searched:
        raise NotFound("This study has no Patient ID, so its patient's other studies cannot be looked up safely.")
    query = query_for(PATIENT_ID, "PatientID", "LO", FilterKind.TEXT, tuple(searched), limit=_MAX_PRIORS)
    found = await find_page(clients, query, count=_MAX_PRIORS, below=None, on_outcome=on_outcome, share=for_patient)
    shared = shared_keys((reference, *found.entries), archives)
    others = [entry for entry in found.entries if entry.uid != reference.uid]
    told = [judged(entry, patient, archives, shared) for entry in others]
    priors = of_modality([prior for prior in told if prior is not None], modality)
    notes = [] if priors or not modality or not any(told) else [_none_of(modality)]
    if body_part:
        by_name = {client.name: client for client in clients}
        priors = await _of_body_part(priors, body_part, by_name, share=for_series)
    notes += _notes(looked, found, placeholder=all(map(is_no_id, searched)), left_out=told.count(None))
    return PriorStudies(reference=reference, priors=tuple(priors), outcomes=found.outcomes, notes=tuple(notes))


def _none_of(modality: str) -> str:
    return f"The patient's other studies have none of {', '.join(sorted(modalities_named(modality)))}."


def _notes(looked: StudyPage, found: StudyPage, *, placeholder: bool, left_out: int) -> list[str]:
    """What the list may lack, in sentences."""
    notes = []
    if len(found.entries) >= _MAX_PRIORS and found.resume_at is not None:
        notes.append(f"Only the newest {_MAX_PRIORS} studies were looked at.")
    if placeholder:
        notes.append(
            "The study's Patient ID is a placeholder, not an ID. Only studies with the same name or birth date are "
            f"listed, and none is certainly the same patient's. Others with that ID, left out here: {left_out}."
        )
    unheard = [outcome.archive for outcome in looked.outcomes if not outcome.complete]
    if unheard:
        notes.append(
            f"Whether {', '.join(unheard)} also holds the study, and how it numbers the patient, could not be asked."
        )
    return notes


async def _of_body_part(
    priors: Sequence[Prior], body_part: str, clients: dict[str, ArchiveClient], *, share: float
) -> list[Prior]:
    """The priors that show the body part; one whose series could not be listed in time is kept, because it may."""
    slots = anyio.Semaphore(_SERIES_LISTS_AT_ONCE)
    kept: dict[str, Prior | None] = {prior.entry.uid: _unsure(prior) for prior in priors}

    async def one(prior: Prior) -> None:
        holders = [clients[name] for name in prior.entry.holders]
        async with slots:
            try:
                found = await find_all(
                    holders, Query(level=Level.SERIES), study_instance_uid=prior.entry.uid, share=share
                )
            except (NoArchiveAnswered, NotFound):
                return
        shown = of_body_part(prior, found.entries, body_part)
        if shown is not None or all(outcome.complete for outcome in found.outcomes):
            kept[prior.entry.uid] = shown

    # The lists wait for each other, so that the deadline is that of all of them together.
    with anyio.move_on_after(share * max(client.archive.deadline_s for client in clients.values())):
        await concurrently([partial(one, prior) for prior in priors])
    return [prior for prior in kept.values() if prior is not None]


def _unsure(prior: Prior) -> Prior:
    return replace(prior, reason=f"{prior.reason}; its body parts could not be read")
