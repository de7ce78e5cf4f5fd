"""The process ends with its input, whatever hangs (MCP, stdio shutdown; hostile clients and drives)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HANGING_THREAD = """
import os, threading
from federator.server.ending import end_with_input
end_with_input(grace_s=0.2)
hanging = os.pipe()[0]
threading.Thread(target=os.read, args=(hanging, 1)).start()
"""
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
START = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell when a pipe was closed")
def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    """Issue 12, part 5: without an end from outside, Python waits for the thread for ever."""
    with subprocess.Popen([sys.executable, "-c", HANGING_THREAD], stdin=subprocess.PIPE) as process:
        process.stdin.close()
        process.wait(timeout=30)


def test_a_client_that_never_reads_and_leaves_ends_the_server(tmp_path: Path) -> None:
    """MCP, stdio shutdown: closing the input ends the server, also where its answers are stuck in a full pipe."""
    config = tmp_path / "archives.toml"
    config.write_text("schema_version = 1\n", encoding="utf-8")
    command = [sys.executable, "-m", "federator", "--config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked = [START, *({**LIST, "id": number} for number in range(1, 60))]
        process.stdin.write("".join(json.dumps(one) + "\n" for one in asked).encode())
        process.stdin.flush()
        # The first answer is there, so that all others are on their way into a pipe of 64 kB.
        assert process.stdout.read(1) == b"{"
        process.stdin.close()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
