"""What must hold whatever is sent: in time, in our words, within memory, and the next good question is answered."""

import collections
import logging
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

DEADLINE_S = 4.0
_GRACE_S = 2.0
_MOST_GROWTH_MIB = 600
_OWN_FAULT = "fault of its own"
_CAUGHT = re.compile(r"^(?:Archive \S+ failed|What an archive sent cannot be read): (.+)")


@dataclass(slots=True, kw_only=True)
class Report:
    """Cases by kind, findings as sentences that begin with what repeats them, and what the boundaries caught by place.

    What they caught harmed nobody, but nobody foresaw it either.
    """

    cases: collections.Counter[str] = field(default_factory=collections.Counter)
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)
    caught: dict[str, str] = field(default_factory=dict)
    slowest_s: dict[str, float] = field(default_factory=dict)
    peak_mib: float = 0.0


class Watch(logging.Handler):
    """Looks at one case after the other, and at federator's log beside them."""

    def __init__(self, *, is_timed: bool = True) -> None:
        super().__init__(logging.ERROR)
        self._is_timed = is_timed
        self.report = Report()
        self._case = self._doing = self._late = ""
        self._granted_s = _GRACE_S
        self._at_first_mib = _peak_mib()

    def emit(self, record: logging.LogRecord) -> None:
        """An error in the log: known to a boundary, or a finding."""
        told = record.getMessage()
        match = _CAUGHT.search(told)
        if match and not record.exc_info:
            self.report.caught.setdefault(match[1], self._case)
        else:
            self.found(f"the log says: {told[:300]}")

    def found(self, what: str) -> None:
        """One more finding, of the case that is under way."""
        self.report.findings.append(f"{self._case}: {what} ({self._doing})")

    def is_to_be_repeated(self) -> bool:
        """Whether the last case was late for the first time: on a machine that others use too, once is chance."""
        return self._late == self._case

    def _judge(self, took: float) -> None:
        is_late = self._is_timed and took > DEADLINE_S + self._granted_s
        if is_late and self._late == self._case:
            self.found(f"took {took:.1f} s, twice")
        self._late = self._case if is_late and self._late != self._case else ""

    def grants(self, start_s: float) -> None:
        """Grant every case what a worker process takes to start on this machine as it is."""
        self._granted_s = _GRACE_S + start_s

    def doing(self, what: str) -> None:
        """Say what the case asks for."""
        self._doing = what[:300]

    def answered(self, text: str, *, is_error: bool) -> None:
        """Look at what was answered."""
        self.report.refused[self._case.partition(" ")[0]] += is_error
        if _OWN_FAULT in text or "Traceback" in text:
            self.found(f"the answer says: {text[:300]}")

    @contextmanager
    def case(self, kind: str, number: int) -> Iterator[None]:
        """One case: what is raised out of it is a finding, and so is the time that it takes too long."""
        self._case, self._doing = f"{kind} {number}", ""
        started = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.found(f"raised {type(error).__name__}: {str(error)[:300]}")
        took = time.monotonic() - started
        self._judge(took)
        self.report.cases[kind] += 1
        self.report.slowest_s[kind] = max(took, self.report.slowest_s.get(kind, 0))
        self.report.peak_mib = _peak_mib()
        if self.report.peak_mib - self._at_first_mib > _MOST_GROWTH_MIB:
            self.found(f"memory grew to {self.report.peak_mib:.0f} MiB")
            self._at_first_mib = self.report.peak_mib


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
