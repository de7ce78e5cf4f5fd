"""A folder of DICOM files as a DICOMweb archive: an ASGI application over an index that keeps itself current.

    GET request → upkeep of the index → query, search │ objects, pixels

It only reads, and no path comes from a request: files are found by their UIDs. It makes no pictures (/rendered answers
406): whoever asks decodes the frames. What one file is to blame for is answered with 410 or 422; 503 is the folder's.

Standard: PS3.18 §8.3.4, §10.4, §10.6
"""

import json as text_json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

import platformdirs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from federator.archive.folder import objects as folder_objects
from federator.archive.folder.files.json import encoded
from federator.archive.folder.files.pixels import open_stored
from federator.archive.folder.index.database import Remade
from federator.archive.folder.index.index import FolderIndex, Held
from federator.archive.folder.index.progress import Progress, asked_at
from federator.archive.folder.index.threads import Threads
from federator.archive.folder.index.upkeep import Upkeep
from federator.archive.folder.kept import Kept
from federator.archive.folder.query import FolderQuery, checked_uid, read_query
from federator.archive.folder.refusals import Unready, handlers
from federator.archive.folder.search import search
from federator.archive.folder.told import header_of
from federator.archive.readings import Readings, digest_of
from federator.model import Level

_JSON = "application/dicom+json"
_DICOM = "application/dicom"
_OCTETS = "application/octet-stream"
_ANY_SYNTAX = frozenset({"", "*"})
_SETTLE_S = 0.5
_LISTS_BYTES = 8 * 1024 * 1024
_LEAST_WEIGHT = 512
_TRIES = 2


def folder_app(folder: Path, *, cache: Path | None = None) -> Starlette:
    """The archive over `folder`. Its index lies in `cache` (else the user's cache) and is refreshed by requests.

    `app.state.close()` ends what goes on beside them.
    """
    return _FolderArchive(folder, cache or platformdirs.user_cache_path("federator")).app()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """The answer to a search, with what its Warning headers say."""

    body: bytes
    told: tuple[str, ...]


class _FolderArchive:
    def __init__(self, folder: Path, cache: Path) -> None:
        self._index = FolderIndex(folder, cache)
        self._upkeep = Upkeep(self._index)
        self._threads = Threads()
        self._kept = Kept()
        self._lists = Readings(max_bytes=_LISTS_BYTES)

    def app(self) -> Starlette:
        study, series = "/studies/{study}", "/studies/{study}/series/{series}"
        instance = series + "/instances/{instance}"
        searches = [
            ("/studies", Level.STUDY),
            ("/series", Level.SERIES),
            ("/instances", Level.INSTANCE),
            (f"{study}/series", Level.SERIES),
            (f"{study}/instances", Level.INSTANCE),
            (f"{series}/instances", Level.INSTANCE),
        ]
        routes = [self._route(path, partial(self._search, level)) for path, level in searches]
        routes += [self._route(f"{path}/metadata", self._metadata) for path in (study, series, instance)]
        routes += [
            self._route(instance, self._instance),
            self._route(f"{instance}/frames/{{frames}}", self._frames),
            self._route(f"{instance}/bulkdata/{{place:path}}", self._bulk_data),
            self._route("/federator/index", self._summary),
            Route(f"{study}/{{rest:path}}rendered", _not_acceptable, methods=["GET"]),
        ]
        app = Starlette(routes=routes, exception_handlers=handlers())
        app.state.close = self._close
        return app

    def _close(self) -> None:
        """Nobody asks any more: `app.state.close` is called by whoever made the archive."""
        self._upkeep.close()
        self._index.database.close()

    def _route(self, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        async def answered(request: Request) -> Response:
            for _ in range(_TRIES):
                try:
                    return await answer(request)
                except Remade:
                    continue  # the index is empty now, so it is filled first
            return await answer(request)

        return Route(path, answered, methods=["GET"])

    async def _search(self, level: Level, request: Request) -> Response:
        place = request.path_params
        parameters = parse_qsl(request.url.query, keep_blank_values=True)
        query = read_query(level, parameters, study=place.get("study", ""), series=place.get("series", ""))
        missing = await self._upkeep.current(since=asked_at.get())
        if missing is not None:
            await self._threads.run(self._index.settle, time.monotonic() + _SETTLE_S)
        listed = await self._threads.run(self._listed, query, _base(request), str(request.url))
        response = Response(listed.body, media_type=_JSON)
        for told in listed.told:
            response.headers.append("Warning", f'299 federator "{told}"')
        if missing is not None:
            response.headers.update(header_of(f"{_sentence(missing)}; ask again for the rest."))
        return response

    def _listed(self, query: FolderQuery, base: str, url: str) -> _Listed:
        """The answer to a search; as it was before, where the index holds what it held then."""
        state = self._index.state()
        digest = digest_of(b"", url, *map(str, state))
        known = self._lists.found(_Listed, digest)
        if known is not None:
            return known
        found = search(self._index, query, base)
        unreadable = self._index.unreadable_count()
        told = []
        if found.left_out:
            told.append(f"There are {found.left_out} additional results that can be requested")
        if unreadable:
            told.append(f"{unreadable} files of this folder cannot be read and are left out")
        listed = _Listed(body=f"[{','.join(map(encoded, found.rows))}]".encode("utf-8", "replace"), told=tuple(told))
        if self._index.state() == state:
            self._lists.keep(digest, listed, weight=len(listed.body) + _LEAST_WEIGHT)
        return listed

    async def _metadata(self, request: Request) -> Response:
        objects, base = await self._objects(request), _base(request)
        if not objects:
            return _not_found()
        rows = [await self._threads.run(self._metadata_of, found, base) for found in objects]
        return Response(f"[{','.join(rows)}]".encode("utf-8", "replace"), media_type=_JSON)

    def _metadata_of(self, found: Held, base: str) -> str:
        study, series, instance = found.uids
        address = f"{base}/studies/{study}/series/{series}/instances/{instance}/bulkdata"
        if not found.is_stamped:
            return folder_objects.metadata(found.path, address)
        return self._kept.text((found, base), lambda: folder_objects.metadata(found.path, address))

    async def _instance(self, request: Request) -> Response:
        objects = await self._objects(request)
        if not objects:
            return _not_found()
        found = await self._threads.run(folder_objects.part_10, objects[0].path)
        if found is None:
            return _not_found()
        content, transfer_syntax = found
        return await self._threads.run(_content, request, _DICOM, [content], transfer_syntax)

    async def _frames(self, request: Request) -> Response:
        objects = await self._objects(request)
        numbers = request.path_params["frames"].split(",")
        if not objects or not all(number.isdecimal() and len(number) < 10 for number in numbers):  # noqa: PLR2004 - IS
            return _not_found()
        frames = await self._threads.run(_read_frames, objects[0].path, [int(number) for number in numbers])
        if frames is None:
            return _not_found()
        contents, transfer_syntax = frames
        return await self._threads.run(_content, request, _OCTETS, contents, transfer_syntax)

    async def _bulk_data(self, request: Request) -> Response:
        objects = await self._objects(request)
        place = request.path_params["place"].split("/")
        if not objects or not _is_place(place):
            return _not_found()
        contents = await self._threads.run(folder_objects.bulk_data, objects[0].path, place)
        return await self._threads.run(_content, request, _OCTETS, contents, "") if contents else _not_found()

    async def _summary(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        missing = await self._upkeep.current(since=asked_at.get())
        told = asdict(await self._threads.run(self._index.summary))
        told["unreadable"] = [{"path": path, "reason": reason} for path, reason in told["unreadable"]]
        told["progress"] = str(missing) if missing is not None else ""
        return Response(text_json.dumps(told, ensure_ascii=False), media_type="application/json")

    async def _objects(self, request: Request) -> list[Held]:
        """What the index holds of the study, series or instance that the path of a request names.

        For one instance the folder is not looked through where its file is as it was when it was read.
        """
        named = request.path_params
        uids = [checked_uid(named[level]) for level in ("study", "series", "instance") if level in named]
        since = asked_at.get()
        if "instance" in named:
            known = await self._threads.run(self._as_read, *uids)
            if known:
                return known
            # It may have changed since the call began.
            since = None
        missing = await self._upkeep.current(since=since)
        found = await self._threads.run(self._index.held, *uids)
        if missing is not None and not found:
            raise Unready(f"{_sentence(missing)}, and the object is not among them; ask again.")
        return found

    def _as_read(self, *uids: str) -> list[Held]:
        known = self._index.held(*uids)
        return known if all(found.is_as_read for found in known) else []


def _sentence(missing: Progress) -> str:
    """How far the folder is, as the first half of a sentence of ours."""
    return f"it is still being read: {missing}" if not missing.trouble else missing.trouble.rstrip(".")


def _read_frames(path: Path, numbers: list[int]) -> tuple[list[bytes], str] | None:
    stored = open_stored(path)
    frames = [stored.frame(number) for number in numbers]
    found = [frame for frame in frames if frame is not None]
    return ([content for content, _ in found], found[0][1]) if len(found) == len(numbers) else None


def _is_place(place: list[str]) -> bool:
    """Whether a path alternates tags and item numbers and ends with a tag."""
    tags, items = place[::2], place[1::2]
    plain = all(len(tag) == 8 and _is_hexadecimal(tag) for tag in tags)  # noqa: PLR2004 - GGGGEEEE
    return plain and len(place) % 2 == 1 and all(item.isdecimal() and len(item) < 10 for item in items)  # noqa: PLR2004


def _is_hexadecimal(text: str) -> bool:
    return all(letter in "0123456789ABCDEFabcdef" for letter in text)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _content(request: Request, media_type: str, contents: Sequence[bytes], transfer_syntax: str) -> Response:
    """The contents as multipart/related, or alone where that is what Accept names; 406 for what is not stored.

    Standard: PS3.18 §8.7, §8.6
    """
    accept = request.headers.get("accept", "*/*").replace('"', "").replace(" ", "").lower()
    asked = accept.partition("transfer-syntax=")[2].partition(";")[0].partition(",")[0]
    multipart = "multipart/related" in accept or "*/*" in accept
    wanted = media_type in accept or "*/*" in accept or accept == "multipart/related"
    if not wanted or asked not in _ANY_SYNTAX | {transfer_syntax} or (len(contents) != 1 and not multipart):
        return PlainTextResponse("Stored objects are given as they are stored.", status_code=406)
    labelled = f"{media_type}; transfer-syntax={transfer_syntax}" if transfer_syntax else media_type
    if not multipart:
        return Response(contents[0], media_type=labelled)
    boundary = uuid.uuid4().hex
    body = b"".join(
        b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (boundary.encode(), labelled.encode(), content)
        for content in contents
    )
    kind = f'multipart/related; type="{media_type}"; boundary={boundary}'
    return Response(body + b"--%s--\r\n" % boundary.encode(), media_type=kind)


async def _not_acceptable(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
    return PlainTextResponse("This archive makes no pictures.", status_code=406)


def _not_found() -> Response:
    return PlainTextResponse("There is no such object in this folder.", status_code=404)
