"""Searching: against a raw request, against one archive, against reading everything, against parsing alone."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import httpx

from benchmarks import studies
from benchmarks.archives import archives
from benchmarks.distance import AWAY_MS, far_away
from benchmarks.measuring import (
    BARE_COMMAND,
    Line,
    RawGet,
    Stdio,
    federator_command,
    interleaved,
    interleaved_async,
    ratio,
    text_of,
)
from benchmarks.reference_listing import listing
from federator.archive.connection.client import Answer
from federator.archive.search.request import INCLUDE
from federator.archive.search.rows import parse as parse_rows
from federator.config import Archive, Config
from federator.dicom.query.language import parse
from federator.federation.federation import Federation
from federator.federation.merge import merge
from federator.model import Level, Row
from tests.support.orthanc_server import Orthanc, running
from tests.support.real.tiny_pacs import TinyPacs, running_tiny_pacs

_FEW = 300


@contextmanager
def orthanc_with_studies(count: int) -> Iterator[Orthanc]:
    """A real Orthanc with so many one-instance studies of recent years."""
    rng = studies.seeded(5)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "bench", "/dicom-web/") as orthanc:
        for number in range(count):
            orthanc.store(studies.file(number, rng))
        yield orthanc


@contextmanager
def tiny_pacs_with_studies(count: int) -> Iterator[TinyPacs]:
    """The same studies in a tiny-pacs."""
    rng = studies.seeded(5)
    with tempfile.TemporaryDirectory() as folder, running_tiny_pacs(Path(folder)) as archive:
        archive.store(studies.file(number, rng) for number in range(count))
        yield archive


@contextmanager
def config_of(urls: Mapping[str, str], *, deadline_s: float = 10.0) -> Iterator[Path]:
    """A configuration file with these archives."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archives.toml"
        lines = [f'[archives.{name}]\nurl = "{url}"\ndeadline_s = {deadline_s}\n' for name, url in urls.items()]
        path.write_text("".join(lines), encoding="utf-8")
        path.chmod(0o600)
        yield path


def against_a_raw_request(
    *, counts: Sequence[int] = (300, 3000), rounds: int = 40, starts: int = 7, typing_s: float = 2.0
) -> list[Line]:
    """`find-studies limit=10` through stdio against a keep-alive GET of the same ten, in archives of several sizes."""
    beside = [line for count in counts for line in _in_orthanc(count, rounds, starts, typing_s)]
    return [*beside, _away(counts[0], rounds)]


def _away(count: int, rounds: int) -> Line:
    """The same where the way to the archive takes its time."""
    with (
        orthanc_with_studies(count) as orthanc,
        far_away(orthanc, AWAY_MS) as far,
        config_of({"pacs": far.url}) as config,
        closing(raw_search(far, 10)) as raw,
    ):
        server = Stdio(federator_command(config))
        server.initialize()
        _seconds(server, "limit=10")
        line = _ten_studies(server, raw, f"{count:,} studies {AWAY_MS} ms away", rounds)
        server.close()
    return line


def _ten_studies(server: Stdio, raw: RawGet, where: str, rounds: int) -> Line:
    ours_s, raw_s, times = interleaved(
        lambda: server.call("find-studies", query="limit=10"), lambda: json.loads(raw.get()), rounds=rounds
    )
    return Line(
        what=f"`find-studies limit=10` through stdio, Orthanc with {where}",
        against="a raw keep-alive GET of ten studies",
        reached=times,
        goal=1.25,
        note=f"{ours_s * 1000:.1f} ms against {raw_s * 1000:.1f} ms",
    )


def _in_orthanc(count: int, rounds: int, starts: int, typing_s: float) -> list[Line]:
    with orthanc_with_studies(count) as orthanc, config_of({"pacs": orthanc.url}) as config:
        firsts = [_first_call(config, query, count, starts, typing_s) for query in ("", "limit=10")]
        server = Stdio(federator_command(config))
        server.initialize()
        with closing(raw_search(orthanc, 10)) as raw:
            ten = _ten_studies(server, raw, f"{count:,} studies", rounds)
            least_s, _, least = _least_possible(raw, rounds)
            above = _above_the_least(server, raw, rounds, count)
        text = text_of(server.call("find-studies", query="limit=50"))
        server.close()
        with closing(raw_search(orthanc, 50)) as raw:
            listed = listing(json.loads(raw.get()))
    return [
        ten,
        Line(
            what="the least with these libraries: an empty call of a bare mcp server and that GET by httpx",
            against="the same",
            reached=least,
            note=f"{least_s * 1000:.1f} ms",
        ),
        above,
        *firsts,
        Line(
            what=f"bytes of text for 50 of {count:,} studies",
            against="the reference's listing of 50",
            reached=len(text.encode()) / len(listed.encode()),
            goal=0.4,
            note=f"{len(text.encode()) / min(50, count):.0f} bytes a study",
        ),
    ]


def _least_possible(raw: RawGet, rounds: int) -> tuple[float, float, float]:
    """What no server on mcp and httpx can do without: a call that does nothing, and the request."""
    with _least(raw) as both:
        return interleaved(both, lambda: json.loads(raw.get()), rounds=rounds)


def _above_the_least(server: Stdio, raw: RawGet, rounds: int, count: int) -> Line:
    with _least(raw) as both:
        ours_s, least_s, times = interleaved(lambda: server.call("find-studies", query="limit=10"), both, rounds=rounds)
    return Line(
        what=f"`find-studies limit=10` through stdio, Orthanc with {count:,} studies",
        against="that least",
        reached=times,
        goal=1.1 if count == _FEW else None,
        note=f"{ours_s * 1000:.1f} ms against {least_s * 1000:.1f} ms",
    )


@contextmanager
def _least(raw: RawGet) -> Iterator[Callable[[], object]]:
    bare = Stdio(BARE_COMMAND)
    bare.initialize()
    with asyncio.Runner() as runner:
        http = httpx.AsyncClient(trust_env=False)

        def both() -> object:
            bare.call("echo", text="")
            return runner.run(http.get(raw.url, headers=raw.headers)).json()

        try:
            yield both
        finally:
            runner.run(http.aclose())
            bare.close()


def _first_call(config: Path, query: str, count: int, starts: int, typing_s: float) -> Line:
    pairs = [_first_two(config, query, typing_s) for _ in range(starts)]
    firsts, seconds = [first for first, _ in pairs], [second for _, second in pairs]
    first_ms, second_ms = statistics.median(firsts) * 1000, statistics.median(seconds) * 1000
    return Line(
        what=f"first `find-studies{f' {query}' if query else ''}` after start, {count:,} studies",
        against="the second",
        reached=ratio(firsts, seconds),
        note=f"{first_ms:.0f} ms against {second_ms:.0f} ms, {typing_s:g} s after the tool list",
    )


def _first_two(config: Path, query: str, typing_s: float) -> tuple[float, float]:
    """Seconds of the first two calls of a new server.

    They come when a person may have typed a question: the server gets ready once its tools are listed.
    """
    server = Stdio(federator_command(config))
    server.initialize()
    server.request("tools/list")
    time.sleep(typing_s)
    first_s, second_s = _seconds(server, query), _seconds(server, query)
    server.close()
    return first_s, second_s


def _seconds(server: Stdio, query: str) -> float:
    began = time.perf_counter()
    server.call("find-studies", query=query)
    return time.perf_counter() - began


def raw_search(orthanc: Orthanc, limit: int) -> RawGet:
    """The same question as ours, asked with nothing but a socket."""
    fields = "&".join(f"includefield={tag}" for tag in INCLUDE[Level.STUDY])
    return RawGet(orthanc, f"/studies?{fields}&limit={limit}", "application/dicom+json")


def many_slow_archives(*, count: int = 24, milliseconds: int = 200, rounds: int = 9) -> list[Line]:
    """Many archives that take their time for every request, against one of them."""

    async def measured(urls: list[str]) -> tuple[float, float, float]:
        query = parse("", Level.STUDY, today=studies.today())
        async with Federation(_config(urls)) as all_of_them, Federation(_config(urls[:1])) as one:
            return await interleaved_async(lambda: all_of_them.search(query), lambda: one.search(query), rounds=rounds)

    with archives("slow", count, milliseconds) as served:
        ours_s, one_s, times = anyio.run(measured, served.urls)
    return [
        Line(
            what=f"{count} archives of {milliseconds} ms each",
            against="one of them",
            reached=times,
            goal=1.15,
            note=f"{ours_s * 1000:.0f} ms against {one_s * 1000:.0f} ms",
        )
    ]


def newest_of_many(*, count: int = 8, size: int = 100_000) -> list[Line]:
    """The newest 50 of many unsorted studies in each of several archives, against reading everything."""

    async def measured(urls: list[str]) -> None:
        async with Federation(_config(urls, deadline_s=120)) as federation:
            page = await federation.search(parse("", Level.STUDY, today=studies.today()))
            assert page.complete

    with archives("full", count, size) as served:
        anyio.run(measured, served.urls)
        seen = served.seen()
    rows = statistics.mean(archive.rows for archive in seen)
    return [
        Line(
            what=f"rows read for the newest 50 of {size:,} × {count}, first contact",
            against="reading everything and sorting",
            reached=size / rows,
            goal=50,
            at_least=True,
            unit="× fewer",
            note=f"{rows:.0f} rows an archive",
        ),
        Line(
            what="requests for it",
            against="–",
            reached=max(archive.requests for archive in seen),
            goal=12,
            unit="an archive at most",
        ),
    ]


def _config(urls: Sequence[str], *, deadline_s: float = 10) -> Config:
    return Config(archives=tuple(Archive(name=f"a{n}", url=url, deadline_s=deadline_s) for n, url in enumerate(urls)))


def merging(*, count: int = 32, size: int = 5000, rounds: int = 3) -> list[Line]:
    """Large answers to the newest 200, parsing included, against `json.loads` of the same bytes."""
    rng = studies.seeded(2)
    bodies = [
        json.dumps([studies.row(archive, number, rng) for number in range(size)]).encode() for archive in range(count)
    ]
    answers = [
        Answer(status=200, media_type="application/dicom+json", content_type="", body=body, warnings=())
        for body in bodies
    ]
    names = [f"a{n}" for n in range(count)]

    def ours() -> object:
        rows = [
            Row(archive=name, data=row)
            for name, answer in zip(names, answers, strict=True)
            for row in parse_rows(answer).rows
        ]
        return merge(Level.STUDY, rows, names)[:200]

    def theirs() -> object:
        return [json.loads(answer.body) for answer in answers]

    ours_s, theirs_s, times = interleaved(ours, theirs, rounds=rounds)
    return [
        Line(
            what=f"merge of {count} × {size:,} rows to the newest 200, parsing included",
            against="`json.loads` of the same bytes alone",
            reached=times,
            goal=1.0,
            note=f"{ours_s:.2f} s against {theirs_s:.2f} s",
        )
    ]
