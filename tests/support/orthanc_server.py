"""Orthanc as a real archive: two of them with overlapping data, started once per test process."""

import base64
import importlib.util
import json
import socket
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.support.real import orthanc_place
from tests.support.real.process import served

_MAX_IMAGE_BYTES = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthanc:
    """One running Orthanc: `url` is its DICOMweb root, `rest` its own REST interface."""

    name: str
    port: int
    root: str
    user: str = ""
    password: str = ""

    @property
    def url(self) -> str:
        """The base URL of its DICOMweb service."""
        return f"http://127.0.0.1:{self.port}{self.root}"

    def rest(self, path: str, body: bytes | None = None) -> Any:
        """What its own interface says; None where it refuses (it keeps what it has under the same UID)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def store(self, file: bytes) -> bool:
        """Store a file; False for what it cannot read or does not take for lack of UIDs."""
        try:
            self.rest("/instances", file)
        except HTTPError as refusal:
            if refusal.code not in {400, 404}:
                raise
            return False
        return True

    def find(self, level: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """What its own search finds: `/tools/find` with everything about each hit."""
        asked = {"Level": level.title(), "Query": query, "Expand": True}
        return self.rest("/tools/find", json.dumps(asked).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthancPair:
    """Two archives that hold some studies in common."""

    first: Orthanc
    second: Orthanc


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def running(directory: Path, name: str, root: str, *, user: str = "", password: str = "") -> Iterator[Orthanc]:
    """An Orthanc of its own below `directory`, without GDCM; it ends with the context."""
    port = free_port()
    store = directory / name
    store.mkdir()
    database = str(orthanc_place.seen_as(store) / "db")
    settings = {
        "Name": name,
        "StorageDirectory": database,
        "IndexDirectory": database,
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": bool(user),
        "RegisteredUsers": {user: password} if user else {},
        "DicomServerEnabled": False,
        "DefaultEncoding": "Utf8",
        "SyncStorageArea": False,
        "StableAge": 2,
        "Plugins": [str(orthanc_place.PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": root},
    }
    (store / "orthanc.json").write_text(json.dumps(settings))
    orthanc = Orthanc(name=name, port=port, root=root, user=user, password=password)
    with served(orthanc_place.command_line(store), folder=store, is_up=lambda: orthanc.rest("/system")):
        yield orthanc


def real_files() -> list[bytes]:
    """The images, reports and plans that pydicom and pydicom-data ship, as they are."""
    # Its own look-up would also download what the package does not hold.
    shipped = Path(pydicom.__file__).parent / "data"
    paths = sorted([*shipped.glob("test_files/**/*"), *shipped.glob("charset_files/*.dcm"), *_more_images()])
    # The UIDs of one are no UIDs; federator cannot address it (contract.md section 1).
    unfit = {"DICOMDIR", "bad_sequence.dcm"}
    return [path.read_bytes() for path in paths if path.is_file() and path.name not in unfit]


def _more_images() -> list[Path]:
    """The smaller images of the package pydicom-data."""
    found = importlib.util.find_spec("data_store")
    assert found is not None
    assert found.origin is not None
    images = Path(found.origin).parent.glob("data/**/*.dcm")
    return [path for path in images if path.stat().st_size < _MAX_IMAGE_BYTES]


def made(
    uid: str,
    *,
    series: int = 1,
    instances: int = 1,
    modality: str = "CT",
    charset: str = "ISO_IR 192",
    **attributes: str,
) -> list[bytes]:
    """Small files of one study: `series` series of `instances` instances, without pixels."""
    return [
        _file(uid, number, index, modality=modality, charset=charset, **attributes)
        for number in range(1, series + 1)
        for index in range(1, instances + 1)
    ]


def _file(uid: str, number: int, index: int, *, modality: str, charset: str, **attributes: str) -> bytes:
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = charset
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = f"{uid}.{number}.{index}"
    dataset.StudyInstanceUID = uid
    dataset.SeriesInstanceUID = f"{uid}.{number}"
    dataset.Modality = modality
    dataset.SeriesNumber = number
    dataset.InstanceNumber = index
    dataset.SeriesDescription = f"Series {number}"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


NAMES = {
    "1.9.1": "Müller^Jörg",
    "1.9.2": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "1.9.3": "Διονυσιος",
    "1.9.4": "Muller^Hans",
    "1.9.5": "Hong^Gildong=洪^吉洞=홍^길동",
    "1.9.6": "O'Brien^Siobhán",
}


def named_files() -> list[bytes]:
    """Studies with names in several scripts, one of them without a date."""
    files = []
    for number, (uid, name) in enumerate(NAMES.items(), 1):
        date = {"StudyDate": f"2024010{number}", "StudyTime": "101500"} if number != 3 else {}
        files += made(
            uid,
            series=2,
            instances=3,
            PatientName=name,
            PatientID=f"N{number}",
            StudyDescription=f"Tête et cou {number}",
            AccessionNumber=f"A-{number}",
            RequestedProcedureDescription=f"Procedure {number}",
            **date,
        )
    return files


def many_files() -> list[bytes]:
    """120 studies of one instance each, in two modalities, for reading page by page."""
    return [
        file
        for number in range(120)
        for file in made(
            f"1.8.{number}",
            modality=("MR", "CT", "US")[number % 3],
            PatientName=f"Paging^{number:03}",
            PatientID=f"PG{number % 40}",
            StudyDate=f"20{10 + number % 12:02}0{1 + number % 9}15",
            StudyTime=f"{number % 24:02}3000",
            StudyDescription="PAGING TEST" if number % 2 else "Other",
        )
    ]


@contextmanager
def running_pair(directory: Path) -> Iterator[OrthancPair]:
    """Two archives; the second asks for a password and holds a part of what the first holds, and more."""
    with ExitStack() as stack:
        first = stack.enter_context(running(directory, "first", "/dicom-web/"))
        second = stack.enter_context(
            running(directory, "second", "/pacs/rs/", user="alice", password="s3cret-of-alice")
        )
        real, named, many = real_files(), named_files(), many_files()
        to_first = real[: len(real) * 2 // 3] + named + many[:80]
        to_second = real[len(real) // 3 :] + named[:-5] + many[60:]
        with ThreadPoolExecutor(4) as pool:
            stored = list(pool.map(first.store, to_first)) + list(pool.map(second.store, to_second))
        assert sum(stored) > len(stored) * 0.8
        yield OrthancPair(first=first, second=second)


@pytest.fixture(scope="session")
def orthanc_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPair]:
    """Two Orthanc with overlapping data, for all tests of this process."""
    with running_pair(tmp_path_factory.mktemp("orthanc")) as pair:
        yield pair
