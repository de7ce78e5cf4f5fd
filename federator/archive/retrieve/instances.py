"""WADO-RS for whole instances and for single frames, checked to be what was asked for (PS3.18 §10.4)."""

from dataclasses import dataclass, replace
from functools import partial

from federator.archive.connection.client import Answer, ArchiveClient
from federator.archive.encoding.headerless import may_be_headerless, with_header
from federator.archive.encoding.multipart import Part
from federator.archive.encoding.part10 import inspect
from federator.archive.encoding.sniff import Kind, ends_as_begun, is_rle, jpeg_process, rle_decoded_bytes, sniff
from federator.archive.retrieve.accept import (
    ABSENT,
    NotOffered,
    ask,
    cut_short,
    object_path,
    parts_of,
    wrong_content,
    wrong_kind,
)
from federator.dicom.uid import is_uid
from federator.errors import ContentError, RequestError

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

_JPEG_SYNTAXES = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC3: "1.2.840.10008.1.2.4.57",
    0xF7: "1.2.840.10008.1.2.4.81",
}
_JPEG_FAMILY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70))
_JPEG_LS_FAMILY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (80, 81))
_JPEG_2000_FAMILY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 92, 93, 201, 202, 203))
_NATIVE = frozenset({"1.2.840.10008.1.2", EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame as stored: native pixels, or one compressed image without its item header.

    `transfer_syntax` says how to decode `content`, by the archive's word where the bytes bear it out.
    """

    content: bytes
    transfer_syntax: str


async def retrieve_instance(
    client: ArchiveClient, study: str, series: str, instance: str, *, transfer_syntax: str = "*"
) -> bytes:
    """The DICOM file (Part 10) of one instance, byte for byte as stored; one stored without a header gets one.

    A `transfer_syntax` other than "*" asks the archive to convert, which is for pixels that cannot be decoded here.
    Raises ArchiveError: also for an answer that is another object, no DICOM file, or not all of it.

    Standard: PS3.18 §10.4.1.1.1
    """
    return await ask(
        client,
        object_path(study, series, instance),
        resource=f"instance in {transfer_syntax}",
        accepts=(
            f'multipart/related; type="application/dicom"; transfer-syntax={transfer_syntax}',
            f"application/dicom; transfer-syntax={transfer_syntax}",
        ),
        read=partial(_instance_in, sop_instance_uid=instance),
    )


async def retrieve_frame(
    client: ArchiveClient, study: str, series: str, instance: str, frame_number: int, *, native_bytes: int = 0
) -> Frame:
    """One frame as stored, without the rest of the object; `frame_number` counts from 1.

    `native_bytes` is the size of one frame when it is not compressed, where the caller knows it: pixels that do not
    amount to it are refused. JPEG in all its kinds is checked by its own end.
    Raises ContentError where the archive does not serve this frame (the whole instance is then the way), ArchiveError
    where it could not be asked.

    Standard: PS3.18 §10.4.1.1.6
    """
    if frame_number < 1:
        raise RequestError(f"frame {frame_number} does not exist: frames count from 1.")
    try:
        return await ask(
            client,
            f"{object_path(study, series, instance)}/frames/{frame_number}",
            resource="frame",
            accepts=(
                'multipart/related; type="application/octet-stream"; transfer-syntax=*',
                "application/octet-stream; transfer-syntax=*",
            ),
            read=partial(_frame_in, native_bytes=native_bytes),
            absent=ABSENT,
        )
    except NotOffered as refusal:
        raise ContentError(f"{client.name} does not serve frame {frame_number} by itself: it {refusal}") from refusal


def _instance_in(answer: Answer, *, sop_instance_uid: str) -> bytes:
    parts = parts_of(answer)
    files = [part for part in map(_as_file, parts) if part is not None]
    if not files:
        raise wrong_kind(parts[0].content, "a DICOM file")
    for part in files:
        facts = inspect(part.content)
        if sop_instance_uid in facts.sop_instance_uids:
            # What multipart framing shows to be whole is whole, even where the object was stored truncated.
            if not part.whole or not (part.framed or facts.whole):
                raise cut_short("a DICOM file")
            return part.content
    raise wrong_content("sent another object than the one asked for")


def _as_file(part: Part) -> Part | None:
    """The part where it is a DICOM file, also one that was stored without its header; None for anything else."""
    kind = sniff(part.content)
    if kind is Kind.UNKNOWN and may_be_headerless(part.content):
        content = with_header(part.content)
        return replace(part, content=content) if content is not None else None
    return part if kind is Kind.DICOM else None


def _frame_in(answer: Answer, *, native_bytes: int) -> Frame:
    parts = parts_of(answer)
    if len(parts) > 1:
        raise wrong_content("sent several frames where one was asked for")
    part = parts[0]
    kind = sniff(part.content)
    if kind not in {Kind.UNKNOWN, Kind.JPEG, Kind.JPEG_LS, Kind.JPEG_2000}:
        raise wrong_kind(part.content, "a frame")
    transfer_syntax = _transfer_syntax_of(part, kind, native_bytes)
    if not _is_whole(part, kind) or not _amounts_to(native_bytes, part, transfer_syntax):
        raise cut_short("a frame")
    return Frame(content=part.content, transfer_syntax=transfer_syntax)


def _is_whole(part: Part, kind: Kind) -> bool:
    if part.whole and part.framed:
        return True
    ends = ends_as_begun(part.content, kind)
    return ends if kind is not Kind.UNKNOWN else part.whole


def _amounts_to(native_bytes: int, part: Part, transfer_syntax: str) -> bool:
    if native_bytes and transfer_syntax in _NATIVE:
        return len(part.content) in {native_bytes, native_bytes + 1}
    if native_bytes and transfer_syntax == RLE_LOSSLESS and not part.framed:
        return rle_decoded_bytes(part.content) >= native_bytes
    return True


def _transfer_syntax_of(part: Part, kind: Kind, native_bytes: int) -> str:
    """The label where the bytes bear it out, else what the bytes show.

    Octet-stream without a transfer syntax is Explicit VR Little Endian (PS3.18 §8.7.3.3.2).
    """
    stated = part.transfer_syntax if is_uid(part.transfer_syntax) else ""
    native = stated or EXPLICIT_VR_LITTLE_ENDIAN
    match kind:
        case Kind.JPEG if stated not in _JPEG_FAMILY:
            return _JPEG_SYNTAXES.get(jpeg_process(part.content) or 0, _JPEG_SYNTAXES[0xC1])
        case Kind.JPEG_LS if stated not in _JPEG_LS_FAMILY:
            return _JPEG_SYNTAXES[0xF7]
        case Kind.JPEG_2000 if stated not in _JPEG_2000_FAMILY:
            return "1.2.840.10008.1.2.4.90"
        case Kind.UNKNOWN if stated == RLE_LOSSLESS or part.media_type == "image/dicom-rle":
            if not is_rle(part.content):
                raise wrong_kind(part.content, "a frame in RLE")
            return RLE_LOSSLESS
        case Kind.UNKNOWN if native_bytes and stated in {"", *_NATIVE} and is_rle(part.content):
            # Native pixels may look like the header of RLE; their number tells the two apart.
            return RLE_LOSSLESS if not _amounts_to(native_bytes, part, EXPLICIT_VR_LITTLE_ENDIAN) else native
        case Kind.UNKNOWN if stated in _JPEG_FAMILY | _JPEG_LS_FAMILY | _JPEG_2000_FAMILY:
            raise wrong_kind(part.content, f"a frame in {stated}")
    return native
