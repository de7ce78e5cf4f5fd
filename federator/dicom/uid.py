"""UIDs and the tags that say which archives hold them (contract.md section 1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from federator.errors import RequestError

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MAX_UID_LENGTH = 64
_PADDING = " \0"


def is_uid(text: str) -> bool:
    """Whether `text` is digits and dots, at most 64 characters.

    Components with leading zeros are let pass: archives hold such objects, and they must stay reachable.

    Standard: PS3.5 §9.1
    """
    return len(text) <= _MAX_UID_LENGTH and _UID.fullmatch(text) is not None


def checked_uid(written: str) -> str:
    """A UID as an archive sends it, without trailing blanks and NULs; empty where it is none (contract.md section 1).

    Standard: PS3.5 §6.2 (UI is padded with NUL), §9.1
    """
    bare = written.rstrip(_PADDING)
    return bare if is_uid(bare) else ""


def is_archive_name(text: str) -> bool:
    """Whether `text` can be an archive's name, which is the tag on every UID from it."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedUID:
    """A UID and the archives that hold it, the preferred one first; no archives where that is not known."""

    uid: str
    archives: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.uid}@{','.join(self.archives)}" if self.archives else self.uid

    @classmethod
    def parse(cls, text: str, *, name: str = "UID") -> "TaggedUID":
        """Read `UID["@"NAME*(","NAME)]`; a RequestError quotes what does not fit. `name` is the parameter's."""
        uid, at, tail = text.strip().partition("@")
        if not is_uid(uid):
            raise RequestError(
                f"{name}: '{_shortened(uid)}' is not a UID. Write digits and dots, at most 64 characters, "
                "as an earlier answer gave it, for example 1.2.840.113619.2.55.3@mercy."
            )
        if not at:
            return cls(uid=uid)
        archives = tuple(dict.fromkeys(part.strip() for part in tail.split(",")))
        for archive in archives:
            if not is_archive_name(archive):
                raise RequestError(
                    f"{name}: '{_shortened(archive)}' behind the @ is not an archive's name. "
                    "Write UID@name or UID@name,name as an earlier answer gave it."
                )
        return cls(uid=uid, archives=archives)

    @classmethod
    def of(cls, uid: str, archives: Iterable[str]) -> "TaggedUID":
        """The UID with its holders, the preferred one first."""
        return cls(uid=uid, archives=tuple(archives))


def _shortened(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
