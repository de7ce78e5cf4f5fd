"""The sample archives hold what the first run and the tests promise, and nobody's real identity."""

import io
import subprocess
import sys
import warnings
from collections import defaultdict

import pdfplumber
import pydicom
import pytest

from federator.demo.samples.catalogue import studies, write_samples
from federator.demo.samples.images import NODULE_SLICE

REPORTS = "1.2.840.10008.5.1.4.1.1.88."


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def files(archives):
    """Every file as pydicom reads it, by its path below the archives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            str(path.relative_to(archive.parent)): pydicom.dcmread(path)
            for archive in archives
            for path in sorted(archive.rglob("*.dcm"))
        }


def by_archive(files, keyword):
    found = defaultdict(set)
    for path, dataset in files.items():
        found[path.split("/")[0]].add(str(dataset.get(keyword, "")))
    return found


def test_there_are_three_archives_with_twenty_studies_of_twelve_patients(archives, files):
    """Issue 2, part 7."""
    assert [archive.name for archive in archives] == ["mercy", "north", "research"]
    assert len({dataset.StudyInstanceUID for dataset in files.values()}) == 20
    assert len({(str(dataset.PatientName), dataset.PatientID) for dataset in files.values()}) == 12
    assert len({dataset.SOPInstanceUID for dataset in files.values()}) == len(files) - 9


def test_one_study_is_in_two_archives_and_one_copy_is_incomplete(files):
    """Issue 2, part 7: images in one archive, the report in the other."""
    held = by_archive(files, "StudyInstanceUID")
    (shared,) = held["mercy"] & held["north"]
    copies = {
        archive: [d.Modality for path, d in files.items() if path.startswith(archive) and d.StudyInstanceUID == shared]
        for archive in ("mercy", "north")
    }
    assert copies == {"mercy": ["CT"] * 16, "north": ["CT"] * 9 + ["SR"]}


def test_a_patient_has_priors_in_every_archive(files):
    """Issue 2, part 7: with an issuer, so that they are certainly the same patient's."""
    chain = {(path.split("/")[0], d.StudyDate) for path, d in files.items() if d.PatientName == "Okafor^Grace"}
    assert chain == {("mercy", "20260312"), ("north", "20250903"), ("mercy", "20241120"), ("research", "20230502")}
    assert {d.IssuerOfPatientID for d in files.values() if d.PatientName == "Okafor^Grace"} == {"REGION-MPI"}


def test_two_patients_share_a_patient_id(files):
    """contract.md section 3.3: a patient is not an ID alone."""
    assert len({str(dataset.PatientName) for dataset in files.values() if dataset.PatientID == "10007"}) == 2


def test_one_study_has_no_date(files):
    """Issue 2, part 7."""
    assert len({dataset.StudyInstanceUID for dataset in files.values() if not dataset.StudyDate}) == 1


@pytest.mark.parametrize(
    "name", ["山田^太郎", "Παπαδόπουλος^Νίκος", "Müller^Jürgen", "Nguyễn^Thị Lan", "O'Brien^Maeve"]
)
def test_names_are_written_as_their_owners_do(files, name):
    """Issue 2, part 7: Japanese, Greek and umlaut names."""
    assert any(name in str(dataset.PatientName) for dataset in files.values())


def test_no_other_person_is_named(files):
    """All identities are made up: the pictures that pydicom ships were of others."""
    known = {study.patient.name.split("=")[0] for study in studies()} | {"Adeyemi^Ruth", "Lindqvist^Sara", ""}
    for dataset in files.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            named = {str(e.value).split("=")[0] for e in dataset.iterall() if e.VR == "PN"}
        assert named <= known
        assert not any(element.tag.is_private for element in dataset)


def test_every_run_writes_the_same(archives, tmp_path):
    """UIDs, dates and values never change, so that examples stay true."""
    again = write_samples(tmp_path)
    for first, second in zip(archives, again, strict=True):
        contents = [
            {path.relative_to(root): path.read_bytes() for path in root.rglob("*.dcm")} for root in (first, second)
        ]
        assert contents[0] == contents[1]


def test_every_picture_can_be_decoded_and_the_nodule_grows(files):
    """The phantoms are in Hounsfield units, and the priors tell a story."""
    sizes = {}
    for path, dataset in files.items():
        if "PixelData" in dataset:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels = dataset.pixel_array
            if dataset.PatientName == "Okafor^Grace" and dataset.InstanceNumber == NODULE_SLICE:
                right_lung = pixels[70:85, 40:60].astype(int) + int(dataset.RescaleIntercept)
                sizes[dataset.StudyDate] = int((right_lung > -200).sum())
                assert right_lung.min() < -800, path
    assert list(dict(sorted(sizes.items())).values()) == sorted(sizes.values())
    assert 0 < sizes["20230502"] < sizes["20260312"]


def test_the_pdf_has_a_text_layer_and_a_page_without(files):
    """contract.md section 4: a page without text is shown as an image."""
    documents = [files[f"mercy/{study}/series-2/0001.dcm"] for study in ("okafor-2", "mueller-2")]
    texts = []
    for dataset in documents:
        content = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]
        with pdfplumber.open(io.BytesIO(content)) as pdf:
            texts.append([page.extract_text() for page in pdf.pages])
    assert texts[0][0].startswith("CT Chest: report\nSolid nodule")
    assert texts[0][1] == ""
    assert texts[1] == [
        "Befund CT Abdomen\nPatient: Jürgen Müller\nLeber und Nieren unauffällig.\nKeine freie Flüssigkeit."
    ]


@pytest.mark.dcmtk
def test_the_reports_follow_the_rules_of_their_classes(archives, files):
    """PS3.3 section A.35, by the word of dcmtk's dsrdump."""
    reports = [path for path, dataset in files.items() if dataset.SOPClassUID.startswith(REPORTS)]
    assert len(reports) == 11
    for path in reports:
        told = subprocess.run(
            ["dsrdump", "-q", "+Pl", str(archives[0].parent / path)], capture_output=True, check=False, timeout=30
        )
        assert told.returncode == 0, told.stderr
        assert b"<CONTAINER:" in told.stdout


def test_measurements_point_to_the_slice_that_was_measured(files):
    """PS3.16 TID 1501."""
    instances = {str(dataset.SOPInstanceUID) for dataset in files.values()}
    referenced = {
        str(element.value)
        for dataset in files.values()
        if dataset.SOPClassUID == f"{REPORTS}34"
        for element in dataset.iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    }
    assert len(referenced) == 2
    assert referenced <= instances


def test_nothing_heavy_is_imported_before_samples_are_written():
    """house.md: NumPy and Pillow are imported where they are used."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, federator.demo.samples.catalogue; print('numpy' in sys.modules, 'PIL' in sys.modules)",
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.split() == [b"False", b"False"]
