"""A folder of DICOM files as a DICOMweb archive: an ASGI application over an index that keeps itself current.

    GET request → refresh (at most every two seconds) → query, search │ objects, pixels

It only reads, and no path comes from a request: files are found by their UIDs. It makes no pictures (/rendered answers
406): whoever asks decodes the frames.

Standard: PS3.18 §8.3.4, §10.4, §10.6
"""

import json as text_json
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
import platformdirs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from federator.archive.collector import collector_at_rest
from federator.archive.folder import objects as folder_objects
from federator.archive.folder.index import FolderIndex
from federator.archive.folder.json import encoded
from federator.archive.folder.pixels import DamagedFile, open_stored
from federator.archive.folder.query import checked_uid, read_query
from federator.archive.folder.search import search
from federator.archive.folder.told import header_of
from federator.errors import RequestError
from federator.model import Level

T = TypeVar("T")
_REFRESH_S = 2.0
_JSON = "application/dicom+json"
_DICOM = "application/dicom"
_OCTETS = "application/octet-stream"
_ANY_SYNTAX = frozenset({"", "*"})


def folder_app(folder: Path, *, cache: Path | None = None, refresh_s: float = _REFRESH_S) -> Starlette:
    """The archive over `folder`. Its index lies in `cache` (else the user's cache) and is refreshed by requests.

    Time stamps are compared at most every `refresh_s` seconds, and less often where comparing takes long.
    """
    return _FolderArchive(folder, cache or platformdirs.user_cache_path("federator"), refresh_s).app()


class _FolderArchive:
    def __init__(self, folder: Path, cache: Path, refresh_s: float) -> None:
        self._index = FolderIndex(folder, cache)
        self._refresh_s = refresh_s
        self._current_until = 0.0
        self._refreshing = anyio.Lock()

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
        refused = {
            RequestError: _bad_request,
            DamagedFile: _damaged,
            OSError: _unavailable,
            sqlite3.Error: _unavailable,
        }
        return Starlette(routes=routes, exception_handlers=refused)

    def _route(self, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        async def current(request: Request) -> Response:
            await self._refresh()
            return await answer(request)

        return Route(path, current, methods=["GET"])

    async def _refresh(self) -> None:
        """Bring the index up to date. What a cancelled request has read stays in the index."""
        async with self._refreshing:
            if time.monotonic() < self._current_until:
                return
            begin = time.monotonic()
            changes = await anyio.to_thread.run_sync(self._index.changes, abandon_on_cancel=True)
            took_s = time.monotonic() - begin
            while changes:
                await anyio.to_thread.run_sync(self._index.take_some, changes)
            self._current_until = time.monotonic() + max(self._refresh_s, 10 * took_s if self._refresh_s else 0)

    async def _search(self, level: Level, request: Request) -> Response:
        place = request.path_params
        parameters = parse_qsl(request.url.query, keep_blank_values=True)
        query = read_query(level, parameters, study=place.get("study", ""), series=place.get("series", ""))
        found = await _in_thread(search, self._index, query, _base(request))
        response = await _json_response(found.rows)
        if found.left_out:
            told = f"There are {found.left_out} additional results that can be requested"
            response.headers.append("Warning", f'299 federator "{told}"')
        unreadable = (await _in_thread(self._index.summary)).unreadable_count
        if unreadable:
            told = f"{unreadable} files of this folder cannot be read and are left out"
            response.headers.append("Warning", f'299 federator "{told}"')
        return response

    async def _metadata(self, request: Request) -> Response:
        places = await self._places(request)
        if not places:
            return _not_found()
        return await _json_response(await _in_thread(_read_metadata, places, _base(request)))

    async def _instance(self, request: Request) -> Response:
        places = await self._places(request)
        if not places:
            return _not_found()
        found = await _in_thread(folder_objects.part_10, places[0])
        if found is None:
            return _not_found()
        content, transfer_syntax = found
        return await _in_thread(_content, request, _DICOM, [content], transfer_syntax)

    async def _frames(self, request: Request) -> Response:
        places = await self._places(request)
        numbers = request.path_params["frames"].split(",")
        if not places or not all(number.isdecimal() and len(number) < 10 for number in numbers):  # noqa: PLR2004 - IS
            return _not_found()
        frames = await _in_thread(_read_frames, places[0], [int(number) for number in numbers])
        if frames is None:
            return _not_found()
        contents, transfer_syntax = frames
        return await _in_thread(_content, request, _OCTETS, contents, transfer_syntax)

    async def _bulk_data(self, request: Request) -> Response:
        places = await self._places(request)
        place = request.path_params["place"].split("/")
        if not places or not _is_place(place):
            return _not_found()
        contents = await _in_thread(folder_objects.bulk_data, places[0], place)
        return await _in_thread(_content, request, _OCTETS, contents, "") if contents else _not_found()

    async def _summary(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        told = asdict(await _in_thread(self._index.summary))
        told["unreadable"] = [{"path": path, "reason": reason} for path, reason in told["unreadable"]]
        return Response(text_json.dumps(told, ensure_ascii=False), media_type="application/json")

    async def _places(self, request: Request) -> list[Path]:
        """The files of the object that the path of a request names."""
        named = request.path_params
        uids = [checked_uid(named[level]) for level in ("study", "series", "instance") if level in named]
        return await _in_thread(self._index.places, *uids)


async def _in_thread(work: Callable[..., T], *values: Any) -> T:  # noqa: ANN401 - passed through
    """Run blocking reads in a worker thread; one whose request is cancelled is left to end by itself."""
    return await anyio.to_thread.run_sync(partial(work, *values), abandon_on_cancel=True)


def _read_metadata(places: list[Path], base: str) -> list[dict[str, Any]]:
    with collector_at_rest():
        return [folder_objects.metadata(place, base) for place in places]


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


async def _json_response(rows: list[dict[str, Any]]) -> Response:
    return Response(await _in_thread(encoded, rows), media_type=_JSON)


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


async def _bad_request(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of a handler
    return PlainTextResponse(str(error), status_code=400)


async def _damaged(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of a handler
    """What is wrong with one file is said of its object: 5xx would speak for the whole archive."""
    return _refused(str(error) or "has this object, but its file is damaged.", status_code=422)


async def _unavailable(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of a handler
    return _refused("its folder or its index cannot be read.", status_code=503)


def _refused(words: str, *, status_code: int) -> Response:
    return PlainTextResponse(words, status_code=status_code, headers=header_of(words))
