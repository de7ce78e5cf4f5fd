"""What a check finds: the step, what was found there, and where the connection goes."""

from dataclasses import dataclass
from enum import StrEnum


class StepName(StrEnum):
    """The steps of a check in order."""

    ADDRESS = "Address"
    NAME = "Name"
    REACHED = "Reached"
    SECURE = "Secure"
    SIGNED_IN = "Signed in"
    DICOMWEB = "DICOMweb"
    SEARCH = "Search"
    SUPPORTS = "Supports"
    FOLDER = "Folder"
    FILES = "Files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong, at which step it shows, and what to do."""

    step: StepName
    message: str
    advice: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the connection goes: to `host` and `port`, through `proxy` (host:port) where that is not empty."""

    scheme: str
    host: str
    port: int
    proxy: str
    limit_s: float


Passed = tuple[StepName, str, bool | None]
"""A step that is done: its name, what was found, and whether there was anything to judge."""
