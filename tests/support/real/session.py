"""Thirty questions of a working day, each with what it means in the records of the archive's own interface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.support.hostile.oracle import plain
from tests.support.real.own_interface import Record

SERIES = {"studyInstanceUid": "1.9.2"}
INSTANCES = {**SERIES, "seriesInstanceUid": "1.9.2.2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call of a tool; `belongs` says which of the archive's own records have to be in its answer.

    `own` is the same question to Orthanc's own search, where that has a form for it.
    """

    query: str
    belongs: Callable[[Record], bool]
    own: Mapping[str, str] | None = None
    tool: str = "find-studies"
    below: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How a test is called that asks it."""
        return f"{self.tool} {self.query}".strip()


def _studies(query: str, belongs: Callable[[Record], bool], own: Mapping[str, str] | None = None) -> Question:
    return Question(query=query, belongs=belongs, own=own)


def _series(query: str, belongs: Callable[[Record], bool]) -> Question:
    return Question(query=query, belongs=belongs, tool="find-series", below=SERIES)


def _instances(query: str, belongs: Callable[[Record], bool]) -> Question:
    return Question(query=query, belongs=belongs, tool="find-instances", below=INSTANCES)


def _is(keyword: str, *values: str) -> Callable[[Record], bool]:
    return lambda record: record.get(keyword, "") in values


def _starts(keyword: str, value: str) -> Callable[[Record], bool]:
    return lambda record: plain(record.get(keyword, "")).startswith(value)


def _holds(keyword: str, value: str) -> Callable[[Record], bool]:
    return lambda record: value in plain(record.get(keyword, ""))


def _between(low: str, high: str) -> Callable[[Record], bool]:
    return lambda record: low <= record.get("StudyDate", "") <= high


def _has(*modalities: str) -> Callable[[Record], bool]:
    return lambda record: not set(modalities).isdisjoint(record["ModalitiesInStudy"].split("\\"))


def _all(_: Record) -> bool:
    return True


def _none(_: Record) -> bool:
    return False


QUESTIONS = (
    _studies("limit=200", _all, {}),
    _studies("PatientName=Paging^* limit=7", _starts("PatientName", "paging^"), {"PatientName": "Paging^*"}),
    _studies("PatientName=paging^00?", _starts("PatientName", "paging^00"), {"PatientName": "PAGING^00?"}),
    _studies("PatientName=MÜLLER*", _starts("PatientName", "muller^")),
    _studies("PatientName=muller^jorg", _is("StudyInstanceUID", "1.9.1")),
    _studies("PatientName=*山田*", _holds("PatientName", "山田")),
    _studies("PatientName=洪^吉洞", _is("StudyInstanceUID", "1.9.5")),
    _studies("PatientName=Hong^Gildong", _is("StudyInstanceUID", "1.9.5")),
    _studies('PatientName="o\'brien^*"', _starts("PatientName", "o'brien^"), {"PatientName": "O'BRIEN^*"}),
    _studies("PatientName=διονυσιος", _is("StudyInstanceUID", "1.9.3")),
    _studies("PatientName=Paging^017 fuzzymatching=true", _is("PatientName", "Paging^017")),
    _studies("PatientName=Nobody^*", _none, {"PatientName": "Nobody^*"}),
    _studies("PatientID=PG7", _is("PatientID", "PG7"), {"PatientID": "PG7"}),
    _studies("PatientID=pg1? limit=3", lambda record: record["PatientID"].startswith("PG1")
             and len(record["PatientID"]) == 4),
    _studies("PatientID=PG1,PG2,PG3", _is("PatientID", "PG1", "PG2", "PG3")),
    _studies("AccessionNumber=A-5", _is("AccessionNumber", "A-5"), {"AccessionNumber": "A-5"}),
    _studies("AccessionNumber=a-*", _starts("AccessionNumber", "a-")),
    _studies("StudyDate=2024-01-02", _is("StudyDate", "20240102"), {"StudyDate": "20240102"}),
    _studies("StudyDate=20240101-20240105", _between("20240101", "20240105"), {"StudyDate": "20240101-20240105"}),
    _studies("StudyDate=2019", _between("20190101", "20191231"), {"StudyDate": "20190101-20191231"}),
    _studies("StudyDate=20200101-", _between("20200101", "9"), {"StudyDate": "20200101-"}),
    _studies("StudyDate=1999", _none, {"StudyDate": "19990101-19991231"}),
    _studies("ModalitiesInStudy=US limit=200", _has("US"), {"ModalitiesInStudy": "US"}),
    _studies("ModalitiesInStudy=MR,US StudyDate=2012", lambda record: _has("MR", "US")(record)
             and record.get("StudyDate", "").startswith("2012")),
    _studies("StudyDescription=*paging* limit=20", _holds("StudyDescription", "paging")),
    _studies('StudyDescription="Tête et cou ?"', _starts("StudyDescription", "tete et cou ")),
    _studies("StudyInstanceUID=1.9.1,1.8.61,1.2.3.4.5.6.7", _is("StudyInstanceUID", "1.9.1", "1.8.61"),
             {"StudyInstanceUID": "1.9.1\\1.8.61\\1.2.3.4.5.6.7"}),
    _series('SeriesDescription="series 2"', _is("SeriesDescription", "Series 2")),
    _series("Modality=MR", _none),
    _instances("limit=2", _all),
)  # fmt: skip
