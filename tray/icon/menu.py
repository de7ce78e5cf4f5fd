"""What the tray shows for a state of affairs: the shape of its icon, its text and its menu, as data (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum


class Shape(StrEnum):
    """The states of the tray and of one archive, each with a shape of its own (see `tray.icon.drawing`)."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    OFF = "off"
    BUSY = "busy"
    SETUP = "setup"


# The worst wins; testing is told before a good or unknown state, never before a bad one.
_WORST_FIRST = (Shape.ERROR, Shape.WARN, Shape.BUSY, Shape.OFF, Shape.OK)
_MARKS = {Shape.OK: "✓", Shape.WARN: "!", Shape.ERROR: "✗", Shape.OFF: "–", Shape.BUSY: "…", Shape.SETUP: "+"}


class Action(Enum):
    """What a menu entry asks for."""

    OPEN_PAGE = "open the page"
    TEST_ARCHIVE = "test one archive"
    EDIT_ARCHIVE = "edit one archive"
    TEST_ALL = "test all archives"
    SWITCH_LOGIN = "start at login, or not"
    HELP = "open the help"
    QUIT = "quit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLine:
    """One archive: its name in the file, its title for people, its state, and that state in a few words."""

    name: str
    title: str
    shape: Shape
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLine:
    """One assistant that is on this computer; `lost` if it dropped the connection or starts something else."""

    title: str
    text: str
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the tray shows. `problem` is a sentence where archives.toml cannot be used."""

    archives: tuple[ArchiveLine, ...] = ()
    clients: tuple[ClientLine, ...] = ()
    starts_at_login: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """A line of the menu; without a text it is a separator. `subject` is the archive that an action is about."""

    text: str = ""
    action: Action | None = None
    subject: str = ""
    default: bool = False
    checked: bool | None = None
    submenu: "tuple[MenuEntry, ...]" = ()


_SEPARATOR = MenuEntry()


def shape(situation: Situation) -> Shape:
    """The state that the icon shows: the worst of all."""
    if situation.problem:
        return Shape.ERROR
    if not situation.archives:
        return Shape.SETUP
    shapes = {archive.shape for archive in situation.archives}
    if any(client.lost for client in situation.clients):
        shapes.add(Shape.WARN)
    return next(candidate for candidate in _WORST_FIRST if candidate in shapes)


def title(situation: Situation) -> str:
    """The text at the icon: it says in words what the shape says."""
    shown = shape(situation)
    if situation.problem:
        return f"Problem: {situation.problem}"
    if shown is Shape.SETUP:
        return "No archive yet: open the archive settings"
    if shown is Shape.ERROR:
        return f"Problem: {_titles(situation.archives, Shape.ERROR)}"
    if shown is Shape.WARN:
        lost = ", ".join(client.title for client in situation.clients if client.lost)
        return f"Attention: {_titles(situation.archives, Shape.WARN) or f'{lost} lost the connection'}"
    words = {
        Shape.BUSY: "Testing the archives",
        Shape.OFF: f"Not tested: {_titles(situation.archives, Shape.OFF)}",
        Shape.OK: "All archives are working",
    }
    return words[shown]


def menu(situation: Situation) -> tuple[MenuEntry, ...]:
    """The menu, top to bottom."""
    archives = [_archive_entry(archive) for archive in situation.archives]
    if situation.problem:
        archives = [MenuEntry(text=f"✗ {situation.problem}", action=Action.OPEN_PAGE)]
    clients = [
        MenuEntry(text=f"{'! ' if client.lost else ''}{client.title}: {client.text}", action=Action.OPEN_PAGE)
        for client in situation.clients
    ]
    test_all = [MenuEntry(text="Test all now", action=Action.TEST_ALL)] if situation.archives else []
    blocks: Sequence[Sequence[MenuEntry]] = (
        [MenuEntry(text="Open archive settings…", action=Action.OPEN_PAGE, default=True)],
        archives,
        clients,
        [
            *test_all,
            MenuEntry(text="Start at login", action=Action.SWITCH_LOGIN, checked=situation.starts_at_login),
            MenuEntry(text="Help · About", action=Action.HELP),
        ],
        [MenuEntry(text="Quit", action=Action.QUIT)],
    )
    lines: list[MenuEntry] = []
    for block in blocks:
        if block:
            lines += [_SEPARATOR, *block] if lines else block
    return tuple(lines)


def _archive_entry(archive: ArchiveLine) -> MenuEntry:
    return MenuEntry(
        text=f"{archive.title}: {_MARKS[archive.shape]} {archive.text}",
        submenu=(
            MenuEntry(text="Test again", action=Action.TEST_ARCHIVE, subject=archive.name),
            MenuEntry(text="Edit…", action=Action.EDIT_ARCHIVE, subject=archive.name),
        ),
    )


def _titles(archives: Sequence[ArchiveLine], wanted: Shape) -> str:
    return ", ".join(archive.title for archive in archives if archive.shape is wanted)
