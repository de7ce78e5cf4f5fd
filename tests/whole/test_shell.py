"""How the commands begin and end, as a person at a shell or a program that starts them sees it (contract.md §8)."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.folder_archive import write_tiny
from tests.whole.test_command_line import INITIALIZE, environment

ROOT = Path(__file__).parents[2]
CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "find-studies", "arguments": {"query": "limit=1"}},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_tiny(tmp_path / "images" / "one.dcm", study="1.2.3", series="1.2.3.4", instance="1.2.3.4.5")
    path = tmp_path / "archives.toml"
    path.write_text(f"schema_version = 1\n[archives.cd]\nfolder = {json.dumps(str(tmp_path / 'images'))}\n")
    return path


@contextmanager
def started(config: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program with pipes to it; it is gone when the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "federator", *arguments, "--config", str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(config.parent),
        cwd=ROOT,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def answered(url: str, message: dict[str, object], **headers: str) -> tuple[int, str]:
    """Status and body of one POST."""
    request = urllib.request.Request(url, data=json.dumps(message).encode(), method="POST")
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    for name, value in sent.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_over_http_it_answers_from_the_moment_it_tells_its_address_until_it_is_interrupted(config):
    """contract.md §8; facts/mcp.md: only from this computer, and no page of another origin."""
    with started(config, "serve", "--http", "127.0.0.1:0") as process:
        url = process.stderr.readline().split()[-1]
        assert answered(url, INITIALIZE)[0] == 200
        status, told = answered(url, CALL)
        assert (status, '"studyInstanceUid":"1.2.3@cd"' in told) == (200, True)
        assert answered(url, INITIALIZE, Host="archives.example")[0] == 421
        assert answered(url, INITIALIZE, Origin="https://page.example")[0] == 403
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "page.example" not in err


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_on_stdio_it_ends_when_told_to_although_nobody_writes(config, by):
    """A person presses Ctrl-C; a client that gives up sends SIGTERM (MCP, stdio shutdown)."""
    with started(config) as process:
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        assert '"serverInfo"' in process.stdout.readline()
        process.send_signal(by)
        assert process.wait(30) == -by
        assert process.stderr.read() == ""


def test_at_the_end_of_the_input_a_call_under_way_is_answered_or_left_without_a_complaint(config):
    """MCP, stdio shutdown: the client closes the input."""
    with started(config) as process:
        lines = [json.dumps(message) for message in (INITIALIZE, CALL)]
        out, err = process.communicate("\n".join(lines) + "\n", timeout=30)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["id"] for line in out.splitlines()][:1] == [1]


@pytest.mark.parametrize("arguments", [("check",), ("call", "find-studies")])
def test_an_interrupted_command_ends_at_once_and_quietly(tmp_path, arguments):
    """contract.md §8: a person does not want to wait for an archive that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        config = tmp_path / "archives.toml"
        config.write_text(f"[archives.mute]\nurl = 'http://127.0.0.1:{silent.getsockname()[1]}/rs'\ndeadline_s = 60\n")
        with started(config, *arguments) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert "Traceback" not in out


def test_a_reader_that_has_seen_enough_is_no_fault(config):
    """`federator call … | head -1`."""
    command = f"{sys.executable} -m federator call find-studies --config {config} | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=60, check=True, env=environment(config.parent),
        cwd=ROOT,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1 study, newest first. Answered in full: cd.\n", "")


def test_a_changed_file_is_taken_up_while_serving_and_a_broken_one_is_told(config, tmp_path):
    """contract.md §7: a changed file counts at the next call; a broken one keeps the last good."""
    with started(config) as process:

        def ask() -> dict[str, object]:
            process.stdin.write(json.dumps(CALL) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())["result"]["structuredContent"]

        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        assert [one["archive"] for one in ask()["archives"]] == ["cd"]
        good = config.read_text()
        (tmp_path / "more").mkdir()
        config.write_text(good + f"[archives.more]\nfolder = {json.dumps(str(tmp_path / 'more'))}\n")
        assert [one["archive"] for one in ask()["archives"]] == ["cd", "more"]
        config.write_text(good + "[archives.mo")
        kept = ask()
        assert [one["archive"] for one in kept["archives"]] == ["cd", "more"]
        assert any("archives.toml" in note for note in kept["notes"])
        process.stdin.close()
        assert process.wait(30) == 0


def test_the_reference_servers_variables_make_one_archive(tmp_path):
    """contract.md §7: without a file, DICOMWEB_HOST."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {**environment(tmp_path), "DICOMWEB_HOST": f"http://127.0.0.1:{port}/rs", "DICOMWEB_TIMEOUT": "2000"}
    variables.pop("FEDERATOR_CONFIG", None)
    done = subprocess.run(
        [sys.executable, "-m", "federator", "call", "find-studies"],
        capture_output=True, text=True, timeout=60, check=False, env=variables, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("No archive answered, so nothing is known. dicomweb: ")
