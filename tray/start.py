"""What belongs together is put together here: the tray with its icon and page, or the page alone."""

import os
import queue
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

from federator.config import resolve, runtime_path, state_path
from federator.private import make_own_folder
from tray import login
from tray.archives.board import Board
from tray.archives.entries import Archives
from tray.clients import launch
from tray.clients.connect import Clients
from tray.icon.guard import NoTrayError
from tray.instance import Instance
from tray.page.server import SettingsPage
from tray.page.state import PageParts

_DONE, _REFUSED = 0, 1
_NO_FOLDER = "There is no folder of yours in which the tray can note that it runs. Try: federator-tray settings"


def run_tray(config: Path | None) -> int:
    """Show the tray icon until the person quits; without a tray on this desktop, open the page instead."""
    from tray.app import Tray, usable_backend

    knocks: queue.SimpleQueue[None] = queue.SimpleQueue()
    folder = _runtime_folder()
    if folder is None:
        return _complain(_NO_FOLDER)
    with Instance(folder, on_knock=lambda: knocks.put(None)) as instance:
        if not instance.claim():
            return _DONE if instance.knock() else _complain("Another tray of yours runs, but does not answer.")
        try:
            backend = usable_backend()
            parts = _parts(config)
            login_item = _login_item(config)
        except NoTrayError as error:
            return _page_alone(config, tray_note=str(error), knocks=knocks)
        except launch.LaunchError as error:
            return _complain(str(error))
        page = SettingsPage(parts, on_problem=lambda message: tray.say(message))  # noqa: PLW0108 - the tray is made below
        tray = Tray(board=parts.board, clients=parts.clients, page=page, login_item=login_item)
        _on_each(knocks, tray.open_page)
        tray.run(backend)
    return _DONE


def run_settings(config: Path | None, *, print_url: bool) -> int:
    """Open the settings page without a tray and return when it is closed; a tray that runs already opens it instead."""
    folder = _runtime_folder()
    if not print_url and folder is not None and Instance(folder, on_knock=lambda: None).knock():
        return _DONE
    return _page_alone(config, print_url=print_url)


def _page_alone(
    config: Path | None,
    *,
    tray_note: str = "",
    print_url: bool = False,
    knocks: "queue.SimpleQueue[None] | None" = None,
) -> int:
    try:
        page = SettingsPage(_parts(config, tray_note=tray_note), on_problem=_tell)
    except launch.LaunchError as error:
        return _complain(str(error))

    def show() -> None:
        link = page.open_link()
        if print_url:
            print(link, flush=True)  # noqa: T201 - that is what was asked for
        elif not _opened(link):
            _complain(f"No browser could be opened. Open this link within a minute: {link}")

    show()
    if knocks is not None:
        _on_each(knocks, show)
    try:
        page.wait()
    except KeyboardInterrupt:
        page.stop()
    return _DONE


def _opened(link: str) -> bool:
    try:
        return webbrowser.open(link)
    except (OSError, webbrowser.Error):
        return False


def _on_each(knocks: "queue.SimpleQueue[None]", action: Callable[[], None]) -> None:
    def listen() -> None:
        while True:
            knocks.get()
            action()

    threading.Thread(target=listen, name="knocks", daemon=True).start()


def _parts(config: Path | None, *, tray_note: str = "") -> PageParts:
    home = Path.home()
    state_folder = state_path(sys.platform, home, os.environ)
    # Without `..` and links left as they are: the path goes into the settings of the assistants.
    path = Path(os.path.abspath(resolve(config, os.environ)))  # noqa: PTH100 - resolve() would follow links
    health_path = state_folder / "health.json"
    clients = Clients(
        platform=sys.platform,
        environment=os.environ,
        home=home,
        state_folder=state_folder,
        command=launch.server_command(launch.Installation.current(), path),
    )
    return PageParts(
        archives=Archives(path, state_folder=state_folder),
        board=Board(path, health_path=health_path),
        clients=clients,
        health_path=health_path,
        tray_note=tray_note,
    )


def _login_item(config: Path | None) -> login.LoginItem:
    command = launch.program_command(launch.Installation.current(), "federator-tray")
    if config is not None:
        # Started at login it is to show the same file.
        command = (*command, "--config", os.path.abspath(config))  # noqa: PTH100 - resolve() would follow links
    return login.login_item(sys.platform, Path.home(), os.environ, command)


def _runtime_folder() -> Path | None:
    """The folder of what lives as long as the tray; None where there is none that can be written.

    A session that was begun with `su` still names the runtime folder of the user before: then the state folder serves.
    """
    home = Path.home()
    for folder in (runtime_path(sys.platform, home, os.environ), state_path(sys.platform, home, os.environ) / "run"):
        try:
            make_own_folder(folder)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def _tell(message: str) -> None:
    print(f"federator-tray: {message}", file=sys.stderr)  # noqa: T201 - for the person at the shell


def _complain(message: str) -> int:
    _tell(message)
    return _REFUSED
