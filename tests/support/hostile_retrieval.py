"""A WADO-RS archive that holds one object and misbehaves as real archives were seen to: one switch per quirk."""

import asyncio
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

import pydicom
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from tests.support.retrieval_objects import PDF_STORAGE, StoredObject

_ROUTE = re.compile(
    r"/studies/(?P<study>[0-9.]+)(?:/series/(?P<series>[0-9.]+))?(?:/instances/(?P<instance>[0-9.]+))?(?P<rest>/.*)?"
)
_WEB_PAGE = b"<!DOCTYPE html><html><body><form action='/login'>Please sign in</form></body></html>"
TOO_LARGE_BYTES = 64 * 1_048_576
_CHUNK = bytes(65_536)


class Quirk(StrEnum):
    """What one real archive or another does; every one may be combined with every other."""

    MULTIPART_REFUSED = auto()
    SINGLE_PART_REFUSED = auto()
    SYNTAX_INSIDE_TYPE = auto()
    SYNTAX_UNTOLD = auto()
    SYNTAX_WRONG = auto()
    BOUNDARY_MISSING = auto()
    BOUNDARY_WRONG = auto()
    PARTS_MISLABELLED = auto()
    OCTET_STREAM_LABEL = auto()
    LINE_FEEDS_ONLY = auto()
    PREAMBLE = auto()
    CLOSE_DELIMITER_MISSING = auto()
    INSTANCE_RENDERED_AS_GIF = auto()
    RENDERS_DOCUMENTS = auto()
    BULK_URI_UNDER_BULK = auto()
    BULK_URI_FOREIGN = auto()
    BULK_URI_OTHER_SCHEME = auto()
    BULK_URI_SERVER_ABSOLUTE = auto()
    BULK_URI_RELATIVE_TO_INSTANCE = auto()
    BULK_URI_RELATIVE_TO_STUDY = auto()
    BULK_URI_ELSEWHERE = auto()
    PARTIAL_CONTENT = auto()
    GONE = auto()
    NOT_FOUND = auto()
    NEARLINE = auto()
    REDIRECTS_ELSEWHERE = auto()
    SERVER_ERROR_FOR_REFUSALS = auto()
    EMPTY_BODY = auto()
    WEB_PAGE = auto()
    PNG_LABEL_OVER_JPEG = auto()
    NO_METADATA = auto()
    NO_FRAMES = auto()
    NO_RENDERED = auto()
    METADATA_WITHOUT_BULK = auto()
    TOO_LARGE = auto()
    CUT_CONNECTION = auto()
    CUT_INSIDE = auto()
    ANOTHER_OBJECT = auto()
    ALL_FRAMES_AT_ONCE = auto()
    METADATA_OF_THE_SERIES = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, with all its headers."""

    path: str
    query: str
    accept: str
    headers: dict[str, str]


@dataclass(slots=True)
class Reply:
    """An answer before the quirks that change its bytes on the way out."""

    status: int
    content_type: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class RetrievalArchive:
    """Serves `stored` and nothing else; an Accept header with a list is refused by every one of them, as by Orthanc.

    Without `transfer-syntax=*` it converts to Explicit VR Little Endian, as most archives do. `foreign` is the origin
    that its foreign addresses point to.
    """

    def __init__(
        self, stored: StoredObject, quirks: Iterable[Quirk] = (), *, foreign: str = "http://other.invalid"
    ) -> None:
        self.stored = stored
        self.quirks = frozenset(quirks)
        self.foreign = foreign
        self.requests: list[Request] = []
        self.sent_bytes = 0

    def has(self, *quirks: Quirk) -> bool:
        return not self.quirks.isdisjoint(quirks)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        request = Request(path, scope["query_string"].decode("latin-1"), headers.get("accept", ""), headers)
        self.requests.append(request)
        reply = self._hostile(request, self._reply(request, f"http://{headers['host']}{root}"))
        await self._send(reply, receive, send)

    def _reply(self, request: Request, base: str) -> Reply:
        match = _ROUTE.fullmatch(request.path)
        if match is None or self.has(Quirk.NOT_FOUND):
            return Reply(404)
        asked = (match["study"], match["series"], match["instance"])
        if any(uid is not None and uid != own for uid, own in zip(asked, self.stored.uids, strict=True)):
            return Reply(404)
        if "," in request.accept:
            return self._refused()
        return self._resource(match["rest"] or "", request, base)

    def _resource(self, rest: str, request: Request, base: str) -> Reply:
        if rest == "/metadata":
            return self._metadata(request, base)
        if self.has(Quirk.NEARLINE):
            return Reply(410)
        if rest == "":
            return self._instance(request)
        if rest == "/rendered":
            return self._rendered_instance(request)
        if frame := re.fullmatch(r"/frames/([0-9]+)(/rendered)?", rest):
            number = int(frame[1])
            if self.has(Quirk.NO_RENDERED if frame[2] else Quirk.NO_FRAMES):
                return Reply(404)
            if not 1 <= number <= len(self.stored.frames):
                return self._refused()
            return self._rendered_frame(request, number) if frame[2] else self._frame(request, number)
        if rest in {f"{self._bulk}/00420011", "/documents/one"}:
            value = bytes(self.stored.dataset.EncapsulatedDocument)
            return self._wrapped(request, value, "application/octet-stream", "")
        return Reply(404)

    @property
    def _bulk(self) -> str:
        return "/bulk" if self.has(Quirk.BULK_URI_UNDER_BULK) else "/bulkdata"

    def _refused(self) -> Reply:
        return Reply(500 if self.has(Quirk.SERVER_ERROR_FOR_REFUSALS) else 400)

    def _instance(self, request: Request) -> Reply:
        file = self.stored.file
        transfer_syntax = self.stored.transfer_syntax
        if self.has(Quirk.ANOTHER_OBJECT):
            file = file.replace(self.stored.uids[2].encode(), self.stored.uids[2].encode()[:-1] + b"9")
        if "transfer-syntax=*" not in request.accept.replace('"', ""):
            transfer_syntax = ExplicitVRLittleEndian
            file = _transcoded(self.stored)
        return self._wrapped(request, file, "application/dicom", transfer_syntax)

    def _frame(self, request: Request, number: int) -> Reply:
        frame, transfer_syntax = self.stored.frames[number - 1], self.stored.transfer_syntax
        if "transfer-syntax=*" not in request.accept.replace('"', ""):
            return Reply(500)
        if self.has(Quirk.ALL_FRAMES_AT_ONCE):
            parts = b"".join(b"--all\r\n\r\n" + each + b"\r\n" for each in self.stored.frames)
            return Reply(200, "multipart/related; boundary=all", parts + b"--all--")
        return self._wrapped(request, frame, "application/octet-stream", transfer_syntax)

    def _wrapped(self, request: Request, content: bytes, media_type: str, transfer_syntax: str) -> Reply:
        """Content as multipart or by itself, whichever was asked for, labelled as the quirks have it."""
        wants_multipart = request.accept.startswith("multipart/related") or request.accept == "*/*"
        if self.has(Quirk.MULTIPART_REFUSED if wants_multipart else Quirk.SINGLE_PART_REFUSED):
            return self._refused()
        label = "image/png" if self.has(Quirk.PARTS_MISLABELLED) else media_type
        if self.has(Quirk.SYNTAX_WRONG):
            encapsulated = pydicom.uid.UID(self.stored.transfer_syntax).is_encapsulated
            transfer_syntax = ExplicitVRLittleEndian if encapsulated else JPEGBaseline8Bit
        untold = self.has(Quirk.SYNTAX_UNTOLD) or not transfer_syntax
        syntax = "" if untold else f"; transfer-syntax={transfer_syntax}"
        if not wants_multipart:
            return Reply(200, label + syntax, content)
        line = b"\n" if self.has(Quirk.LINE_FEEDS_ONLY) else b"\r\n"
        inside = self.has(Quirk.SYNTAX_INSIDE_TYPE)
        part_header = f"Content-Type: {label}{'' if inside else syntax}".encode()
        preamble = b"This is a multipart message." + line if self.has(Quirk.PREAMBLE) else b""
        body = preamble + b"--limit of parts" + line + part_header + line + line + content
        if not self.has(Quirk.CLOSE_DELIMITER_MISSING):
            body += line + b"--limit of parts--" + line
        if self.has(Quirk.OCTET_STREAM_LABEL):
            return Reply(200, "application/octet-stream", body)
        content_type = f'multipart/related; type="{media_type}{syntax if inside else ""}"'
        if self.has(Quirk.BOUNDARY_WRONG):
            content_type += "; boundary=another"
        elif not self.has(Quirk.BOUNDARY_MISSING):
            content_type += '; boundary="limit of parts"'
        return Reply(200, content_type, body)

    def _rendered_instance(self, request: Request) -> Reply:
        if self.stored.frames:
            if self.has(Quirk.INSTANCE_RENDERED_AS_GIF):
                return Reply(200, "image/gif", rendered_image(1, "GIF"))
            return Reply(200, "image/jpeg", rendered_image(1, "JPEG"))
        if self.has(Quirk.RENDERS_DOCUMENTS) and self.stored.dataset.SOPClassUID == PDF_STORAGE:
            if request.accept != "application/pdf":
                return Reply(406)
            return Reply(200, "application/pdf", bytes(self.stored.dataset.EncapsulatedDocument))
        return self._refused()

    def _rendered_frame(self, request: Request, number: int) -> Reply:
        if request.accept not in {"image/jpeg", "image/png"}:
            return self._refused()
        if self.has(Quirk.PNG_LABEL_OVER_JPEG):
            return Reply(200, "image/png", rendered_image(number, "JPEG"))
        return Reply(200, request.accept, rendered_image(number, request.accept.removeprefix("image/").upper()))

    def _metadata(self, request: Request, base: str) -> Reply:
        if self.has(Quirk.NO_METADATA):
            return Reply(404)
        if request.accept != "application/dicom+json":
            return self._refused()
        with pydicom.config.disable_value_validation():
            row = self.stored.dataset.to_json_dict(
                bulk_data_threshold=16, bulk_data_element_handler=lambda element: self._uri(element, base)
            )
        if self.has(Quirk.METADATA_WITHOUT_BULK):
            row = {tag: element for tag, element in row.items() if "BulkDataURI" not in element}
        if self.has(Quirk.NEARLINE):
            row["00080056"] = {"vr": "CS", "Value": ["NEARLINE"]}
        rows = [row]
        if self.has(Quirk.METADATA_OF_THE_SERIES):
            rows.insert(0, {**row, "00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]}})
        return Reply(200, "application/dicom+json", json.dumps(rows).encode())

    def _uri(self, element: Any, base: str) -> str:
        study, series, instance = self.stored.uids
        below = f"/studies/{study}/series/{series}/instances/{instance}{self._bulk}/{element.tag:08X}"
        path = "/" + base.split("/", 3)[3]
        if self.has(Quirk.BULK_URI_ELSEWHERE):
            return f"{self.foreign}/objects/{element.tag:08X}"
        if self.has(Quirk.BULK_URI_FOREIGN):
            return f"{self.foreign}{path}{below}"
        if self.has(Quirk.BULK_URI_OTHER_SCHEME):
            return base.replace("http://", "https://") + below
        if self.has(Quirk.BULK_URI_SERVER_ABSOLUTE):
            return path + below
        if self.has(Quirk.BULK_URI_RELATIVE_TO_INSTANCE):
            return f"{self._bulk[1:]}/{element.tag:08X}"
        if self.has(Quirk.BULK_URI_RELATIVE_TO_STUDY):
            return f"series/{series}/instances/{instance}{self._bulk}/{element.tag:08X}"
        return base + below

    def _hostile(self, request: Request, reply: Reply) -> Reply:
        """What becomes of a good answer on its way out."""
        if self.has(Quirk.GONE):
            return Reply(410)
        if self.has(Quirk.REDIRECTS_ELSEWHERE):
            return Reply(302, headers={"location": f"{self.foreign}{request.path}"})
        if reply.status != 200:
            return reply
        if self.has(Quirk.WEB_PAGE):
            return Reply(200, "text/html", _WEB_PAGE)
        if self.has(Quirk.EMPTY_BODY):
            return Reply(200, reply.content_type, b"")
        if self.has(Quirk.CUT_INSIDE):
            reply.body = reply.body[: len(reply.body) * 2 // 3]
        if self.has(Quirk.PARTIAL_CONTENT):
            reply.status = 206
            reply.headers["warning"] = '299 archive "Some of the requested instances are not available"'
        return reply

    async def _send(self, reply: Reply, receive: Any, send: Any) -> None:
        headers = {"content-type": reply.content_type} if reply.content_type else {}
        body = reply.body
        too_large = self.has(Quirk.TOO_LARGE) and reply.status == 200
        if not too_large:
            headers["content-length"] = str(len(body))
        if self.has(Quirk.CUT_CONNECTION):
            body = body[: len(body) // 2]
        pairs = [(name.encode(), value.encode()) for name, value in (headers | reply.headers).items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        if too_large:
            await self._send_without_end(receive, send)
        await send({"type": "http.response.body", "body": body})

    async def _send_without_end(self, receive: Any, send: Any) -> None:
        """Send until the client hangs up, or until it is plain that it never will."""
        await receive()
        hung_up = asyncio.ensure_future(receive())
        while not hung_up.done() and self.sent_bytes < TOO_LARGE_BYTES:
            await send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
            self.sent_bytes += len(_CHUNK)
            await asyncio.sleep(0)
        hung_up.cancel()


def rendered_image(number: int, form: str) -> bytes:
    """A small image that is different for every frame."""
    buffer = io.BytesIO()
    Image.new("L", (16 + number, 16), 10 * number).save(buffer, form)
    return buffer.getvalue()


def _transcoded(stored: StoredObject) -> bytes:
    """Not what is stored: the same object as another file."""
    dataset = pydicom.dcmread(io.BytesIO(stored.file))
    dataset.file_meta.ImplementationVersionName = "TRANSCODED"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
