"""One frame from one archive, to be looked at: as a picture that it made, or encoded, to be decoded here."""

from dataclasses import dataclass

from federator.archive.connection.client import ArchiveClient
from federator.archive.retrieve.files import read_file
from federator.archive.retrieve.instances import retrieve_frame, retrieve_instance
from federator.archive.retrieve.rendered import EarlyRendered, Rendered, may_be_asked_early, retrieve_rendered
from federator.dicom import json
from federator.dicom.image.header import layout_of, palette_of
from federator.dicom.image.overlays import is_elsewhere, overlays_of
from federator.dicom.image.tables import TableElsewhere
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.part10 import DicomFile
from federator.errors import ContentError
from federator.model import DicomJson

_WINDOW_HONOURED = "window of rendered frames"
_FAR_OFF = 8.0
_MOST_FOR_OVERLAYS_BITS = 8 << 26
"""Of pixels that are worth retrieving for the sake of an overlay."""
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SINGLE_FRAME_CLASSES = frozenset(
    {"1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "4", "6.1", "7", "128", "481.1"}
)
"""CR, DX, mammography, intra-oral, CT, MR, ultrasound, secondary capture, PET, RT image (PS3.3 A)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAddress:
    """Which frame of which instance; `frame_number` counts from 1."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    frame_number: int = 1

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and instance, as the WADO-RS functions take them."""
        return self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid


def early_picture(
    client: ArchiveClient, address: FrameAddress, *, media_type: str, window: tuple[float, float] | None
) -> EarlyRendered | None:
    """A picture to ask for beside the metadata; None where asking for it could be in vain, or has to teach something.

    An archive that was never seen to make pictures is asked step by step, and so is one that was never seen to honour a
    window: what it is found to do rests on what its object is.
    """
    if not may_be_asked_early(client) or not (window is None or _WINDOW_HONOURED in client.habits.known.accepts):
        return None
    return EarlyRendered(client, address.uids, address.frame_number, media_type=media_type, window=window)


async def retrieve_picture(
    client: ArchiveClient,
    address: FrameAddress,
    row: DicomJson,
    *,
    media_type: str,
    window: tuple[float, float] | None = None,
    early: EarlyRendered | None = None,
) -> Rendered:
    """The frame as the archive renders it. `row` is the instance's metadata, `early` this picture if asked for already.

    Raises ContentError where the archive does not render it, or not in the window asked for: some archives ignore the
    window without a word. That is found out once per archive, by asking for a window far off as well.
    """
    kind = _kind(row)
    if window is None:
        return await retrieve_rendered(
            client, *address.uids, address.frame_number, media_type=media_type, sop_class_uid=kind, early=early
        )
    if _WINDOW_HONOURED in client.habits.known.unsupported:
        raise ContentError(f"{client.name} was found to ignore the window of rendered frames.")
    wanted = await retrieve_rendered(
        client,
        *address.uids,
        address.frame_number,
        media_type=media_type,
        window=window,
        sop_class_uid=kind,
        early=early,
    )
    if _WINDOW_HONOURED not in client.habits.known.accepts:
        center, width = window
        other = await retrieve_rendered(
            client,
            *address.uids,
            address.frame_number,
            media_type=media_type,
            window=(center + width / 4, width * _FAR_OFF),
            sop_class_uid=kind,
        )
        if other.content == wanted.content:
            client.habits.lacks(_WINDOW_HONOURED)
            raise ContentError(f"{client.name} ignores the window of rendered frames.")
        client.habits.accepts(_WINDOW_HONOURED, "yes")
    return wanted


def _kind(row: DicomJson) -> str:
    """What an archive may be unable to render: the class and the form of its pixels.

    One compressed or 32-bit image that an archive cannot render says nothing about the others of the class.
    """
    tags = ("00080016", "00280002", "00280004", "00280100", "00280101", "00282110", "00083002")
    return " ".join(json.text(row, tag) for tag in tags).strip()


async def retrieve_encoded_frame(client: ArchiveClient, address: FrameAddress, row: DicomJson) -> EncodedFrame:
    """The frame as it was stored, without the rest of the object where the archive can do that.

    `row` is the instance's metadata. Where it has lookup tables or overlays as bulk data only, or the archive serves no
    frames, the whole instance is retrieved; not for overlays where it is large: then they are not
    drawn. Raises ContentError for what is no image, RequestError for a frame that is none.
    """
    layout = layout_of(row)
    try:
        _check_tables(row, address.frame_number)
        native_bytes = (layout.frame_bits + 7) // 8
        frame = await retrieve_frame(client, *address.uids, address.frame_number, native_bytes=native_bytes)
        return EncodedFrame.of(row, address.frame_number, content=frame.content, transfer_syntax=frame.transfer_syntax)
    except (TableElsewhere, ContentError):
        return await retrieve_frame_of_file(client, address)


async def retrieve_frame_of_file(client: ArchiveClient, address: FrameAddress) -> EncodedFrame:
    """The frame out of the whole instance, with one request. Raises as `retrieve_encoded_frame` does."""
    content = await retrieve_instance(client, *address.uids)
    return await read_file(_frame_of_file, content, address.frame_number)


def has_one_frame(sop_class_uid: str) -> bool:
    """Whether images of this class have one frame by definition, so that all of the file is needed anyway."""
    return sop_class_uid.removeprefix(_STORAGE) in _SINGLE_FRAME_CLASSES


def _check_tables(row: DicomJson, frame_number: int) -> None:
    """Raise TableElsewhere before anything is retrieved in vain."""
    described = EncodedFrame.of(row, frame_number, content=b"", transfer_syntax="")
    if described.layout.frame_bits * described.layout.number_of_frames <= _MOST_FOR_OVERLAYS_BITS and any(
        is_elsewhere(row, overlay) for overlay in overlays_of(row, frame_number)
    ):
        raise TableElsewhere
    if described.layout.samples_per_pixel == 1 and not described.layout.is_gray:
        palette_of(row)


def _frame_of_file(content: bytes, frame_number: int) -> EncodedFrame:
    return DicomFile(content).frame(frame_number)
