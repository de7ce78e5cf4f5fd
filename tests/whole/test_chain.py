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

from tests.support.chain import PASSWORD, Home, check_answer
from tests.support.chromium import launched
from tests.support.orthanc_server import OrthancPair

pytestmark = [pytest.mark.browser, pytest.mark.orthanc, pytest.mark.xdist_group("browser")]


@contextmanager
def settings(home: Home) -> Iterator[str]:
    """`federator-tray settings` as a person starts it; gives the link, and ends the program."""
    program = Path(sys.executable).parent / "federator-tray"
    command = [str(program), "settings", "--print-url"]
    with subprocess.Popen(command, env=home.environment, cwd=home.path, stdout=subprocess.PIPE, text=True) as process:
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


def asked(server: StdioServerParameters) -> dict[str, Any]:
    """What this server answers to find-studies."""

    async def ask() -> dict[str, Any]:
        async with Client(server) as client:
            return (await client.call_tool("find-studies", {"query": "PatientName=Chain*"})).structured_content

    # Playwright holds this thread's event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, ask).result()


def test_from_a_fresh_home_through_the_page_to_answers_in_two_assistants(
    chained_archives: OrthancPair, fresh_home: Home
) -> None:
    """Issue 4: the written commands are started as those clients would and answer find-studies from both archives."""
    with settings(fresh_home) as link, launched() as browser:
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(link)
        set_up(page, chained_archives)
        assert PASSWORD not in page.content()
        for entry in fresh_home.written():
            assert PASSWORD not in json.dumps(entry)
            check_answer(asked(fresh_home.server(entry)), first="main-pacs", second="research")
        # The page learns from the server that its archives answered.
        page.reload()
        expect(page.get_by_role("article", name="Research")).to_contain_text("answered an assistant")
        press(page, "Close this page")
        expect(page.get_by_role("heading", name="This page is closed")).to_be_visible()
    assert PASSWORD not in (fresh_home.path / ".config/federator/archives.toml").read_text()
