"""What a simulated archive holds: studies with their series and instances, as plain attribute tables."""

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Record = Mapping[str, tuple]
"""Tag to values. A person name is a tuple (alphabetic, ideographic, phonetic), a number an int."""

STUDY_DATE, STUDY_TIME = "00080020", "00080030"
SERIES_DATE, SERIES_TIME, PERFORMED_DATE, PERFORMED_TIME = "00080021", "00080031", "00400244", "00400245"
ACCESSION_NUMBER, MODALITIES, MODALITY = "00080050", "00080061", "00080060"
STUDY_DESCRIPTION, SERIES_DESCRIPTION = "00081030", "0008103E"
PATIENT_NAME, PATIENT_ID, ISSUER = "00100010", "00100020", "00100021"
BIRTH_DATE, SEX = "00100030", "00100040"
STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
STUDY_ID, SERIES_NUMBER, INSTANCE_NUMBER = "00200010", "00200011", "00200013"
REFERRING_PHYSICIAN, SOP_CLASS, BODY_PART = "00080090", "00080016", "00180015"
SERIES_IN_STUDY, INSTANCES_IN_STUDY, INSTANCES_IN_SERIES = "00201206", "00201208", "00201209"

ATTRIBUTES = {
    STUDY_DATE: ("StudyDate", "DA"),
    STUDY_TIME: ("StudyTime", "TM"),
    ACCESSION_NUMBER: ("AccessionNumber", "SH"),
    MODALITIES: ("ModalitiesInStudy", "CS"),
    REFERRING_PHYSICIAN: ("ReferringPhysicianName", "PN"),
    STUDY_DESCRIPTION: ("StudyDescription", "LO"),
    PATIENT_NAME: ("PatientName", "PN"),
    PATIENT_ID: ("PatientID", "LO"),
    ISSUER: ("IssuerOfPatientID", "LO"),
    BIRTH_DATE: ("PatientBirthDate", "DA"),
    SEX: ("PatientSex", "CS"),
    STUDY_UID: ("StudyInstanceUID", "UI"),
    STUDY_ID: ("StudyID", "SH"),
    SERIES_IN_STUDY: ("NumberOfStudyRelatedSeries", "IS"),
    INSTANCES_IN_STUDY: ("NumberOfStudyRelatedInstances", "IS"),
    MODALITY: ("Modality", "CS"),
    SERIES_UID: ("SeriesInstanceUID", "UI"),
    SERIES_NUMBER: ("SeriesNumber", "IS"),
    SERIES_DESCRIPTION: ("SeriesDescription", "LO"),
    SERIES_DATE: ("SeriesDate", "DA"),
    SERIES_TIME: ("SeriesTime", "TM"),
    PERFORMED_DATE: ("PerformedProcedureStepStartDate", "DA"),
    PERFORMED_TIME: ("PerformedProcedureStepStartTime", "TM"),
    BODY_PART: ("BodyPartExamined", "CS"),
    INSTANCES_IN_SERIES: ("NumberOfSeriesRelatedInstances", "IS"),
    INSTANCE_UID: ("SOPInstanceUID", "UI"),
    SOP_CLASS: ("SOPClassUID", "UI"),
    INSTANCE_NUMBER: ("InstanceNumber", "IS"),
}
"""Tag to keyword and value representation, for every attribute that the simulator knows."""

STUDY_TAGS = tuple(ATTRIBUTES)[:15]
SERIES_TAGS = (*tuple(ATTRIBUTES)[15:25],)
INSTANCE_TAGS = tuple(ATTRIBUTES)[25:]
UID_OF = {"study": STUDY_UID, "series": SERIES_UID, "instance": INSTANCE_UID}


def first(record: Record, tag: str) -> str:
    """The first value as text, the alphabetic group of a name; empty where there is none."""
    values = record.get(tag, ())
    if not values:
        return ""
    return str(values[0][0] if isinstance(values[0], tuple) else values[0])


@dataclass(slots=True)
class Holdings:
    """Everything that one archive holds, per level, in the order in which it was stored."""

    studies: list[Record] = field(default_factory=list)
    series: list[Record] = field(default_factory=list)
    instances: list[Record] = field(default_factory=list)

    def level(self, name: str) -> list[Record]:
        """The records of one level."""
        return {"study": self.studies, "series": self.series, "instance": self.instances}[name]


def study(
    uid: str,
    *,
    date: str = "",
    time: str = "",
    name: tuple[str, str, str] | str = "Doe^Jane",
    patient_id: str = "P1",
    description: str = "",
    modalities: Iterable[str] = ("CT",),
    accession_number: str = "",
    issuer: str = "",
    birth_date: str = "19700101",
    series: int = 1,
    instances: int = 1,
) -> Record:
    """One study; empty arguments make attributes without a value."""
    texts = {
        STUDY_DATE: date,
        STUDY_TIME: time,
        ACCESSION_NUMBER: accession_number,
        STUDY_DESCRIPTION: description,
        PATIENT_ID: patient_id,
        ISSUER: issuer,
        BIRTH_DATE: birth_date,
        SEX: "O",
        STUDY_UID: uid,
        STUDY_ID: uid.rpartition(".")[2],
    }
    record = {tag: (text,) if text else () for tag, text in texts.items()}
    groups = (name, "", "") if isinstance(name, str) else name
    record[PATIENT_NAME] = (groups,) if any(groups) else ()
    record[MODALITIES] = tuple(modalities)
    record[REFERRING_PHYSICIAN] = ()
    record[SERIES_IN_STUDY] = (series,)
    record[INSTANCES_IN_STUDY] = (instances,)
    return record


def with_images(studies: Iterable[Record], *, instances_per_series: int = 2) -> Holdings:
    """The studies, with one series for each of their modalities and a few instances in each."""
    holdings = Holdings()
    for record in studies:
        uid = first(record, STUDY_UID)
        modalities = record[MODALITIES] or ("OT",)
        total = len(modalities) * instances_per_series
        parent = {**record, SERIES_IN_STUDY: (len(modalities),), INSTANCES_IN_STUDY: (total,)}
        holdings.studies.append(parent)
        for number, modality in enumerate(modalities, 1):
            series = {
                **parent,
                MODALITY: (modality,),
                SERIES_UID: (f"{uid}.{number}",),
                SERIES_NUMBER: (number,),
                SERIES_DESCRIPTION: (f"Series {number}",),
                SERIES_DATE: record[STUDY_DATE],
                SERIES_TIME: record[STUDY_TIME],
                BODY_PART: ("CHEST",),
                INSTANCES_IN_SERIES: (instances_per_series,),
            }
            holdings.series.append(series)
            for index in range(1, instances_per_series + 1):
                holdings.instances.append(
                    {
                        **series,
                        INSTANCE_UID: (f"{uid}.{number}.{index}",),
                        SOP_CLASS: ("1.2.840.10008.5.1.4.1.1.2",),
                        INSTANCE_NUMBER: (index,),
                    }
                )
    return holdings


def _day(today: dt.date, age: int) -> str:
    return (today - dt.timedelta(days=age)).strftime("%Y%m%d")


def _ages(count: int, today: dt.date, draw: Callable[[random.Random], int], *, seed: int, root: str) -> list[Record]:
    """`count` studies in random stored order, each as old in days as `draw` says."""
    rng = random.Random(seed)
    studies = []
    for number in range(count):
        moment = rng.randrange(24 * 60 * 60)
        time = f"{moment // 3600:02}{moment // 60 % 60:02}{moment % 60:02}"
        studies.append(study(f"{root}.{number}", date=_day(today, draw(rng)), time=time, name=f"Family{number % 997}"))
    return studies


def busy(count: int, today: dt.date) -> list[Record]:
    """550 studies a day."""
    return _ages(count, today, lambda rng: rng.randrange(max(1, count // 550)), seed=1, root="1.2.1")


def steady(count: int, today: dt.date) -> list[Record]:
    """27 studies a day."""
    return _ages(count, today, lambda rng: rng.randrange(max(1, count // 27)), seed=2, root="1.2.2")


def weekly(count: int, today: dt.date) -> list[Record]:
    """The newest years have one study a week; the rest lies before them."""
    recent = 400

    def draw(rng: random.Random) -> int:
        number = rng.randrange(count)
        return number * 7 if number < recent else recent * 7 + rng.randrange(4_000)

    return _ages(count, today, draw, seed=3, root="1.2.3")


def sparse(count: int, today: dt.date) -> list[Record]:
    """30 studies within the last 15 years, everything else before them."""
    studies = _ages(count - 30, today, lambda rng: 15 * 365 + rng.randrange(8_000), seed=4, root="1.2.4")
    return studies + _ages(30, today, lambda rng: rng.randrange(15 * 365), seed=5, root="1.2.5")


def closed(count: int, today: dt.date) -> list[Record]:
    """An archive that took its last study eight years ago."""
    return _ages(count, today, lambda rng: 8 * 365 + rng.randrange(max(1, count // 100)), seed=6, root="1.2.6")


def three_days(count: int, today: dt.date) -> list[Record]:
    """Everything lies on three dates in 2004."""
    age = (today - dt.date(2004, 5, 14)).days
    return _ages(count, today, lambda rng: age + 10 * rng.randrange(3), seed=7, root="1.2.7")


def empty(count: int, today: dt.date) -> list[Record]:
    """An archive without a study."""
    return []


DISTRIBUTIONS: dict[str, Callable[[int, dt.date], list[Record]]] = {
    "busy": busy,
    "27 a day": steady,
    "one a week": weekly,
    "30 in 15 years": sparse,
    "closed 8 years ago": closed,
    "three dates in 2004": three_days,
    "empty": empty,
}
