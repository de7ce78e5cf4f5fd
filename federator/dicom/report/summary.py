"""What a report is, before anybody reads it: title, date, and how final it is (PS3.3 C.17.2, C.24.2)."""

from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.codes import first_code
from federator.dicom.report.references import hierarchy
from federator.dicom.report.sop_classes import class_name, is_key_object_selection, is_structured_report
from federator.dicom.report.text import date, line, time
from federator.model import DicomJson


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummary:
    """The few facts that tell one report from another; what the object does not tell is empty.

    `date` is YYYY-MM-DD HH:MM:SS; `completion` is COMPLETE or PARTIAL, `verification` VERIFIED or UNVERIFIED,
    `preliminary` PRELIMINARY or FINAL, as the object writes them. `predecessors` are the SOP Instance UIDs of the
    documents that this one replaces or amends.
    """

    kind: str
    title: str
    date: str
    completion: str
    verification: str
    preliminary: str
    predecessors: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the report is not the last word, as sentences to stand before it."""
        said = []
        if self.verification == "UNVERIFIED":
            said.append("UNVERIFIED: nobody has attested to the content of this report.")
        if self.completion == "PARTIAL":
            said.append("PARTIAL: this report says of itself that it is not complete.")
        if self.preliminary == "PRELIMINARY":
            said.append("PRELIMINARY: a final report is still expected.")
        return tuple(said)


def summarize(dataset: DicomJson) -> ReportSummary:
    """The summary of a report object, or of the row that a search gave for it: then much may be missing."""
    return ReportSummary(
        kind=class_name(json.uid(dataset, "00080016")),
        title=title_of(dataset),
        date=_date(dataset),
        completion=json.text(dataset, "0040A491").upper(),
        verification=json.text(dataset, "0040A493").upper(),
        preliminary=json.text(dataset, "0040A496").upper(),
        predecessors=tuple(
            dict.fromkeys(old.sop_instance_uid for old in hierarchy(dataset, "0040A360") if old.sop_instance_uid)
        ),
    )


def title_of(dataset: DicomJson) -> str:
    """The document's own title: its coded title, else the title of an encapsulated document."""
    coded = first_code(dataset, "0040A043")
    return line(dataset, "00420010") or (str(coded) if coded else "")


def is_summary_known(dataset: DicomJson) -> bool:
    """Whether a search row tells enough, so that the object itself need not be asked for."""
    sop_class = json.uid(dataset, "00080016")
    if is_structured_report(sop_class) and not is_key_object_selection(sop_class):
        return bool(title_of(dataset)) and json.has_value(dataset, "0040A493")
    return bool(title_of(dataset))


def _date(dataset: DicomJson) -> str:
    """When the content was written; else when the document was made, acquired or stored."""
    for day, clock in (("00080023", "00080033"), ("00080012", "00080013"), ("00080021", "00080031")):
        if json.has_value(dataset, day):
            return " ".join(part for part in (date(dataset, day), time(dataset, clock)) if part)
    return ""
