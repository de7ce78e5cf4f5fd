"""`python -m benchmarks.soak --minutes 60`: mixed calls over nine archives of which most are odd.

Every answer has to be the oracle's, or be marked incomplete and then hold all that the archives which answered have.
At the end no socket, thread or task may be left, and memory has to have stayed flat after the first third.
"""

import argparse
import asyncio
import collections
import gc
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from benchmarks import scene
from benchmarks.archives import archives
from benchmarks.measuring import memory_kib, sockets
from federator.config import Archive, Config
from federator.demo.samples.catalogue import write_samples
from federator.server.app import build_server
from tests.support.hostile.oracle import Wanted, union
from tests.support.hostile.records import SERIES_UID, STUDY_UID, first

_CALLERS = 4
_DEADLINE_S = 2.0
_MOST_PAGES = 4
_SAMPLES = 60
_FLAT_GROWTH = 0.03
_LIMITS = (5, 20, 50, 200)


@dataclass(slots=True, kw_only=True)
class Report:
    """What a soak found. `faults` are sentences about answers that were wrong; memory is in MiB, in order."""

    calls: collections.Counter[str] = field(default_factory=collections.Counter)
    complete: int = 0
    incomplete: int = 0
    faults: list[str] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    sockets_left: int = 0
    threads_left: list[str] = field(default_factory=list)
    tasks_left: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """How much more memory the last quarter used than the second one, as a part of it."""
        quarter = max(1, len(self.memory_mib) // 4)
        early, late = self.memory_mib[quarter : 2 * quarter], self.memory_mib[-quarter:]
        return statistics.median(late) / statistics.median(early or late) - 1

    @property
    def sound(self) -> bool:
        """Whether every answer was right and nothing was left behind; memory is judged apart."""
        return not (self.faults or self.sockets_left or self.threads_left or self.tasks_left)

    def words(self) -> str:
        """The report for a person."""
        memory = [f"{mib:.0f}" for mib in self.memory_mib[:: max(1, len(self.memory_mib) // 12)]]
        return "\n".join(
            [
                f"{sum(self.calls.values())} calls: "
                + ", ".join(f"{n} {name}" for name, n in self.calls.most_common()),
                f"searches compared with the oracle: {self.complete} complete, {self.incomplete} marked incomplete",
                f"memory in MiB: {' '.join(memory)}; growth after warm-up {self.growth:+.1%}",
                f"left: {self.sockets_left} sockets, {len(self.threads_left)} threads, {len(self.tasks_left)} tasks",
                *(f"FAULT: {fault}" for fault in self.faults[:20]),
            ]
        )


class _Caller:
    """One conversation: calls at random, each checked."""

    def __init__(self, client: Client, report: Report, seed: int, images: dict[str, str]) -> None:
        self._client, self._report, self._images = client, report, images
        self._rng = random.Random(seed)
        self._held = {name: scene.holdings(number) for number, name in enumerate(scene.NAMES[:-1])}
        self._held["hung"] = type(self._held["north"])()

    async def run(self, until: float) -> None:
        """Call until that moment of the monotonic clock."""
        kinds: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._studies, 50),
            (self._below, 14),
            (self._priors, 6),
            (self._malformed, 6),
            (self._cancelled, 6),
            (self._listed, 4),
            (self._retrieved, 14),
        ]
        chosen, weights = zip(*kinds, strict=True)
        while time.monotonic() < until:
            await self._rng.choices(chosen, weights)[0]()

    async def _call(self, tool: str, **arguments: object) -> Any:  # noqa: ANN401 - a tool's result
        self._report.calls[tool] += 1
        return await self._client.call_tool(tool, arguments)

    async def _studies(self) -> None:
        """A search, page by page, against the oracle."""
        question, wanted = self._rng.choice(scene.QUESTIONS)
        names = self._rng.sample(scene.NAMES, self._rng.randrange(1, len(scene.NAMES) + 1))
        if self._rng.random() < 0.5:
            names = [name for name in names if name in scene.WHOLE] or list(scene.WHOLE)
        query = f"{question} limit={self._rng.choice(_LIMITS)}".strip()
        seen: list[str] = []
        cursor, complete = "", True
        heard = set(names)
        for _ in range(self._rng.randrange(1, _MOST_PAGES + 1)):
            result = await self._call("find-studies", query=query, archives=",".join(names), cursor=cursor)
            told = result.structured_content
            if told is None:
                self._report.incomplete += 1
                self._check(_nobody_was_heard(result), f"{query} at {names}: {result.content[0].text[:200]}")
                return
            complete &= told["complete"]
            heard &= {outcome["archive"] for outcome in told["archives"] if outcome["outcome"] == "answered"}
            seen += [item["studyInstanceUid"].partition("@")[0] for item in told.get("studies", [])]
            cursor = told.get("nextCursor", "")
            if not cursor:
                break
        self._compare(f"{query} at {names}", seen, names, heard, wanted, complete=complete, ended=not cursor)

    def _compare(
        self,
        asked: str,
        seen: list[str],
        names: list[str],
        heard: set[str],
        wanted: Wanted,
        *,
        complete: bool,
        ended: bool,
    ) -> None:
        everything = scene.expected(names, wanted, self._held)
        self._report.complete += complete
        self._report.incomplete += not complete
        self._check(len(set(seen)) == len(seen), f"{asked}: a study came twice")
        if complete:
            right = seen == (everything if ended else everything[: len(seen)])
            self._check(right, f"{asked}: {len(seen)} studies are not the first of {len(everything)}")
            return
        place = {uid: number for number, uid in enumerate(everything)}
        self._check(set(seen) <= set(place), f"{asked}: a study that nobody has")
        places = [place[uid] for uid in seen if uid in place]
        self._check(places == sorted(places), f"{asked}: not newest first")
        # A copy that failed to answer may be the one with the newer date, so only those who answered are compared.
        surely = scene.expected([name for name in names if name in heard], wanted, self._held)
        reached = surely if ended else [uid for uid in surely if places and place[uid] <= places[-1]]
        self._check(set(reached) <= set(seen), f"{asked}: lacks {len(set(reached) - set(seen))} of who answered")

    async def _below(self) -> None:
        """Series and instances of a study, against the oracle."""
        name = self._rng.choice(sorted(scene.STEADY))
        held = self._held[name]
        study_uid = first(self._rng.choice(held.studies), STUDY_UID)
        tags = {"studyInstanceUid": f"{study_uid}@{name}"}
        uids = await self._whole("find-series", "seriesInstanceUid", tags)
        if not uids:
            return
        self._check(uids == union([held.series], {STUDY_UID: [study_uid]}, "series"), f"series of {study_uid}@{name}")
        tags["seriesInstanceUid"] = f"{uids[0]}@{name}"
        found = await self._whole("find-instances", "sopInstanceUid", tags)
        wanted = {STUDY_UID: [study_uid], SERIES_UID: [uids[0]]}
        right = not found or found == union([held.instances], wanted, "instance")
        self._check(right, f"instances of {study_uid}@{name}")

    async def _whole(self, tool: str, tag: str, tags: dict[str, str]) -> list[str]:
        """The UIDs of a list from an archive that is well; none where it was too late, and that has to be said."""
        result = await self._call(tool, **tags)
        told = result.structured_content or {}
        complete = bool(told.get("complete"))
        self._report.complete += complete
        self._report.incomplete += not complete
        if not complete:
            says_so = _nobody_was_heard(result) or result.content[0].text.startswith("PARTIAL ANSWER")
            self._check(says_so, f"{tool}: {result.content[0].text[:200]}")
            return []
        items = told.get({"find-series": "series", "find-instances": "instances"}[tool], [])
        self._check(items, f"{tool} found nothing")
        return [item[tag].partition("@")[0] for item in items]

    async def _priors(self) -> None:
        """Prior studies: some archive never answers, so the answer has to say so."""
        study_uid = first(self._rng.choice(self._held["north"].studies), STUDY_UID)
        result = await self._call("find-prior-studies", studyInstanceUid=f"{study_uid}@north")
        told = result.structured_content or {}
        said = _nobody_was_heard(result) or told.get("complete") is False
        self._check(said, f"priors of {study_uid}: {result.content[0].text[:200]}")

    async def _malformed(self) -> None:
        result = await self._call("find-studies", query=self._rng.choice(scene.MALFORMED))
        self._check(result.is_error, "a malformed query was answered")

    async def _cancelled(self) -> None:
        with anyio.move_on_after(self._rng.random() * 0.1):
            await self._call("find-studies", query="limit=50", archives="north,hung")

    async def _listed(self) -> None:
        result = await self._call("list-archives")
        self._check(not result.is_error, "list-archives failed")

    async def _retrieved(self) -> None:
        """Pictures, metadata and reports from a folder beside the six."""
        tool = self._rng.choice(["get-instance-metadata", "render-instance-frame", "render-series-overview"])
        tags = dict(self._images)
        if tool == "render-series-overview":
            del tags["sopInstanceUid"]
        result = await self._call(tool, **tags)
        self._check(not result.is_error, f"{tool} failed: {result.content[0].text[:200]}")

    def _check(self, holds: object, fault: str) -> None:
        if not holds:
            self._report.faults.append(fault)


def _nobody_was_heard(result: Any) -> bool:  # noqa: ANN401 - a tool's result
    """Whether an answer says that no archive answered in time: an error, never an empty list."""
    return bool(result.is_error) and result.content[0].text.startswith("No archive answered, so nothing is known.")


async def _soaked(urls: list[str], folder: Path, report: Report, *, seconds: float, callers: int) -> None:
    archives_ = [
        Archive(name=name, url=url, deadline_s=_DEADLINE_S) for name, url in zip(scene.NAMES, urls, strict=True)
    ]
    config = Config(archives=(*archives_, Archive(name="teaching", folder=folder)))
    tasks_before = asyncio.all_tasks()
    async with Client(build_server(config), mode="legacy") as client:
        images = await _an_image(client)
        until = time.monotonic() + seconds
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_watch, report, seconds, until)
            for number in range(callers):
                tasks.start_soon(_Caller(client, report, number, images).run, until)
    # What was cancelled gets the loop once more, to end.
    await anyio.wait_all_tasks_blocked()
    report.tasks_left = [task.get_name() for task in asyncio.all_tasks() - tasks_before]


async def _an_image(client: Client) -> dict[str, str]:
    """The UIDs of one image of the sample archive."""
    tags: dict[str, str] = {}
    for tool, items, tag in (
        ("find-studies", "studies", "studyInstanceUid"),
        ("find-series", "series", "seriesInstanceUid"),
        ("find-instances", "instances", "sopInstanceUid"),
    ):
        query = {"find-studies": "archive=teaching ModalitiesInStudy=CT", "find-series": "Modality=CT"}.get(tool, "")
        told = (await client.call_tool(tool, {**tags, "query": query})).structured_content or {}
        tags[tag] = told[items][0][tag]
    return tags


async def _watch(report: Report, seconds: float, until: float) -> None:
    while time.monotonic() < until:
        await anyio.sleep(seconds / _SAMPLES)
        report.memory_mib.append(memory_kib("self") / 1024)


def soak(*, seconds: float, callers: int = _CALLERS, period_s: float = 30.0) -> Report:
    """Call for so long; flapping archives change about every half period."""
    report = Report()
    sockets_before, threads_before = sockets(), set(threading.enumerate())
    with (
        tempfile.TemporaryDirectory() as folder,
        archives("scene", int(period_s * 1000)) as served,
    ):
        mercy = write_samples(Path(folder))[0]

        async def run() -> None:
            await _soaked(served.urls, mercy, report, seconds=seconds, callers=callers)

        anyio.run(run)
    gc.collect()
    report.sockets_left = sockets() - sockets_before
    report.threads_left = [thread.name for thread in set(threading.enumerate()) - threads_before]
    return report


def main() -> int:
    """Soak, print the report; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--callers", type=int, default=_CALLERS)
    options = parser.parse_args()
    report = soak(seconds=options.minutes * 60, callers=options.callers)
    print(report.words())
    return 0 if report.sound and report.growth <= _FLAT_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
