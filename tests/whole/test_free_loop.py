"""Whatever an archive sends, the event loop goes on: other calls, and a ping, are answered meanwhile.

Counted in processor time of the loop's own thread between two of its turns, which a busy machine does not change.
"""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from mcp import Client

from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import study, with_images

pytestmark = pytest.mark.anyio

# Seconds of the processor, with the tracer that measures coverage: alone it is 0.3, what is quadratic takes minutes.
HELD_S = 8.0
"""Issue 12, part 3: a ping is answered within 250 ms; with room for slow machines. Quadratic work takes minutes."""

GOOD = with_images([study("1.2.1", date="20240105"), study("1.2.2", date="20240106")])
UIDS = {"studyInstanceUid": "9.1@bad", "seriesInstanceUid": "9.1.1@bad", "sopInstanceUid": "9.1.1.1@bad"}
MEGABYTE = 1_000_000


def rows(count: int, **values: Any) -> bytes:
    """Rows of one archive, each with these values besides its UIDs."""
    return json.dumps(
        [
            {
                "0020000D": {"vr": "UI", "Value": [f"9.{number}"]},
                "0020000E": {"vr": "UI", "Value": [f"9.{number}.1"]},
                "00080018": {"vr": "UI", "Value": [f"9.{number}.1.1"]},
                "00080020": {"vr": "DA", "Value": ["20240107"]},
                **{tag.strip("_"): {"vr": "LO", "Value": [value]} for tag, value in values.items()},
            }
            for number in range(1, count + 1)
        ],
        ensure_ascii=False,
    ).encode()


def name(text: str) -> bytes:
    return rows(1, _00100010={"Alphabetic": text, "Ideographic": text}, _00081030=text)


SEARCHES = {
    "blanks in a name": name(" " * MEGABYTE),
    "blanks of all kinds": name("\u2003\u3000\u00a0\t\x1f" * (MEGABYTE // 5)),
    "delimiters": name("^" * MEGABYTE),
    "delimiters and blanks": name(" ^ =" * (MEGABYTE // 4)),
    "marks on a letter": name("e" + "\u0316\u0301" * (MEGABYTE // 4)),
    "marks that fall apart": name("\u0f73\uff9e\u0316" * (MEGABYTE // 9)),
    "backslashes": name("\\" * MEGABYTE),
    "many rows with long names": rows(200, _00100010="A " * 10_000),
    "many rows with many marks": rows(200, _00100010="e\u0316\u0301" * 2_000),
    "millions of lists": b"[" + b"[]," * (3 * MEGABYTE) + b"0]",
    "millions of lists in a row": rows(1)[:-2]
    + b', "00081030": {"vr": "LO", "Value": ['
    + b"[]," * MEGABYTE
    + b"0]}}]",
    "depth": b"[" * MEGABYTE,
    "digits": b"[" + b"9" * MEGABYTE + b"]",
    "thousands of rows": rows(8_000, _00100010="Doe^Jane", _00081030="thorax"),
    "values of one attribute": rows(1)[:-2] + b', "00081030": {"vr": "LO", "Value": [' + b'"a",' * 900_000 + b'"b"]}}]',
    "nothing but line breaks": rows(1, _00081030="\n" * 900_000),
    "one wide letter": rows(1, _00081030="\U0001f600" + "a" * (8 * MEGABYTE)),
}
QUESTIONS = ("PatientName=Doe*", "PatientName=*jane* StudyDescription=*thorax*", "StudyDate=2024")

HEADER = "multipart/related; boundary=B"
RETRIEVALS = {
    "a body without its boundary": b"\r\n" * MEGABYTE,
    "blanks": b" " * (2 * MEGABYTE),
    "blanks behind a dash": b"--" + b" " * (2 * MEGABYTE),
    "delimiters that are none": b"\r\n--Bx" * (MEGABYTE // 4),
    "a header that does not end": b"--B\r\n" + b"X: y\r\n" * MEGABYTE,
    "parts without number": b"--B\r\n\r\n\r\n" * (MEGABYTE // 4),
    "lengths that are wrong": b"--B\r\nContent-Length: 1\r\n\r\nxx\r\n" * (MEGABYTE // 16),
    "a picture of markers": b"--B\r\n\r\n\xff\xd8" + b"\xff" * MEGABYTE + b"\r\n--B--",
}


def answering(media_type: str, body: bytes) -> Any:
    """An archive that always says the same."""

    async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def held_by(calls: Callable[[Client], Awaitable[None]], media_type: str, body: bytes) -> float:
    """How long the loop was held at most while `calls` were made, in its thread's processor time."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            last = time.thread_time()
            await anyio.sleep(0.001)
            longest = max(longest, time.thread_time() - last)

    with Loopback() as loopback, loopback.serve(HostileArchive(GOOD), answering(media_type, body)) as (good, bad):
        archives = (Archive(name="good", url=good), Archive(name="bad", url=bad, deadline_s=20, max_bytes=33_554_432))
        async with Client(build_server(Config(archives=archives))) as client:
            await client.call_tool("find-studies", {"archives": "good"})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tick)
                await calls(client)
                tasks.cancel_scope.cancel()
    return longest


@pytest.mark.parametrize("what", SEARCHES)
async def test_no_row_holds_the_loop(what: str) -> None:
    """CWE-1333, CWE-405; contract.md §3.9: beside it the healthy archive's rows come."""

    async def ask(client: Client) -> None:
        for question in QUESTIONS:
            found = await client.call_tool("find-studies", {"query": question})
            text = found.content[0].text
            assert "a fault of its own" not in text
            assert found.structured_content is not None
            assert [one["outcome"] for one in found.structured_content["archives"] if one["archive"] == "good"] == [
                "answered"
            ]
        await client.call_tool("find-series", {"studyInstanceUid": UIDS["studyInstanceUid"]})

    assert await held_by(ask, "application/dicom+json", SEARCHES[what]) < HELD_S


@pytest.mark.parametrize("what", RETRIEVALS)
async def test_no_multipart_body_holds_the_loop(what: str) -> None:
    """CWE-1333; RFC 2046 §5.1.1: taken apart in linear time, beside the loop."""

    async def ask(client: Client) -> None:
        for tool in ("render-instance-frame", "get-structured-report-text"):
            read = await client.call_tool(tool, UIDS)
            assert "a fault of its own" not in read.content[0].text

    assert await held_by(ask, HEADER, RETRIEVALS[what]) < HELD_S
