"""The head of a report: whose it is, of what, by whom, how final, and which documents it replaces."""

from federator.dicom import json
from federator.dicom.report.references import hierarchy
from federator.dicom.report.summary import ReportSummary, summarize
from federator.dicom.report.text import date, date_time, free_text, line, person, time
from federator.dicom.visible import on_one_line
from federator.model import DicomJson


def header_lines(dataset: DicomJson) -> list[str]:
    """The lines above a report's content; what the object does not tell has no line."""
    summary = summarize(dataset)
    lines = [
        ("Document", summary.kind),
        ("Patient", _patient(dataset)),
        ("Study", _joined(line(dataset, "00081030"), _when(dataset, "00080020", "00080030"), _accession(dataset))),
        ("Series", _joined(line(dataset, "0008103E"), _numbered("number ", line(dataset, "00200011")))),
        ("Institution", line(dataset, "00080080")),
        ("Equipment", _joined(line(dataset, "00080070"), line(dataset, "00081090"))),
        ("Referring physician", person(dataset, "00080090")),
        ("Requested", "; ".join(_request(request) for request in json.items(dataset, "0040A370"))),
        ("Content date", _when(dataset, "00080023", "00080033")),
        ("Completion", _completion(dataset, summary)),
        ("Verification", summary.verification),
        ("Preliminary", summary.preliminary),
    ]
    written = [f"{name}: {value}" for name, value in lines if value]
    written += [f"Verified by: {_verifier(entry)}" for entry in json.items(dataset, "0040A073")]
    written += [f"Author: {_author(entry)}" for entry in json.items(dataset, "0040A078")]
    written += [f"Participant: {_author(entry)}" for entry in json.items(dataset, "0040A07A")]
    written += [f"Replaces or amends: {uid}" for uid in summary.predecessors]
    written += [f"Same document as: {found.sop_instance_uid}" for found in hierarchy(dataset, "0040A525")]
    return [on_one_line(said) for said in written]


def _patient(dataset: DicomJson) -> str:
    born, age, sex = date(dataset, "00100030"), line(dataset, "00101010"), line(dataset, "00100040")
    return _joined(
        person(dataset, "00100010"),
        _numbered("sex ", sex),
        _numbered("born ", born),
        _numbered("age ", age),
        _numbered("ID ", line(dataset, "00100020")),
    )


def _accession(dataset: DicomJson) -> str:
    return _numbered("accession ", line(dataset, "00080050"))


def _completion(dataset: DicomJson, summary: ReportSummary) -> str:
    described = " ".join(free_text(dataset, "0040A492").split())
    return _joined(summary.completion, described)


def _verifier(entry: DicomJson) -> str:
    return _joined(person(entry, "0040A075"), line(entry, "0040A027"), date_time(entry, "0040A030"))


def _author(entry: DicomJson) -> str:
    """A person with the institution, or a device with its maker (PS3.3 C.17.2.5)."""
    device = _joined(line(entry, "00080070"), line(entry, "00081090"))
    when = date_time(entry, "0040A082")
    return _joined(person(entry, "0040A123"), device, line(entry, "00080080"), line(entry, "0040A027"), when)


def _request(request: DicomJson) -> str:
    return _joined(line(request, "00321060"), _accession(request))


def _when(dataset: DicomJson, day: str, clock: str) -> str:
    return " ".join(part for part in (date(dataset, day), time(dataset, clock)) if part)


def _numbered(word: str, value: str) -> str:
    return f"{word}{value}" if value else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
