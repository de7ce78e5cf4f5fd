"""The clients of all configured archives: opened, found by name, and exchanged when the configuration changes."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread

from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.folder import HabitsFolder, today
from federator.archive.habits.kept import Kept
from federator.archive.readings import Readings
from federator.config import Archive, Config, ConfigSource
from federator.errors import RequestError

_PATIENCE_S = 0.5


class Pool:
    """One client per enabled archive.

    A client whose archive changed is closed when the questions that were under way then have ended.
    """

    def __init__(self, source: ConfigSource | Config, habits: HabitsFolder | None = None) -> None:
        self._source = source
        self._habits = habits
        self._config: Config | None = None
        self._clients: dict[str, ArchiveClient] = {}
        self._readings = Readings()
        self._numbers = itertools.count()
        self._under_way: set[int] = set()
        self._retired: list[tuple[int, ArchiveClient]] = []

    async def __aenter__(self) -> Self:
        await self.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in (*self._clients.values(), *(client for _, client in self._retired)):
            await client.__aexit__(kind, error, trace)

    @property
    def note(self) -> str:
        """Why a changed configuration was not taken up; empty while all is well."""
        return self._source.note if isinstance(self._source, ConfigSource) else ""

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives that are asked, in the order of the configuration."""
        return tuple(client.archive for client in self._clients.values())

    @property
    def names(self) -> list[str]:
        """Their names, in the same order."""
        return list(self._clients)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[None]:
        """Take up a changed configuration; while the question runs, no client that it may use is closed."""
        await self.refresh()
        number = next(self._numbers)
        self._under_way.add(number)
        try:
            yield
        finally:
            self._under_way.discard(number)
            self._note_habits()

    async def refresh(self) -> None:
        """Take up a changed configuration; what did not change keeps its connections and habits."""
        while (config := self._current()) is not self._config:
            kept = await self._kept(config)
            # Meanwhile another question may have taken it up, or the file changed once more.
            if config is self._current() and config is not self._config:
                await self._take_up(config, kept)
        oldest = min(self._under_way, default=next(self._numbers))
        unused = [client for number, client in self._retired if number < oldest]
        self._retired = [(number, client) for number, client in self._retired if number >= oldest]
        for client in unused:
            await client.__aexit__(None, None, None)

    def _current(self) -> Config:
        return self._source.current() if isinstance(self._source, ConfigSource) else self._source

    async def _kept(self, config: Config) -> dict[str, Kept]:
        """What earlier processes kept of archives that are new here; nothing where the disk does not tell it soon."""
        folder, found = self._habits, dict[str, Kept]()
        new = [archive for archive in config.enabled if self._is_new(archive) and archive.url and archive.keep_habits]
        if folder is None or not new:
            return found

        def read() -> None:
            for archive in new:
                kept = folder.read(archive.name, archive.url)
                if kept is not None:
                    found[archive.name] = kept

        with anyio.move_on_after(_PATIENCE_S):
            await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        return dict(found)

    def _is_new(self, archive: Archive) -> bool:
        client = self._clients.get(archive.name)
        return client is None or client.archive != archive

    def _note_habits(self) -> None:
        """Tell the folder of habits what it is to keep, and what to forget."""
        if self._habits is None:
            return
        day = today()
        for client in self._clients.values():
            archive = client.archive
            kept = client.habits.to_keep(day) if archive.keep_habits else None
            if archive.url and (kept is not None or not archive.keep_habits):
                self._habits.note(archive.name, archive.url, kept)

    async def _take_up(self, config: Config, kept: Mapping[str, Kept]) -> None:
        before, self._clients, self._config = self._clients, {}, config
        for archive in config.enabled:
            client = before.get(archive.name)
            if client is None or client.archive != archive:
                hints = kept.get(archive.name)
                client = await ArchiveClient(archive, readings=self._readings, kept=hints).__aenter__()
            self._clients[archive.name] = client
        still = set(map(id, self._clients.values()))
        retired_at = next(self._numbers)
        self._retired += [(retired_at, client) for client in before.values() if id(client) not in still]

    def chosen(self, names: Sequence[str]) -> list[ArchiveClient]:
        """The clients of the named archives, all where none is named; a RequestError lists what is configured."""
        for name in names:
            if name not in self._clients:
                raise RequestError(f"Unknown archive '{name}'. Configured: {', '.join(self._clients) or 'none'}.")
        if not self._clients:
            raise RequestError("No archive is configured or enabled. Add one with federator-tray, or in archives.toml.")
        return [self._clients[name] for name in dict.fromkeys(names)] if names else list(self._clients.values())
