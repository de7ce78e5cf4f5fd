"""The parent's side of one worker process: started, asked, killed."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from federator.errors import ContentError
from federator.workers.limits import MIB, Limits
from federator.workers.wire import End, Reply, Request, receive_reply, send

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_MODULE = "federator.workers.process"
_ENVIRONMENT = (
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("SYSTEMROOT", "WINDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"),
)
"""What a Python needs to start on Linux, macOS and Windows."""

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Libraries that reckon with arrays would each start as many threads as there are cores, with memory for each."""

_FAULTS = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, IndexError, TypeError, ValueError)
"""What comes of a pipe whose other end is gone, or of an answer that is none."""


class FailedInWorker(RuntimeError):  # noqa: N818 - reads as a sentence at the place where it is raised
    """A bug in what ran in a worker; the text tells its type and place, nothing of what it worked on."""


class Worker:
    """One process. It takes one call at a time; where a call ended it, it `is_gone`."""

    def __init__(self) -> None:
        """Start the process; it loads while the caller goes on."""
        self.is_busy = False
        self._is_late = False
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Not what else stands there: archives' secrets do, and a worker reads what strangers wrote.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _ONE_THREAD,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def call(self, function: Callable[[*Arguments], T], *arguments: *Arguments, limits: Limits) -> T:
        """What `function` returns in the worker; an error that it raises on purpose is raised here.

        Raises ContentError where a limit was reached or the process crashed, FailedInWorker where it is a bug.
        """
        self.is_busy = True
        clock = threading.Timer(limits.seconds, self._end_late)
        clock.daemon = True
        clock.start()
        try:
            reply = self._exchange(Request(function=function, arguments=arguments, limits=limits))
            if reply is None or reply.is_worn:
                self.close()
        finally:
            clock.cancel()
            self.is_busy = False
        if reply is None:
            raise ContentError(self._why(limits))
        result: T = _value(reply, limits)
        return result

    def kill(self) -> None:
        """End the process at once, from whatever thread, without waiting: a call that is going on cleans up itself."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait until it has, and let go of its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # What was still to be written to a process that is gone is lost.
                with contextlib.suppress(OSError):
                    pipe.close()

    def _exchange(self, request: Request) -> Reply | None:
        source, target = self._process.stdout, self._process.stdin
        if source is None or target is None:
            return None
        try:
            send(target, request)
            return receive_reply(source)
        except _FAULTS:
            return None

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _why(self, limits: Limits) -> str:
        if self._is_late:
            return _too_long(limits)
        return f"{limits.subject} cannot be read: it makes the program that reads it crash, or needs too much memory."


def _value(reply: Reply, limits: Limits) -> Any:  # noqa: ANN401 - what the function returns
    if reply.end is End.RETURNED:
        return reply.value
    if reply.end is End.REFUSED and isinstance(reply.value, Exception):
        raise reply.value
    if reply.end is End.OUT_OF_MEMORY:
        raise ContentError(
            f"{limits.subject} is not read: it needs more memory than the {limits.memory_bytes // MIB} MiB that it may "
            "have."
        )
    raise FailedInWorker(str(reply.value)[:300])


def _too_long(limits: Limits) -> str:
    return f"{limits.subject} is not read: it takes longer than the {limits.seconds:g} s that it may have."


def run_once(function: Callable[[*Arguments], T], *arguments: *Arguments, limits: Limits) -> T:
    """Run one call in a process that is started for it and ends with it; blocks, so it belongs into a thread."""
    worker = Worker()
    try:
        return worker.call(function, *arguments, limits=limits)
    finally:
        worker.close()
