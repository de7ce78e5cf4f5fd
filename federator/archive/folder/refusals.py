"""What a folder answers where it cannot: a status that its client goes by, and words for the person behind it."""

import errno
import sqlite3
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from federator.archive.folder.files.pixels import DamagedFile, GoneFile
from federator.archive.folder.index.database import Remade
from federator.archive.folder.index.stamps import TooManyFiles
from federator.archive.folder.told import header_of
from federator.errors import RequestError

_FOLDER_FAULTS = {
    errno.ENOENT: "its folder is not there. Is the drive connected?",
    errno.ENOTDIR: "its folder is not there: a file lies in its place.",
    errno.EACCES: "its folder may not be read by this account.",
    errno.EPERM: "its folder may not be read by this account.",
    errno.EIO: "the disk does not give its folder: the drive may be broken or gone.",
    errno.EMFILE: "this program has too many files open at the moment.",
}


class Unready(Exception):  # noqa: N818 - reads as a sentence at the place where it is raised
    """Whether the folder has an object is not known before it is read through; the message says how far that is."""


def handlers() -> dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """Who answers for each kind of exception. 4xx is said of one object, 503 of the folder as a whole."""
    return {
        RequestError: _handler(400, str),
        GoneFile: _handler(410, lambda _: "had this object, but its file was removed."),
        DamagedFile: _handler(422, lambda error: str(error) or "has this object, but its file is damaged."),
        Unready: _handler(503, str),
        TooManyFiles: _handler(503, lambda _: "its folder holds more than 200,000 files. Name a smaller one."),
        Remade: _handler(503, lambda _: "its index was damaged and is made anew; ask again."),
        sqlite3.Error: _handler(503, lambda _: "its index is kept locked by another program; ask again."),
        OSError: _handler(503, _folder_fault),
    }


def _handler(status: int, words: Callable[[Exception], str]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of a handler
        told = words(error)
        return PlainTextResponse(told, status_code=status, headers=header_of(told))

    return answer


def _folder_fault(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return _FOLDER_FAULTS.get(number or 0, "its folder cannot be read.")
