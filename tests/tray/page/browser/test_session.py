"""When the page ends, when the file changes under it, and what no part of it may hold (facts/tray.md 3 and 5.2)."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from tests.support.canned_server import canned
from tests.support.chromium import PASSWORD, Tab, guarded_archive, launched, opened
from tests.support.secret_service import bus_for, keyring_daemon, lock
from tray.page.session import IDLE_S

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TOKEN = "sessionStorage.getItem('federator-session')"
MINUTE_S = 60
LOOKED_AT_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium, tmp_path, monkeypatch) -> Iterator[Tab]:
    with opened(chromium, tmp_path, monkeypatch) as tab:
        yield tab


def saved(tab: Tab, *names: str) -> None:
    tab.setting.config.parent.mkdir(exist_ok=True)
    tab.setting.config.write_text(
        "\n".join(f'[archives.{name}]\nurl = "https://{name}.invalid/rs"\n' for name in names)
    )


def closed(tab: Tab, why: str) -> None:
    """The page says why it is over, has dropped its token and holds nothing that was typed."""
    expect(tab.page.get_by_role("heading", name="This page is closed")).to_be_focused()
    expect(tab.page.get_by_text(why)).to_be_visible()
    assert tab.page.evaluate(TOKEN) is None
    assert tab.page.locator("input").count() == 0


def test_the_link_leaves_the_address_bar_and_a_reload_goes_on(tab):
    """facts/tray.md 3.2 rule 5 and 6: the fragment is removed; the session survives a reload of its tab."""
    assert tab.page.url == f"http://{tab.setting.host}/"
    tab.reload()
    expect(tab.page.get_by_role("heading", name="Your image archives")).to_be_visible()
    assert tab.page.evaluate("history.length") <= 2


def test_without_a_link_the_page_says_where_to_open_it(tab):
    """facts/tray.md 3.2 rule 6: not shared with other tabs."""
    other = tab.page.context.new_page()
    other.goto(f"http://{tab.setting.host}/")
    expect(other.get_by_text("Open this page from the tray icon")).to_be_visible()
    other.close()


def test_after_ten_minutes_without_a_deed_the_page_says_that_it_closed(tab):
    """facts/tray.md 3.2 rule 10; 410: show the words, drop the token."""
    tab.page.get_by_label("User name and password").check()
    tab.page.get_by_label("Password", exact=True).fill(PASSWORD)
    # Minute by minute, as it goes: a page that is silent for long is taken for gone, and nobody is there to be told.
    for _ in range(int(IDLE_S) // MINUTE_S + 1):
        tab.setting.clock.now += MINUTE_S
        with tab.page.expect_response("**/api/ping"):
            tab.page.evaluate(LOOKED_AT_AGAIN)
    closed(tab, "not used for ten minutes")


def test_a_newer_link_takes_the_page_over(tab):
    """facts/tray.md 2.3: the newest link takes the session over, the older tab says it is closed."""
    newer = tab.page.context.new_page()
    newer.goto(tab.setting.page.open_link())
    expect(newer.get_by_role("heading", name="Your image archives")).to_be_visible()
    tab.page.evaluate(LOOKED_AT_AGAIN)
    closed(tab, "opened again in another tab")
    newer.close()


def test_a_newer_link_works_in_the_same_tab(tab):
    """facts/tray.md 2.3: a link that only changes the fragment opens the page anew."""
    tab.look_at_answers()
    with tab.page.expect_navigation(url=f"http://{tab.setting.host}/", wait_until="load"):
        tab.page.goto(tab.setting.page.open_link())
    expect(tab.page.get_by_role("heading", name="Your image archives")).to_be_visible()
    tab.page.evaluate(LOOKED_AT_AGAIN)
    expect(tab.page.get_by_role("button", name="Save and test")).to_be_visible()


def test_when_nobody_answers_the_token_is_dropped(tab):
    """facts/tray.md 3.2 rule 11: whoever has the port by then may be somebody else."""
    tab.page.get_by_label("DICOMweb address").fill("https://a.invalid/rs")
    tab.look_at_answers()
    tab.setting.page.stop()
    tab.button("Save and test")
    closed(tab, "does not answer any more")
    tab.page.evaluate(LOOKED_AT_AGAIN)
    expect(tab.page.get_by_role("heading", name="This page is closed")).to_be_visible()


def test_a_person_who_is_done_closes_the_page(tab):
    """tray.page.server: close: the person is done."""
    tab.button("Close this page")
    closed(tab, "You can close this tab.")


def test_what_was_typed_outlives_a_change_of_the_file(tab):
    """Issue 4 part 2: a stale etag (409) keeps what the person typed; saving again saves it."""
    tab.page.get_by_label("Name", exact=True).fill("Research")
    tab.page.get_by_label("DICOMweb address").fill("https://r.invalid/rs")
    saved(tab, "other")
    tab.button("Save and test")
    expect(tab.page.get_by_role("alert").get_by_text("What you typed is still here")).to_be_visible()
    expect(tab.page.get_by_role("article", name="other")).to_be_visible()
    expect(tab.page.get_by_label("Name", exact=True)).to_have_value("Research")
    tab.button("Save and test")
    tab.told("Research: No computer called")
    assert [one.name for one in tab.setting.page._parts.archives.read().archives] == ["other", "research"]


def test_a_change_by_another_hand_is_shown_and_an_open_form_stays(tab):
    """facts/tray.md 5.4: the page watches while it is open."""
    tab.page.get_by_label("Name", exact=True).fill("Research")
    saved(tab, "other")
    tab.page.evaluate(LOOKED_AT_AGAIN)
    expect(tab.page.get_by_role("article", name="other")).to_be_visible()
    expect(tab.page.get_by_label("Name", exact=True)).to_have_value("Research")
    assert tab.focused() == "Name"


def test_an_order_of_an_older_file_is_not_carried_out(tab):
    """facts/tray.md 3.2: stale etag: 409, list reloaded, repeat the change."""
    saved(tab, "a", "b")
    tab.reload()
    tab.page.get_by_role("article", name="b", exact=True).wait_for()
    saved(tab, "a", "b", "c")
    tab.button("Move b up")
    tab.told("changed meanwhile")
    expect(tab.page.get_by_role("article", name="c", exact=True)).to_be_visible()
    assert [one.name for one in tab.setting.page._parts.archives.read().archives] == ["a", "b", "c"]


def test_a_switch_that_was_refused_stands_as_it_was(tab):
    """facts/tray.md 3.2: what is shown is what is."""
    saved(tab, "a")
    tab.reload()
    tab.page.get_by_role("switch", name="Use a").wait_for()
    saved(tab, "a", "b")
    tab.page.get_by_role("switch", name="Use a").click()
    tab.told("changed meanwhile")
    expect(tab.page.get_by_role("switch", name="Use a")).to_be_checked()


def test_a_broken_file_is_named_by_line_and_restored(tab):
    """facts/tray.md 5.2: line and column, editing disabled, "restore the copy of 09:41"; never overwritten."""
    archives = tab.setting.page._parts.archives
    for name in ("a", "b"):
        archives.add(name, {"url": f"https://{name}.invalid/rs"}, secret=None)
    tab.setting.config.write_text("[archives.a\n")
    tab.reload()
    expect(tab.page.get_by_role("heading", name="The archive file cannot be used as it is")).to_be_visible()
    expect(tab.page.get_by_text("Line 1: this is not TOML")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Add an archive")).to_be_hidden()
    tab.page.get_by_role("button", name="Restore the copy of").click()
    tab.told("The copy is restored.")
    expect(tab.page.get_by_role("article", name="a", exact=True)).to_be_visible()
    assert "archives.a" in tab.setting.config.read_text()


def test_a_computer_without_a_tray_is_told_so_once(chromium, tmp_path, monkeypatch):
    """Issue 4: no tray: say so once, open the page."""
    with opened(chromium, tmp_path, monkeypatch) as tab:
        parts = tab.setting.page._parts
        object.__setattr__(parts, "tray_note", "This desktop shows no tray icons.")
        tab.reload()
        expect(tab.page.get_by_text("No tray icon: This desktop shows no tray icons.")).to_be_visible()


def test_a_password_that_no_store_takes_is_asked_for_again_with_the_way_out(tab):
    """facts/tray.md 4.2: file with 0600 only where it is asked for, with a warning."""
    page = tab.page
    page.get_by_label("DICOMweb address").fill("https://a.invalid/rs")
    page.get_by_label("User name and password").check()
    page.get_by_label("User name", exact=True).fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    expect(page.get_by_text("This computer has no protected password store.")).to_be_visible()
    tab.button("Save and test")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
    assert not tab.setting.config.exists()
    page.get_by_label("Keep it in a file that only you can read").check()
    tab.button("Save and test")
    tab.told("Main PACS: No computer called")
    (secret,) = (tab.setting.config.parent / "secrets").iterdir()
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.secret_service
def test_a_password_goes_to_the_store_and_a_locked_store_is_told(chromium, tmp_path, tmp_path_factory, monkeypatch):
    """facts/tray.md 4.2: the operating system's store first; locked: plain words and no dialog, nothing lost."""
    with (
        opened(chromium, tmp_path, monkeypatch) as tab,
        bus_for(monkeypatch, tmp_path_factory.mktemp("bus")) as bus,
        keyring_daemon(bus, unlocked=True),
        canned(guarded_archive) as port,
    ):
        page = tab.page
        tab.reload()
        page.get_by_label("User name and password").check()
        expect(page.get_by_text("Kept in this computer's password store and never shown again.")).to_be_visible()
        expect(page.get_by_label("Keep it in a file that only you can read")).to_be_hidden()
        page.get_by_label("DICOMweb address").fill(f"http://127.0.0.1:{port}/rs")
        page.get_by_label("User name", exact=True).fill("alice")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        tab.button("Save and test")
        tab.told("Main PACS works.")
        assert 'secret = "keyring:main-pacs"' in tab.setting.config.read_text()
        lock()
        tab.button("Edit Main PACS")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        tab.button("Save and test")
        expect(page.get_by_text("Your password store is locked. Unlock it").first).to_be_visible()
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
        expect(page.get_by_label("Keep it in a file that only you can read")).not_to_be_checked()


def test_what_an_archive_or_file_says_stays_text(tab):
    """facts/tray.md 3.1: a hostile archive; text is inserted as text only, whatever it looks like."""
    evil = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"
    tab.setting.config.parent.mkdir()
    tab.setting.config.write_text(f'[archives.a]\ntitle = "{evil}"\nurl = "https://a.invalid/rs"\n')
    tab.reload()
    expect(tab.page.get_by_role("article", name=evil)).to_be_visible()
    tab.button(f"Test {evil}")
    tab.told(f"{evil}: No computer called")
    tab.button(f"Remove {evil}")
    expect(tab.page.get_by_role("heading", name=f"Remove {evil}?")).to_be_visible()
    expect(tab.page).to_have_title("Archive settings")
    assert tab.page.locator("main img, main script, dialog img, dialog script").count() == 0


def test_no_secret_is_anywhere_after_saving(tab):
    """facts/tray.md 3.2 rule 9: not in the page, not in any field, not in storage, not in the address."""
    with canned(guarded_archive) as port:
        tab.add_archive("Main", f"http://127.0.0.1:{port}/rs", user="alice")
        tab.told("Main works.")
    tab.button("Edit Main")
    everything = """() => [document.documentElement.outerHTML, location.href, JSON.stringify(history.state),
        JSON.stringify({...sessionStorage}), JSON.stringify({...localStorage}), document.cookie,
        ...[...document.querySelectorAll('input')].map(input => input.value)].join()"""
    assert PASSWORD not in tab.page.evaluate(everything)
    assert tab.page.context.cookies() == []
