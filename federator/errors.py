"""Every error that federator raises on purpose, by who can act on it.

    FederatorError
    ├── ConfigError        the operator: every fault of the file in one go
    ├── RequestError       the model, by asking differently
    ├── ArchiveError       one archive; in a fan-out it becomes that archive's outcome
    ├── NoArchiveAnswered  nobody answered: never an empty list
    ├── NotFound           who said no, and who did not answer
    └── ContentError       found, but not of a kind that can be read or shown

Anything else is a bug: it is logged by its type and place, and its text stays hidden from the model.
Messages are written here by federator. They never carry archive bodies, secrets or attribute values.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from federator.model import Outcome, OutcomeState

_PACKAGE = str(Path(__file__).parent)


class FederatorError(Exception):
    """The root of what federator says on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFault:
    """One fault of a configuration file: where it stands and what to do about it."""

    message: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return f"{place}{self.key}: {self.message}" if self.key else f"{place}{self.message}"


class ConfigError(FederatorError):
    """The configuration cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: Sequence[ConfigFault], *, path: str = "") -> None:
        self.faults = tuple(faults)
        self.path = path
        where = f"{path}: " if path else ""
        super().__init__(where + "; ".join(str(fault) for fault in self.faults))


class RequestError(FederatorError):
    """The question cannot be asked like this; the message quotes the part and says what to write instead."""


class ArchiveError(FederatorError):
    """One archive could not answer; `state` is the outcome that this amounts to.

    `permanent` says that asking again cannot help (an untrusted certificate, an answer over the byte budget).
    """

    def __init__(
        self,
        message: str,
        *,
        state: OutcomeState,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        permanent: bool = False,
    ) -> None:
        self.state = state
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.permanent = permanent
        super().__init__(message)


class NoArchiveAnswered(FederatorError):  # noqa: N818 - reads as a sentence at the place where it is raised
    """All archives that were asked failed."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = tuple(outcomes)
        told = "; ".join(f"{o.archive}: {o.message or o.state.value}" for o in self.outcomes)
        super().__init__(f"No archive answered, so nothing is known. {told}")


class NotFound(FederatorError):  # noqa: N818 - reads as a sentence at the place where it is raised
    """The object is not where it was looked for; the message tells refusals and silences apart."""

    def __init__(self, message: str, *, outcomes: Sequence[Outcome] = ()) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(message)


class ContentError(FederatorError):
    """The object was found, but it holds nothing of the kind that was asked for, or its holder cannot read it.

    `outcomes` are those of the other archives that were asked for it.
    """

    def __init__(self, message: str, *, outcomes: Sequence[Outcome] = ()) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(message)


def places_of(error: BaseException) -> list[str]:
    """Type and place of an exception, or of each one in a group, for a log: its text may quote what an archive sent."""
    if isinstance(error, BaseExceptionGroup):
        return [
            place for inner in error.exceptions if not isinstance(inner, FederatorError) for place in places_of(inner)
        ]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or frames
    place = f"{ours[-1].filename}:{ours[-1].lineno} in {ours[-1].name}" if ours else "an unknown place"
    return [f"{type(error).__name__} at {place}"]
