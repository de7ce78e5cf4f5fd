"""Streamable HTTP: on loopback, for no other origin, stateless (contract.md section 8)."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp import Client

from federator.errors import ConfigError
from federator.server.http import is_loopback, parse_address

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """`federator serve --http` in a process of its own; the value is its address."""
    config = folder / "archives.toml"
    images = folder / "images"
    images.mkdir(exist_ok=True)
    config.write_text(f"schema_version = 1\n[archives.cd]\nfolder = {json.dumps(str(images))}\n", encoding="utf-8")
    command = [sys.executable, "-m", "federator", "--config", str(config), "serve", "--http", "127.0.0.1:0", *options]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            told = process.stderr.readline()
            found = re.search(r"http://\S+/mcp", told)
            assert found, told
            yield found[0]
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("http"), "--allowed-host", "mcp.hospital.example") as found:
        yield found


def ask(address: str, **headers: str) -> httpx.Response:
    return httpx.post(address, json=INITIALIZE, headers={**ACCEPT, **headers}, timeout=20)


def test_it_answers_on_loopback(address):
    """contract.md section 8: `federator serve --http HOST:PORT` serves Streamable HTTP."""
    answer = ask(address)
    assert answer.status_code == 200
    assert '"name":"federator"' in answer.text
    assert "mcp-session-id" not in answer.headers  # stateless: any replica answers any call


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "attacker.example"}, 421),
        ({"Host": "127.0.0.1.attacker.example"}, 421),
        ({"Host": "localhost:1"}, 421),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "mcp.hospital.example"}, 200),
        ({"Host": "mcp.hospital.example", "Origin": "https://mcp.hospital.example"}, 200),
    ],
)
def test_a_page_in_a_browser_cannot_reach_it_by_rebinding_a_name(address, headers, status):
    """MCP, transports, security: validate Host and Origin; facts/mcp.md section 3: 421 and 403."""
    assert ask(address, **headers).status_code == status


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_in_either_era_gets_the_tools(address, mode):
    """contract.md section 8: one server object serves both protocol eras over HTTP."""
    async with Client(address, mode=mode) as client:
        assert "find-studies" in {tool.name for tool in (await client.list_tools()).tools}


def test_a_host_that_others_can_reach_is_refused_without_a_word_from_the_operator(tmp_path):
    """contract.md section 8 and the brief of issue 2: loopback only by default; there is no sign-in."""
    config = tmp_path / "archives.toml"
    config.write_text(f"[archives.cd]\nfolder = {json.dumps(str(tmp_path))}\n", encoding="utf-8")
    command = [sys.executable, "-m", "federator", "serve", "--config", str(config), "--http", "0.0.0.0:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "no sign-in of its own" in done.stderr
    assert "--allow-remote" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "pair"),
    [("127.0.0.1:8080", ("127.0.0.1", 8080)), ("[::1]:0", ("::1", 0)), ("localhost:1", ("localhost", 1))],
)
def test_an_address_is_host_and_port(text, pair):
    """RFC 3986 section 3.2.2: an IPv6 address stands in brackets."""
    assert parse_address(text) == pair


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "localhost", "localhost:", "localhost:x", "localhost:70000", "h:-1"]
)
def test_what_is_no_address_is_told(text):
    """contract.md section 6: the operator must act; the message quotes the text and shows an example."""
    with pytest.raises(ConfigError, match=r"is not HOST:PORT, for example 127\.0\.0\.1:8080"):
        parse_address(text)


def test_loopback_is_what_only_this_computer_reaches():
    """RFC 5735: 127.0.0.0/8; RFC 4291: ::1. A name other than localhost may point anywhere."""
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "pacs.example", "localhost.example"))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory) -> Iterator[str]:
    """A service with little room and little patience."""
    options = ("--max-connections", "4", "--header-timeout", "1", "--body-timeout", "1", "--max-body", "20000")
    with served(tmp_path_factory.mktemp("narrow"), *options) as found:
        yield found


def opened(address: str, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", httpx.URL(address).port), timeout=30)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Waits for the end of a connection on which nothing is said."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"


@pytest.mark.parametrize("sent", [b"", b"POST /mcp HTTP/1.1\r\nHost: x\r\n", HEAD + b"\r\n{"])
def test_connections_that_are_never_finished_make_room_for_others(narrow, sent):
    """CWE-400, CWE-772; contract.md §10.1: as many at once, and each for so long."""
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(opened(narrow, sent)) for _ in range(4)]
        assert is_closed(stack.enter_context(opened(narrow)))
        assert all(map(is_closed, waiting))
    assert ask(narrow).status_code == 200


def test_a_body_that_is_too_large_is_refused(narrow):
    """contract.md §10.1: also one that does not tell its length."""
    told = httpx.post(narrow, content=b" " * 20_001, headers=ACCEPT, timeout=20)
    untold = httpx.post(narrow, content=iter([b" " * 8_000] * 3), headers=ACCEPT, timeout=20)
    assert (told.status_code, untold.status_code) == (413, 413)
    assert ask(narrow).status_code == 200


@pytest.mark.parametrize("values", ["[" + "[]," * 100_000 + "1]", "[" + "1," * 100_000 + "1]"])
def test_a_body_of_very_many_values_is_refused_before_it_is_read(address, values):
    """CWE-770; found by fuzzing: within --max-body, empty lists held the server up for seconds and took a gigabyte."""
    body = f'{{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {values}}}'
    assert httpx.post(address, content=body, headers=ACCEPT, timeout=60).status_code == 413
    assert ask(address).status_code == 200
