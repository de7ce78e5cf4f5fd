"""Where the running server's configuration comes from, and how it takes up a change."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from federator.config.archives import Config
from federator.config.environment import from_environment
from federator.config.places import default_path
from federator.config.reader import load
from federator.errors import ConfigError, ConfigFault

_Signature = tuple[int, int, int]


def resolve(explicit: Path | None, environment: Mapping[str, str]) -> Path:
    """The file that counts: `--config`, else `FEDERATOR_CONFIG`, else the user's place."""
    if explicit is not None:
        return explicit.expanduser()
    named = environment.get("FEDERATOR_CONFIG", "").strip()
    if named:
        return Path(named).expanduser()
    return default_path(sys.platform, Path.home(), environment)


class ConfigSource:
    """The configuration of a running server: taken up anew when the file changed, kept when it is broken.

    `note` says in one sentence why a changed file was not taken up; it is empty while all is well.
    Not for use from several threads at once.
    """

    def __init__(self, explicit: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self.path = resolve(explicit, self._environment)
        self.note = ""
        self._chosen = explicit is not None or bool(self._environment.get("FEDERATOR_CONFIG", "").strip())
        self._signature: _Signature | None = None
        self._good: Config | None = None

    def current(self) -> Config:
        """The configuration as of now; a ConfigError only where there has never been a good one."""
        signature = _signature(self.path)
        if self._good is not None and signature == self._signature:
            return self._good
        try:
            # The signature is from before the reading: a change in between is seen at the next call.
            fresh = self._read(exists=signature is not None)
            self._must_not_vanish(fresh)
        except ConfigError as error:
            if self._good is None:
                raise
            self.note = f"The changed configuration was not taken up, the one before is in use. {error}"
        else:
            self._good = fresh
            self.note = ""
        self._signature = signature
        return self._good

    def _read(self, *, exists: bool) -> Config:
        if exists or self._chosen:
            return load(self.path)
        if self._good is not None and self._good.path is not None:
            raise ConfigError([ConfigFault(message="the file is gone")], path=str(self.path))
        found = from_environment(self._environment)
        if found is not None:
            return found
        told = "no archive is configured; write this file, or open the settings with federator-tray settings"
        raise ConfigError([ConfigFault(message=told)], path=str(self.path))

    def _must_not_vanish(self, fresh: Config) -> None:
        # An editor that writes in place leaves the file empty for a moment, and an empty file is valid TOML.
        if not fresh.archives and self._good is not None and self._good.archives and _is_blank(self.path):
            raise ConfigError([ConfigFault(message="the file is empty")], path=str(self.path))


def _is_blank(path: Path) -> bool:
    try:
        return not path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip()
    except OSError:
        return True


def _signature(path: Path) -> _Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
