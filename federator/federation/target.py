"""Which archives a question about one object goes to: the most specific tag decides (contract.md section 1)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from federator.dicom.uid import TaggedUID
from federator.errors import RequestError
from federator.model import Outcome

_MAX_REMEMBERED = 4096
_REMEMBERED_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A study, a series of it, or an instance of that, with the archives that each UID names."""

    study: TaggedUID
    series: TaggedUID | None = None
    instance: TaggedUID | None = None

    @property
    def archives(self) -> tuple[str, ...]:
        """The archives to ask, the preferred one first; empty where no UID names any.

        Tags that have no archive in common are a RequestError that shows them all.
        """
        tagged = [uid for uid in (self.instance, self.series, self.study) if uid is not None and uid.archives]
        if not tagged:
            return ()
        common = set.intersection(*(set(uid.archives) for uid in tagged))
        if not common:
            shown = ", ".join(
                f"{name} {uid}"
                for name, uid in (("study", self.study), ("series", self.series), ("instance", self.instance))
                if uid is not None
            )
            raise RequestError(
                f"These UIDs are in no archive together: {shown}. Take all of them from answers about the same archive."
            )
        return tagged[0].archives

    @property
    def path(self) -> str:
        """Where the object is in every archive.

        Standard: PS3.18 §10.4.1
        """
        path = f"/studies/{self.study.uid}"
        if self.series is not None:
            path += f"/series/{self.series.uid}"
        return path + (f"/instances/{self.instance.uid}" if self.instance is not None else "")

    @property
    def uid(self) -> str:
        """The UID of the object itself."""
        return (self.instance or self.series or self.study).uid


class Holders:
    """Which archives hold a study, as all of them said not long ago: bounded, the least used forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, tuple[str, ...], frozenset[str]]] = OrderedDict()

    def get(self, study_instance_uid: str, configured: Iterable[str]) -> tuple[str, ...]:
        """Those of the configured archives that hold it; empty where that is not known, or no longer surely so."""
        since, found, asked = self._known.get(study_instance_uid, (0.0, (), frozenset()))
        names = set(configured)
        if not found or self._clock() - since > _REMEMBERED_S or not names <= asked:
            return ()
        self._known.move_to_end(study_instance_uid)
        return tuple(name for name in found if name in names)

    def remember(self, study_instance_uid: str, archives: Iterable[str], outcomes: Collection[Outcome]) -> None:
        """Keep what every archive said, for UIDs that come back without a tag.

        Where one of them was not heard, nothing is kept: it may hold the study as well.
        """
        if not all(outcome.complete for outcome in outcomes):
            return
        asked = frozenset(outcome.archive for outcome in outcomes)
        self._known[study_instance_uid] = (self._clock(), tuple(archives), asked)
        self._known.move_to_end(study_instance_uid)
        while len(self._known) > _MAX_REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, study_instance_uid: str) -> None:
        """What was remembered turned out to be wrong."""
        self._known.pop(study_instance_uid, None)
