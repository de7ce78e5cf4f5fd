"""Valid objects of every kind that is read: reports, PDF, clinical documents, and images in every codec at hand."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.support.dicom_files import file
from tests.support.retrieval_objects import StoredObject
from tests.support.synthetic import clinical_documents, pdf_text, pdfs
from tests.support.synthetic.documents import CDA_CLASS, encapsulated
from tests.support.synthetic.images import written
from tests.support.synthetic.report_catalogue import CATALOGUE
from tests.support.synthetic.reports import IMAGE_SERIES, STUDY

_REPORT_TOOLS = ("get-structured-report-text", "get-structured-report-measurements", "get-instance-metadata")
_DOCUMENT_TOOLS = ("get-encapsulated-pdf-report-text", "get-instance-metadata")
_IMAGE_TOOLS = ("render-instance-frame", "render-series-overview", "get-instance-metadata")
_IMAGES = (
    *("MR_small.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm"),
    *("SC_rgb_jpeg_dcmtk.dcm", "JPEG-lossy.dcm", "SC_rgb_rle_2frame.dcm", "emri_small_jpeg_2k_lossless.dcm"),
    *(
        "image_dfl.dcm",
        "MR_small_bigendian.dcm",
        "examples_palette.dcm",
        "liver_1frame.dcm",
        "color3d_jpeg_baseline.dcm",
    ),
    *("SC_rgb_jpeg_lossy_gdcm.dcm", "JPGExtended.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "JPEG2000.dcm"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One object as a file, and the tools that read it."""

    name: str
    file: bytes
    tools: tuple[str, ...]

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and instance."""
        return StoredObject(name=self.name, file=self.file).uids


@cache
def seeds() -> tuple[Seed, ...]:
    """All of them, each in a study that others may share."""
    return (*_reports(), *_documents(), *_images())


def written_to(folder: Path) -> tuple[Seed, ...]:
    """All of them, written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"{number}.dcm").write_bytes(seed.file)
    return seeds()


def _reports() -> list[Seed]:
    made = []
    for number, (name, build) in enumerate(CATALOGUE.items(), 1):
        report = build()
        made.append(Seed(name=name, file=_own(report, number), tools=_REPORT_TOOLS))
    deflated = CATALOGUE["basic_text"]()
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    made.append(Seed(name="deflated report", file=_own(deflated, len(made) + 1), tools=_REPORT_TOOLS))
    return made


def _own(report: Dataset, number: int) -> bytes:
    report.SOPInstanceUID = f"{STUDY}.77.{number}"
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    return written(report)


def _documents() -> list[Seed]:
    narrative = "<table><tr><th>Organ</th></tr><tr><td>Liver</td></tr></table><paragraph>Text</paragraph>"
    contents = {
        "drawn PDF": pdfs.drawn(pdfs.lines("Findings", "A node of 8 mm"), pdfs.two_columns),
        "ruled PDF": pdfs.ruled_table(),
        "PDF by hand": pdf_text.page(pdf_text.lines("Impression")),
        "scan": pdfs.drawn(pdfs.scan),
    }
    found = [encapsulated(number, content) for number, content in enumerate(contents.values(), 1)]
    clinical = clinical_documents.document(clinical_documents.section(narrative))
    found.append(encapsulated(len(found) + 1, clinical, sop_class=CDA_CLASS))
    names = [*contents, "clinical document"]
    return [Seed(name=name, file=written(made), tools=_DOCUMENT_TOOLS) for name, made in zip(names, found, strict=True)]


def _images() -> list[Seed]:
    made = []
    for number, name in enumerate(_IMAGES, 1):
        dataset = StoredObject(name=name, file=file(name)).dataset
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, f"{IMAGE_SERIES}.{number}"
        dataset.SOPInstanceUID = f"{IMAGE_SERIES}.{number}.1"
        made.append(Seed(name=name, file=written(dataset), tools=_IMAGE_TOOLS))
    return made
