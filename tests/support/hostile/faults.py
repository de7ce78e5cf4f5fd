"""A server that fails in the ways networks and portals do, over real sockets; each fault has a path of its own."""

import asyncio
import contextlib
import datetime as dt
import gzip
import json
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECRET_BODY = "Mustermann^Erika 1.2.3 s3cret-token"
"""Stands in every error body: no message and no log may repeat it."""

ROWS = json.dumps([{"0020000D": {"vr": "UI", "Value": ["1.2.3.4"]}, "00080020": {"vr": "DA", "Value": ["20240131"]}}])

Writer = asyncio.StreamWriter
Fault = Callable[["FaultyServer", Writer, int], Awaitable[None]]

_REASONS = {200: "OK", 204: "No Content", 302: "Found"}


async def _send(
    writer: Writer, status: int, body: bytes = b"", *, headers: str = "", media_type: str = "application/json"
) -> None:
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\nContent-Type: {media_type}\r\n{headers}"
    if "content-length" not in headers.lower():
        head += f"Content-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    await writer.drain()


def _status(status: int, headers: str = "") -> Fault:
    async def answer(_server: "FaultyServer", writer: Writer, _count: int) -> None:
        await _send(writer, status, SECRET_BODY.encode(), headers=headers, media_type="text/plain")

    return answer


def _body(body: str, media_type: str = "application/dicom+json") -> Fault:
    async def answer(_server: "FaultyServer", writer: Writer, _count: int) -> None:
        await _send(writer, 200, body.encode(), media_type=media_type)

    return answer


async def _well(_server: "FaultyServer", writer: Writer, _count: int) -> None:
    await _send(writer, 200, ROWS.encode(), media_type="application/dicom+json")


async def _hung(server: "FaultyServer", _writer: Writer, _count: int) -> None:
    await server.ended.wait()


async def _trickle(server: "FaultyServer", writer: Writer, _count: int) -> None:
    """A byte now and then keeps every read timeout from firing."""
    await _send(writer, 200, b"[", headers="Content-Length: 100000\r\n", media_type="application/dicom+json")
    while not server.ended.is_set():
        writer.write(b" ")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.ended.wait(), 0.05)


async def _no_content(_server: "FaultyServer", writer: Writer, _count: int) -> None:
    await _send(writer, 204)


async def _twice_then_well(server: "FaultyServer", writer: Writer, count: int) -> None:
    if count <= 2:
        await _send(writer, 503, SECRET_BODY.encode(), media_type="text/plain")
    else:
        await _well(server, writer, count)


async def _busy_then_well(server: "FaultyServer", writer: Writer, count: int) -> None:
    if count == 1:
        await _send(writer, 429, SECRET_BODY.encode(), headers="Retry-After: 0\r\n", media_type="text/plain")
    else:
        await _well(server, writer, count)


async def _cut_body(_server: "FaultyServer", writer: Writer, _count: int) -> None:
    await _send(writer, 200, ROWS[:40].encode(), headers=f"Content-Length: {len(ROWS)}\r\n")


async def _closed_without_a_word(_server: "FaultyServer", _writer: Writer, _count: int) -> None:
    return


async def _gzip_bomb(server: "FaultyServer", writer: Writer, _count: int) -> None:
    await _send(writer, 200, server.bomb, headers="Content-Encoding: gzip\r\n", media_type="application/dicom+json")


async def _redirect(server: "FaultyServer", writer: Writer, _count: int) -> None:
    await _send(writer, 302, headers=f"Location: http://localhost:{server.port}/elsewhere/studies\r\n")


FAULTS: dict[str, Fault] = {
    "well": _well,
    "elsewhere": _well,
    "hung": _hung,
    "slow-trickle": _trickle,
    "401": _status(401, 'WWW-Authenticate: Basic realm="portal"\r\n'),
    "403": _status(403),
    "404": _status(404),
    "429": _status(429, "Retry-After: 3600\r\n"),
    "429-then-well": _busy_then_well,
    "500": _status(500),
    "501": _status(501),
    "503": _status(503),
    "503-twice-then-well": _twice_then_well,
    "cut-body": _cut_body,
    "closed": _closed_without_a_word,
    "gzip-bomb": _gzip_bomb,
    "login-page": _body(f"<html><form>{SECRET_BODY}</form></html>", "text/html"),
    "login-page-as-json": _body(f"<html><form>{SECRET_BODY}</form></html>"),
    "wrong-json": _body(json.dumps({"error": SECRET_BODY})),
    "list-of-numbers": _body("[1, 2, 3]"),
    "half-json": _body('[{"0020000D": {"vr": "UI", "Value": ["1.2'),
    "204": _no_content,
    "redirect": _redirect,
}
"""Name, which is the first part of the path, to what happens to a request there."""


class FaultyServer:
    """Serves all faults from a thread of its own; `count` says how often each was asked."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self.count: Counter[str] = Counter()
        self.port = 0
        self.bomb = gzip.compress(b"[" + b" " * 50_000_000)
        self.heads: list[str] = []
        self._tls = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.ended.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def url(self, fault: str) -> str:
        """The base URL of an archive that has this fault."""
        assert fault in FAULTS
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/{fault}"

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        async with self._listening() as server:
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await self.ended.wait()

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Server]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._tls)
        try:
            yield server
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        # Clients that give up are what most of these faults are about.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            fault = head.split(" ", 2)[1].split("/")[1]
            self.count[fault] += 1
            await FAULTS[fault](self, writer, self.count[fault])
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


def write_self_signed(path: Path) -> Path:
    """A certificate that nobody has reason to trust, with its key, in one PEM file; it has a common name alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(pem)
    return path
