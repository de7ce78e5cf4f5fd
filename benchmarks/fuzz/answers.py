"""Archives whose answers are changed on their way out, and folders whose files are changed: asked through the tools."""

import datetime as dt
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from benchmarks.fuzz.changes import changed, changed_json
from benchmarks.fuzz.seeds import Seed, seeds, written_to
from benchmarks.fuzz.watch import DEADLINE_S, Watch
from federator.archive.folder.app import folder_app
from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.canned_server import canned, http
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import App, Loopback
from tests.support.hostile.records import DISTRIBUTIONS, Holdings

_SEARCHES = ("find-studies", "find-series", "find-instances", "find-prior-studies")
_LISTS = ("find-structured-reports", "find-encapsulated-pdf-reports")
_GIVES_UP_S = 30
_OF_ALL_ANSWERS = 0.6
_MAX_BYTES = 8 * 1_048_576


class Changing:
    """An archive between the client and an honest one: it changes bodies and media types, as chance has it."""

    def __init__(self, honest: App) -> None:
        self._honest = honest
        self.chance = random.Random(0)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request (ASGI 3)."""
        sent: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        path = scope["path"].removeprefix(scope["root_path"])
        await self._honest({**scope, "path": path, "root_path": ""}, receive, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        kept = [(name, value) for name, value in sent[0]["headers"] if name.lower() != b"content-length"]
        if self.chance.random() < _OF_ALL_ANSWERS:
            body, kept = self._changed(body), self._with_another_type(kept)
        headers = [*kept, (b"content-length", str(len(body)).encode())]
        await send({**sent[0], "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _changed(self, body: bytes) -> bytes:
        if body[:1] in {b"[", b"{"} and self.chance.random() < 0.7:
            return changed_json(self.chance, body)
        return changed(self.chance, body)

    def _with_another_type(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if self.chance.random() > 0.1:
            return headers
        # What is no header at all is the matter of the kind that changes whole answers.
        return [(name, changed(self.chance, value[:80]).translate(None, b"\r\n\0")[:4_000]) for name, value in headers]


class Calls:
    """Tools called beside a healthy archive; every answer is looked at, and so is the next one to a good question."""

    def __init__(self, client: Client, watch: Watch, changing: Changing, folder: Path) -> None:
        self._client, self._watch, self._changing, self._folder = client, watch, changing, folder
        self.raw = b""

    async def warm_up(self) -> None:
        """Load what the tools need and start what works for them: what that takes here is granted to every case."""
        started = time.monotonic()
        for seed in (seeds()[0], *seeds()[-2:]):
            study, series, instance = (f"{uid}@files" for uid in seed.uids)
            (self._folder / "changed.dcm").write_bytes(seed.file)
            for tool in seed.tools:
                uids = {"studyInstanceUid": study, "seriesInstanceUid": series, "sopInstanceUid": instance}
                if tool == "render-series-overview":
                    del uids["sopInstanceUid"]
                await self._client.call_tool(tool, uids)
        (self._folder / "changed.dcm").unlink()
        self._watch.grants(time.monotonic() - started)

    async def answer(self, chance: random.Random) -> None:
        """A tool of a random object's, while the archive's answers are changed."""
        self._changing.chance = chance
        await self._call(*self._asked(chance, chance.choice(seeds()), "bad"))
        await self._good()

    async def http(self, chance: random.Random) -> None:
        """A search, while the bytes of the whole HTTP answer are changed."""
        row = b'[{"0020000D":{"vr":"UI","Value":["1.2.3"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}}]'
        self.raw = changed(chance, http(chance.choice((200, 200, 200, 206, 302, 401, 503)), row, Location="/x"))
        await self._call("find-studies", {"query": "archive=raw,good limit=5"})
        await self._good()

    async def file(self, chance: random.Random) -> None:
        """A tool over a folder in which a file was changed."""
        seed = chance.choice(seeds())
        path = self._folder / "changed.dcm"
        path.write_bytes(changed(chance, seed.file))
        try:
            await self._call(*self._asked(chance, seed, "files"))
            await self._good()
        finally:
            path.unlink()

    async def cursor(self, chance: random.Random) -> None:
        """The second page of a list by a cursor that was changed."""
        asked = {"query": "archive=good limit=2"}
        first = await self._client.call_tool("find-studies", asked)
        told = str((first.structured_content or {})["nextCursor"])
        text = changed(chance, told.encode()).decode("utf-8", "replace")[:100_000]
        await self._call("find-studies", {**asked, "cursor": text})

    def _asked(self, chance: random.Random, seed: Seed, archive: str) -> tuple[str, dict[str, Any]]:
        study, series, instance = (f"{uid}@{archive}" for uid in seed.uids)
        tool = chance.choice((*_SEARCHES, *_LISTS, *seed.tools * 4))
        uids = {"studyInstanceUid": study, "seriesInstanceUid": series, "sopInstanceUid": instance}
        match tool:
            case "find-studies":
                return tool, {"query": f"archive={archive},good"}
            case "find-series" | "find-prior-studies" | "find-structured-reports" | "find-encapsulated-pdf-reports":
                return tool, {"studyInstanceUid": study}
            case "find-instances" | "render-series-overview":
                return tool, {key: uids[key] for key in ("studyInstanceUid", "seriesInstanceUid")}
            case _:
                return tool, uids

    async def _call(self, tool: str, arguments: dict[str, Any]) -> None:
        self._watch.doing(f"{tool} {arguments}")
        with anyio.move_on_after(_GIVES_UP_S) as scope:
            result = await self._client.call_tool(tool, arguments)
            texts = (getattr(block, "text", "") for block in result.content)
            self._watch.answered("\n".join(texts), is_error=bool(result.is_error))
        if scope.cancelled_caught:
            self._watch.found(f"{tool} was not answered in {_GIVES_UP_S} s")

    async def _good(self) -> None:
        result = await self._client.call_tool("find-studies", {"query": "archive=good limit=2"})
        if not (result.structured_content or {}).get("studies"):
            self._watch.found("the healthy archive's studies were not found afterwards")


@asynccontextmanager
async def calls(folder: Path, watch: Watch) -> AsyncIterator[Calls]:
    """A server over a healthy archive, one whose answers are changed, one that speaks raw bytes, and a folder."""
    written_to(folder / "honest")
    (folder / "files").mkdir()
    honest = folder_app(folder / "honest", cache=folder / "cache")
    changing = Changing(honest)
    good = HostileArchive(Holdings(studies=DISTRIBUTIONS["one a week"](30, dt.date(2024, 6, 1))))
    with _loopback(changing, good) as (bad_url, good_url):
        holder: list[Calls] = []
        with canned(lambda _head: holder[0].raw) as port:
            config = Config(
                archives=(
                    _archive("good", good_url),
                    _archive("bad", bad_url),
                    _archive("raw", f"http://127.0.0.1:{port}/rs"),
                    Archive(name="files", folder=folder / "files", deadline_s=DEADLINE_S),
                )
            )
            async with Client(build_server(config)) as client:
                holder.append(Calls(client, watch, changing, folder / "files"))
                yield holder[0]
    honest.state.close()


def _archive(name: str, url: str) -> Archive:
    return Archive(name=name, url=url, deadline_s=DEADLINE_S, max_bytes=_MAX_BYTES)


@contextmanager
def _loopback(*apps: App) -> Iterator[list[str]]:
    with Loopback() as loopback, loopback.serve(*apps) as urls:
        yield urls
