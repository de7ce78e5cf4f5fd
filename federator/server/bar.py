"""How far a command is, on a line of its own that goes away: for a person at a terminal, nobody else."""

import shutil
from typing import TextIO

_WIDTH = 24


class Bar:
    """Written to `terminal` where that is one."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._is_shown = terminal.isatty()

    async def told(self, progress: float, total: float | None, message: str | None) -> None:
        """Show how far it is; what is below 1 and of unknown length is a part of the whole."""
        if not self._is_shown:
            return
        share = min(1.0, progress / total if total else progress)
        full = round(share * _WIDTH)
        text = f"[{'#' * full}{'.' * (_WIDTH - full)}] {message or ''}"
        room = shutil.get_terminal_size().columns - 1
        self._terminal.write(f"\r{text[:room]:<{room}}")
        self._terminal.flush()

    def clear(self) -> None:
        """Leave the line as it was."""
        if self._is_shown:
            self._terminal.write("\r\033[K")
            self._terminal.flush()
