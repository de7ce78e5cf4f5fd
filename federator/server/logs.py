"""Logging without patients: to stderr only, warnings and worse, and of other libraries the place but not the text."""

import logging
import sys
import traceback
import warnings
from pathlib import Path


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
        return "\n".join(lines)


def configure() -> None:
    """Set up logging for the whole process; to be called once, before the SDK sets up its own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(DiscreetFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # pydicom warns about every odd value, by quoting it, and archives are full of them.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
