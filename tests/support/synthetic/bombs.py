"""What is small on the wire and would be gigabytes in memory, as an archive sends it (CWE-400, CWE-409, CWE-776)."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import write_file_meta_info

from federator.archive.retrieve.metadata import row_of_file
from tests.support.synthetic import clinical_documents, pdf_bombs, pdfs
from tests.support.synthetic.images import compressed_file, image_file

MEGABYTE = 1_000_000
STUDY, SERIES, INSTANCE = "9.1", "9.1.1", "9.1.1.1"
_JSON = "application/dicom+json"
_PDF, _CDA, _SR, _CT = (f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("104.1", "104.2", "88.11", "2"))
_SIDE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Bomb:
    """The tool that meets it, and what the archive answers, by the end of the path; anything else is not there."""

    tool: str
    answers: dict[str, tuple[str, bytes]]
    arguments: dict[str, str] = field(
        default_factory=lambda: {
            "studyInstanceUid": f"{STUDY}@bad",
            "seriesInstanceUid": f"{SERIES}@bad",
            "sopInstanceUid": f"{INSTANCE}@bad",
        }
    )
    encoding: str = "identity"


def _row(sop_class: str, **elements: object) -> bytes:
    uids = {"00080016": sop_class, "0020000D": STUDY, "0020000E": SERIES, "00080018": INSTANCE}
    told = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    return json.dumps([{**told, **{tag.strip("_"): element for tag, element in elements.items()}}]).encode()


def _document(sop_class: str, content: bytes) -> Bomb:
    inline = {"vr": "OB", "InlineBinary": base64.b64encode(content).decode()}
    length = {"vr": "UL", "Value": [len(content)]}
    row = _row(sop_class, _00420011=inline, _00420015=length)
    return Bomb(tool="get-encapsulated-pdf-report-text", answers={"metadata": (_JSON, row)})


def _image(content: bytes) -> Bomb:
    row = row_of_file(content)
    answers = {"metadata": (_JSON, json.dumps([row]).encode()), INSTANCE: ("application/dicom", content)}
    return Bomb(tool="render-instance-frame", answers=answers)


def _rendered(kind: str, content: bytes) -> Bomb:
    described = row_of_file(image_file(np.zeros((64, 64), np.uint8), WindowCenter=40, WindowWidth=400, **_UIDS))
    answers = {"metadata": (_JSON, json.dumps([described]).encode()), "rendered": (f"image/{kind}", content)}
    return Bomb(tool="render-instance-frame", answers=answers)


def _search(body: bytes, *, encoding: str = "identity") -> Bomb:
    return Bomb(
        tool="find-studies",
        arguments={"query": "PatientName=Doe*"},
        answers={"studies": (_JSON, body)},
        encoding=encoding,
    )


_UIDS = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": INSTANCE}


def _said(codestream: bytes, syntax: str) -> Bomb:
    """A frame whose header and whose codestream agree on far more pixels than its bytes can hold."""
    small = np.zeros((64, 64), np.uint8)
    return _image(compressed_file(codestream, syntax, small, Rows=_SIDE, Columns=_SIDE, **_UIDS))


def _saved(kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.new("L", (64, 64), 7).save(buffer, kind, **options)
    return buffer.getvalue()


def _jpeg_2000() -> Bomb:
    stream = bytearray(_saved("JPEG2000", no_jp2=True))
    for place in (8, 12, 24, 28):
        stream[place : place + 4] = _SIDE.to_bytes(4, "big")
    return _said(bytes(stream), "1.2.840.10008.1.2.4.90")


def _jpeg(*, progressive: bool) -> Bomb:
    stream = bytearray(_saved("JPEG", progressive=progressive))
    frame = stream.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    stream[frame + 5 : frame + 9] = _SIDE.to_bytes(2, "big") * 2
    scan = bytes(stream[stream.rindex(b"\xff\xda") : -2])
    return _said(bytes(stream[:-2]) + (scan * 2000 if progressive else b"") + b"\xff\xd9", "1.2.840.10008.1.2.4.50")


def _jpeg_ls() -> Bomb:
    from jpeg_ls import encode_array

    stream = bytearray(encode_array(np.zeros((64, 64), np.uint8)))
    frame = stream.index(b"\xff\xf7")
    stream[frame + 5 : frame + 9] = _SIDE.to_bytes(2, "big") * 2
    return _said(bytes(stream), "1.2.840.10008.1.2.4.80")


def _run_lengths() -> Bomb:
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    return _said(header + b"\x81\x07" * (4 * MEGABYTE), "1.2.840.10008.1.2.5")


def _deflated(size: int) -> bytes:
    head = BytesIO()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = "1.2.840.10008.1.2.1.99", _CT
    meta.MediaStorageSOPInstanceUID = INSTANCE
    write_file_meta_info(head, meta)
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(b"\x09\x00\x02\x10OB\0\0" + size.to_bytes(4, "little"))
    packed += b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE))
    return bytes(128) + b"DICM" + head.getvalue() + packed + packer.flush()


def _deflated_file() -> Bomb:
    answers = {INSTANCE: ("application/dicom", _deflated(800 * MEGABYTE))}
    return Bomb(tool="get-instance-metadata", answers=answers)


def _empty_elements() -> Bomb:
    """A file of nothing but elements without a value, each some hundred times as large as an object."""
    head = image_file(np.zeros((8, 8), np.uint8), **_UIDS)
    elements = b"".join(
        (0x1001 + 2 * (number >> 14)).to_bytes(2, "little")
        + (number & 0x3FFF | 0x1000).to_bytes(2, "little")
        + b"UN\0\0\0\0\0\0"
        for number in range(300_000)
    )
    answers = {INSTANCE: ("application/dicom", head + elements)}
    return Bomb(tool="get-instance-metadata", answers=answers)


def _gzipped() -> Bomb:
    body = b"[" + b" " * (700 * MEGABYTE) + b"]"
    return _search(gzip.compress(body, 1), encoding="gzip")


def _entities() -> bytes:
    lines = ["<!DOCTYPE ClinicalDocument [", '<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    plain = clinical_documents.document(clinical_documents.section("&a11;")).decode()
    return plain.replace("?>", "?>" + "\n".join(lines) + "]>", 1).encode()


def _marks() -> bytes:
    return clinical_documents.document(clinical_documents.section("<content>a</content>" * (MEGABYTE // 2)))


def _parts() -> Bomb:
    body = b"--B\r\n\r\n\r\n" * (2 * MEGABYTE)
    answers = {"metadata": ("multipart/related; boundary=B", body), INSTANCE: ("multipart/related; boundary=B", body)}
    return Bomb(tool="get-instance-metadata", answers=answers)


BOMBS: dict[str, Callable[[], Bomb]] = {
    "PDF: streams within streams": lambda: _document(_PDF, pdf_bombs.nested_filters()),
    "PDF: rows longer than memory": lambda: _document(_PDF, pdf_bombs.predicted()),
    "PDF: a stream of 320 MB": lambda: _document(_PDF, pdfs.bomb()),
    "PDF: a picture of gigapixels": lambda: _document(_PDF, pdfs.gigantic_picture()),
    "CDA: entities of entities": lambda: _document(_CDA, _entities()),
    "CDA: marks": lambda: _document(_CDA, _marks()),
    "JSON: millions of lists": lambda: _search(b"[" + b"[]," * (12 * MEGABYTE) + b"0]"),
    "JSON: a million objects": lambda: _search(b"[" + b'{"00100010":1},' * MEGABYTE + b"0]"),
    "JSON: one letter makes all others wide": lambda: _search(b'["\xf0\x9f\x98\x80' + b"a" * (40 * MEGABYTE) + b'"]'),
    "JSON: packed": _gzipped,
    "multipart: millions of parts": _parts,
    "DICOM: a deflated file": _deflated_file,
    "DICOM: elements without values": _empty_elements,
    "JPEG 2000 of absurd size": _jpeg_2000,
    "JPEG of absurd size": lambda: _jpeg(progressive=False),
    "progressive JPEG of many passes": lambda: _jpeg(progressive=True),
    "JPEG-LS of absurd size": _jpeg_ls,
    "RLE of absurd size": _run_lengths,
    "PNG of absurd size": lambda: _rendered("png", _png(30_000, rows=10)),
    "PNG as large as is decoded": lambda: _rendered("png", _png(_SIDE)),
}


def _png(side: int, rows: int = _SIDE) -> bytes:
    """A picture in RGBA of 16 bits, whose rows are all zero."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1 + 8 * side)) for _ in range(rows)) + packer.flush()
    header = side.to_bytes(4, "big") * 2 + bytes((16, 6, 0, 0, 0))
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    )
