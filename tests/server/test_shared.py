"""What calls share: whatever reading an object raises is said of the object, and logged without its text."""

import anyio
import pytest

from federator.config import Config
from federator.errors import ContentError, RequestError
from federator.server.shared import App

pytestmark = pytest.mark.anyio

SECRET = "Mustermann^Erika"


@pytest.mark.parametrize("kind", [RecursionError, MemoryError, UnicodeError, OverflowError, KeyError, StopIteration])
async def test_what_an_object_makes_its_reader_raise_is_an_answer(kind, caplog) -> None:
    """contract.md §3.9: nothing that an archive sends is a fault of federator's own; §6: no text of it in a log."""

    def read() -> None:
        raise kind(SECRET)

    app = App(Config(archives=()), None)
    for worker in (app.in_worker, app.in_calm_worker):
        with pytest.raises(ContentError, match="cannot be read"):
            await worker(read)
    assert caplog.text.count("What an archive sent cannot be read: ") == 2
    assert SECRET not in caplog.text


async def test_what_a_reader_says_on_purpose_and_a_cancellation_pass() -> None:
    """contract.md §6: the model can act on a RequestError."""
    app = App(Config(archives=()), None)

    def refuse() -> None:
        raise RequestError("pages: there is no page 9; the document has 3.")

    with pytest.raises(RequestError, match="no page 9"):
        await app.in_worker(refuse)
    with anyio.move_on_after(0) as scope:
        await app.in_worker(list)
    assert scope.cancelled_caught
