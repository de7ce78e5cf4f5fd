"""A folder archive reached over ASGI, and tiny DICOM files to put into one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pydicom
from pydicom.dataset import FileMetaDataset

from federator.archive.folder.app import folder_app

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
PYDICOM_DATA = Path(pydicom.__file__).parent / "data"


@asynccontextmanager
async def opened(folder: Path, cache: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the archive over `folder`, which looks for changes at every request."""
    app = folder_app(folder, cache=cache)
    transport = httpx.ASGITransport(app=app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://folder.invalid") as client:
            yield client
    finally:
        app.state.close()


def write_tiny(path: Path, *, study: str, series: str, instance: str, **attributes: object) -> None:
    """A CT image without pixels, with these attributes."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CT_IMAGE
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = study, series, instance
    dataset.Modality = "CT"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def first(row: dict, tag: str) -> object:
    """The first value of an attribute of a row; None where there is none."""
    return next(iter(row.get(tag, {}).get("Value", [])), None)
