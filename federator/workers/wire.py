"""What parent and worker say to each other: pickles, of which the parent takes data only.

A worker reads what strangers wrote, with libraries in C. Should one of them be turned against it, its answer must not
be able to run code here: of all classes the parent knows only `federator`'s dataclasses and errors.
"""

import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from typing import IO, Any

from federator.errors import FederatorError
from federator.workers.limits import Limits

_PLAIN: tuple[type[Any], ...] = (str, int, float, list)
"""What a subclass of is sent as one: DS, IS and VR of pydicom, for example."""


class End(Enum):
    """How a call ended in the worker."""

    RETURNED = auto()
    REFUSED = auto()
    OUT_OF_MEMORY = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, as it goes to a worker."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of it: what was returned, the error that was raised on purpose, or a bug's type and place.

    `is_worn` says that the worker holds so much memory that it ends itself after this.
    """

    end: End
    value: Any = None
    is_worn: bool = False


def send(target: IO[bytes], message: Request | Reply) -> None:
    """Write a message; bytes in it are not copied."""
    pickle.dump(message, target, protocol=5)
    target.flush()


def send_plain(target: IO[bytes], message: Reply) -> None:
    """The same with what libraries make of texts and numbers sent as the text or number that it is."""
    _Plain(target, protocol=5).dump(message)
    target.flush()


def receive_request(source: IO[bytes]) -> Request:
    """The parent's next request; EOFError when there is no parent any more."""
    request: Request = pickle.load(source)  # noqa: S301 - the parent started this process
    return request


def receive_reply(source: IO[bytes]) -> Reply:
    """The worker's answer; EOFError where it ended without one, UnpicklingError where it is no data."""
    reply = _DataOnly(source).load()
    if not isinstance(reply, Reply):
        raise pickle.UnpicklingError("no reply")
    return reply


class _Plain(pickle.Pickler):
    def reducer_override(self, value: object) -> Any:  # noqa: ANN401 - as pickle asks for it
        if not type(value).__module__.startswith("federator."):
            data = value.value if isinstance(value, Enum) else value
            for plain in _PLAIN:
                if isinstance(data, plain):
                    return plain, (plain(data),)
        return NotImplemented


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - any class of ours
        if module == "builtins":
            found = next((plain for plain in _PLAIN if plain.__name__ == name), None)
            if found is not None:
                return found
        if module.startswith("federator.") and name.isidentifier():
            found = getattr(import_module(module), name, None)
            if isinstance(found, type) and found.__module__ == module and _is_data(found):
                return found
        raise pickle.UnpicklingError("not data")


def _is_data(found: type) -> bool:
    return dataclasses.is_dataclass(found) or issubclass(found, FederatorError | Enum | float)
