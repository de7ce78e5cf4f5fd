"""The two places of the Windows registry that the tray looks at; empty everywhere else."""

import sys

_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"

if sys.platform == "win32":
    import winreg

    def has_machine_key(key: str) -> bool:
        """Whether a key exists for all users of this computer."""
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key):
                return True
        except OSError:
            return False

    def read_run_value(name: str) -> str | None:
        """The command that starts under this name when the user signs in."""
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                return str(winreg.QueryValueEx(key, name)[0])
        except OSError:
            return None

    def write_run_value(name: str, command: str | None) -> None:
        """Sets the command that starts under this name, None for none; raises OSError."""
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            if command is not None:
                winreg.SetValueEx(key, name, 0, winreg.REG_SZ, command)
            elif read_run_value(name) is not None:
                winreg.DeleteValue(key, name)

else:

    def has_machine_key(key: str) -> bool:  # noqa: ARG001 - the same function on Windows
        """No registry here."""
        return False

    def read_run_value(name: str) -> str | None:  # noqa: ARG001 - the same function on Windows
        """No registry here."""
        return None

    def write_run_value(name: str, command: str | None) -> None:
        """No registry here: an OSError, as for a registry that may not be written."""
        raise OSError(0, "there is no registry here", f"{name}={command}")
