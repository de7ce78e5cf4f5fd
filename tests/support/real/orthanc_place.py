"""Which Orthanc the tests start: this machine's own, or one in a folder that scripts/newer-orthancs made.

The environment variable FEDERATOR_ORTHANC_ROOT names such a folder. It takes root (chroot); what has to be seen from
inside the folder is mounted for that one process alone, so that nothing is left when it ends.
"""

import os
import shutil
from pathlib import Path

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
"""The DICOMweb plugin; it is a library, so there is no command to look for."""

_VARIABLE = "FEDERATOR_ORTHANC_ROOT"
# Debian puts daemons into /usr/sbin, which is not on everybody's path.
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Orthanc reads /proc to find itself, and devices for random numbers. It looks its computer's name up with every row of
# a list (DCMTK makes an UID): where /etc/hosts does not know the name, each row is a question to a name server.
_INSIDE = """
set -e
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/mnt"
test -e "$1/etc/hosts" || : >"$1/etc/hosts"
mount --bind /etc/hosts "$1/etc/hosts"
exec chroot "$1" /usr/bin/env LC_ALL=C.UTF-8 Orthanc /mnt/orthanc.json
"""


def missing() -> list[str]:
    """What there would have to be to start it."""
    root = _root()
    if root is None:
        return [
            *([] if _own_command() else ["Orthanc"]),
            *([] if PLUGIN.exists() else [PLUGIN.name]),
        ]
    if os.geteuid() != 0:
        return [f"root's rights, for {_VARIABLE}"]
    # A link there leads from the folder's own top, not from this machine's.
    named = [path for path in ("usr/sbin/Orthanc", str(PLUGIN.relative_to("/"))) if not os.path.lexists(root / path)]
    return [f"{root / path} (scripts/newer-orthancs makes it)" for path in named]


def seen_as(store: Path) -> Path:
    """The path under which Orthanc itself finds the folder `store`."""
    return store if _root() is None else Path("/mnt")


def command_line(store: Path) -> list[str]:
    """The command that becomes an Orthanc with `store`/orthanc.json: a signal to it reaches Orthanc."""
    root = _root()
    if root is None:
        command = _own_command()
        assert command is not None
        return [command, str(store / "orthanc.json")]
    return ["unshare", "--mount", "sh", "-c", _INSIDE, "sh", str(root), str(store)]


def _own_command() -> str | None:
    return shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def _root() -> Path | None:
    named = os.environ.get(_VARIABLE, "")
    return Path(named).resolve() if named else None
