"""A real server on loopback that gives canned answers, byte by byte, with TLS where a test wants it."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Respond = Callable[[str], bytes | None]
"""From the head of a request to the bytes of the answer; None keeps silent until the test is over."""

STUDY_LIST = b'[{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}]'


def http(status: int, body: bytes = b"", content_type: str = "application/dicom+json", **headers: str) -> bytes:
    """An HTTP/1.1 answer after which the connection closes."""
    lines = [f"HTTP/1.1 {status} Canned", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


@contextmanager
def canned(respond: Respond, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve `respond` on 127.0.0.1 while the block runs; gives the port."""
    over = threading.Event()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=_serve, args=(listener, respond, tls, over), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            # Accepting does not end when the listener is closed: one last connection wakes it.
            with suppress(OSError):
                socket.create_connection(listener.getsockname(), timeout=5).close()
            thread.join(10)


def _serve(listener: socket.socket, respond: Respond, tls: ssl.SSLContext | None, over: threading.Event) -> None:
    workers = []
    while not over.is_set():
        connection, _ = listener.accept()
        if over.is_set():
            connection.close()
            break
        worker = threading.Thread(target=_answer, args=(connection, respond, tls, over), daemon=True)
        worker.start()
        workers.append(worker)
    for worker in workers:
        worker.join(10)


def _answer(connection: socket.socket, respond: Respond, tls: ssl.SSLContext | None, over: threading.Event) -> None:
    with connection, suppress(OSError):
        connection.settimeout(10)
        stream = tls.wrap_socket(connection, server_side=True) if tls else connection
        with stream:
            head = b""
            # A TLS greeting (record type 22) that comes without TLS here is answered like any bad request.
            while b"\r\n\r\n" not in head and head[:1] != b"\x16":
                chunk = stream.recv(65_536)
                if not chunk:
                    return
                head += chunk
            head = _without_body(head, stream)
            answer = respond(head.decode("latin-1"))
            if answer is None:
                over.wait(30)
            else:
                stream.sendall(answer)


def _without_body(received: bytes, stream: socket.socket) -> bytes:
    """The head of a request; its body is read, for closing on what was not read would reset the connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while left > 0 and (chunk := stream.recv(left)):
        left -= len(chunk)
    return head + b"\r\n\r\n"


class Authority:
    """A certificate authority of the test, with its root certificate in `ca_file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test hospital root")])
        root = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None), days=30)
        self.ca_file = folder / "root.pem"
        self.ca_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def server(self, *, address: str = "127.0.0.1", days: int = 30) -> ssl.SSLContext:
        """A server's side of TLS with a certificate for `address` that is valid for `days` from yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archive")])
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        return self._context(key, self._signed(name, key, alternative, days=days), f"{address}{days}")

    def nameless_server(self, common_name: str) -> ssl.SSLContext:
        """A server's side of TLS with a certificate that has a common name alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        plain = x509.BasicConstraints(ca=False, path_length=None)
        return self._context(key, self._signed(name, key, plain, days=30), f"{common_name}-nameless")

    def _context(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, file: str) -> ssl.SSLContext:
        path = self._folder / f"{file}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, *, days: int
    ) -> x509.Certificate:
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=20)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=days))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )
