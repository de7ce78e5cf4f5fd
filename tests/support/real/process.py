"""A real archive as a process of its own: started, waited for until it answers, and ended."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

_UP_WITHIN_TRIES = 100
_PAUSE_S = 0.2
_ENDS_WITHIN_S = 15


@contextmanager
def served(command: Sequence[str], *, folder: Path, is_up: Callable[[], object]) -> Iterator[None]:
    """Run the command in its folder, its output in `log` there, from when `is_up` no longer raises URLError."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            _wait_until(is_up, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_ENDS_WITHIN_S)


def _wait_until(is_up: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    for _ in range(_UP_WITHIN_TRIES):
        assert process.poll() is None, f"{process.args} ended at once"
        try:
            is_up()
        except URLError:
            # Nothing listens yet; the process itself is what is waited for.
            try:
                process.wait(_PAUSE_S)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise AssertionError(f"{process.args} does not answer")
