"""The icon on real desktops: an X server with a panel of the older and of the newer kind (issue 4)."""

import ast
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tray_host import Desktop, desktop, eventually, need, need_gtk

pytestmark = pytest.mark.desktop

WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher")
UNREACHABLE = '[archives.main]\ntitle = "Main PACS"\nurl = "http://127.0.0.1:9/dicom-web"\n'
BROKEN = "[archives.main\n"


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path) as made:
        (made.home / "archives.toml").write_text(UNREACHABLE)
        yield made


@pytest.fixture
def older_panel(screen: Desktop) -> Desktop:
    """Trayer embeds windows (XEmbed)."""
    options = "--edge bottom --align right --widthtype request --height 28 --SetDockType true --transparent false"
    screen.start("trayer", *options.split(), "--tint", "0xE0E0E0")
    return screen


@pytest.fixture
def newer_panel(screen: Desktop) -> Desktop:
    """Xfce's panel shows StatusNotifierItems, over D-Bus."""
    need("xfce4-panel", "gdbus")
    need_gtk()
    screen.environment["XFCE_PANEL_MIGRATE_DEFAULT"] = "1"
    screen.start("xfce4-panel", "--disable-wm-check")
    return screen


def assert_is_our_page(link: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#[\w-]{40,}", link)
    with urllib.request.urlopen(link, timeout=10) as page:
        assert b"Archive settings" in page.read()


def bus(screen: Desktop, destination: str, path: str, method: str, *arguments: str) -> str:
    return screen.run(
        "gdbus", "call", "--session", "--dest", destination, "--object-path", path, "--method", method, *arguments
    )


def item_address(screen: Desktop) -> tuple[str, str] | None:
    """Where the panel knows our item: the bus name and the path."""
    told = bus(
        screen,
        *WATCHER,
        "org.freedesktop.DBus.Properties.Get",
        WATCHER[0],
        "RegisteredStatusNotifierItems",
    )
    found = re.search(r"'(:[\d.]+)@?(/[^']+)'", told)
    return (found[1], found[2]) if found else None


def item_property(screen: Desktop, address: tuple[str, str], name: str) -> str:
    return bus(screen, *address, "org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierItem", name)


def menu_ids(screen: Desktop, address: tuple[str, str]) -> dict[str, int]:
    """The lines of the menu as the panel is told, with their numbers."""
    layout = bus(screen, address[0], f"{address[1]}/Menu", "com.canonical.dbusmenu.GetLayout", "--", "0", "-1", "[]")
    pairs = re.findall(r"\((\d+), \{[^{}]*'label': <('(?:[^'\\]|\\.)*'|\"[^\"]*\")>", layout)
    return {ast.literal_eval(label): int(number) for number, label in pairs}


def choose(screen: Desktop, address: tuple[str, str], text: str) -> None:
    def settled() -> int | None:
        first, second = (menu_ids(screen, address).get(text) for _ in range(2))
        return first if first == second else None

    number = eventually(settled)
    bus(screen, address[0], f"{address[1]}/Menu", "com.canonical.dbusmenu.Event", str(number), "clicked", '<"">', "0")


def test_an_embedded_icon_is_shown_and_clicked_and_changes_with_the_state(older_panel: Desktop) -> None:
    """Issue 4: icon shown, menu opened, click opens the page, state changes the icon (GTK, trayer)."""
    need_gtk()
    tray = older_panel.start_tray("gtk")
    place = eventually(lambda: older_panel.icon_at("warn", "gtk-warn"))
    older_panel.click(place, 1)
    assert_is_our_page(eventually(older_panel.links)[0])
    before = older_panel.screenshot("gtk-no-menu")
    older_panel.click(place, 3)
    eventually(lambda: older_panel.screenshot("gtk-menu").tobytes() != before.tobytes())
    older_panel.run("xdotool", "key", "Down", "Return")
    assert eventually(lambda: len(older_panel.links()) == 2)
    (older_panel.home / "archives.toml").write_text(BROKEN)
    older_panel.click(place, 3)
    older_panel.run("xdotool", "key", "Up", "Up", "Up", "Up", "Return")  # Test all now
    eventually(lambda: older_panel.icon_at("error", "gtk-error"))
    assert list(older_panel.temporary.iterdir()) != []
    tray.send_signal(signal.SIGTERM)
    assert tray.wait(timeout=20) == 0
    assert list(older_panel.temporary.iterdir()) == []  # facts 1.2 no. 12


@pytest.mark.parametrize("backend", ["gtk", "appindicator"])
def test_an_icon_is_shown_although_nobody_takes_notifications(backend: str, older_panel: Desktop) -> None:
    """Facts 1.2 no. 4: with no session bus at all pystray dies before its icon shows; guarded."""
    need_gtk()
    older_panel.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={older_panel.home}/none"
    tray = older_panel.start_tray(backend)
    eventually(lambda: older_panel.icon_at("warn", f"{backend}-no-bus"))
    assert tray.poll() is None
    tray.send_signal(signal.SIGINT)
    assert tray.wait(timeout=20) == 0
    assert list(older_panel.temporary.iterdir()) == []


def test_on_a_desktop_without_a_tray_the_page_opens_by_itself(screen: Desktop) -> None:
    """Facts 1.2 and D3: GNOME without an extension gives no error and no icon; it is found out, and the page opens."""
    tray = screen.start(*screen.tray_command, stderr=None)
    link = eventually(screen.links)[0]
    assert_is_our_page(link)
    assert tray.poll() is None
    second = screen.start(*screen.tray_command, stderr=None)
    assert second.wait(timeout=30) == 0  # it asked the first to open the page
    assert eventually(lambda: len(screen.links()) == 2)


def test_the_last_resort_without_gtk_is_shown_and_takes_the_click(older_panel: Desktop) -> None:
    """Facts 1.2 no. 3: the X11 backend never asks for clicks; guarded."""
    tray = older_panel.start_tray("xorg")
    place = eventually(lambda: older_panel.icon_at("warn", "xorg-warn"))
    older_panel.click(place, 1)
    assert_is_our_page(eventually(older_panel.links)[0])
    tray.send_signal(signal.SIGTERM)
    assert tray.wait(timeout=20) == 0


def test_a_panel_of_today_shows_the_icon_its_menu_and_its_changes(newer_panel: Desktop) -> None:
    """Issue 4: the same over D-Bus (StatusNotifierItem, dbusmenu GetLayout and Event; Xfce's panel)."""
    eventually(
        lambda: (
            "true"
            in bus(
                newer_panel,
                *WATCHER,
                "org.freedesktop.DBus.Properties.Get",
                WATCHER[0],
                "IsStatusNotifierHostRegistered",
            )
        )
    )
    tray = newer_panel.start_tray("appindicator")
    address = eventually(lambda: item_address(newer_panel))
    eventually(lambda: "Main PACS: ! not reachable" in menu_ids(newer_panel, address))
    assert list(menu_ids(newer_panel, address)) == [
        "Open archive settings…",
        "Main PACS: ! not reachable",
        "Test again",
        "Edit…",
        "Test all now",
        "Start at login",
        "Help · About",
        "Quit",
    ]
    eventually(lambda: "Attention: Main PACS" in item_property(newer_panel, address, "Title"))
    # A screen reader reads this: pystray leaves it empty (facts 1.2 no. 13).
    eventually(lambda: "Attention: Main PACS" in item_property(newer_panel, address, "IconAccessibleDesc"))
    place = eventually(lambda: newer_panel.icon_at("warn", "sni-warn"))
    newer_panel.click(place, 1)
    eventually(lambda: newer_panel.screenshot("sni-menu").getpixel((place[0] - 30, place[1] + 60)) != (0, 0, 0))
    newer_panel.run("xdotool", "key", "Escape")
    choose(newer_panel, address, "Open archive settings…")
    assert_is_our_page(eventually(newer_panel.links)[0])
    choose(newer_panel, address, "Start at login")
    login_item = newer_panel.home / ".config/autostart/federator-tray.desktop"
    eventually(login_item.exists)
    assert f'"--config" "{newer_panel.home}/archives.toml"' in login_item.read_text()  # the file that is shown now
    choose(newer_panel, address, "Help · About")  # a message that nobody takes
    assert eventually(lambda: len(newer_panel.links()) == 2)
    name_before = item_property(newer_panel, address, "IconName")
    (newer_panel.home / "archives.toml").write_text(BROKEN)
    choose(newer_panel, address, "Test all now")
    eventually(lambda: "Problem" in item_property(newer_panel, address, "Title"))
    assert item_property(newer_panel, address, "IconName") != name_before
    eventually(lambda: newer_panel.icon_at("error", "sni-error"))
    choose(newer_panel, address, "Quit")
    assert tray.wait(timeout=20) == 0
