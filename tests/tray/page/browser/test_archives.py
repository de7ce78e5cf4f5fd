"""The archives of the settings page as a person sets them up in a browser (issue 4 part 2)."""

import re
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import Browser, expect

from tests.support.canned_server import STUDY_LIST, canned, http
from tests.support.chromium import PASSWORD, Tab, archive, guarded_archive, launched, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium, tmp_path, monkeypatch) -> Iterator[Tab]:
    with opened(chromium, tmp_path, monkeypatch) as tab:
        yield tab


def titles(tab: Tab) -> list[str]:
    return tab.page.locator("ol.cards h3").all_inner_texts()


def two_archives(tab: Tab) -> None:
    """Two archives in the file, and the page looking at them."""
    tab.setting.config.parent.mkdir()
    tab.setting.config.write_text(
        '[archives.a]\ntitle = "First"\nurl = "https://a.invalid/rs"\n\n'
        '[archives.b]\ntitle = "Second"\nurl = "https://b.invalid/rs"\n'
    )
    tab.reload()
    tab.page.get_by_role("article", name="Second").wait_for()


def test_the_first_page_has_the_form_open_and_says_where_things_are_kept(tab):
    """facts/tray.md 8.1 step 0 and 2.4: the form already open, "Main PACS" prefilled; show the file path."""
    expect(tab.page.get_by_label("Name", exact=True)).to_have_value("Main PACS")
    expect(tab.page.get_by_text(f"Saved in {tab.setting.config}")).to_be_visible()
    expect(tab.page.get_by_text("Found on this computer: Claude Desktop, Cursor.")).to_be_visible()
    expect(tab.page).to_have_title("Archive settings")


def test_an_archive_with_a_password_is_saved_tested_and_shown(tab):
    """facts/tray.md 3.2 rule 9: secrets are write-only; the field is emptied, and no copy is in the page."""
    with canned(guarded_archive) as port:
        tab.add_archive("Main PACS", f"http://127.0.0.1:{port}/rs", user="alice")
        tab.told("Main PACS works. Next: connect your AI assistant below.")
    shown = tab.card("Main PACS")
    assert "Working · tested just now" in shown
    assert f"http://127.0.0.1:{port}/rs" in shown
    assert PASSWORD not in tab.page.content()
    assert PASSWORD not in tab.setting.config.read_text()
    tab.button("Edit Main PACS")
    field = tab.page.get_by_label("Password", exact=True)
    expect(field).to_have_value("")
    expect(field).to_have_attribute("autocomplete", "new-password")
    expect(tab.page.get_by_text("There is one already. Leave this empty to keep it.")).to_be_visible()
    tab.page.get_by_label("Name", exact=True).fill("Main archive")
    tab.button("Save and test")
    tab.told("Main archive: ")
    state = tab.setting.page._parts.archives.read().archives[0]
    assert (state.title, state.user, state.secret.store.value) == ("Main archive", "alice", "file")


def test_a_typed_password_can_be_looked_at(tab):
    """Issue 4 part 2: plain words; long passwords are typed wrongly."""
    tab.page.get_by_label("User name and password").check()
    field = tab.page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("type", "password")
    tab.button("Show what you type")
    expect(field).to_have_attribute("type", "text")
    tab.button("Show what you type")
    expect(field).to_have_attribute("type", "password")


def test_a_test_shows_its_steps_as_they_are_done(tab):
    """facts/tray.md 8.4: steps stream; the live region speaks only start and result."""
    go_on = threading.Event()

    def slow(_head: str) -> bytes:
        go_on.wait(15)
        return http(200, STUDY_LIST)

    with canned(slow) as port:
        tab.add_archive("Slow", f"http://127.0.0.1:{port}/rs")
        card = tab.page.get_by_role("article", name="Slow")
        card.get_by_text("takes connections").wait_for()
        expect(tab.page.locator("#status")).to_have_text("Testing Slow …")
        expect(card.get_by_text("Next step …")).to_be_visible()
        expect(card.get_by_role("button", name="Test Slow")).to_have_attribute("aria-disabled", "true")
        go_on.set()
        tab.told("Slow works.")
    assert tab.focused() == "Slow"
    card.get_by_text("What was tested").click()
    assert card.locator(".steps li").count() >= 6


def test_a_wrong_password_is_told_with_what_to_do_and_details_for_it(tab):
    """facts/tray.md 8.4: each has "Details for IT", copyable, without secrets."""
    with canned(lambda _: http(401, WWW_Authenticate='Basic realm="x"')) as port:
        tab.add_archive("Research", f"http://127.0.0.1:{port}/rs", user="alice")
        tab.told("Research: The archive did not accept")
    shown = tab.card("Research")
    assert "Problem – sign-in refused" in shown
    assert "Passwords for the archive can differ from your Windows password." in shown
    tab.page.get_by_text("Details for IT").click()
    tab.button("Copy")
    tab.page.get_by_text("The details are copied.").wait_for()
    # The page itself may not read the clipboard; pasting into a field of it is the person's own doing.
    tab.button("Add an archive")
    field = tab.page.get_by_label("Name", exact=True)
    field.press("ControlOrMeta+v")
    assert f"research: http://127.0.0.1:{port}/rs" in field.input_value()
    assert "401" in field.input_value()
    assert PASSWORD not in field.input_value()


def test_what_is_missing_is_said_at_its_field_and_the_first_has_the_focus(tab):
    """Issue 4 part 2: focus goes to the faulty field."""
    tab.page.get_by_label("User name and password").check()
    tab.button("Save and test")
    address = tab.page.get_by_label("DICOMweb address")
    expect(address).to_be_focused()
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_have_accessible_description(
        "Type the address of the archive. Your PACS team knows it. It often ends in /dicom-web."
    )
    expect(tab.page.get_by_text("Type the user name.")).to_be_visible()
    address.fill("https://x")
    expect(address).not_to_have_attribute("aria-invalid", "true")
    assert not tab.setting.config.exists()


def test_an_address_without_https_is_mended_by_one_press(tab):
    """facts/tray.md 8.4: no scheme: it should start with https://, offer to add it."""
    tab.add_archive("Main", "pacs.invalid/dicom-web")
    expect(tab.page.get_by_label("DICOMweb address")).to_be_focused()
    tab.button("Use https://pacs.invalid/dicom-web")
    expect(tab.page.get_by_label("DICOMweb address")).to_have_value("https://pacs.invalid/dicom-web")
    tab.button("Save and test")
    tab.told("Main: No computer called")


def test_a_fault_in_a_folded_field_unfolds_it(tab):
    """Issue 4 part 2: focus goes to the faulty field, wherever it is."""
    tab.page.get_by_text("Advanced").click()
    tab.page.get_by_label("Certificate file of the hospital").fill("here.pem")
    tab.page.get_by_text("Advanced").click()
    tab.add_archive("Main", "https://pacs.invalid/dicom-web")
    field = tab.page.get_by_label("Certificate file of the hospital")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("^Write a whole path, from the root or from ~."))


def test_faults_of_the_file_are_told_as_those_of_the_form(tab):
    """facts/tray.md 8.4: plain words; who fills a form need not know how the file is written."""
    page = tab.page
    page.get_by_label("DICOMweb address").fill("https://alice:x@pacs.invalid/rs")
    tab.button("Save and test")
    expect(page.get_by_text("Type the address without a user name and password.")).to_be_visible()
    page.get_by_label("DICOMweb address").fill("https://pacs.invalid/rs")
    page.get_by_label("Access token").check()
    page.get_by_text("Advanced").click()
    page.get_by_label("Password set by IT").fill("s3cret")
    page.get_by_label("Time limit in seconds").fill("0")
    tab.button("Save and test")
    expect(page.get_by_label("Time limit in seconds")).to_be_focused()
    expect(page.get_by_text("Write a number from 0.1 to 300.")).to_be_visible()
    expect(page.get_by_text("Type env: and the name of a variable, or file: and a whole path.")).to_be_visible()


def test_an_open_form_is_not_lost_to_another(tab):
    """Issue 4 part 2: what was typed stays until it is saved or cancelled."""
    two_archives(tab)
    tab.button("Edit First")
    tab.page.get_by_label("Name", exact=True).fill("Changed")
    tab.button("Edit Second")
    tab.told("Another form is open. Save it or cancel it first.")
    expect(tab.page.get_by_label("Name", exact=True)).to_have_value("Changed")
    tab.button("Cancel")
    assert tab.focused() == "Edit First"
    tab.button("Edit Second")
    expect(tab.page.get_by_label("Name", exact=True)).to_have_value("Second")


def test_a_folder_is_an_archive_too(tab):
    """contract.md §7: a folder of DICOM files, no PACS needed; it asks for no sign-in."""
    (tab.home / "images").mkdir()
    tab.page.get_by_label("In a folder on this computer").check()
    expect(tab.page.get_by_text("How do you sign in?")).to_be_hidden()
    expect(tab.page.get_by_label("DICOMweb address")).to_be_hidden()
    tab.button("Save and test")
    expect(tab.page.get_by_label("Folder", exact=True)).to_be_focused()
    tab.page.get_by_label("Folder", exact=True).fill(str(tab.home / "images"))
    tab.button("Save and test")
    tab.told("Main PACS: ")
    assert f"Folder {tab.home / 'images'}" in tab.card("Main PACS")
    assert tab.setting.page._parts.archives.read().archives[0].folder == tab.home / "images"


def test_every_way_to_sign_in_and_every_advanced_value_is_saved(tab):
    """contract.md §7: all keys of archives.toml."""
    page = tab.page
    page.get_by_text("Other ways to sign in").click()
    page.get_by_label("A sign-in service (OAuth 2)").check()
    typed = {
        "DICOMweb address": "https://net.invalid/rs",
        "Address of the sign-in service": "https://login.invalid/token",
        "Program name (client ID)": "federator",
        "Scope": "dicom.read",
    }
    advanced = {
        "Short name": "network",
        "Time limit in seconds": "7.5",
        "Certificate file of the hospital": "/etc/ssl/root.pem",
        "Certificate of this computer": "/etc/ssl/me.pem",
        "Key of this computer's certificate": "/etc/ssl/me.key",
        "Password set by IT": "env:NETWORK_SECRET",
        "Address of the viewer": "https://viewer.invalid/{study}",
        "Who issues the patient numbers": "Mercy",
        "Questions at the same time": "2",
        "Most rows that one search may read": "500",
        "Most bytes of one answer": "70000",
    }
    for label, value in typed.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_text("Advanced").click()
    for label, value in advanced.items():
        page.get_by_label(label, exact=True).fill(value)
    tab.button("Save and test")
    page.get_by_role("article", name="Main PACS").wait_for()
    (saved,) = tab.setting.page._parts.archives.read().archives
    assert (saved.name, saved.auth.value, saved.scope, saved.deadline_s) == ("network", "oauth2", "dicom.read", 7.5)
    assert (saved.token_url, saved.client_id) == ("https://login.invalid/token", "federator")
    assert (str(saved.secret), saved.max_connections, saved.max_rows, saved.max_bytes) == (
        "env:NETWORK_SECRET",
        2,
        500,
        70000,
    )
    assert (saved.viewer_url, saved.patient_id_issuer) == ("https://viewer.invalid/{study}", "Mercy")
    assert [str(path) for path in (saved.ca_file, saved.client_cert, saved.client_key)] == [
        *("/etc/ssl/root.pem", "/etc/ssl/me.pem", "/etc/ssl/me.key")
    ]
    tab.told("Main PACS: No computer called")
    tab.button("Edit Main PACS")
    page.get_by_text("Advanced").click()
    page.get_by_label("Time limit in seconds").fill("")
    page.get_by_label("Scope").fill("")
    tab.button("Save and test")
    tab.told("Main PACS: No computer called")
    (saved,) = tab.setting.page._parts.archives.read().archives
    assert (saved.scope, saved.deadline_s, saved.max_rows) == ("", 10, 500)


def test_only_what_was_changed_is_written(tab):
    """facts/tray.md 5.2: the file is the person's; values that were left alone stay as they are written."""
    two_archives(tab)
    before = tab.setting.config.read_text()
    tab.button("Edit First")
    tab.page.get_by_label("Name", exact=True).fill("The first")
    tab.button("Save and test")
    tab.told("The first: No computer called")
    assert tab.setting.config.read_text() == before.replace('"First"', '"The first"')


def test_an_archive_is_removed_after_a_question_with_the_safe_answer_first(tab):
    """facts/tray.md 2.4 and 4.2: the safe button has the focus in "Remove?"; ask: "also forget the password"."""
    with canned(guarded_archive) as port:
        tab.add_archive("Main", f"http://127.0.0.1:{port}/rs", user="alice")
        tab.told("Main works.")
    secret = next((tab.setting.config.parent / "secrets").iterdir())
    tab.button("Remove Main")
    dialog = tab.page.get_by_role("dialog", name="Remove Main?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert tab.focused() == "Remove Main"
    tab.button("Remove Main")
    expect(dialog.get_by_label("Also forget the password")).to_be_checked()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    tab.told("Main is removed.")
    expect(tab.page.get_by_text("No archive yet")).to_be_visible()
    assert not secret.exists()
    assert tab.focused() == "Add an archive"


def test_the_password_is_kept_where_that_is_wished(tab):
    """facts/tray.md 4.2: ask: "also forget the password"."""
    with canned(guarded_archive) as port:
        tab.add_archive("Main", f"http://127.0.0.1:{port}/rs", user="alice")
        tab.told("Main works.")
    tab.button("Remove Main")
    dialog = tab.page.get_by_role("dialog", name="Remove Main?")
    dialog.get_by_label("Also forget the password").uncheck()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    tab.told("Main is removed.")
    assert list((tab.setting.config.parent / "secrets").iterdir())


def test_archives_are_put_in_order_and_switched_off_by_the_keyboard(tab):
    """Issue 4 part 2: order, enable; WCAG 2.1.1, and the focus stays where the person works."""
    two_archives(tab)
    tab.page.get_by_role("button", name="Move Second up").focus()
    tab.page.keyboard.press("Enter")
    tab.told("Second is now number 1 of 2.")
    assert titles(tab) == ["Second", "First"]
    assert [one.name for one in tab.setting.page._parts.archives.read().archives] == ["b", "a"]
    assert tab.focused() == "Move Second up"
    switch = tab.page.get_by_role("switch", name="Use First")
    switch.focus()
    tab.page.keyboard.press("Space")
    tab.told("First is not asked for now.")
    expect(switch).not_to_be_checked()
    expect(switch).to_be_focused()
    assert "Not in use" in tab.card("First")
    tab.page.keyboard.press("Space")
    tab.told("First is in use again.")
    expect(switch).to_be_checked()


def test_all_archives_are_tested_one_after_the_other(tab):
    """facts/tray.md 8.2: Test all."""
    with canned(archive) as port:
        tab.setting.config.parent.mkdir()
        url = f'url = "http://127.0.0.1:{port}/rs"\n'
        tab.setting.config.write_text(f"[archives.a]\n{url}\n[archives.b]\n{url}\n[archives.c]\n{url}enabled = false\n")
        tab.reload()
        tab.button("Test all")
        tab.told("b works.")
    assert "Working" in tab.card("a")
    assert "Not in use" in tab.card("c")


def test_adding_testing_and_removing_work_with_the_keyboard_alone(tab):
    """WCAG 2.1.1 and 2.4.3: everything in reach of Tab, in the order of reading."""
    keys = tab.page.keyboard

    def until(name: str) -> None:
        for _ in range(30):
            if tab.focused() == name:
                return
            keys.press("Tab")
        pytest.fail(f"Tab does not reach {name}, but ends at {tab.focused()}")

    with canned(guarded_archive) as port:
        until("DICOMweb address")
        keys.type(f"http://127.0.0.1:{port}/rs")
        until("No sign-in")
        keys.press("ArrowDown")
        until("User name")
        keys.type("alice")
        until("Password")
        keys.type(PASSWORD)
        until("Keep it in a file that only you can read")
        keys.press("Space")
        keys.press("Enter")
        tab.told("Main PACS works.")
        assert tab.focused() == "Main PACS"
        until("Test Main PACS")
        keys.press("Enter")
        tab.told("Testing Main PACS …")
        tab.told("Main PACS works.")
    until("Remove Main PACS")
    keys.press("Space")
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    until("Remove")
    keys.press("Enter")
    tab.told("Main PACS is removed.")
