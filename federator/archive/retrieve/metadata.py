"""WADO-RS metadata, from the whole instance where the archive has no /metadata (PS3.18 §10.4.1.1.2)."""

import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread

from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.folder.files.json import to_json
from federator.archive.readings import SMALL_BYTES, Readings, digest_of
from federator.archive.retrieve.accept import ABSENT, NotOffered, ask, object_path, wrong_content
from federator.archive.retrieve.files import read_file
from federator.archive.retrieve.instances import retrieve_instance
from federator.archive.search import rows
from federator.dicom import json
from federator.dicom.faults import read_faults
from federator.dicom.quiet import quiet_pydicom
from federator.errors import ContentError
from federator.model import DicomJson, Level

if TYPE_CHECKING:
    from pydicom import Dataset

T = TypeVar("T")

_UNSUPPORTED = "metadata"
_ADDRESS = b"BulkDataURI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The attributes of one instance as DICOM JSON, of which nothing was made yet; `digest` is empty for small ones.

    `points_elsewhere` says that an address stands for a value somewhere (PS3.18 §F.2.2).
    """

    row: DicomJson
    size: int
    digest: bytes
    readings: Readings
    points_elsewhere: bool

    def keep(self, reading: object, *, weight: int | None = None) -> None:
        """Keep what was made of them for `retrieve_attributes`; where not said, it takes about what they take."""
        if self.digest:
            self.readings.keep(self.digest, reading, weight=self.size if weight is None else weight)


async def retrieve_metadata(client: ArchiveClient, study: str, series: str = "", instance: str = "") -> list[DicomJson]:
    """The attributes of every instance in a study or series, or of one instance, as DICOM JSON without bulk data.

    Archives that have no /metadata are asked for the whole instance instead; for a study or series that is the caller's
    decision (it may be gigabytes), so there it is an ArchiveError. Rows of other objects are dropped.

    Standard: PS3.18 §10.4.1.1.2, §F.2
    """
    wanted = {Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}

    async def of_file(content: bytes) -> list[DicomJson]:
        return [await read_file(row_of_file, content)]

    return await _retrieved(client, study, series, instance, read=partial(_rows_in, wanted=wanted), of_file=of_file)


async def retrieve_attributes(
    client: ArchiveClient, study: str, series: str, instance: str, *, kind: type[T]
) -> Attributes | T:
    """The attributes of one instance, or what of this `kind` was made of the same ones before.

    The archive is asked each time: what is spared is to read a large answer anew that is, byte for byte, as it was.
    """
    wanted = {Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}

    def read(answer: Answer) -> Attributes | T:
        digest = _digest(answer.body, instance, answer.content_type)
        known = client.readings.found(kind, digest)
        return _attributes(client, _rows_in(answer, wanted=wanted)[0], answer.body, digest) if known is None else known

    of_file = partial(attributes_of_file, client, kind=kind)
    return await _retrieved(client, study, series, instance, read=read, of_file=of_file)


async def attributes_of_file(client: ArchiveClient, content: bytes, *, kind: type[T]) -> Attributes | T:
    """The same of a file. Raises ContentError for one that is DICOM by its mark only."""
    digest = await anyio.to_thread.run_sync(_digest, content)
    known = client.readings.found(kind, digest)
    return _attributes(client, await read_file(row_of_file, content), content, digest) if known is None else known


def _digest(content: bytes, *beside: str) -> bytes:
    """Empty for what is small: it is not kept."""
    return digest_of(content, *beside) if len(content) >= SMALL_BYTES else b""


def _attributes(client: ArchiveClient, row: DicomJson, content: bytes, digest: bytes) -> Attributes:
    return Attributes(
        row=row,
        size=len(content),
        digest=digest,
        readings=client.readings,
        points_elsewhere=_ADDRESS in content,
    )


async def _retrieved(
    client: ArchiveClient,
    study: str,
    series: str,
    instance: str,
    *,
    read: Callable[[Answer], T],
    of_file: Callable[[bytes], Awaitable[T]],
) -> T:
    if not (instance and _UNSUPPORTED in client.habits.known.unsupported):
        try:
            return await ask(
                client,
                f"{object_path(study, series, instance)}/metadata",
                resource="metadata",
                accepts=("application/dicom+json",),
                read=read,
                absent=ABSENT if instance else frozenset(),
            )
        except NotOffered:
            if not instance:
                raise
    content = await retrieve_instance(client, study, series, instance)
    # The object is there, so it is the resource that the archive does not have.
    client.habits.lacks(_UNSUPPORTED)
    return await of_file(content)


def row_of_file(content: bytes) -> DicomJson:
    """A DICOM file as DICOM JSON; binary values over 1 kB stand as a BulkDataURI that tells their size (`#bytes=…`).

    Raises ContentError for a file that is DICOM by its mark only.
    """
    import pydicom

    quiet_pydicom()
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        return to_json(dataset, partial(_size_as_address, dataset))
    except read_faults() as error:
        raise ContentError("The file cannot be read as DICOM.") from error


def _size_as_address(dataset: "Dataset", path: Sequence[str]) -> str:
    """The size of the value at a path of tags and item numbers, where an address would stand."""
    for sequence, item in zip(path[:-1:2], path[1:-1:2], strict=True):
        dataset = dataset[int(sequence, 16)].value[int(item)]
    return f"#bytes={len(dataset[int(path[-1], 16)].value)}"


def _rows_in(answer: Answer, *, wanted: dict[Level, str]) -> list[DicomJson]:
    found = [row for row in rows.parse(answer).rows if _is_wanted(row, wanted)]
    if not found:
        raise wrong_content("sent no metadata of the object that was asked for")
    return found


def _is_wanted(row: DicomJson, wanted: dict[Level, str]) -> bool:
    return all(not uid or json.uid(row, level.uid_tag) in {"", uid} for level, uid in wanted.items())
