"""Round trips one after the other of ten first questions to a real archive, counted on the line.

`python -m benchmarks.rounds [--archive tiny-pacs] [--federator PROGRAM] [--studies N ...]` asks each question in a
process of its own, with nothing kept; so does PROGRAM, another federator to compare with. It prints a row for each
question and federator. The archive is Orthanc (FEDERATOR_ORTHANC_ROOT: the one of that folder) or tiny-pacs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby, product
from pathlib import Path

from benchmarks.distance import far_away
from benchmarks.measuring import Stdio, federator_command
from benchmarks.searching import config_of, orthanc_with_studies, tiny_pacs_with_studies
from benchmarks.studies import study_uid
from tests.support.orthanc_server import Orthanc
from tests.support.real.tiny_pacs import TinyPacs

AWAY_MS = 300
QUESTIONS = (
    "", "limit=10", "PatientID=P7", "PatientName=sample^patient1*", "StudyDate=2020-",
    f"StudyInstanceUID={study_uid(5)},{study_uid(17)}", "ModalitiesInStudy=CT limit=10", "AccessionNumber=A12",
    "StudyDescription=*CHEST*", "PatientID=NOBODY",
)  # fmt: skip

ARCHIVES: dict[str, Callable[[int], AbstractContextManager[Orthanc | TinyPacs]]] = {
    "orthanc": orthanc_with_studies,
    "tiny-pacs": tiny_pacs_with_studies,
}

Span = tuple[float, float]
"""When a request passed the near end of the line, and when the last of its answer did."""


def spans(journal: str) -> list[Span]:
    """The requests of a line's journal."""
    parts = [line.split() for line in journal.splitlines()]
    found: list[Span] = []
    for connection in sorted({part[0] for part in parts}):
        ours = [(part[1] == "1", float(part[2])) for part in parts if part[0] == connection]
        began = 0.0
        for is_answer, group in groupby(ours, key=lambda part: part[0]):
            seconds = [second for _, second in group]
            if is_answer:
                found.append((began, seconds[-1]))
            else:
                began = seconds[0]
    return found


def one_after_the_other(requests: Sequence[Span]) -> int:
    """The longest row of requests of which each began when the one before it was answered."""
    depths: list[tuple[float, int]] = []
    for began, ended in sorted(requests):
        depths.append((ended, 1 + max((depth for end, depth in depths if end <= began), default=0)))
    return max((depth for _, depth in depths), default=0)


def asked(archive: Orthanc | TinyPacs, query: str, program: str) -> tuple[int, int, float, str]:
    """Round trips, requests, seconds as round trips, and what came, of one first question far from the archive."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        journal.touch()
        with (
            far_away(archive, AWAY_MS, journal) as far,
            config_of({"pacs": far.url}, deadline_s=60) as config,
        ):
            command = [program, "--config", str(config)] if program else federator_command(config)
            server = Stdio(command, {"XDG_STATE_HOME": folder})
            server.initialize()
            server.request("tools/list")
            began = time.monotonic()
            content = server.structured("find-studies", query=query)
            ended = time.monotonic()
            # What is still under way then is for later questions.
            requests = [span for span in spans(journal.read_text(encoding="ascii")) if span[1] <= ended]
            server.close()
    told = f"{len(content['studies'])} studies, {'complete' if content['complete'] else 'partial'}"
    return one_after_the_other(requests), len(requests), (ended - began) * 1000 / AWAY_MS, told


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rounds", description=__doc__)
    parser.add_argument("--federator", default="", metavar="PROGRAM")
    parser.add_argument("--archive", choices=ARCHIVES, default="orthanc")
    parser.add_argument("--studies", type=int, nargs="+", default=[300, 3_000], metavar="N")
    options = parser.parse_args()
    print(f"| studies | question | federator | round trips | requests | time / {AWAY_MS} ms | answer |")
    print("|---|---|---|---|---|---|---|")
    programs = ["", *([options.federator] if options.federator else [])]
    for count in options.studies:
        with ARCHIVES[options.archive](count) as archive:
            for query, program in product(QUESTIONS, programs):
                trips, requests, spent, told = asked(archive, query, program)
                asked_of = f"{count:,} | `{query}` | {program or 'this'}"
                print(f"| {asked_of} | {trips} | {requests} | {spent:.1f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
