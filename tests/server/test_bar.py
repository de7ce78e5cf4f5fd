"""How far a command is, for a person at a terminal."""

import io

import pytest

from federator.server.bar import Bar

pytestmark = pytest.mark.anyio


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


async def test_a_bar_grows_and_goes_away():
    """Issue 11, part 9: a bar in `check` and `call`."""
    terminal = Terminal()
    bar = Bar(terminal)
    await bar.told(0.25, None, "5,000 of 20,000 files read")
    await bar.told(1, 2, "north answered")
    bar.clear()
    first, second, rest = terminal.getvalue().split("\r")[1:]
    assert first.rstrip() == "[######..................] 5,000 of 20,000 files read"
    assert second.rstrip() == "[############............] north answered"
    assert rest == "\033[K"


async def test_nobody_else_sees_it():
    """What a program reads from stderr is not drawn upon."""
    stream = io.StringIO()
    bar = Bar(stream)
    await bar.told(0.5, None, "half")
    bar.clear()
    assert stream.getvalue() == ""
