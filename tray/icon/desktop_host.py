"""Whether this Linux desktop has a place for tray icons: GNOME without an extension shows none, and says nothing."""

import os
from enum import StrEnum

_WATCHER = "org.kde.StatusNotifierWatcher"
_DEADLINE_S = 3.0


class Host(StrEnum):
    """What was found."""

    PRESENT = "a tray is there"
    NO_BUS = "there is no session bus"
    NO_WATCHER = "nothing on the session bus shows tray icons"
    NO_HOST = "no panel shows tray icons now"


def status_notifier_host() -> Host:
    """Whether a panel shows StatusNotifierItems, as KDE, Xfce, Cinnamon and GNOME with its extension do.

    Standard: freedesktop.org StatusNotifierItem, StatusNotifierWatcher.
    """
    # jeepney ships no types; keyring brings it on Linux.
    from jeepney import DBusAddress, MessageType, Properties, message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]
    from jeepney.wrappers import DBusErrorResponse  # type: ignore[import-untyped]

    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return Host.NO_BUS
    try:
        with open_dbus_connection(bus="SESSION") as connection:
            bus = Proxy(message_bus, connection, timeout=_DEADLINE_S)
            if not bus.NameHasOwner(_WATCHER)[0]:
                return Host.NO_WATCHER
            address = DBusAddress("/StatusNotifierWatcher", bus_name=_WATCHER, interface=_WATCHER)
            question = Properties(address).get("IsStatusNotifierHostRegistered")
            answer = connection.send_and_get_reply(question, timeout=_DEADLINE_S)
    except DBusErrorResponse:
        return Host.NO_WATCHER
    except (OSError, KeyError, ValueError, RuntimeError):
        return Host.NO_BUS
    shown = answer.header.message_type is MessageType.method_return and answer.body[0][1]
    return Host.PRESENT if shown else Host.NO_HOST


def embedding_tray() -> Host:
    """Whether an X11 panel embeds tray icons the older way (XEmbed), which all three backends fall back to."""
    if not os.environ.get("DISPLAY"):
        return Host.NO_HOST
    from Xlib import X, display, error

    try:
        connection = display.Display()
    except (error.DisplayError, OSError):
        return Host.NO_HOST
    try:
        selection = connection.intern_atom(f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}")
        owner = connection.get_selection_owner(selection)
        return Host.NO_HOST if owner == X.NONE else Host.PRESENT
    finally:
        connection.close()


def tray_host() -> Host:
    """Whether any tray is there, and if not, why not."""
    modern = status_notifier_host()
    if modern is Host.PRESENT or embedding_tray() is Host.PRESENT:
        return Host.PRESENT
    return modern
