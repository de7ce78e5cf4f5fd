"""The end of the process: with its input, whatever hangs then.

A thread that opens a file on a drive that does not answer, or writes into a pipe that nobody reads, cannot be ended
from within Python, and Python waits for it. So the process is ended from outside of the interpreter.
"""

import faulthandler
import os
import select
import threading

GRACE_S = 4.0
"""From the end of the input until the process is ended: by then it has gone by itself where nothing hangs."""


def end_with_input(descriptor: int = 0, *, grace_s: float = GRACE_S) -> None:
    """End the process soon after the other side has closed its end of the input, also where nobody reads it.

    Windows does not tell that of a pipe: there `end_within` has to be called when the input was read to its end.
    """
    if hasattr(select, "poll"):
        try:
            # One of its own, because the SDK puts another file into the place of the standard one.
            own = os.dup(descriptor)
        except OSError:
            return  # there is no input that could end
        threading.Thread(target=_watch, args=(own, grace_s), name="input watch", daemon=True).start()


def end_within(seconds: float = GRACE_S) -> None:
    """End the process after this time, if it is still there. The timer needs neither the interpreter nor its lock."""
    # It would say where each thread hangs, on the stderr of a client that has gone.
    nowhere = open(os.devnull, "wb")  # noqa: SIM115, PTH123 - it has to stay open until the process ends
    faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)


def _watch(descriptor: int, grace_s: float) -> None:
    hang_up = select.POLLHUP | select.POLLERR | select.POLLNVAL
    watched = select.poll()
    watched.register(descriptor, getattr(select, "POLLRDHUP", 0))
    while not any(event & (hang_up | getattr(select, "POLLRDHUP", 0)) for _, event in watched.poll()):
        pass
    end_within(grace_s)
