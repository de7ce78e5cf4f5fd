"""The one retry policy, and the circuit breaker that spares an archive that is down.

Only GET requests pass here, so every one may be repeated. Retries happen at this layer only and are limited three
ways: by attempts, by the caller's deadline (the enclosing cancel scope) and by a budget that real requests earn.
"""

import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from federator.errors import ArchiveError
from federator.model import OutcomeState

T = TypeVar("T")

MAX_ATTEMPTS = 3
_RETRY_STATUS = frozenset({408, 425, 429, 502, 503, 504})
_NOBODY_LOOKED = frozenset({502, 503, 504})
_SERIES_PARTS = 5
_BACKOFF_FIRST_S = 0.1
_BACKOFF_MAX_S = 2.0


class RetryBudget:
    """Retries are at most a tenth of the requests, with a small stock to start from."""

    def __init__(self, *, stock: float = 10.0, earned_per_request: float = 0.1) -> None:
        self._capacity = stock
        self._left = stock
        self._earned_per_request = earned_per_request

    def earn(self) -> None:
        """Count one first attempt."""
        self._left = min(self._capacity, self._left + self._earned_per_request)

    def spend(self) -> bool:
        """Take one retry out of the budget; False when it is empty."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Breaker:
    """Open after five failures in a row, or more than half of the last twenty; then one request at a time probes.

    Only transport faults, timeouts and 5xx count: an archive that says no is working. Of those, what nobody who knows
    the object has said (the network, a gateway, an archive too busy to look) counts each time. Any other 5xx means that
    the archive choked on what it was asked for, and says at first no more than that this cannot be had: it counts once
    for each subject among the last twenty. So one broken object, asked for forty times, leaves the archive in service,
    while one that answers 500 to everything is spared after five different questions.
    """

    OPEN_S = 20.0
    _IN_A_ROW = 5
    _SAMPLE = 20

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # None for a request that went well, else what it was about: empty for the archive as a whole.
        self._recent: deque[str | None] = deque(maxlen=self._SAMPLE)
        self._in_a_row = 0
        self._open_until = 0.0
        self._probing = False

    @contextmanager
    def watched(self, subject: str = "") -> Iterator[None]:
        """Let a request pass and learn from its end, or raise an ArchiveError (skipped) while the circuit is open.

        `subject` is what it asks for (`subject_of`). From one that is cancelled nothing is learned: it was given up for
        reasons of our own.
        """
        probes = self._admit()
        try:
            yield
        except ArchiveError as error:
            if is_fault(error):
                self.failed("" if _is_about_the_archive(error) else subject)
            else:
                self._succeeded()
            raise
        else:
            self._succeeded()
        finally:
            if probes:
                self._probing = False

    def failed(self, subject: str = "") -> None:
        """The archive could not be reached, broke off, timed out or answered 5xx; `subject` where only that failed."""
        if subject and subject in self._recent:
            return
        self._in_a_row += 1
        self._recent.append(subject)
        faults = sum(each is not None for each in self._recent)
        mostly = len(self._recent) == self._SAMPLE and faults * 2 > self._SAMPLE
        if self._open_until or self._in_a_row >= self._IN_A_ROW or mostly:
            self._open_until = self._clock() + self.OPEN_S

    def _admit(self) -> bool:
        """Whether the request that may pass is the one that probes an open circuit."""
        if not self._open_until:
            return False
        left_s = self._open_until - self._clock()
        if left_s > 0 or self._probing:
            raise ArchiveError(
                f"not asked, because it failed again and again; it is tried again in {max(1, round(left_s))} s.",
                state=OutcomeState.SKIPPED,
            )
        self._probing = True
        return True

    def _succeeded(self) -> None:
        """The archive answered, whatever it said."""
        if self._open_until:
            self._recent.clear()
        self._in_a_row = 0
        self._open_until = 0.0
        self._recent.append(None)


def is_fault(error: ArchiveError) -> bool:
    """Whether an error says that the archive is unwell (transport, timeout, 5xx)."""
    if error.http_status is not None:
        return error.http_status >= 500  # noqa: PLR2004 - the 5xx class of RFC 9110
    return error.state in {OutcomeState.UNREACHABLE, OutcomeState.TIMED_OUT}


def subject_of(path: str) -> str:
    """What a path below an archive's address is about: a series where it names one, else the whole question.

    The images of a series are of one make: what an archive cannot decode in one, it cannot in the others either.
    """
    resource = path.partition("?")[0].split("/")
    within_series = len(resource) > _SERIES_PARTS and resource[1] == "studies" and resource[3] == "series"
    return "/".join(resource[:_SERIES_PARTS]) if within_series else path


def _is_about_the_archive(error: ArchiveError) -> bool:
    return error.http_status is None or error.http_status in _NOBODY_LOOKED


def _worth_repeating(error: BaseException) -> bool:
    if not isinstance(error, ArchiveError) or error.permanent:
        return False
    if error.http_status is None:
        return error.state is OutcomeState.UNREACHABLE
    return error.http_status in _RETRY_STATUS or error.http_status == 500  # noqa: PLR2004


def _pause_s(state: RetryCallState) -> float:
    """Full jitter, or what the archive asks for with Retry-After."""
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, ArchiveError) and error.retry_after_s is not None:
        return error.retry_after_s
    ceiling = min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**state.attempt_number)
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


def _stop(budget: RetryBudget) -> Callable[[RetryCallState], bool]:
    by_attempts = stop_after_attempt(MAX_ATTEMPTS)

    def stop(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome is not None else None
        # Orthanc answers 500 to what it cannot do: one repetition tells a hiccup from that.
        once = isinstance(error, ArchiveError) and error.http_status == 500  # noqa: PLR2004
        if by_attempts(state) or (once and state.attempt_number > 1):
            return True
        left_s = anyio.current_effective_deadline() - anyio.current_time()
        return state.upcoming_sleep >= left_s or not budget.spend()

    return stop


async def with_retries(attempt: Callable[[], Awaitable[T]], budget: RetryBudget) -> T:
    """Await `attempt()`, again after what may pass; raises the last ArchiveError when it does not."""
    budget.earn()
    retrying = AsyncRetrying(
        sleep=anyio.sleep,
        stop=_stop(budget),
        wait=_pause_s,
        retry=retry_if_exception(_worth_repeating),
        reraise=True,
    )

    async def once() -> T:
        # tenacity awaits what it can see to be a coroutine function, and a lambda is none.
        return await attempt()

    return await retrying(once)
