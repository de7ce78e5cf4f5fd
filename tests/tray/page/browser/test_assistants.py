"""The assistants on the settings page: connecting shows the change first, and everything can be taken back."""

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from tests.support.canned_server import canned
from tests.support.chromium import PASSWORD, Tab, answering_server, archive, launched, opened
from tray.clients.registry import SettingsFile

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

NEIGHBOUR = {"mcpServers": {"neighbour": {"command": "other", "env": {"KEY": PASSWORD}}}}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium, tmp_path, monkeypatch) -> Iterator[Tab]:
    with opened(chromium, tmp_path, monkeypatch) as tab:
        tab.setting.page._parts.clients.command = answering_server(tmp_path)
        yield tab


@pytest.fixture
def with_archive(tab) -> Tab:
    tab.setting.config.parent.mkdir()
    tab.setting.config.write_text('[archives.a]\ntitle = "Main"\nurl = "https://a.invalid/rs"\n')
    tab.reload()
    tab.page.get_by_role("article", name="Main").wait_for()
    return tab


def settings(tab: Tab) -> Path:
    return tab.home / ".config/Claude/claude_desktop_config.json"


def connect(tab: Tab, title: str = "Claude Desktop") -> None:
    tab.button(f"Connect {title}")
    tab.button("Write")
    tab.told(f"{title} is connected.")


def changed_client(tab: Tab, **values: object) -> None:
    """Claude Desktop, described otherwise."""
    clients = tab.setting.page._parts.clients
    first, *others = clients.registry
    clients.registry = (dataclasses.replace(first, **values), *others)


def test_the_first_run_takes_five_clicks_at_most(tab):
    """facts/tray.md 8.1: from nothing to a connected assistant, typing aside; the fifth click is Done."""
    page = tab.page
    count = "addEventListener('click', e => e.isTrusted && (window.clicks = (window.clicks ?? 0) + 1), true)"
    page.evaluate(count)
    with canned(archive) as port:
        page.get_by_label("User name and password").check()
        page.get_by_label("DICOMweb address").press_sequentially(f"http://127.0.0.1:{port}/rs")
        page.get_by_label("User name", exact=True).press_sequentially("alice")
        page.get_by_label("Password", exact=True).press_sequentially(PASSWORD)
        # Without a password store that has to be wished; elsewhere this is not asked.
        page.get_by_label("Keep it in a file that only you can read").press("Space")
        page.evaluate("window.clicks = 1")
        tab.button("Save and test")
        tab.told("Main PACS works. Next: connect your AI assistant below.")
    tab.button("Connect Claude Desktop")
    tab.button("Write")
    expect(page.get_by_text("Quit Claude completely, then start it again.").last).to_be_visible()
    expect(page.get_by_text("Waiting for Claude Desktop …")).to_be_visible()
    tab.button("Done")
    tab.told("All set.")
    assert page.evaluate("window.clicks") <= 5
    entry = json.loads(settings(tab).read_text())["mcpServers"]["federator"]
    assert entry["command"] == tab.setting.page._parts.clients.command[0]
    assert "Connected · not used yet" in tab.card("Claude Desktop")


def test_the_change_is_shown_without_anything_of_others(with_archive):
    """Issue 4: other servers' keys and values never appear in the page; nothing is written before Write."""
    tab = with_archive
    settings(tab).write_text(json.dumps(NEIGHBOUR))
    before = settings(tab).read_bytes()
    tab.button("Connect Claude Desktop")
    change = tab.page.get_by_role("region", name="The change")
    expect(change).to_contain_text('+   "federator": {')
    expect(change).to_contain_text("1 other entry, unchanged")
    assert "neighbour" not in tab.page.content()
    assert PASSWORD not in tab.page.content()
    assert tab.focused() == "Write"
    tab.button("Cancel")
    assert tab.focused() == "Connect Claude Desktop"
    assert settings(tab).read_bytes() == before
    connect(tab)
    assert json.loads(settings(tab).read_text())["mcpServers"]["neighbour"] == NEIGHBOUR["mcpServers"]["neighbour"]


def test_a_connection_is_undone_and_disconnected(with_archive):
    """Issue 4 part 2: undo gives the file back as it was; disconnect takes out our entry only."""
    tab = with_archive
    settings(tab).write_text(json.dumps(NEIGHBOUR))
    before = settings(tab).read_bytes()
    connect(tab)
    assert tab.focused() == "Done"
    tab.button("Undo the last change of Claude Desktop")
    tab.told("Claude Desktop is as it was before")
    assert settings(tab).read_bytes() == before
    connect(tab)
    tab.button("Done")
    tab.button("Disconnect Claude Desktop")
    expect(tab.page.get_by_role("heading", name="This will be taken out of the settings")).to_be_visible()
    tab.button("Write")
    tab.told("Claude Desktop is disconnected")
    assert json.loads(settings(tab).read_text()) == NEIGHBOUR
    assert "Found, not connected" in tab.card("Claude Desktop")


def test_what_the_app_removed_or_a_hand_changed_is_reconnected(with_archive):
    """facts/tray.md 6.3 step 7: connected, different, removed by the app; never rewritten unasked."""
    tab = with_archive
    connect(tab)
    tab.button("Done")
    settings(tab).write_text("{}")
    tab.reload()
    tab.button("Reconnect Claude Desktop")
    tab.button("Write")
    tab.told("Claude Desktop is connected.")
    tab.button("Done")
    written = settings(tab).read_text()
    settings(tab).write_text(written.replace("federator-stand-in", "another-program"))
    tab.reload()
    assert "Needs repair" in tab.card("Claude Desktop")
    assert "still starts the old one" in tab.card("Claude Desktop")
    tab.button("Reconnect Claude Desktop")
    expect(tab.page.get_by_role("region", name="The change")).to_contain_text("(the old value)")
    tab.button("Write")
    tab.told("Claude Desktop is connected.")
    assert json.loads(settings(tab).read_text()) == json.loads(written)


def test_what_the_app_removed_may_stay_so(with_archive):
    """facts/tray.md 6.3 step 7: never rewritten unasked, and who wishes so is not reminded any more."""
    tab = with_archive
    connect(tab)
    tab.button("Done")
    settings(tab).write_text("{}")
    tab.reload()
    assert "Connection lost" in tab.card("Claude Desktop")
    tab.button("Leave Claude Desktop off")
    tab.told("Claude Desktop is as it was before")
    assert "Found, not connected" in tab.card("Claude Desktop")
    assert settings(tab).read_text() == "{}"


def test_a_change_that_comes_between_is_shown_anew(with_archive):
    """facts/tray.md 6.3 step 5: what was shown is what is written; else it is shown again."""
    tab = with_archive
    tab.button("Connect Claude Desktop")
    tab.page.get_by_role("region", name="The change").wait_for()
    settings(tab).write_text(json.dumps(NEIGHBOUR))
    tab.button("Write")
    expect(tab.page.get_by_role("alert").get_by_text("The settings changed since")).to_be_visible()
    expect(tab.page.get_by_role("region", name="The change")).to_contain_text("1 other entry, unchanged")
    tab.button("Write")
    tab.told("Claude Desktop is connected.")


def test_a_running_claude_is_named_and_may_be_overruled(with_archive, tmp_path):
    """facts/tray.md 6.3 step 4: detect the process, ask the person, never kill it."""
    tab = with_archive
    program = tmp_path / f"claude-{tmp_path.name}"
    shutil.copy("/bin/sleep", program)
    changed_client(tab, processes=(program.name,))
    with subprocess.Popen([str(program), "300"]) as process:
        try:
            tab.button("Connect Claude Desktop")
            tab.page.get_by_text("Quit it completely before writing.").wait_for()
            expect(tab.page.get_by_role("button", name="Write anyway")).to_be_hidden()
            tab.button("Write")
            expect(tab.page.get_by_role("alert").get_by_text("is running and would write")).to_be_visible()
            assert not settings(tab).exists()
            tab.button("Write anyway")
            tab.told("Claude Desktop is connected.")
            assert process.poll() is None
        finally:
            process.kill()


def test_a_server_that_does_not_answer_is_not_written(with_archive):
    """Issue 4 part 6: it is started once and must answer before it is written."""
    tab = with_archive
    tab.setting.page._parts.clients.command = ("/bin/false",)
    tab.button("Connect Claude Desktop")
    tab.button("Write")
    expect(tab.page.get_by_role("alert").get_by_text("Nothing was written.")).to_be_visible()
    assert tab.focused() == "Write"
    assert not settings(tab).exists()


def test_of_several_settings_files_the_person_names_one(with_archive):
    """facts/tray.md 6.1: several candidates: ask, write nothing."""
    tab = with_archive
    places = [tab.home / f"Packages/Claude_{letter}/settings.json" for letter in "xy"]
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_text("{}")
    changed_client(tab, alternatives=(SettingsFile(root=tab.home / "Packages", pattern="Claude_*/settings.json"),))
    tab.reload()
    tab.button("Connect Claude Desktop")
    tab.told("Choose a file first.")
    group = tab.page.get_by_role("group", name="Claude Desktop has several settings files. Which one does it use?")
    group.get_by_label(str(places[1])).check()
    connect(tab)
    assert places[0].read_text() == "{}"
    assert "federator" in places[1].read_text()


def test_a_damaged_file_is_told_and_left_alone(with_archive):
    """Issue 4: a malformed client file is refused and untouched, byte for byte."""
    tab = with_archive
    settings(tab).write_text('{"mcpServers": ')
    tab.reload()
    assert "Settings damaged" in tab.card("Claude Desktop")
    assert "We left it as it is." in tab.card("Claude Desktop")
    expect(tab.page.get_by_role("button", name="Connect Claude Desktop")).to_be_hidden()
    assert settings(tab).read_text() == '{"mcpServers": '


def test_a_file_that_breaks_after_it_was_shown_ends_the_plan(with_archive):
    """facts/tray.md 6.3 step 1: refuse, touch nothing."""
    tab = with_archive
    tab.button("Connect Claude Desktop")
    tab.page.get_by_role("region", name="The change").wait_for()
    settings(tab).write_text("{broken")
    tab.button("Write")
    tab.told("We left it as it is.")
    expect(tab.page.get_by_role("button", name="Write", exact=True)).to_be_hidden()
    assert settings(tab).read_text() == "{broken"


def test_a_policy_of_it_is_told(with_archive):
    """facts/tray.md 6.4: if a policy is present, say that IT manages the connections."""
    tab = with_archive
    policy = tab.home / "policy"
    policy.touch()
    changed_client(tab, policies=(policy,))
    tab.reload()
    assert "Your IT department manages this assistant." in tab.card("Claude Desktop")
    tab.button("Connect Claude Desktop")
    expect(tab.page.get_by_text("Give them the lines below.")).to_be_visible()


def test_waiting_ends_when_the_assistant_has_used_the_connection(with_archive):
    """facts/tray.md 8.1: "Waiting for Claude …" turns to "used this connection just now" by health.json."""
    tab = with_archive
    connect(tab)
    expect(tab.page.get_by_text("Waiting for Claude Desktop …")).to_be_visible()
    used = {"schema_version": 1, "clients": {"claude-ai": {"time": datetime.now(UTC).isoformat()}}, "archives": {}}
    health = tab.home / "state" / "health.json"
    health.parent.mkdir(exist_ok=True)
    health.write_text(json.dumps(used))
    # The page asks by itself every 15 s, and at once when it is looked at again.
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(tab.page.get_by_text("Claude Desktop used this connection just now.")).to_be_visible()
    tab.button("Done")
    assert "Connected · used just now" in tab.card("Claude Desktop")


def test_without_any_assistant_the_page_says_so(with_archive):
    """Issue 4 part 2: found, not found."""
    tab = with_archive
    shutil.rmtree(tab.home / ".config")
    shutil.rmtree(tab.home / ".cursor")
    tab.reload()
    expect(tab.page.get_by_text("No assistant was found on this computer.")).to_be_visible()
