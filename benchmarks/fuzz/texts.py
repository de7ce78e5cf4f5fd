"""The configuration of an operator and the lines of a client, changed: refused in words, and nothing ends."""

import json
import os
import random
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fuzz.changes import changed, changed_json
from benchmarks.fuzz.watch import Watch
from federator.config import ConfigError, load
from tray.clients import jsonc, toml_edit

_ROOT = Path(__file__).parents[2]
_LINES: tuple[dict[str, Any], ...] = (
    {"id": 1, "method": "tools/list"},
    {"id": 2, "method": "tools/call", "params": {"name": "list-archives", "arguments": {}}},
    {"id": 3, "method": "tools/call", "params": {"name": "find-studies", "arguments": {"query": "PatientName=A*"}}},
    {"id": "four", "method": "ping", "params": {"_meta": {"progressToken": 4}}},
    {"method": "notifications/cancelled", "params": {"requestId": 3, "reason": "changed"}},
    {"method": "notifications/initialized"},
    {"id": 5, "method": "prompts/list", "params": {"cursor": "x"}},
    {"id": 6, "result": {"roots": []}},
    {"id": 7, "error": {"code": -32601, "message": "no"}},
)
_INITIALIZE = {
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}},
}
_PING_S = 6.0
_LONGEST_LINE = 50_000
"""The SDK builds every value of a line before it looks at any: who sends megabytes of brackets pays for it."""
_PING = "still there "


_SETTINGS = b"""{
  // theirs
  "servers": {"other": {"command": "x", "args": ["1", 2.5e3, true]}},
  "federator": null, /* more */ "list": [1, [2, {"a": "\\u00e9"}]]
}
"""
_TABLES = b"""# theirs
[mcp_servers.other]
command = "x" # end
args = [1, 2.5, 2024-01-31]
[mcp_servers.other.env]
KEY = '''[mcp_servers.federator]'''
"""
_ENTRY = {"command": "/opt/federator", "args": ["--config", "/etc/archives.toml"]}


def settings(chance: random.Random, watch: Watch) -> None:
    """An assistant's settings, changed: our entry is put in and everything else stays, or it is refused in words."""
    try:
        text = changed(chance, _SETTINGS).decode("utf-8", "replace")
        jsonc.put(text, ("servers", "federator"), _ENTRY)
        text = changed(chance, _TABLES).decode("utf-8", "replace")
        toml_edit.put(text, ("mcp_servers", "federator"), _ENTRY)
    except (jsonc.JsoncError, toml_edit.TomlError) as error:
        watch.answered(str(error), is_error=True)


def configuration(chance: random.Random, folder: Path, watch: Watch) -> None:
    """archives.toml, changed: taken, or every fault of it in our words."""
    path = folder / "archives.toml"
    path.write_bytes(changed(chance, (_ROOT / "archives.example.toml").read_bytes()))
    try:
        load(path)
    except ConfigError as error:
        watch.answered(str(error), is_error=True)


class Line:
    """A server on stdio that gets lines which are nearly right."""

    def __init__(self, process: subprocess.Popen[bytes], watch: Watch) -> None:
        self._process, self._watch = process, watch
        self._left = b""
        self._pings = 0
        self._send(json.dumps({"jsonrpc": "2.0", **_INITIALIZE}).encode())
        self._send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode())

    def case(self, chance: random.Random) -> None:
        """A few lines, and a ping that has to be answered after them."""
        for _ in range(chance.randint(1, 4)):
            line = json.dumps({"jsonrpc": "2.0", **chance.choice(_LINES)}).encode()
            line = changed_json(chance, line) if chance.random() < 0.5 else changed(chance, line)
            self._send(line[:_LONGEST_LINE])
        self._pings += 1
        asked = f"{_PING}{self._pings}"
        self._send(json.dumps({"jsonrpc": "2.0", "id": asked, "method": "ping"}).encode())
        self._wait_for(asked)

    def _send(self, line: bytes) -> None:
        # One message stays one: a hundred thousand messages that are none take their time one after the other.
        self._process.stdin.write(line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def _wait_for(self, asked: str) -> None:
        output = self._process.stdout
        assert output is not None
        while True:
            ready, _, _ = select.select([output], [], [], _PING_S)
            piece = os.read(output.fileno(), 1 << 20) if ready else b""
            if not piece:
                self._watch.found(f"a ping was not answered in {_PING_S} s (exit code {self._process.poll()})")
                raise ConnectionError("the server does not answer any more")
            *lines, self._left = (self._left + piece).split(b"\n")
            for line in lines:
                self._watch.answered(line.decode("utf-8", "replace"), is_error=b'"error"' in line)
                if json.loads(line).get("id") == asked:
                    return


@contextmanager
def line(folder: Path, watch: Watch) -> Iterator[Line]:
    """A server of its own, whose log is looked at when it has ended."""
    config = folder / "line.toml"
    config.write_text('schema_version = 1\n[archives.gone]\nurl = "http://127.0.0.1:9/rs"\n', encoding="utf-8")
    command = [sys.executable, "-m", "federator", "--config", str(config)]
    log = folder / "line.log"
    with (
        log.open("wb") as told,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, cwd=_ROOT) as process,
    ):
        try:
            yield Line(process, watch)
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                watch.found("the server did not end with its input")
                process.kill()
    if b"Traceback" in log.read_bytes():
        watch.found(f"the server's log has a traceback: {log.read_bytes()[-600:].decode('utf-8', 'replace')}")
