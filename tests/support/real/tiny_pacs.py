"""tiny-pacs with its DICOMweb front end: a second real archive, which knows attributes by keyword only.

It gives no ModalitiesInStudy, knows no wild cards, finds names by any part of them, and answers 204 for none.
"""

import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.orthanc_server import free_port
from tests.support.real.process import served

# Its DIMSE side listens on every interface whatever is configured; a test's server is for this computer only.
_ON_LOOPBACK = """
import tiny_pacs.ae as ae
from tiny_pacs.__main__ import main
class OnLoopback(ae._ThreadingTCPServer):
    def __init__(self, address, *rest):
        super().__init__(("127.0.0.1", address[1]), *rest)
ae._ThreadingTCPServer = OnLoopback
main()
"""
_BOUNDARY = "files-of-the-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyPacs:
    """One running tiny-pacs: `url` is its DICOMweb root."""

    port: int

    @property
    def url(self) -> str:
        """The base URL of its DICOMweb service."""
        return f"http://127.0.0.1:{self.port}/dicomweb"

    def lists(self, path: str) -> list[dict[str, Any]]:
        """What it says by itself to a plain question."""
        request = urllib.request.Request(self.url + path, headers={"Accept": "application/dicom+json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else []

    def store(self, files: Iterable[bytes]) -> None:
        """Store files by STOW-RS (PS3.18 §10.5); it takes all of them."""
        head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + file + b"\r\n" for file in files) + f"--{_BOUNDARY}--\r\n".encode()
        kind = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        request = urllib.request.Request(f"{self.url}/studies", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


@contextmanager
def running_tiny_pacs(directory: Path) -> Iterator[TinyPacs]:
    """A tiny-pacs of its own that keeps everything in memory; it ends with the context."""
    server = TinyPacs(port=free_port())
    settings = {
        "components": {
            "HttpServer": {"on": True, "host": "127.0.0.1", "port": server.port},
            "DICOMWeb": {"on": True, "prefix": "/dicomweb"},
        }
    }
    # JSON is YAML as well.
    (directory / "tiny.yml").write_text(json.dumps(settings))
    command = [sys.executable, "-c", _ON_LOOPBACK, "run", "-c", str(directory / "tiny.yml"), "-p", str(free_port())]
    with served(command, folder=directory, is_up=lambda: server.lists("/studies")):
        yield server
