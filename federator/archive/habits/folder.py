"""The folder of what is kept of archives, a file for each name and address; several programs may write there at once.

Each file names its archive and address beside what `kept` puts there, so that a person can read whose it is.
"""

import datetime as dt
import hashlib
import logging
import threading
from contextlib import suppress
from pathlib import Path

from federator.archive.habits.kept import DAYS_KEPT, Kept, from_json
from federator.private import make_own_folder
from federator.state_file import StateFile, disk_words

logger = logging.getLogger(__name__)

_SCHEMA_VERSION = 1
_MOST_FILES = 200

Place = tuple[str, str]
"""An archive's name and address; credentials are no part of an address."""


class HabitsFolder:
    """What earlier processes found of archives. It is never needed to answer a question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted: dict[Place, Kept | None] = {}
        self._written: dict[Place, Kept | None] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._complained = False

    def read(self, name: str, address: str) -> Kept | None:
        """What is kept of an archive; None where that is nothing, or nothing that can be used."""
        told = self._file(name, address).read()
        if (told.get("archive"), told.get("address")) != (name, address):
            return None
        kept = from_json(told, today())
        self._written[name, address] = kept
        return kept

    def note(self, name: str, address: str, kept: Kept | None) -> None:
        """Remember what is to be kept of an archive until the next `save`; None forgets it."""
        with self._lock:
            if self._written.get((name, address), ...) != kept:
                self._noted[name, address] = kept
            else:
                self._noted.pop((name, address), None)

    def save(self) -> None:
        """Write what is new; where that fails it is said once, and waits for the next time."""
        with self._writing:
            with self._lock:
                noted, self._noted = self._noted, {}
            try:
                for place in list(noted):
                    self._save(*place, noted[place])
                    self._written[place] = noted.pop(place)
            except OSError as error:
                with self._lock:
                    self._noted = {**noted, **self._noted}
                self._complain(error)

    def _save(self, name: str, address: str, kept: Kept | None) -> None:
        file = self._file(name, address)
        if kept is None:
            file.path.unlink(missing_ok=True)
            return
        make_own_folder(self._path.parent)
        file.replace({"archive": name, "address": address, **kept.as_json()})
        self._clear()

    def _file(self, name: str, address: str) -> StateFile:
        digest = hashlib.sha256(address.encode()).hexdigest()[:12]
        return StateFile(self._path / f"{name}-{digest}.json", version=_SCHEMA_VERSION)

    def _clear(self) -> None:
        """Take away what is too old to be of use, and the oldest of too many."""
        ages = []
        for path in self._path.glob("*.json"):
            with suppress(OSError):
                ages.append((path.lstat().st_mtime, path))
        oldest = (dt.datetime.now(dt.UTC) - dt.timedelta(DAYS_KEPT + 1)).timestamp()
        for number, (age, path) in enumerate(sorted(ages, reverse=True)):
            if number >= _MOST_FILES or age < oldest:
                with suppress(OSError):
                    path.unlink()

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            logger.warning("What archives were found to do cannot be kept in %s: %s.", self._path, disk_words(error))


def today() -> dt.date:
    """The day by which the age of what is kept is told."""
    return dt.datetime.now(dt.UTC).date()
