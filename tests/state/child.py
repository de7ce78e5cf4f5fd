"""Work in a forked process: killed at a step of its own choice, on a disk without room, with no rights taken away."""

import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable

_STEPS = ("open", "os.", "tempfile.", "shutil.", "fcntl.", "sqlite3.")
"""Audit events of the interpreter: each is a point between two things that a program does to a disk."""


def run(work: Callable[[], None]) -> int:
    """Do the work in a child; its status, as `os.waitpid` gives it."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a child that is killed (SIGKILL) at its step of this number; False where it has fewer."""

    def work_and_die() -> None:
        steps = itertools.count(1)

        def die(event: str, _arguments: object) -> None:
            if event.startswith(_STEPS) and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(die)
        work()

    return os.WIFSIGNALED(run(work_and_die))


def steps_of(prepared: Callable[[], Callable[[], None]]) -> int:
    """How many steps the work has, prepared anew for each try: by doubling and halving, in children that are killed."""
    low, high = 0, 1
    while killed_at(high, prepared()):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if killed_at(middle, prepared()) else (low, middle)
    return low


def with_room_for(size: int, work: Callable[[], None]) -> int:
    """Do the work in a child in which no file may grow beyond `size` bytes."""

    def work_in_little_room() -> None:
        # Without it the limit is told by a signal that ends the process.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        work()

    return run(work_in_little_room)
