"""`python -m benchmarks [NAME ...]`: measure and print the table."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import first_contact, folders, retrieving, searching, starting
from benchmarks.measuring import Line

SUITE: dict[str, Callable[[], list[Line]]] = {
    "search": searching.against_a_raw_request,
    "cold": first_contact.cold,
    "kept": first_contact.kept,
    "day": first_contact.crowded_day,
    "call": first_contact.call_command,
    "archives": searching.many_slow_archives,
    "newest": searching.newest_of_many,
    "merge": searching.merging,
    "start": starting.start_up,
    "tools": starting.tool_list,
    "idle": starting.idle_memory,
    "peak": starting.peak_memory,
    "hundred": starting.hundred_archives,
    "pictures": retrieving.pictures,
    "decoding": retrieving.decoding,
    "reports": retrieving.reports,
    "indexing": folders.indexing,
    "folder": folders.searching,
    "report": folders.large_report,
    "frame": folders.one_frame,
}


def main() -> int:
    """Print the table; the exit status is the number of goals that were missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(SUITE)}; default all")
    options = parser.parse_args()
    for name in options.names:
        if name not in SUITE:
            parser.error(f"unknown measurement '{name}'; there are {', '.join(SUITE)}")
    print("| what | against | reached | goal | |")
    print("|---|---|---|---|---|")
    missed = 0
    for name in options.names or SUITE:
        for line in SUITE[name]():
            missed += line.met is False
            print(row_of(line), flush=True)
    return missed


def row_of(line: Line) -> str:
    """A line as a row of a Markdown table."""
    sign = "≥" if line.at_least else "≤"
    goal = "–" if line.goal is None else f"{sign} {line.goal:g} {line.unit}".rstrip()
    verdict = {True: "met", False: "missed", None: ""}[line.met]
    reached = f"{line.reached:,.0f}" if line.unit == "" else f"{line.reached:.2f} {line.unit}"
    said = "; ".join(part for part in (verdict, line.note) if part)
    return f"| {line.what} | {line.against} | {reached} | {goal} | {said} |"


if __name__ == "__main__":
    sys.exit(main())
