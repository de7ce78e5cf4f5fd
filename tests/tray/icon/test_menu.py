"""State → what the tray shows, as data (facts/tray sections 8.2 and 8.3)."""

import itertools

import pytest

from tray.icon.menu import Action, ArchiveLine, ClientLine, MenuEntry, Shape, Situation, menu, shape, title


def archive(name: str, state: Shape, text: str = "as it is") -> ArchiveLine:
    return ArchiveLine(name=name, title=name.title(), shape=state, text=text)


def test_the_menu_of_the_wireframe() -> None:
    """Facts 8.2, line by line."""
    situation = Situation(
        archives=(
            ArchiveLine(name="main", title="Main PACS", shape=Shape.OK, text="working"),
            ArchiveLine(name="research", title="Research", shape=Shape.ERROR, text="sign-in refused"),
            ArchiveLine(name="teaching", title="Teaching", shape=Shape.OFF, text="not tested"),
        ),
        clients=(ClientLine(title="Claude Desktop", text="connected"),),
        starts_at_login=True,
    )
    entries = menu(situation)
    assert [entry.text for entry in entries] == [
        "Open archive settings…",
        "",
        "Main PACS: ✓ working",
        "Research: ✗ sign-in refused",
        "Teaching: – not tested",
        "",
        "Claude Desktop: connected",
        "",
        "Test all now",
        "Start at login",
        "Help · About",
        "",
        "Quit",
    ]
    assert [entry.text for entry in entries if entry.default] == ["Open archive settings…"]
    assert entries[3].submenu == (
        MenuEntry(text="Test again", action=Action.TEST_ARCHIVE, subject="research"),
        MenuEntry(text="Edit…", action=Action.EDIT_ARCHIVE, subject="research"),
    )
    assert [entry.checked for entry in entries if entry.checked is not None] == [True]


@pytest.mark.parametrize(
    "states", list(itertools.permutations([Shape.OK, Shape.OFF, Shape.BUSY, Shape.WARN, Shape.ERROR], 3))
)
def test_the_worst_state_wins_in_whatever_order(states: tuple[Shape, ...]) -> None:
    """Facts 8.2: worst state wins."""
    order = [Shape.ERROR, Shape.WARN, Shape.BUSY, Shape.OFF, Shape.OK]
    situation = Situation(archives=tuple(archive(f"a{n}", state) for n, state in enumerate(states)))
    assert shape(situation) is min(states, key=order.index)


def test_the_text_says_what_the_shape_says() -> None:
    """Facts 8.2: text repeats the shape."""
    assert title(Situation()) == "No archive yet: open the archive settings"
    assert title(Situation(archives=(archive("main", Shape.OK),))) == "All archives are working"
    assert title(Situation(archives=(archive("main", Shape.OK), archive("rest", Shape.ERROR)))) == "Problem: Rest"
    assert title(Situation(archives=(archive("main", Shape.WARN),))) == "Attention: Main"
    assert title(Situation(archives=(archive("main", Shape.OFF),))) == "Not tested: Main"
    assert title(Situation(archives=(archive("main", Shape.BUSY),))) == "Testing the archives"


def test_an_assistant_that_lost_its_connection_is_a_warning() -> None:
    """Facts 6.3 step 7: removed by the app → icon warn."""
    lost = ClientLine(title="VS Code", text="removed the connection", lost=True)
    situation = Situation(archives=(archive("main", Shape.OK),), clients=(lost,))
    assert shape(situation) is Shape.WARN
    assert title(situation) == "Attention: VS Code lost the connection"
    assert "! VS Code: removed the connection" in [entry.text for entry in menu(situation)]


def test_a_broken_file_is_told_and_leaves_a_way_to_the_page() -> None:
    """Facts 8.3: error also for a broken file."""
    situation = Situation(problem="archives.toml cannot be read (line 3)")
    assert shape(situation) is Shape.ERROR
    assert title(situation) == "Problem: archives.toml cannot be read (line 3)"
    assert menu(situation)[2] == MenuEntry(text="✗ archives.toml cannot be read (line 3)", action=Action.OPEN_PAGE)


def test_without_archives_there_is_nothing_to_test() -> None:
    """Facts 8.3: setup."""
    texts = [entry.text for entry in menu(Situation())]
    assert texts == ["Open archive settings…", "", "Start at login", "Help · About", "", "Quit"]
    assert shape(Situation()) is Shape.SETUP
