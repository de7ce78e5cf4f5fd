"""Debian's Chromium on the settings page, told what to do by roles and names; what it should never do is checked."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright

from tests.support.canned_server import STUDY_LIST, http
from tests.support.settings_page import SECRET, settings_page
from tests.support.settings_page import Browser as Setting

PASSWORD = SECRET
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--password-store=basic"),
)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PATIENCE_MS = 20_000

expect.set_options(timeout=_PATIENCE_MS)


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """One tab with the page, and all that went over the wire."""

    page: Page
    setting: Setting
    home: Path
    clicks: int = 0
    answers: list[Response] = field(default_factory=list)

    def button(self, name: str) -> None:
        """Press the button of exactly this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def told(self, text: str) -> None:
        """Wait until the status line says this."""
        self.page.locator("#status", has_text=text).wait_for()

    def focused(self) -> str:
        """The accessible name of what has the focus, as it is labelled."""
        script = "e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent"
        return self.page.evaluate_handle("document.activeElement").evaluate(script).strip()

    def add_archive(self, name: str, url: str, *, user: str = "") -> None:
        """Fill the open form and save it."""
        page = self.page
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("DICOMweb address").fill(url)
        if user:
            page.get_by_label("User name and password").check()
            page.get_by_label("User name", exact=True).fill(user)
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_label("Keep it in a file that only you can read").check()
        self.button("Save and test")

    def reload(self) -> None:
        """Load the page again, in the same session."""
        self.look_at_answers()
        self.page.reload()

    def look_at_answers(self) -> None:
        """No answer so far holds the secret."""
        for answer in self.answers:
            if "/api/" in answer.url and answer.request.failure is None:
                assert PASSWORD not in answer.text()
        self.answers.clear()

    def card(self, title: str) -> str:
        """What the card of an archive or assistant says."""
        return self.page.get_by_role("article", name=title, exact=True).inner_text()


@contextmanager
def opened(browser: Browser, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tab]:
    """The real page over an empty home with Claude Desktop and Cursor, opened with its link.

    At the end: nothing was asked of any other server, nothing broke a rule of the page or failed unseen, and no
    secret was in an answer.
    """
    for folder in (".config/Claude", ".cursor"):
        (home / folder).mkdir(parents=True)
    with settings_page(home, monkeypatch, real=True) as setting:
        context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(_PATIENCE_MS)
        try:
            yield from _watched(context, setting, home)
        finally:
            context.close()


def _watched(context: BrowserContext, setting: Setting, home: Path) -> Iterator[Tab]:
    link = setting.page.open_link()
    setting.port = int(link.partition("/#")[0].rpartition(":")[2])
    faults: list[str] = []
    asked: set[str] = set()
    tab = Tab(page=context.new_page(), setting=setting, home=home)
    tab.page.on("pageerror", lambda error: faults.append(str(error)))
    tab.page.on(
        "console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None
    )
    tab.page.on("request", lambda request: asked.add(request.url.split("/", 3)[2]))
    tab.page.on("response", lambda answer: tab.answers.append(answer))  # noqa: PLW0108 - Playwright marks what it is given
    tab.page.goto(link)
    tab.page.get_by_role("heading", name="Your image archives").wait_for()
    yield tab
    assert asked == {setting.host}
    # Chromium itself reports each refusal; those are told by the page and looked at by the tests.
    assert [fault for fault in faults if not fault.startswith("Failed to load resource")] == []
    tab.look_at_answers()


def violations(page: Page) -> list[str]:
    """What axe-core finds at fault on the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": _RULES, "resultTypes": ["violations"]})
    found = page.evaluate(f"axe.run(document, {options}).then(result => result.violations)")
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def archive(head: str) -> bytes:
    """An archive with one study that anybody may search."""
    return http(200, STUDY_LIST)


def guarded_archive(head: str) -> bytes:
    """An archive that asks for a sign-in and accepts any user with the right password."""
    sent = [line.split(" ")[-1] for line in head.splitlines() if line.lower().startswith("authorization: basic ")]
    right = [token for token in sent if base64.b64decode(token).decode().endswith(f":{PASSWORD}")]
    return http(200, STUDY_LIST) if right else http(401, WWW_Authenticate='Basic realm="pacs"')


def answering_server(folder: Path) -> tuple[str, ...]:
    """A command that answers as the server does when it is tried, and nothing more."""
    server = folder / "federator-stand-in"
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"serverInfo": {"name": "federator", "version": "1"}}}
    server.write_text(f"#!/bin/sh\nread line\necho '{json.dumps(answer)}'\nread line\n")
    server.chmod(0o755)
    return (str(server),)
