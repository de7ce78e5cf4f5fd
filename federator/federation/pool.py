"""The clients of all configured archives: opened, found by name, and exchanged when the configuration changes."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from federator.archive.client import ArchiveClient
from federator.config import Archive, Config, ConfigSource
from federator.errors import RequestError


class Pool:
    """One client per enabled archive. A client whose archive changed is closed once it is idle."""

    def __init__(self, source: ConfigSource | Config) -> None:
        self._source = source
        self._config: Config | None = None
        self._clients: dict[str, ArchiveClient] = {}
        self._retired: list[ArchiveClient] = []

    async def __aenter__(self) -> Self:
        await self.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in (*self._clients.values(), *self._retired):
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

    async def refresh(self) -> None:
        """Take up a changed configuration; what did not change keeps its connections and habits."""
        config = self._source.current() if isinstance(self._source, ConfigSource) else self._source
        if config is self._config:
            return
        before, self._clients, self._config = self._clients, {}, config
        for archive in config.enabled:
            client = before.get(archive.name)
            if client is None or client.archive != archive:
                client = await ArchiveClient(archive).__aenter__()
            self._clients[archive.name] = client
        kept = set(map(id, self._clients.values()))
        self._retired += [client for client in before.values() if id(client) not in kept]
        idle = [client for client in self._retired if client.idle]
        self._retired = [client for client in self._retired if not client.idle]
        for client in idle:
            await client.__aexit__(None, None, None)

    def chosen(self, names: Sequence[str]) -> list[ArchiveClient]:
        """The clients of the named archives, all where none is named; a RequestError lists what is configured."""
        for name in names:
            if name not in self._clients:
                raise RequestError(f"Unknown archive '{name}'. Configured: {', '.join(self._clients) or 'none'}.")
        if not self._clients:
            raise RequestError("No archive is configured or enabled. Add one with federator-tray, or in archives.toml.")
        return [self._clients[name] for name in dict.fromkeys(names)] if names else list(self._clients.values())
