"""How much one call may cost, and how a process holds itself to it."""

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one call. `subject` begins the sentence that tells of them: "The PDF" needs more memory than …

    `needs` names modules that are loaded before the bounds hold: what a library maps for itself is no fault of a call.

    `memory_bytes` is what the process may map beyond what it has when the call begins, the arguments among it. Linux
    holds it to that; macOS and Windows have no such limit for a process, so there only `seconds` binds.
    """

    subject: str
    memory_bytes: int
    seconds: float
    needs: tuple[str, ...] = ()


class _Here:
    """What holds for this process."""

    is_bound = False


def is_bound() -> bool:
    """Whether this process runs a call within bounds, so that what crashes in it costs that call only."""
    return _Here.is_bound


def impose(limits: Limits) -> None:
    """Bind this process for the call that comes."""
    _Here.is_bound = True
    if sys.platform != "linux":
        return
    _soft(resource.RLIMIT_AS, mapped_bytes() + limits.memory_bytes)
    # The parent's clock is what ends a call; this one holds where the parent is gone or stopped.
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + limits.seconds) + 2)


def lift() -> None:
    """Take the bounds of the last call away: the next one has its own, and its arguments have to come in first."""
    if sys.platform == "linux":
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
            _soft(kind, resource.getrlimit(kind)[1])


def never_dump_core() -> None:
    """A crash leaves no image of the memory, which holds a patient's document, on the disk."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def mapped_bytes() -> int:
    """The size of this process's address space, which is what RLIMIT_AS bounds (Linux)."""
    return _pages(0)


def resident_bytes() -> int:
    """The memory that this process holds (Linux); 0 where that is not known."""
    return _pages(1) if sys.platform == "linux" else 0


def _pages(column: int) -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[column]) * resource.getpagesize()


def _soft(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    # A limit that whoever runs the server has set stays the upper one.
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
