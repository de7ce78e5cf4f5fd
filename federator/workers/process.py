"""The worker's side: reads a call, binds itself, runs it, answers, waits for the next (`python -m` this module).

It ends when its standard input does, which is when its parent is gone: between calls because there is nothing to read,
within one because the kernel then sends the signal that was asked for, whatever library holds the interpreter.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import federator
from federator.errors import FederatorError
from federator.workers.limits import MIB, impose, lift, never_dump_core, resident_bytes
from federator.workers.wire import End, Reply, Request, receive_request, send_plain

if sys.platform != "win32":
    import fcntl

_WORN_BYTES = 160 * MIB
_PACKAGE = str(Path(federator.__file__).parent)


def _serve(source: IO[bytes], target: IO[bytes]) -> None:
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read_on, args=(source, requests), daemon=True).start()
    while True:
        request = requests.get()
        _end_with_parent(source, wanted=True)
        reply = _answered(request)
        del request
        lift()
        _end_with_parent(source, wanted=False)
        send_plain(target, reply)
        if reply.is_worn:
            return


def _read_on(source: IO[bytes], requests: "queue.SimpleQueue[Request]") -> None:
    """Take requests in until there is no parent any more; what runs then has nobody to answer to."""
    try:
        while True:
            requests.put(receive_request(source))
    except Exception:  # noqa: BLE001 - nothing is left to be done but to go
        os._exit(0)


def _end_with_parent(source: IO[bytes], *, wanted: bool) -> None:
    """Have the kernel end this process when the parent closes the pipe, also while C code holds the interpreter.

    Nothing else comes through the pipe until this call is answered. SIGIO ends a process that does not handle it.
    """
    if sys.platform == "linux":
        flags = fcntl.fcntl(source, fcntl.F_GETFL)
        fcntl.fcntl(source, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(source, fcntl.F_SETFL, flags | os.O_ASYNC if wanted else flags & ~os.O_ASYNC)


def _answered(request: Request) -> Reply:
    try:
        for name in request.limits.needs:
            import_module(name)
        impose(request.limits)
        value: Any = request.function(*request.arguments)
    except FederatorError as error:
        return Reply(end=End.REFUSED, value=error, is_worn=_is_worn())
    except MemoryError:
        return Reply(end=End.OUT_OF_MEMORY, is_worn=True)
    except Exception as error:  # noqa: BLE001 - a bug, told by type and place as the server tells of its own
        return Reply(end=End.FAILED, value=_told(error), is_worn=True)
    return Reply(end=End.RETURNED, value=value, is_worn=_is_worn())


def _is_worn() -> bool:
    """Whether this process should go: memory that a large document took is rarely given back."""
    return resident_bytes() > _WORN_BYTES


def _told(error: Exception) -> str:
    # Its type and place only: the text of an exception may quote what an archive sent.
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or frames
    return f"{type(error).__name__} at {ours[-1].filename}:{ours[-1].lineno} in {ours[-1].name}"


def main() -> None:
    """Serve the process that started this one. What libraries print goes nowhere: it may quote a document."""
    never_dump_core()
    # Ctrl-C in a shell goes to every process of the group; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
