"""Bounded processes: what goes over its limits costs its call, and no process outlives who wanted it."""

import os
import pickle
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from pydicom.data import get_testdata_file

from federator.archive.retrieve.metadata import row_of_file
from federator.dicom.pdf.pages import selected
from federator.dicom.pdf.text import PdfPage
from federator.errors import ContentError, RequestError
from federator.workers.limits import MIB, Limits
from federator.workers.pool import Workers
from federator.workers.worker import FailedInWorker, Worker, run_once

LIMITS = Limits(subject="The trial", memory_bytes=128 * MIB, seconds=60)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's")
pytestmark = pytest.mark.anyio


@pytest.fixture
async def workers():
    pool = Workers(at_once=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.keep)
        yield pool
        tasks.cancel_scope.cancel()


async def gone(pid: int) -> None:
    """Wait until a process has ended, whoever started it (pidfd_open(2))."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(handle)
    finally:
        os.close(handle)


async def test_a_call_comes_back_with_its_value_and_the_process_serves_the_next_one(workers):
    """Issue 12 part 4: a small pool."""
    first = await workers.run(os.getpid, limits=LIMITS)
    assert first not in {os.getpid(), 0}
    assert await workers.run(os.getpid, limits=LIMITS) == first
    assert await workers.run(bytes.upper, b"x" * 10_000_000, limits=LIMITS) == b"X" * 10_000_000
    page = PdfPage(number=1, text="a")
    assert await workers.run(dict, {"page": (page, 1.5, None)}, limits=LIMITS) == {"page": (page, 1.5, None)}


async def test_errors_that_are_raised_on_purpose_pass_through(workers):
    """house.md: errors by who can act."""
    with pytest.raises(RequestError, match="there is no page 9; the document has 5"):
        await workers.run(selected, "9", 5, limits=LIMITS)


async def test_a_bug_is_told_by_type_and_place_and_never_by_its_text(workers):
    """house.md: anything else is our bug, and its text stays hidden."""
    with pytest.raises(FailedInWorker) as bug:
        await workers.run(int, "secret", limits=LIMITS)
    assert "ValueError at " in str(bug.value)
    assert "secret" not in str(bug.value)
    assert await workers.run(abs, -1, limits=LIMITS) == 1


@LINUX
async def test_what_needs_more_memory_than_it_may_have_is_refused_in_words(workers):
    """Issue 12 part 4: memory limits; what came before and comes after is served."""
    assert len(await workers.run(bytes, 64 * MIB, limits=LIMITS)) == 64 * MIB
    with pytest.raises(ContentError, match=r"^The trial is not read: it needs more memory than the 128 MiB"):
        await workers.run(bytes, 256 * MIB, limits=LIMITS)
    roomy = Limits(subject="The trial", memory_bytes=512 * MIB, seconds=60)
    assert len(await workers.run(bytes, 256 * MIB, limits=roomy)) == 256 * MIB
    assert await workers.run(abs, -1, limits=LIMITS) == 1


async def test_what_takes_longer_than_it_may_is_ended(workers):
    """Issue 12 part 4: time limits."""
    late = Limits(subject="The trial", memory_bytes=128 * MIB, seconds=0.05)
    with pytest.raises(ContentError, match=r"^The trial is not read: it takes longer than the 0.05 s"):
        await workers.run(time.sleep, 3600, limits=late)
    assert await workers.run(abs, -1, limits=LIMITS) == 1


@pytest.mark.parametrize("crash", [os.abort, partial(os._exit, 0), partial(signal.raise_signal, signal.SIGTERM)])
async def test_a_crash_costs_its_call_only(workers, crash):
    """Issue 12 part 4: killed and replaced."""
    with pytest.raises(ContentError, match=r"^The trial cannot be read: it makes the program that reads it crash"):
        await workers.run(crash, limits=LIMITS)
    assert await workers.run(abs, -1, limits=LIMITS) == 1


@LINUX
async def test_a_worker_that_somebody_kills_is_replaced(workers):
    """Issue 12 part 4: the system ends processes when memory runs short."""
    first = await workers.run(os.getpid, limits=LIMITS)
    os.kill(first, signal.SIGKILL)
    await gone(first)
    assert await workers.run(os.getpid, limits=LIMITS) != first


@LINUX
async def test_a_call_that_nobody_waits_for_any_more_ends_its_worker(workers, tmp_path):
    """Issue 12 part 4: a client that gives up."""
    pid = await workers.run(os.getpid, limits=LIMITS)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(workers.run, Path.read_bytes, pipe, limits=LIMITS))
        # It opens for writing once the worker reads from it, and nothing ever comes.
        with await anyio.to_thread.run_sync(pipe.open, "wb"):
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await gone(pid)
    assert await workers.run(os.getpid, limits=LIMITS) != pid


@LINUX
async def test_a_worker_that_rests_is_ended():
    """Issue 12 part 4: an idle server holds no memory for documents."""
    pool = Workers(rest_s=0.01)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.keep)
        await gone(await pool.run(os.getpid, limits=LIMITS))
        assert await pool.run(abs, -1, limits=LIMITS) == 1
        tasks.cancel_scope.cancel()


@LINUX
async def test_workers_go_with_the_pool():
    """Issue 12 part 4: gone with the server."""
    pool = Workers()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pool.keep)
        pid = await pool.run(os.getpid, limits=LIMITS)
        tasks.cancel_scope.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


SERVER = """
import sys, threading
from federator.workers.limits import MIB, Limits
from federator.workers.worker import Worker

limits = Limits(subject="The trial", memory_bytes=512 * MIB, seconds=600)
worker = Worker()
worker.call(abs, -1, limits=limits)
for task in sys.argv[1:]:
    threading.Thread(target=lambda: worker.call(exec, task, limits=limits), daemon=True).start()
print(worker.pid, flush=True)
sys.stdin.read()
"""
# Such a power takes minutes, through which no other thread of the process runs.
HOLDS_THE_INTERPRETER = "open({pipe!r}, 'wb').close(); pow(7, 7**9)"


@LINUX
@pytest.mark.parametrize("task", ["", HOLDS_THE_INTERPRETER])
def test_workers_go_with_a_server_that_is_killed(task, tmp_path):
    """contract.md §3.9: a process that hangs outlives the server; both must be gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    tasks = [task.format(pipe=str(pipe))] if task else []
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, *tasks], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        pid = int(server.stdout.readline())
        handle = os.pidfd_open(pid)
        if tasks:
            pipe.read_bytes()
        assert not select.select([handle], [], [], 0)[0]
        server.kill()
    try:
        assert select.select([handle], [], [], 5)[0], "the worker is still there"
    finally:
        os.close(handle)


async def test_a_worker_gets_no_secret_from_the_environment(workers, monkeypatch):
    """contract.md §6: secrets stay where they are; a worker reads what strangers wrote."""
    monkeypatch.setenv("MERCY_PASSWORD", "secret")
    assert await workers.run(os.getenv, "MERCY_PASSWORD", limits=LIMITS) is None
    assert await workers.run(os.getenv, "PATH", limits=LIMITS) == os.environ["PATH"]


async def test_what_was_read_of_a_palette_image_arrives_as_the_data_that_it_is(workers):
    """PS3.3 C.7.6.3.1.5: the VR of a lookup table depends on the image; pydicom tells it by a class of its own."""
    content = Path(str(get_testdata_file("gdcm-US-ALOKA-16.dcm"))).read_bytes()  # noqa: ASYNC240 - a small file
    limits = replace(LIMITS, memory_bytes=256 * MIB, needs=("numpy", "pydicom"))
    read = await workers.run(row_of_file, content, limits=limits)
    assert read == row_of_file(content)
    assert {type(element["vr"]) for element in read.values()} == {str}


async def test_an_answer_that_would_run_code_here_is_no_answer(workers):
    """CWE-502: a reader that hostile bytes have taken over must not reach the server."""
    for value in (print, pickle.Pickler, Path("/tmp")):
        with pytest.raises(ContentError, match="crash"):
            await workers.run(partial(tuple, (value,)), limits=LIMITS)
    assert await workers.run(abs, -1, limits=LIMITS) == 1


def test_one_call_in_a_thread_has_a_process_of_its_own():
    """house.md: what a library can crash runs in a process of its own."""
    first = run_once(os.getpid, limits=LIMITS)
    assert run_once(os.getpid, limits=LIMITS) != first
    worker = Worker()
    worker.close()
    with pytest.raises(ContentError):
        worker.call(abs, -1, limits=LIMITS)
