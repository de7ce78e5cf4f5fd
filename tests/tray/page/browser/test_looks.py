"""The settings page for everybody: axe-core in every state; light, dark, at 320 px, high contrast, without motion."""

import threading
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from tests.support.canned_server import STUDY_LIST, canned, http
from tests.support.chromium import Tab, answering_server, archive, launched, opened, violations
from tray.page.session import IDLE_S

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LONG = "A very long name of an archive of several hospitals and practices in three countries"
OUTLINE = "(style => style.outlineStyle + style.outlineWidth)(getComputedStyle(document.activeElement))"
LOOKS = {
    "light": ("light", 1000),
    "dark": ("dark", 1000),
    "narrow": ("light", 320),
    "narrow and dark": ("dark", 320),
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium, tmp_path, monkeypatch) -> Iterator[Tab]:
    with opened(chromium, tmp_path, monkeypatch) as tab:
        tab.setting.page._parts.clients.command = answering_server(tmp_path)
        yield tab


def with_archives(tab: Tab) -> None:
    tab.setting.config.parent.mkdir()
    tab.setting.config.write_text(
        f'[archives.good]\ntitle = "Main"\nurl = "GOOD"\n\n[archives.bad]\ntitle = "{LONG}"\n'
        f'url = "https://a-long-name-of-a-computer.{"department-" * 5}x.invalid/dicom-web/of/this/archive"\n\n'
        '[archives.off]\nfolder = "/nowhere/at/all"\nenabled = false\n'
    )


def an_empty_page(tab: Tab) -> None:
    tab.button("Cancel")
    expect(tab.page.get_by_text("No archive yet")).to_be_visible()


def the_first_form(tab: Tab) -> None:
    expect(tab.page.get_by_role("form", name="Add an archive")).to_be_visible()


def a_form_with_everything_open_and_at_fault(tab: Tab) -> None:
    tab.page.get_by_label("User name and password").check()
    tab.page.get_by_text("Other ways to sign in").click()
    tab.page.get_by_text("Advanced").click()
    tab.page.get_by_label("Time limit in seconds").fill("0")
    tab.page.get_by_label("Address of the viewer").fill("x")
    tab.page.get_by_label("User name", exact=True).fill("alice")
    tab.page.get_by_label("Password", exact=True).fill("x")
    tab.page.get_by_label("Keep it in a file").check()
    tab.page.get_by_label("DICOMweb address").fill("pacs.invalid")
    tab.button("Save and test")
    expect(tab.page.get_by_label("DICOMweb address")).to_be_focused()


def a_list_after_its_test(tab: Tab) -> None:
    with_archives(tab)
    with canned(archive) as port:
        text = tab.setting.config.read_text()
        tab.setting.config.write_text(text.replace("GOOD", f"http://127.0.0.1:{port}/rs"))
        tab.reload()
        tab.button("Test all")
        tab.told("No computer called")
    tab.page.get_by_text("Details for IT").click()
    tab.page.get_by_text("What was tested").first.click()


def a_question(tab: Tab) -> None:
    with_archives(tab)
    tab.setting.config.write_text(tab.setting.config.read_text().replace('"GOOD"', '"https://a.invalid"'))
    tab.reload()
    tab.button("Remove Main")


def a_plan(tab: Tab) -> None:
    a_question(tab)
    tab.button("Keep it")
    tab.button("Connect Claude Desktop")
    tab.page.get_by_role("region", name="The change").wait_for()


def a_connection(tab: Tab) -> None:
    a_plan(tab)
    tab.button("Write")
    tab.told("Claude Desktop is connected.")


def assistants_in_trouble(tab: Tab) -> None:
    a_connection(tab)
    tab.button("Done")
    (tab.home / ".config/Claude/claude_desktop_config.json").write_text("{}")
    (tab.home / ".cursor/mcp.json").write_text("{broken")
    tab.reload()
    expect(tab.page.get_by_text("Connection lost")).to_be_visible()
    expect(tab.page.get_by_text("Settings damaged")).to_be_visible()


def a_broken_file(tab: Tab) -> None:
    archives = tab.setting.page._parts.archives
    for name in ("a", "b"):
        archives.add(name, {"url": f"https://{name}.invalid/rs"}, secret=None)
    tab.setting.config.write_text("[archives.a\n")
    object.__setattr__(tab.setting.page._parts, "tray_note", "This desktop shows no tray icons.")
    tab.reload()
    expect(tab.page.get_by_role("button", name="Restore the copy")).to_be_visible()


def the_end(tab: Tab) -> None:
    tab.setting.clock.now += IDLE_S + 1
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(tab.page.get_by_role("heading", name="This page is closed")).to_be_focused()


STATES = (
    the_first_form,
    an_empty_page,
    a_form_with_everything_open_and_at_fault,
    a_list_after_its_test,
    a_question,
    a_plan,
    a_connection,
    assistants_in_trouble,
    a_broken_file,
    the_end,
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_state_of_the_page_breaks_a_rule_or_scrolls_sideways(tab, state: Callable[[Tab], None]):
    """Issue 4: axe-core (WCAG 2.0 to 2.2 A and AA, best practice) with no violation; WCAG 1.4.10 at 320 px."""
    state(tab)
    look_at(tab)


def test_nor_does_a_test_under_way(tab):
    """Issue 4: axe-core with no violation in every state."""
    go_on = threading.Event()

    def slow(_head: str) -> bytes:
        go_on.wait(30)
        return http(200, STUDY_LIST)

    with canned(slow) as port:
        tab.add_archive(LONG, f"http://127.0.0.1:{port}/rs")
        tab.page.get_by_text("Next step …").wait_for()
        look_at(tab)
        go_on.set()
        tab.told("works.")


def look_at(tab: Tab) -> None:
    for look, (scheme, width) in LOOKS.items():
        tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert violations(tab.page) == [], look
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, look


def test_the_rules_do_find_a_fault(tab):
    """The proof of the two tests above: a picture without words is found."""
    tab.page.evaluate("document.querySelector('main').append(Object.assign(new Image(), {src: '/icon.svg'}))")
    assert [fault.split(":")[0] for fault in violations(tab.page)] == ["image-alt"]


def test_the_shapes_of_the_states_differ_in_outline_and_have_their_words(tab):
    """facts/tray.md 8.3: told apart by outline alone; text repeats the shape."""
    a_list_after_its_test(tab)
    outlines = {}
    for card in tab.page.locator("ol.cards article").all():
        outline = card.locator("> svg .outline").get_attribute("d")
        outlines[outline] = card.locator(".state strong").inner_text()
        assert card.locator("> svg").get_attribute("aria-hidden") == "true"
    assert sorted(outlines.values()) == ["Not in use", "Problem – name not found", "Working"]


def test_in_high_contrast_the_shapes_take_the_system_s_colours(tab):
    """WCAG 1.4.11 and forced-colors: what is drawn follows the person's own colours, and keeps its glyph."""
    a_list_after_its_test(tab)
    tab.page.emulate_media(forced_colors="active")
    shape = tab.page.locator("article svg.ok").first
    text = tab.page.locator("h1").evaluate("e => getComputedStyle(e).color")
    ground = tab.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert shape.locator(".outline").evaluate("e => getComputedStyle(e).fill") == text
    assert shape.locator(".glyph").first.evaluate("e => getComputedStyle(e).stroke") == ground
    assert violations(tab.page) == []


def test_what_has_the_focus_shows_it(tab):
    """WCAG 2.4.7: a visible focus at every stop of Tab."""
    a_list_after_its_test(tab)
    tab.reload()
    tab.page.get_by_role("article", name="Main").wait_for()
    seen = set()
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        outline = tab.page.evaluate(OUTLINE)
        if tab.page.evaluate("document.activeElement === document.body"):
            break
        assert outline == "solid3px", tab.focused()
        seen.add(tab.focused())
    assert {"Add an archive", "Test Main", "Use Main", "Move Main down", "Connect Cursor", "Close this page"} <= seen


def test_nothing_moves_for_those_who_wish_so(tab):
    """WCAG 2.3.3: prefers-reduced-motion."""
    a_question(tab)
    duration = "getComputedStyle(document.querySelector('.switch input'), '::before').transitionDuration"
    assert tab.page.evaluate(duration) == "0s"
    tab.page.emulate_media(reduced_motion="no-preference")
    assert tab.page.evaluate(duration) == "0.12s"


def test_a_message_moves_nothing_below_it(tab):
    """facts/tray.md 2.4: reserve the height of the status line, or the next click hits the gap."""
    a_question(tab)
    tab.button("Keep it")
    add = tab.page.get_by_role("button", name="Add an archive")
    before = add.bounding_box()
    tab.page.get_by_role("switch", name="Use Main").click()
    tab.told("Main is not asked for now.")
    assert add.bounding_box() == before


def test_the_column_is_as_wide_as_can_be_read(tab):
    """facts/tray.md 8.2: 52rem wide, one column."""
    tab.page.set_viewport_size({"width": 1600, "height": 900})
    assert tab.page.locator("#page").bounding_box()["width"] == 52 * 16
