"""Logging without patients: to stderr only, warnings and worse, and of other libraries the place but not the text."""

import logging
import sys
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

_QUIET_S = 60.0
_MOST_PLACES = 256


class DiscreetFormatter(logging.Formatter):
    """Prints federator's own messages, which never carry values; of anybody else's record only where it came from.

    A library's message may quote what an archive sent, and an exception's text may quote anything.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line, or two where an exception came along."""
        ours = record.name.partition(".")[0] == "federator"
        place = f"{record.name} at {Path(record.pathname).name}:{record.lineno}"
        lines = [f"{record.levelname}: {record.getMessage() if ours else place}"]
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
            lines.append(f"  {record.exc_info[0].__name__}{where}")
        if silenced := getattr(record, "silenced", 0):
            lines[0] += f" ({silenced} more since it was told last)"
        return "\n".join(lines)


class OncePerPlace(logging.Filter):
    """Lets a record through that was not heard from its place a minute ago; the next one tells how many were not.

    What fails in a loop (a connection that cannot be accepted) would fill a disk, and hide everything else.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._heard: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        kind = record.exc_info[0] if record.exc_info else None
        ours = record.name.partition(".")[0] == "federator"
        place = (record.pathname, record.lineno, kind, record.getMessage() if ours else "")
        since, silenced = self._heard.pop(place, (-_QUIET_S, 0))
        now = self._clock()
        is_new = now - since >= _QUIET_S
        self._heard[place] = (now, 0) if is_new else (since, silenced + 1)
        while len(self._heard) > _MOST_PLACES:
            self._heard.popitem(last=False)
        if is_new and silenced:
            record.silenced = silenced
        return is_new


def configure() -> None:
    """Set up logging for the whole process; to be called once, before the SDK sets up its own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(DiscreetFormatter())
    handler.addFilter(OncePerPlace())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # pydicom warns about every odd value, by quoting it, and archives are full of them.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
