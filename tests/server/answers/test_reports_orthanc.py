"""Reports in two real archives (Debian's Orthanc): found, read as DCMTK reads them, served by whoever is up."""

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pydicom
import pytest
from mcp import Client
from pydicom.data import get_testdata_file

from federator.config import Archive, AuthMethod, Config, SecretReference, SecretStore
from federator.dicom.measures.table import measurements
from federator.dicom.report.as_text import report_text
from federator.server.app import build_server
from tests.support.orthanc_server import running
from tests.support.synthetic import pdfs
from tests.support.synthetic.clinical_documents import SAMPLE as CDA
from tests.support.synthetic.documents import CDA_CLASS, DOCUMENT_SERIES, encapsulated, image, modality_number
from tests.support.synthetic.report_catalogue import CATALOGUE, table
from tests.support.synthetic.reports import ROOT, SERIES, STUDY

pytestmark = [pytest.mark.anyio, pytest.mark.orthanc, pytest.mark.xdist_group("orthanc")]

PASSWORD = "s3cret"
STUDY_TAGGED = f"{STUDY}@images,reports"
PUBLIC = ("test-SR.dcm", "reportsi.dcm")


def file_of(dataset: pydicom.Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> Iterator[tuple[Archive, ...]]:
    """The images of a study in one Orthanc, its reports and documents in another, behind a password."""
    folder = tmp_path_factory.mktemp("orthanc-reports")
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    with (
        running(folder, "images", "/dicom-web/") as images,
        running(folder, "reports", "/pacs/rs/", user="alice", password=PASSWORD) as reports,
    ):
        for held in (*[image(number) for number in range(1, 30)], CATALOGUE["basic_text"]()):
            assert images.store(file_of(held))
        for build in (*CATALOGUE.values(), table):
            assert reports.store(file_of(build()))
        assert reports.store(
            file_of(encapsulated(1, pdfs.drawn(pdfs.lines("Findings: normal"), pdfs.scan), modality="OT"))
        )
        assert reports.store(file_of(encapsulated(2, CDA, sop_class=CDA_CLASS, modality="SR")))
        for name in PUBLIC:
            assert reports.store(Path(str(get_testdata_file(name))).read_bytes())
        yield (
            Archive(name="images", url=images.url),
            Archive(
                name="reports",
                url=reports.url,
                auth=AuthMethod.BASIC,
                user="alice",
                secret=SecretReference(store=SecretStore.FILE, name=str(secret)),
            ),
        )


async def call(archives, tool, **arguments):
    async with Client(build_server(Config(archives=tuple(archives)))) as client:
        return await client.call_tool(tool, arguments)


def said(result) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def fenced_text(result) -> str:
    """What stands between the marks."""
    return said(result).split("\n--- ", 1)[1].split("\n", 1)[1].rsplit("\n--- ", 1)[0]


async def test_reports_are_found_in_the_archive_that_has_them_although_the_images_lie_in_another(archives):
    """Issue 3: study halves in two archives."""
    found = (await call(archives, "find-structured-reports", studyInstanceUid=STUDY_TAGGED)).structured_content
    assert found["complete"] is True
    uids = {report["sopInstanceUid"] for report in found["reports"]}
    assert uids == {f"{SERIES}.1@images,reports", *(f"{SERIES}.{number}@reports" for number in range(2, 17))}
    assert all(report["title"] and report["date"] for report in found["reports"])
    assert {report.get("verification") for report in found["reports"]} == {"VERIFIED", "UNVERIFIED", None}


async def test_documents_are_found_whatever_their_modality(archives):
    """Issue 3: PDF and CDA under any Modality."""
    found = (await call(archives, "find-encapsulated-pdf-reports", studyInstanceUid=STUDY_TAGGED)).structured_content
    assert {(report["kind"], report["modality"]) for report in found["reports"]} == {
        ("Encapsulated PDF", "OT"),
        ("Encapsulated CDA", "SR"),
    }


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")


def alike(text: str) -> str:
    """With each number by its value: of a file's 20.0 and 1.5e-3, Orthanc 1.10 makes 20 and others 0.0015."""
    return NUMBER.sub(lambda number: f"{Decimal(number[0]).normalize():f}", text)


@pytest.mark.parametrize("name", CATALOGUE)
async def test_every_report_reads_from_the_archive_as_from_the_file(archives, name):
    """Issue 3: what an archive's /metadata makes of a report loses nothing that our text shows."""
    dataset = CATALOGUE[name]()
    uids = {
        "studyInstanceUid": STUDY_TAGGED,
        "seriesInstanceUid": SERIES,
        "sopInstanceUid": f"{dataset.SOPInstanceUID}@reports",
    }
    read = await call(archives, "get-structured-report-text", **uids)
    assert alike(fenced_text(read)) == alike(report_text(dataset.to_json_dict()).text)
    table_ = (await call(archives, "get-structured-report-measurements", **uids)).structured_content
    numbers = [number for group in table_["groups"] for number in group["measurements"]]
    paths = {number["path"] for number in numbers}
    every = measurements(dataset.to_json_dict()).rows
    # The numbers of irradiation events stand in a table of their own.
    in_events = [row for row in every if row.path not in paths]
    assert bool(in_events) == ("events" in table_)
    cells = alike(json.dumps([table_.get("events", []), table_.get("sharedByEvents", {})]))
    assert [row.path for row in in_events if alike(f"{row.number:g}") not in cells] == []
    rows = [row for row in every if row.path in paths]
    assert [(number["name"], number["path"]) for number in numbers] == [(row.name.meaning, row.path) for row in rows]
    for number, row in zip(numbers, rows, strict=True):
        assert (float(number["value"]) if number.get("value") else None) == row.number
        assert number.get("unit", "") == row.unit


@pytest.mark.parametrize("name", PUBLIC)
async def test_public_reports_with_all_their_oddities_read_from_the_archive_as_from_the_file(archives, name):
    """Issue 3: every SR at hand."""
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    uids = {
        "studyInstanceUid": f"{dataset.StudyInstanceUID}@reports",
        "seriesInstanceUid": str(dataset.SeriesInstanceUID),
        "sopInstanceUid": str(dataset.SOPInstanceUID),
    }
    read = fenced_text(await call(archives, "get-structured-report-text", **uids))
    assert [line.rstrip() for line in alike(read).split("\n")] == [
        line.rstrip() for line in alike(report_text(dataset.to_json_dict()).text).split("\n")
    ]


async def test_a_pdf_comes_out_of_the_archive_whole(archives):
    """facts/dicomweb.md 1.5: bulk data, multipart, true length."""
    uids = {
        "studyInstanceUid": STUDY_TAGGED,
        "seriesInstanceUid": f"{DOCUMENT_SERIES}.{modality_number('OT')}",
        "sopInstanceUid": f"{DOCUMENT_SERIES}.1@reports",
    }
    read = await call(archives, "get-encapsulated-pdf-report-text", **uids)
    assert said(read).startswith("From reports.\n2 of 2 pages.\n")
    assert "Findings: normal" in fenced_text(read)
    assert [block.type for block in read.content][-1] == "image"


async def test_an_image_is_no_report_and_says_so(archives):
    """contract.md §6."""
    uids = {"studyInstanceUid": STUDY_TAGGED, "seriesInstanceUid": f"{ROOT}.1.2", "sopInstanceUid": f"{ROOT}.5.1"}
    read = await call(archives, "get-structured-report-text", **uids)
    assert read.is_error
    assert "This is no structured report but CT Image." in said(read)


async def test_the_other_holder_serves_a_report_that_the_preferred_one_has_lost(archives):
    """contract.md §1: fail over on 404, and say so."""
    lost = f"{SERIES}.6@images,reports"
    uids = {"studyInstanceUid": STUDY_TAGGED, "seriesInstanceUid": f"{SERIES}@images,reports", "sopInstanceUid": lost}
    read = said(await call(archives, "get-structured-report-text", **uids))
    assert "From reports; images answered (" in read
    assert "DLP: 300.1 mGy.cm" in alike(read)
