"""`python -m benchmarks.fuzz --seconds 600`: everything that comes from outside, changed at random, and what must hold.

    --seed TEXT        another course of chance; each case hangs on the seed, its kind and its number alone
    --kinds KIND …     some kinds only
    --case N           that case of each kind, and no other

It ends with 1 if anything was found.
"""

import argparse
import asyncio
import itertools
import logging
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

from benchmarks.fuzz.answers import calls
from benchmarks.fuzz.texts import configuration, line, settings
from benchmarks.fuzz.watch import Report, Watch

KINDS = ("answer", "http", "file", "cursor", "configuration", "settings", "line")
_EACH_TURN = {"configuration": 20, "settings": 20, "line": 5, "cursor": 2}
"""How many cases of a kind stand against one of the others: they take less time."""


def fuzz(
    *,
    seconds: float,
    seed: str = "1",
    kinds: tuple[str, ...] = KINDS,
    case: int | None = None,
    is_timed: bool = True,
) -> Report:
    """Try the kinds in turn until the time is over; where it is not timed, nothing is found for being late."""
    return asyncio.run(_fuzz(seconds, seed, kinds, case, Watch(is_timed=is_timed)))


async def _fuzz(seconds: float, seed: str, kinds: tuple[str, ...], case: int | None, watch: Watch) -> Report:
    logger = logging.getLogger("federator")
    logger.addHandler(watch)
    logger.propagate = False
    try:
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            folder = Path(name)
            lines = stack.enter_context(line(folder, watch) if "line" in kinds else nullcontext())
            async with calls(folder, watch) as asked:

                async def text(chance: random.Random) -> None:
                    configuration(chance, folder, watch)

                async def setting(chance: random.Random) -> None:
                    settings(chance, watch)

                async def lined(chance: random.Random) -> None:
                    if lines is not None:
                        await asyncio.to_thread(lines.case, chance)

                tries: dict[str, Callable[[random.Random], Awaitable[None]]] = {
                    "answer": asked.answer,
                    "http": asked.http,
                    "file": asked.file,
                    "cursor": asked.cursor,
                    "configuration": text,
                    "settings": setting,
                    "line": lined,
                }
                await asked.warm_up()
                end = time.monotonic() + seconds
                for kind, number in _numbered(kinds) if case is None else ((kind, case) for kind in kinds):
                    for _ in range(2):
                        with watch.case(kind, number):
                            await tries[kind](random.Random(f"{seed} {kind} {number}"))
                        if not watch.is_to_be_repeated():
                            break
                    if time.monotonic() > end:
                        break
    finally:
        logger.removeHandler(watch)
        logger.propagate = True
    return watch.report


def _numbered(kinds: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    counts = {kind: itertools.count(1) for kind in kinds}
    while True:
        for kind in kinds:
            for _ in range(_EACH_TURN.get(kind, 1)):
                yield kind, next(counts[kind])


def _printed(report: Report) -> None:
    for kind, cases in report.cases.items():
        refused, slowest = report.refused[kind], report.slowest_s[kind]
        print(f"{kind}: {cases} cases, {refused} refused in words, the slowest {slowest:.1f} s")
    print(f"all: {report.cases.total()} cases, memory up to {report.peak_mib:.0f} MiB")
    for place, first in report.caught.items():
        print(f"caught by a boundary, first by {first}: {place}")
    for finding in report.findings:
        print(f"FOUND {finding}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--case", type=int)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    report = fuzz(seconds=options.seconds, seed=options.seed, kinds=tuple(options.kinds), case=options.case)
    _printed(report)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
