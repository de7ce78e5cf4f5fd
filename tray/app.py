"""The tray: its icon, its menu and its settings page joined."""

import sys
import threading
import webbrowser
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from federator import __version__
from federator.config import ConfigError
from tray import login
from tray.archives.board import Board
from tray.clients.connect import Clients, ClientState, ClientStatus
from tray.icon import desktop_host, guard, menu
from tray.icon import drawing as icon
from tray.icon.guard import NoTrayError, TrayIcon
from tray.icon.menu import Action, ClientLine, MenuEntry, Situation

_ROUND_S = 30.0
_ICON_PX = 64
_FAILURES_BEFORE_A_MESSAGE = 2
_CLIENT_WORDS = {
    ClientState.CONNECTED: "connected",
    ClientState.REMOVED: "removed the connection",
    ClientState.DIFFERENT: "starts something else",
    ClientState.DAMAGED: "its settings are damaged",
}


class Page(Protocol):
    """The settings page, served when it is asked for."""

    def open_link(self) -> str:
        """A link that opens the page once, soon."""

    def stop(self) -> None:
        """Closes the page, if it is open."""


class Tray:
    """What the icon shows and what its menu does. `run` blocks the main thread until the person quits."""

    def __init__(
        self,
        *,
        board: Board,
        clients: Clients,
        page: Page,
        login_item: login.LoginItem,
        open_in_browser: Callable[[str], bool] = webbrowser.open,
    ) -> None:
        self._board = board
        self._clients = clients
        self._page = page
        self._login_item = login_item
        self._open_in_browser = open_in_browser
        self._client_lines: tuple[ClientLine, ...] = ()
        self._clients_seen: object = None
        self._ended = threading.Event()
        self._icon: TrayIcon | None = None
        board.subscribe(self.refresh)

    def run(self, backend: guard.Backend) -> None:
        """Shows the icon; with no archive yet the page opens by itself."""
        situation = self._situation()
        shape = menu.shape(situation)
        self._icon = TrayIcon(
            backend,
            image=icon.draw(shape, size_px=_ICON_PX),
            title=menu.title(situation),
            on_choice=self.choose,
        )
        self.refresh()
        threading.Thread(target=self._rounds, name="rounds", daemon=True).start()
        if not situation.archives:
            threading.Thread(target=self.open_page, name="first run", daemon=True).start()
        try:
            self._icon.run()
        finally:
            self._ended.set()
            self._page.stop()

    def refresh(self) -> None:
        """Shows the state as it is now; from any thread."""
        if self._icon is None:
            return
        situation = self._situation()
        shape = menu.shape(situation)
        self._icon.show(
            key=shape,
            image=icon.draw(shape, size_px=_ICON_PX),
            title=menu.title(situation),
            entries=menu.menu(situation),
        )

    def choose(self, entry: MenuEntry) -> None:
        """Does what a menu entry asks for; in a thread of its own."""
        actions: dict[Action, Callable[[], object]] = {
            Action.OPEN_PAGE: self.open_page,
            Action.EDIT_ARCHIVE: self.open_page,
            Action.TEST_ARCHIVE: lambda: self._test(entry.subject),
            Action.TEST_ALL: self._test_all,
            Action.SWITCH_LOGIN: self._switch_login,
            Action.HELP: self._about,
            Action.QUIT: self.quit,
        }
        if entry.action is not None:
            actions[entry.action]()

    def open_page(self) -> None:
        """Opens the settings page in the browser."""
        try:
            opened = self._open_in_browser(self._page.open_link())
        except (OSError, webbrowser.Error):
            opened = False
        if not opened:
            self.say("The settings page did not open. In a terminal, type: federator-tray archive list")

    def quit(self) -> None:
        """Takes the icon away; `run` returns."""
        self._ended.set()
        if self._icon is not None:
            self._icon.stop()

    def say(self, message: str) -> None:
        """Shows a message at the icon."""
        if self._icon is not None:
            self._icon.notify(message, title="Archive settings")

    def _rounds(self) -> None:
        """Looks at what other programs changed, and tests what has not been heard of for a while."""
        while not self._ended.is_set():
            try:
                due = self._board.due(now=datetime.now(UTC))
            except ConfigError:
                due = ()  # the icon shows the broken file
            for name in due:
                if self._ended.is_set():
                    return
                self._test(name)
            self.refresh()
            self._ended.wait(_ROUND_S)

    def _test(self, name: str) -> None:
        try:
            result = self._board.test(name)
        except ConfigError:
            return  # the icon shows the broken file
        if result is not None and result.failures == _FAILURES_BEFORE_A_MESSAGE:
            self.say(f"{result.archive.title or name}: {result.text}")

    def _test_all(self) -> None:
        for line in self._situation().archives:
            self._test(line.name)
        self.refresh()

    def _switch_login(self) -> None:
        try:
            login.switch(self._login_item, on=not login.is_set(self._login_item))
        except login.LoginError as error:
            self.say(str(error))
        self.refresh()

    def _about(self) -> None:
        self.say(f"federator {__version__}: your image archives for AI assistants. It only ever reads.")
        self.open_page()

    def _situation(self) -> Situation:
        signature = self._clients.signature()
        if signature != self._clients_seen:
            self._clients_seen = signature
            lines = (_client_line(status) for status in self._clients.states())
            self._client_lines = tuple(line for line in lines if line is not None)
        starts_at_login = login.is_set(self._login_item)
        try:
            archives = self._board.lines()
        except ConfigError:
            problem = self._board.problem()
            return Situation(problem=problem, clients=self._client_lines, starts_at_login=starts_at_login)
        return Situation(archives=archives, clients=self._client_lines, starts_at_login=starts_at_login)


def usable_backend() -> guard.Backend:
    """A way to show an icon on this desktop; NoTrayError with the reason where there is none."""
    if not sys.platform.startswith("linux"):
        return guard.load()
    found = desktop_host.tray_host()
    if found is not desktop_host.Host.PRESENT:
        raise NoTrayError(f"This desktop shows no tray icons: {found.value}.")
    backend = guard.load()
    if backend.name not in guard.NEWER_WAY and desktop_host.embedding_tray() is not desktop_host.Host.PRESENT:
        # Such an icon would wait for a panel to embed it, seen by nobody.
        raise NoTrayError(
            "This desktop shows tray icons in the newer way only, and the library for it is missing "
            "(on Debian: python3-gi and gir1.2-ayatanaappindicator3-0.1)."
        )
    return backend


def _client_line(status: ClientStatus) -> ClientLine | None:
    words = _CLIENT_WORDS.get(status.state)
    if words is None or (status.state is ClientState.DAMAGED and not status.can_undo):
        return None  # not connected, so there is nothing to watch
    return ClientLine(title=status.client.title, text=words, lost=status.state is not ClientState.CONNECTED)
