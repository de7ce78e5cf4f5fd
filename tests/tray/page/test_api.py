"""What the settings page can do, over the wire (issue 4 part 2; described in tray.page.server)."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canned_server import STUDY_LIST, canned, http
from tests.support.settings_page import SECRET, Answer, Browser, settings_page
from tray.page.state import client_of

URL = "https://pacs.example.invalid/dicom-web"


@pytest.fixture
def browser(tmp_path, monkeypatch) -> Iterator[Browser]:
    (tmp_path / ".cursor").mkdir()
    with settings_page(tmp_path, monkeypatch) as browser:
        yield browser.open()


def done(browser: Browser, call: str, /, **fields: object) -> dict:
    etag = browser.call("state").json["file"]["etag"]
    answer = browser.call(call, {"etag": etag, **fields})
    assert answer.status == 200, answer.body
    return answer.json


def lines(answer: Answer) -> list[dict]:
    return [json.loads(line) for line in answer.body.splitlines()]


def test_a_fresh_home_has_no_archives_and_says_where_they_will_be_kept(browser):
    """facts/tray.md 2.4: show the file path in the page; people and IT want to know where it is."""
    state = browser.call("state").json
    assert state["archives"] == []
    assert state["file"] | {"etag": ""} == {
        "path": str(browser.config),
        "etag": "",
        "can_edit": True,
        "copy_time": "",
        "faults": [],
    }
    assert state["store"] == "missing"
    assert {client["id"]: client["state"] for client in state["clients"]}["cursor"] == "found"


def test_an_archive_is_added_changed_ordered_switched_off_and_removed(browser):
    """Issue 4 part 2."""
    added = done(browser, "archives/save", title="Main PACS", url=URL, deadline_s=20)
    assert added["name"] == "main-pacs"
    (card,) = added["archives"]
    assert (card["title"], card["url"], card["deadline_s"], card["enabled"]) == ("Main PACS", URL, 20, True)
    assert (card["shape"], card["text"], card["steps"]) == ("off", "not tested", [])
    assert done(browser, "archives/save", title="Main PACS", url=URL)["name"] == "main-pacs-2"
    changed = done(browser, "archives/save", name="main-pacs", title="", deadline_s="", viewer_url="https://v/{study}")
    assert (changed["archives"][0]["title"], changed["archives"][0]["deadline_s"]) == ("", 10)
    ordered = done(browser, "archives/order", names=["main-pacs-2", "main-pacs"])
    assert [card["name"] for card in ordered["archives"]] == ["main-pacs-2", "main-pacs"]
    off = done(browser, "archives/enable", name="main-pacs", on=False)
    assert (off["archives"][1]["enabled"], off["archives"][1]["text"]) == (False, "not asked for now")
    assert done(browser, "archives/enable", name="main-pacs", on=True)["archives"][1]["enabled"] is True
    renamed = done(browser, "archives/save", name="main-pacs", new_name="main")
    assert [card["name"] for card in renamed["archives"]] == ["main-pacs-2", "main"]
    removed = done(browser, "archives/remove", name="main-pacs-2", forget_secret=True)
    assert [card["name"] for card in removed["archives"]] == ["main"]


def test_what_has_no_use_with_another_way_to_sign_in_goes(browser):
    """contract.md §7: user without basic is a fault."""
    sign_in = {"auth": "basic", "user": "u", "secret": SECRET, "keep": "file"}
    (card,) = done(browser, "archives/save", title="A", url=URL, **sign_in)["archives"]
    assert (card["auth"], card["user"], card["has_secret"]) == ("basic", "u", True)
    (card,) = done(browser, "archives/save", name="a", auth="bearer", user="u", secret="")["archives"]
    assert (card["auth"], card["user"], card["has_secret"]) == ("bearer", "", True)
    (card,) = done(browser, "archives/save", name="a", auth="none")["archives"]
    assert (card["auth"], card["has_secret"]) == ("none", False)
    (card,) = done(browser, "archives/save", name="a", folder="/images", url="")["archives"]
    assert (card["folder"], card["url"]) == ("/images", "")
    reference = {"auth": "bearer", "secret_reference": "env:TOKEN"}
    (card,) = done(browser, "archives/save", name="a", url=URL, folder="", **reference)["archives"]
    assert (card["has_secret"], card["secret_kept"]) == (True, "variable")


def test_faults_come_by_field_in_plain_words(browser):
    """Issue 4 part 2: focus goes to the faulty field."""
    answer = browser.call(
        "archives/save", {"title": "A", "url": "pacs.example.org", "viewer_url": "x", "deadline_s": 0.01}
    )
    assert answer.status == 422
    assert {fault["field"] for fault in answer.json["faults"]} == {"url", "viewer_url", "deadline_s"}
    assert browser.call("archives/save", {"name": "none", "title": "x"}).status == 422
    assert browser.call("archives/save", {"new_name": "No Name", "url": URL}).status == 422
    assert not browser.config.exists()


def test_a_test_comes_step_by_step_and_stays_on_the_card(browser):
    """facts/tray.md 8.4: steps stream as NDJSON."""
    with canned(lambda _: http(200, STUDY_LIST)) as port:
        done(browser, "archives/save", title="Good", url=f"http://127.0.0.1:{port}/rs")
        answer = browser.call("archives/test", {"name": "good"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *steps, last = lines(answer)
    assert [line["step"]["name"] for line in steps][:3] == ["Address", "Name", "Reached"]
    assert (last["archive"]["shape"], last["archive"]["text"]) == ("ok", "working")
    (card,) = browser.call("state").json["archives"]
    assert [step["name"] for step in card["steps"]] == [line["step"]["name"] for line in steps]
    assert card["tested_at"]
    # The port is closed by now.
    *steps, last = lines(browser.call("archives/test", {"name": "good"}))
    assert steps[-1]["step"]["ok"] is False
    assert steps[-1]["step"]["advice"]
    assert (last["archive"]["shape"], last["archive"]["text"]) == ("warn", "not reachable")
    (card,) = done(browser, "archives/save", name="good", url=URL)["archives"]
    assert (card["shape"], card["steps"]) == ("off", []), "what was tested is not what stands there now"


def test_a_broken_file_is_shown_with_its_line_and_can_be_restored(browser):
    """facts/tray.md 5.2: line and column, editing disabled, restore the copy of 09:41."""
    done(browser, "archives/save", title="A", url=URL)
    done(browser, "archives/save", title="B", url=URL)
    browser.config.write_text("[archives.a\n")
    state = browser.call("state").json
    assert (state["file"]["can_edit"], state["archives"]) == (False, [])
    assert state["file"]["faults"][0]["line"] == 1
    assert state["file"]["copy_time"]
    assert browser.call("archives/save", {"title": "C", "url": URL}).status == 422
    assert browser.config.read_text() == "[archives.a\n"
    assert browser.call("archives/test", {"name": "a"}).status == 400
    assert browser.call("ping").status == 200
    restored = browser.call("archives/restore")
    assert [card["name"] for card in restored.json["archives"]] == ["a"]


def test_a_ping_tells_when_something_changed_by_another_hand(browser, tmp_path):
    """facts/tray.md 5.4: the page watches while it is open."""
    done(browser, "archives/save", title="A", url=URL)
    first = browser.call("ping").json
    assert browser.call("ping").json == first
    browser.config.write_text(browser.config.read_text() + "# by hand\n")
    second = browser.call("ping").json
    assert second["etag"] != first["etag"]
    assert second["signature"] == first["signature"]
    (tmp_path / ".cursor" / "mcp.json").write_text("{}")
    assert browser.call("ping").json["signature"] != first["signature"]


def test_an_assistant_is_connected_as_it_was_shown_and_undone(browser, tmp_path, monkeypatch):
    """Issue 4 part 2: connect, show the change, write, undo."""
    settings = tmp_path / ".cursor" / "mcp.json"
    settings.write_text('{"mcpServers": {"neighbour": {"command": "x", "env": {"KEY": "hunter2-never-shown"}}}}\n')
    before = settings.read_bytes()
    plan = browser.call("clients/plan", {"client": "cursor"}).json
    assert plan["changes"]
    assert '"federator"' in plan["diff"]
    assert "neighbour" not in plan["diff"]
    refused = browser.call("clients/apply", {"client": "cursor", "etag": plan["etag"]})
    assert refused.status == 422, "the command of this test starts no server"
    assert settings.read_bytes() == before
    settings.write_text("{}")
    stale = browser.call("clients/apply", {"client": "cursor", "etag": plan["etag"]})
    assert (stale.status, stale.json["conflict"]) == (409, True)
    assert browser.call("clients/undo", {"client": "cursor"}).status == 422
    assert browser.call("clients/plan", {"client": "nobody"}).status == 422
    settings.write_text("{broken")
    assert browser.call("clients/plan", {"client": "cursor"}).status == 422
    states = {client["id"]: client["state"] for client in browser.call("state").json["clients"]}
    assert states["cursor"] == "damaged"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the server")
def test_a_connection_is_written_only_when_the_server_answers(browser, tmp_path):
    """Issue 4 part 6: it is started once and must answer before it is written."""
    server = tmp_path / "server"
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"serverInfo": {"name": "federator", "version": "1"}}}
    server.write_text(f"#!/bin/sh\nread line\necho '{json.dumps(answer)}'\nread line\n")
    server.chmod(0o755)
    clients = browser.page._parts.clients
    clients.command = (str(server),)
    plan = browser.call("clients/plan", {"client": "cursor"}).json
    done_ = browser.call("clients/apply", {"client": "cursor", "etag": plan["etag"], "even_if_running": True})
    assert done_.status == 200, done_.body
    assert "connected" in done_.json["message"]
    settings = json.loads((tmp_path / ".cursor" / "mcp.json").read_text())
    assert settings["mcpServers"]["federator"]["command"] == str(server)
    undone = browser.call("clients/undo", {"client": "cursor"})
    assert undone.status == 200
    assert not (tmp_path / ".cursor" / "mcp.json").exists()


def test_the_last_use_by_each_assistant_is_shown(browser, tmp_path):
    """facts/tray.md 5.4: "last used by Claude Desktop 10 minutes ago" is the only real proof that it works."""
    health = tmp_path / "state" / "health.json"
    health.parent.mkdir(exist_ok=True)
    content = {
        "schema_version": 1,
        "clients": {
            "claude-ai": {"time": "2026-01-31T09:41:07Z"},
            "local-agent-mode-federator": {"time": "2026-01-31T10:00:00Z"},
            "cursor-vscode": {"time": "2026-01-30T10:00:00Z"},
        },
        "archives": {"a": {"time": "2026-01-31T09:41:07Z", "outcome": "refused", "ok": False}},
    }
    health.write_text(json.dumps(content))
    done(browser, "archives/save", title="A", url=URL)
    state = browser.call("state").json
    used = {client["id"]: client["last_used"] for client in state["clients"]}
    assert used["claude-desktop"] == "2026-01-31T10:00:00+00:00"
    assert used["cursor"] == "2026-01-30T10:00:00+00:00"
    assert used["vscode"] == ""
    (card,) = state["archives"]
    assert (card["shape"], card["answered_at"]) == ("error", "2026-01-31T09:41:07+00:00")


@pytest.mark.parametrize(
    ("name", "client"),
    [
        ("claude-ai", "claude-desktop"),
        ("claude-code", "claude-code"),
        ("Visual Studio Code - Insiders", "vscode"),
        ("cursor-vscode", "cursor"),
        ("Windsurf", "windsurf"),
        ("LM Studio", "lmstudio"),
        ("codex-mcp-client", "codex"),
        ("gemini-cli-mcp-client", "gemini"),
        ("Zed", "zed"),
        ("somebody", ""),
        ("", ""),
    ],
)
def test_assistants_are_known_by_what_they_call_themselves(name, client):
    """MCP: clientInfo.name of initialize."""
    assert client_of(name) == client


def test_the_file_of_a_link_stays_a_link(browser, tmp_path):
    """facts/tray.md 5.2."""
    target = tmp_path / "shared.toml"
    target.write_text("schema_version = 1\n")
    browser.config.parent.mkdir()
    browser.config.symlink_to(target)
    done(browser, "archives/save", title="A", url=URL)
    assert browser.config.is_symlink()
    assert "[archives.a]" in Path(target).read_text()
