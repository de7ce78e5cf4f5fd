"""From a fresh home to answers: the page is opened, two real archives are added and tested, two assistants connected.

The commands that the page wrote are then started as those assistants would start them (issue 4, "The whole chain").
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

pytest.importorskip("playwright")

from playwright.sync_api import Page, expect

from tests.support.chromium import launched
from tests.support.orthanc_server import Orthanc, OrthancPair, made, running
from tray.clients.launch import bare_environment

pytestmark = [pytest.mark.browser, pytest.mark.orthanc, pytest.mark.xdist_group("browser")]

PASSWORD = "pa55-never-shown"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPair]:
    """Two archives with a study each and one that both hold; the second asks for a password."""
    folder = tmp_path_factory.mktemp("whole-chain")
    with (
        running(folder, "main", "/dicom-web/") as first,
        running(folder, "research", "/rs/", user="alice", password=PASSWORD) as second,
    ):
        fill(first, "1.6.1", "1.6.2")
        fill(second, "1.6.2", "1.6.3")
        yield OrthancPair(first=first, second=second)


def fill(archive: Orthanc, *studies: str) -> None:
    for number, uid in enumerate(studies, 1):
        for file in made(uid, PatientName="Chain^Test", PatientID="C1", StudyDate=f"2024010{number}"):
            assert archive.store(file)


@contextmanager
def settings(home: Path) -> Iterator[str]:
    """`federator-tray settings` as a person starts it; gives the link, and ends the program."""
    program = Path(sys.executable).parent / "federator-tray"
    environment = bare_environment("linux", {"HOME": str(home)})
    with subprocess.Popen(
        [str(program), "settings", "--print-url"], env=environment, cwd=home, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            # The person closed the page: the program ends by itself.
            assert process.wait(30) == 0
        finally:
            process.kill()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def told(page: Page, text: str) -> None:
    page.locator("#status", has_text=text).wait_for(timeout=60_000)


def set_up(page: Page, archives: OrthancPair) -> None:
    page.get_by_label("DICOMweb address").fill(archives.first.url)
    press(page, "Save and test")
    told(page, "Main PACS works. Next: connect your AI assistant below.")
    press(page, "Add an archive")
    page.get_by_label("Name", exact=True).fill("Research")
    page.get_by_label("DICOMweb address").fill(archives.second.url)
    press(page, "Save and test")
    told(page, "Research: The archive asks for a sign-in, and none is set up.")
    press(page, "Edit Research")
    page.get_by_label("User name and password").check()
    page.get_by_label("User name", exact=True).fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Keep it in a file that only you can read").check()
    press(page, "Save and test")
    told(page, "Research works.")
    for title in ("Claude Desktop", "VS Code"):
        press(page, f"Connect {title}")
        expect(page.get_by_role("region", name="The change")).to_contain_text('"federator"')
        press(page, "Write")
        told(page, f"{title} is connected.")
        press(page, "Done")


def asked(entry: dict[str, Any], home: Path) -> dict[str, Any]:
    """What a server started by this entry, as an assistant starts it, answers to find-studies."""
    server = StdioServerParameters(
        command=entry["command"], args=entry["args"], env=bare_environment("linux", {"HOME": str(home)}), cwd="/"
    )

    async def ask() -> dict[str, Any]:
        async with Client(server) as client:
            return (await client.call_tool("find-studies", {"query": "PatientName=Chain*"})).structured_content

    # Playwright holds this thread's event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, ask).result()


def test_from_a_fresh_home_through_the_page_to_answers_in_two_assistants(archives: OrthancPair, tmp_path: Path) -> None:
    """Issue 4: the written commands are started as those clients would and answer find-studies from both archives."""
    home = tmp_path / "Dr. Müller"
    claude, vscode = home / ".config/Claude", home / ".config/Code/User"
    for folder in (claude, vscode):
        folder.mkdir(parents=True)
    with settings(home) as link, launched() as browser:
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(link)
        set_up(page, archives)
        assert PASSWORD not in page.content()
        written = (
            json.loads((claude / "claude_desktop_config.json").read_text())["mcpServers"]["federator"],
            json.loads((vscode / "mcp.json").read_text())["servers"]["federator"],
        )
        for entry in written:
            assert PASSWORD not in json.dumps(entry)
            found = asked(entry, home)
            tagged = [study["studyInstanceUid"].split("@") for study in found["studies"]]
            held_by = {uid: set(names.split(",")) for uid, names in tagged}
            assert held_by == {"1.6.1": {"main-pacs"}, "1.6.2": {"main-pacs", "research"}, "1.6.3": {"research"}}
            assert found["complete"] is True
        # The page learns from the server that its archives answered.
        page.reload()
        expect(page.get_by_role("article", name="Research")).to_contain_text("answered an assistant")
        press(page, "Close this page")
        expect(page.get_by_role("heading", name="This page is closed")).to_be_visible()
    assert PASSWORD not in (home / ".config/federator/archives.toml").read_text()
